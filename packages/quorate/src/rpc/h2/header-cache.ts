import type { RequestHead } from "./request-head.ts";

/**
 * The last few header blocks of a connection with what they mean. A client's requests mostly differ
 * in nothing, and their blocks are then the same few bytes, all of them references to the dynamic
 * table.
 *
 * @invariant An entry is used only while the table is as it was: with the generation it was made
 * in. Only blocks that change the table in no way may be kept.
 */
export class HeaderCache {
  readonly #entries: Entry[] = [];
  #generation = -1;
  #oldest = 0;

  /** What the bytes from `start` to `end` mean, if they came before. */
  find(bytes: Uint8Array, start: number, end: number, generation: number): RequestHead | null {
    if (generation !== this.#generation) return null;
    for (const entry of this.#entries) {
      if (isSame(entry.block, bytes, start, end)) return entry.head;
    }
    return null;
  }

  /** Keeps a block that was decoded without a change of the table. */
  add(bytes: Uint8Array, start: number, end: number, generation: number, head: RequestHead): void {
    if (end - start > blockBytesMax) return;
    if (generation !== this.#generation) {
      this.#entries.length = 0;
      this.#oldest = 0;
      this.#generation = generation;
    }
    this.#entries[this.#oldest] = { block: Uint8Array.from(bytes.subarray(start, end)), head };
    this.#oldest = (this.#oldest + 1) % entriesMax;
  }
}

interface Entry {
  readonly block: Uint8Array;
  readonly head: RequestHead;
}

/** A client that works calls few methods at a time. */
const entriesMax = 4;
/** Longer ones are not worth comparing. */
const blockBytesMax = 256;

function isSame(block: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (block.length !== end - start) return false;
  for (let i = 0; i < block.length; i++) {
    if (block[i] !== bytes[start + i]) return false;
  }
  return true;
}
