/**
 * The states of one level of the search that are still to be expanded, in the order they were
 * found, and those of the next level. Each state is its bytes after their number (a varint); a
 * state may not span two blocks. The explorer owns it.
 */
import { assert } from "../../base/index.ts";
import type { BlockStore } from "./block-store.ts";

/** Bytes of a block: large enough that writing one to a file costs little for each state. */
const blockBytes = 1 << 20;
/** Bytes of a state: three varint bytes, far above any model. */
const stateBytesMax = blockBytes - 8;
const noBytes = new Uint8Array(0);

/** Collects states into blocks of a store. */
class StateWriter {
  readonly store: BlockStore;
  count = 0;
  #block = new Uint8Array(blockBytes);
  #used = 0;

  constructor(store: BlockStore) {
    this.store = store;
  }

  push(state: Uint8Array): void {
    const { length } = state;
    assert(length <= stateBytesMax, "Frontier: a state fits into a block");
    if (this.#used + length + 3 > blockBytes) this.flush();
    const block = this.#block;
    let at = this.#used;
    let rest = length;
    for (; rest > 0x7f; rest >>>= 7) block[at++] = (rest & 0x7f) | 0x80;
    block[at++] = rest;
    block.set(state, at);
    this.#used = at + length;
    this.count++;
  }

  /** What was pushed is in the store after this. */
  flush(): void {
    if (this.#used > 0) this.store.append(this.#block.subarray(0, this.#used));
    this.#used = 0;
  }
}

/** The level under way and the next one. */
export class Frontier {
  #current: BlockStore;
  #writer: StateWriter;
  #blockIndex = 0;
  #block: Uint8Array = noBytes;
  #at = 0;

  constructor(first: BlockStore, second: BlockStore) {
    this.#current = first;
    this.#writer = new StateWriter(second);
  }

  /** States of the next level so far. */
  get nextCount(): number {
    return this.#writer.count;
  }

  /** Puts a state into the next level. */
  push(state: Uint8Array): void {
    this.#writer.push(state);
  }

  /** The next state of the level under way, valid until the next call; null at its end. */
  take(): Uint8Array | null {
    while (this.#at === this.#block.length) {
      if (this.#blockIndex === this.#current.count) return null;
      this.#current.release(this.#blockIndex);
      this.#block = this.#current.read(this.#blockIndex++);
      this.#at = 0;
    }
    const block = this.#block;
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = block[this.#at++] as number; // a length and its state lie in one block
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    const from = this.#at;
    this.#at = from + length;
    return block.subarray(from, this.#at);
  }

  /** The level under way is done: the next one takes its place. */
  turn(): void {
    const done = this.#current;
    this.#writer.flush();
    this.#current = this.#writer.store;
    done.clear();
    this.#writer = new StateWriter(done);
    this.#blockIndex = 0;
    this.#block = noBytes;
    this.#at = 0;
  }

  /** The blocks with what `take` has still to give. */
  *remainingBlocks(): IterableIterator<Uint8Array> {
    if (this.#at < this.#block.length) yield this.#block.slice(this.#at);
    for (let index = this.#blockIndex; index < this.#current.count; index++) {
      yield this.#current.read(index);
    }
  }

  /** The blocks of the next level so far. */
  *nextBlocks(): IterableIterator<Uint8Array> {
    const { store } = this.#writer;
    this.#writer.flush();
    for (let index = 0; index < store.count; index++) yield store.read(index);
  }

  /**
   * Takes back, into an empty frontier, a block that `remainingBlocks` gave.
   *
   * @returns the number of states in it
   */
  addRemainingBlock(block: Uint8Array): number {
    this.#current.append(block);
    return countStates(block);
  }

  /** Takes back, into an empty frontier, a block that `nextBlocks` gave. */
  addNextBlock(block: Uint8Array): void {
    this.#writer.store.append(block);
    this.#writer.count += countStates(block);
  }
}

function countStates(block: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < block.length; count++) {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = block[at++] ?? 0;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    at += length;
  }
  return count;
}
