/**
 * Where the explorer puts what is too much for the heap: blocks of bytes, appended and read back by
 * number. In memory here; a command may give one that lies in a file.
 */
import { assert } from "../../base/index.ts";

/** Blocks of bytes in the order they came. */
export interface BlockStore {
  /** How many were appended since the last `clear`. */
  readonly count: number;
  /** Keeps a copy. */
  append(block: Uint8Array): void;
  /** Block number `index`, from 0, not released; the bytes stay as they are. */
  read(index: number): Uint8Array;
  /** The blocks before `index` will not be read again. */
  release(index: number): void;
  /** Forgets all blocks. */
  clear(): void;
}

/** Opens a store by its name (each name once an exploration). */
export type OpenBlockStore = (name: "frontier-a" | "frontier-b" | "predecessors") => BlockStore;

/** A store in memory. */
export function createMemoryBlockStore(): BlockStore {
  let blocks: (Uint8Array | null)[] = [];
  let released = 0;
  return {
    get count(): number {
      return blocks.length;
    },
    append(block) {
      blocks.push(block.slice());
    },
    read(index) {
      const block = blocks[index] ?? null;
      assert(block !== null, "BlockStore: only blocks that are kept are read");
      return block;
    },
    release(index) {
      for (; released < index && released < blocks.length; released++) blocks[released] = null;
    },
    clear() {
      blocks = [];
      released = 0;
    },
  };
}
