/** Blocks of bytes in a file, so that frontier and predecessors need no memory. */
import { closeSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import type { BlockStore } from "../../../packages/raft/src/sim/explorer/index.ts";

/** Where a block lies. */
interface Extent {
  readonly offset: number;
  readonly length: number;
}

/** A store in a file, which is made with the first block. */
export interface FileBlockStore extends BlockStore {
  close(): void;
}

export function createFileBlockStore(path: string): FileBlockStore {
  let extents: Extent[] = [];
  let end = 0;
  let file: number | null = null;
  return {
    get count(): number {
      return extents.length;
    },
    append(block) {
      file ??= openSync(path, "w+");
      writeAll(file, block, end);
      extents.push({ offset: end, length: block.length });
      end += block.length;
    },
    read(index) {
      const extent = extents[index];
      if (extent === undefined || file === null) throw new Error(`${path} has no block ${index}`);
      const block = new Uint8Array(extent.length);
      readAll(file, block, extent.offset);
      return block;
    },
    release() {},
    clear() {
      if (file !== null) ftruncateSync(file, 0);
      extents = [];
      end = 0;
    },
    close() {
      if (file !== null) closeSync(file);
      file = null;
    },
  };
}

/** Writes all bytes at a position. */
export function writeAll(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, position + done);
  }
}

/** Fills `bytes` from a position. */
export function readAll(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(file, bytes, done, bytes.length - done, position + done);
    if (count === 0) throw new Error(`A file ends at ${position + done}: bytes are missing`);
    done += count;
  }
}
