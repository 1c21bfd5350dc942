/**
 * A world as bytes: its three members, its history, its messages (sorted, each once). Of the six
 * worlds that differ only in who is who, one stands for all: the one whose members' hashes come
 * first, and among equals the one whose bytes come first.
 */
import type { Bounds } from "./bounds.ts";
import { memberCount } from "./bounds.ts";
import { ByteTable } from "./byte-table.ts";
import { decodeHistory, encodeHistory, type History } from "./history.ts";
import type { MemberSteps } from "./member-steps.ts";
import { messageBytes, readValue, writeValue } from "./messages.ts";
import {
  isMirror,
  moveCount,
  placeAfter,
  placeBefore,
  placesAfter,
  placesBefore,
} from "./places.ts";

/** Everything by number. */
export interface World {
  readonly members: Int32Array;
  history: number;
  /** Messages that were ever sent: `post * 3 + the sender's place`, ascending by content. */
  net: Int32Array;
  netCount: number;
}

export function createWorld(): World {
  return { members: new Int32Array(memberCount), history: 0, net: new Int32Array(64), netCount: 0 };
}

/** Bytes of a world at most. */
const worldBytesMax = 1 << 14;

export class WorldCodec {
  readonly #bounds: Bounds;
  readonly #steps: MemberSteps;
  readonly #historyTable = new ByteTable();
  readonly #histories: History[] = [];
  /** `history * 6 + move`: the moved history, -1 while unknown. */
  #moved: Int32Array = new Int32Array(moveCount * 1024).fill(-1);
  readonly #scratch = new Uint8Array(1024);
  #best = new Uint8Array(worldBytesMax);
  #other = new Uint8Array(worldBytesMax);
  /** Content of each message of `net` in order, for sorting. */
  #values = new Float64Array(256);
  readonly #keys = new Float64Array(moveCount);
  /** Where members change, nobody is like another: the world stands for itself. */
  readonly #moveCount: number;

  constructor(bounds: Bounds, steps: MemberSteps) {
    this.#bounds = bounds;
    this.#steps = steps;
    this.#moveCount = bounds.changes === undefined ? moveCount : 1;
  }

  get historyCount(): number {
    return this.#histories.length;
  }

  history(id: number): History {
    const history = this.#histories[id];
    if (history === undefined) throw new RangeError(`There is no history ${id}`);
    return history;
  }

  internHistory(history: History, move = 0): number {
    const before = (place: number): number => placeBefore(move, place);
    const after = (place: number): number => placeAfter(move, place);
    const length = encodeHistory(history, before, after, this.#scratch);
    return this.#internHistory(this.#scratch, 0, length);
  }

  #internHistory(bytes: Uint8Array, from: number, to: number): number {
    const id = this.#historyTable.intern(bytes, from, to);
    if (id === this.#histories.length) {
      this.#histories.push(decodeHistory(bytes.subarray(from, to), this.#bounds));
      if (this.#histories.length * moveCount > this.#moved.length) {
        const larger = new Int32Array(this.#moved.length * 2).fill(-1);
        larger.set(this.#moved);
        this.#moved = larger;
      }
    }
    return id;
  }

  #moveHistory(id: number, move: number): number {
    if (move === 0) return id;
    const known = this.#moved[id * moveCount + move] ?? -1;
    if (known >= 0) return known;
    const moved = this.internHistory(this.history(id), move);
    this.#moved[id * moveCount + move] = moved;
    return moved;
  }

  /** Reads the bytes of `encode` into `world`. */
  decode(bytes: Uint8Array, world: World): void {
    let at = 0;
    for (let place = 0; place < memberCount; place++) {
      const length = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
      world.members[place] = this.#steps.intern(bytes, at + 2, at + 2 + length);
      at += 2 + length;
    }
    const length = bytes[at] ?? 0;
    world.history = this.#internHistory(bytes, at + 1, at + 1 + length);
    at += 1 + length;
    const count = (bytes.length - at) / messageBytes;
    if (world.net.length < count) world.net = new Int32Array(count * 2);
    world.netCount = count;
    for (let i = 0; i < count; i++) {
      const value = readValue(bytes, at);
      const from = value % 3;
      world.net[i] = this.#steps.messages.intern((value - from) / 3) * 3 + from;
      at += messageBytes;
    }
  }

  /** The canonical bytes of `world`: a view, valid until the next call. */
  encode(world: World): Uint8Array {
    const first = this.#firstMove(world);
    let length = this.#write(world, first, this.#best);
    for (let move = first + 1; move < this.#moveCount; move++) {
      if (!this.#ties(world, first, move)) continue;
      const otherLength = this.#write(world, move, this.#other);
      if (compare(this.#other, otherLength, this.#best, length) >= 0) continue;
      [this.#best, this.#other] = [this.#other, this.#best];
      length = otherLength;
    }
    return this.#best.subarray(0, length);
  }

  /** Who comes to `place`, seen as it is seen there. */
  #memberAt(world: World, move: number, place: number): number {
    const id = world.members[placesBefore[move * 3 + place] ?? 0] ?? 0;
    return isMirror(move) ? this.#steps.mirror(id) : id;
  }

  /** The first of the moves whose members' hashes are the least. */
  #firstMove(world: World): number {
    const keys = this.#keys;
    const { members } = this.#steps;
    let best = 0;
    for (let move = 0; move < this.#moveCount; move++) {
      keys[move] = members.key(this.#memberAt(world, move, 0));
      if (move > 0 && this.#compareMoves(world, move, best) < 0) best = move;
    }
    return best;
  }

  #compareMoves(world: World, a: number, b: number): number {
    const difference = (this.#keys[a] ?? 0) - (this.#keys[b] ?? 0);
    if (difference !== 0) return difference;
    const { members } = this.#steps;
    for (let place = 1; place < memberCount; place++) {
      const keyA = members.key(this.#memberAt(world, a, place));
      const keyB = members.key(this.#memberAt(world, b, place));
      if (keyA !== keyB) return keyA - keyB;
    }
    return 0;
  }

  #ties(world: World, first: number, move: number): boolean {
    return this.#keys[first] === this.#keys[move] && this.#compareMoves(world, first, move) === 0;
  }

  #write(world: World, move: number, bytes: Uint8Array): number {
    const { members } = this.#steps;
    let at = 0;
    for (let place = 0; place < memberCount; place++) {
      const id = this.#memberAt(world, move, place);
      const length = members.length(id);
      bytes[at] = length;
      bytes[at + 1] = length >> 8;
      at = members.copy(id, bytes, at + 2);
    }
    const history = this.#moveHistory(world.history, move);
    bytes[at] = this.#historyTable.length(history);
    at = this.#historyTable.copy(history, bytes, at + 1);
    return this.#writeNet(world, move, bytes, at);
  }

  /** Sorted: a move changes the lowest digits only, so there is little to do. */
  #writeNet(world: World, move: number, bytes: Uint8Array, start: number): number {
    const { messages } = this.#steps;
    const { net, netCount } = world;
    if (this.#values.length < netCount) this.#values = new Float64Array(netCount * 2);
    const values = this.#values;
    const mirrors = isMirror(move);
    for (let i = 0; i < netCount; i++) {
      const id = net[i] ?? 0;
      const from = id % 3;
      const post = (id - from) / 3;
      const value =
        messages.value(mirrors ? messages.mirror(post) : post) * 3 +
        (placesAfter[move * 3 + from] ?? 0);
      let to = i;
      for (; to > 0 && (values[to - 1] ?? 0) > value; to--) values[to] = values[to - 1] ?? 0;
      values[to] = value;
    }
    let at = start;
    for (let i = 0; i < netCount; i++) {
      writeValue(bytes, at, values[i] ?? 0);
      at += messageBytes;
    }
    return at;
  }
}

function compare(a: Uint8Array, aLength: number, b: Uint8Array, bLength: number): number {
  const length = Math.min(aLength, bLength);
  for (let at = 0; at < length; at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return aLength - bLength;
}
