/**
 * The state of a typed machine as a stream of bytes: written and read in small steps, so that a
 * state of any size and depth takes no long pause, no second copy and no deep stack. The bytes of
 * values are those of `value-codec.ts`, holes of arrays apart; `docs/formats.md` has both. What is
 * read is checked to be what would be written again. Called by `reducer-snapshots.ts`.
 */
import { assert, type ByteWriter, FormatError } from "../base/index.ts";
import type { ByteFeed, Parser } from "./byte-feed.ts";
import { setOwn } from "./draft-container.ts";
import { containerKind, isObject } from "./draft-scope.ts";
import { readSimple, tags, writeSimple } from "./value-codec.ts";

/** A hole in an array. @invariant not one of `tags` */
const holeTag = 15;

// --- writing -------------------------------------------------------------------------------------

const ended: unique symbol = Symbol("ended");
const hole: unique symbol = Symbol("hole");

/** A container that is being written: writes the key of the next value, if any, and gives it. */
type Frame = (writer: ByteWriter) => unknown;

/** Writes a state that nobody changes meanwhile. */
export class StateWalk {
  readonly #frames: Frame[] = [];
  #root: object | null;

  constructor(root: object) {
    this.#root = root;
  }

  /** Writes one value, or the head of one that holds others; false after the last. */
  step(writer: ByteWriter): boolean {
    if (this.#root !== null) {
      this.#open(writer, this.#root);
      this.#root = null;
      return true;
    }
    const frame = this.#frames.at(-1);
    if (frame === undefined) return false;
    const value = frame(writer);
    if (value === ended) this.#frames.pop();
    else if (value === hole) writer.u8(holeTag);
    else if (isObject(value)) this.#open(writer, value);
    else writeSimple(writer, value);
    return this.#frames.length > 0;
  }

  #open(writer: ByteWriter, value: object): void {
    const kind = containerKind(value);
    // `containerKind` has looked at the prototype
    if (kind === "array") this.#frames.push(openArray(writer, value as readonly unknown[]));
    else if (kind === "map") {
      this.#frames.push(openMap(writer, value as ReadonlyMap<unknown, unknown>));
    } else if (kind === "set") this.#frames.push(openSet(writer, value as ReadonlySet<unknown>));
    else {
      assert(kind === "object", "a state holds nothing but plain data");
      this.#frames.push(openObject(writer, value as Readonly<Record<string, unknown>>));
    }
  }
}

function openArray(writer: ByteWriter, list: readonly unknown[]): Frame {
  writer.u8(tags.array).u32(list.length);
  let at = 0;
  return () => {
    if (at === list.length) return ended;
    const value = list[at];
    const isHole = value === undefined && !(at in list);
    at++;
    return isHole ? hole : value;
  };
}

function openMap(writer: ByteWriter, map: ReadonlyMap<unknown, unknown>): Frame {
  writer.u8(tags.map).u32(map.size);
  const entries = map.entries();
  return (into) => {
    const { done, value } = entries.next();
    if (done === true) return ended;
    writeSimple(into, value[0]);
    return value[1];
  };
}

function openSet(writer: ByteWriter, set: ReadonlySet<unknown>): Frame {
  writer.u8(tags.set).u32(set.size);
  const members = set.values();
  return () => {
    const { done, value } = members.next();
    return done === true ? ended : value;
  };
}

function openObject(writer: ByteWriter, object: Readonly<Record<string, unknown>>): Frame {
  const keys = Object.keys(object);
  const isBare = Object.getPrototypeOf(object) === null;
  writer.u8(isBare ? tags.bareObject : tags.object).u32(keys.length);
  let at = 0;
  return (into) => {
    const key = keys[at++];
    if (key === undefined) return ended;
    writeSimple(into, key);
    return object[key];
  };
}

// --- reading -------------------------------------------------------------------------------------

/** A container that is being filled. */
interface Filler {
  left: number;
  /** Takes a value, or what `isHole` says is a hole in its place. @throws FormatError */
  add(value: unknown, isHole: boolean): void;
}

/** Reads a state, the same that was written: order of keys, holes and prototypes included. */
export function* parseState(feed: ByteFeed): Parser<object> {
  const fillers: Filler[] = [];
  let root: object | null = null;
  while (root === null || fillers.length > 0) {
    for (let bytes = missingFrom(feed); bytes > 0; bytes = missingFrom(feed)) yield bytes;
    const tag = feed.peek(0);
    if (isContainerTag(tag)) {
      const { object, filler } = openContainer(tag, feed);
      if (root === null) root = object;
      else place(fillers, object, false);
      fillers.push(filler);
    } else if (root === null) {
      throw new FormatError(`the state is a value of kind ${tag}, no object`);
    } else if (tag === holeTag) {
      feed.reader.u8();
      place(fillers, undefined, true);
    } else {
      place(fillers, readSimple(feed.reader), false);
    }
    while (fillers.at(-1)?.left === 0) fillers.pop();
  }
  return root;
}

/**
 * 0 if a simple value is there as a whole, or the head of one that holds others; else how many
 * bytes are needed to go on.
 */
function missingFrom(feed: ByteFeed): number {
  if (!feed.has(1)) return 1;
  const tag = feed.peek(0);
  const headBytes = headBytesOf(tag);
  if (!feed.has(headBytes)) return headBytes;
  if (tag < tags.string || isContainerTag(tag) || tag === holeTag) return 0;
  const bytes = headBytes + feed.peekU32(1) * (tag === tags.brokenString ? 2 : 1);
  return feed.has(bytes) ? 0 : bytes;
}

/** Bytes that say how long the value is, or are all of it. */
function headBytesOf(tag: number): number {
  if (tag === tags.number) return 9;
  if (tag < tags.string || tag === holeTag) return 1;
  if (tag === tags.bytes || tag > holeTag) throw new FormatError(`no state holds a value ${tag}`);
  return 5;
}

function isContainerTag(tag: number): boolean {
  return tag >= tags.array && tag <= tags.bareObject;
}

function place(fillers: readonly Filler[], value: unknown, isHole: boolean): void {
  const filler = fillers.at(-1);
  assert(filler !== undefined, "what follows the root belongs into something");
  filler.add(value, isHole);
}

function openContainer(tag: number, feed: ByteFeed): { object: object; filler: Filler } {
  feed.reader.u8();
  const count = feed.reader.u32();
  switch (tag) {
    case tags.array:
      return fillArray(count);
    case tags.map:
      return fillMap(count);
    case tags.set:
      return fillSet(count);
    default:
      return fillObject(count, tag === tags.bareObject ? Object.create(null) : {});
  }
}

function fillArray(count: number): { object: object; filler: Filler } {
  const list: unknown[] = [];
  const filler: Filler = {
    left: count,
    add: (value, isHole) => {
      filler.left--;
      if (isHole) list.length++;
      else list.push(value);
    },
  };
  return { object: list, filler };
}

function fillMap(count: number): { object: object; filler: Filler } {
  const map = new Map<unknown, unknown>();
  let key: unknown;
  let hasKey = false;
  const filler: Filler = {
    left: count,
    add: (value, isHole) => {
      if (hasKey) {
        if (isHole) throw new FormatError("a hole outside of an array");
        map.set(key, value);
        filler.left--;
      } else {
        checkKey(value, isHole, map);
        key = value;
      }
      hasKey = !hasKey;
    },
  };
  return { object: map, filler };
}

function fillSet(count: number): { object: object; filler: Filler } {
  const set = new Set<unknown>();
  const filler: Filler = {
    left: count,
    add: (value, isHole) => {
      checkKey(value, isHole, set);
      set.add(value);
      filler.left--;
    },
  };
  return { object: set, filler };
}

function checkKey(
  key: unknown,
  isHole: boolean,
  known: ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>,
): void {
  if (isHole || isObject(key) || Object.is(key, -0)) {
    throw new FormatError("a key of a map, or a member of a set, is none that a state has");
  }
  if (known.has(key)) throw new FormatError(`the key ${String(key)} comes twice`);
}

function fillObject(count: number, object: Record<string, unknown>) {
  const order = new KeyOrder();
  let key: string | null = null;
  const filler: Filler = {
    left: count,
    add: (value, isHole) => {
      if (isHole) throw new FormatError("a hole outside of an array");
      if (key !== null) {
        setOwn(object, key, value);
        key = null;
        filler.left--;
        return;
      }
      if (typeof value !== "string") throw new FormatError("a key of an object is no string");
      if (Object.hasOwn(object, value)) throw new FormatError(`the key "${value}" comes twice`);
      order.check(value);
      key = value;
    },
  };
  return { object, filler };
}

const indexMax = 0xffff_fffe;

/** Objects list keys that are array indexes first, ascending, in whatever order they were set. */
class KeyOrder {
  /** The last index; infinity behind the first other key. */
  #last = -1;

  check(key: string): void {
    const index = /^(0|[1-9]\d{0,9})$/.test(key) ? Number(key) : Number.POSITIVE_INFINITY;
    if (index > indexMax) {
      this.#last = Number.POSITIVE_INFINITY;
      return;
    }
    if (index <= this.#last) throw new FormatError(`the key "${key}" is out of its order`);
    this.#last = index;
  }
}
