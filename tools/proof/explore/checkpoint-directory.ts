/**
 * A checkpoint in a directory: `header.json`, and for each section a file of blocks, each after its
 * length and its CRC-32 (both 32 bits, little-endian). A new one takes the place of the old one
 * only when it is whole.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { crc32 } from "../../../packages/raft/src/base/index.ts";
import {
  CheckpointError,
  type CheckpointHeader,
  type CheckpointReader,
  type CheckpointSection,
  checkpointSections,
  type Exploration,
} from "../../../packages/raft/src/sim/explorer/index.ts";
import { readAll, writeAll } from "./file-blocks.ts";

const headerName = "header.json";
const frameBytes = 8;

/** Whether a checkpoint may be written there: nothing else may be lost. */
export function isCheckpointPlace(directory: string): boolean {
  if (!existsSync(directory)) return true;
  return existsSync(join(directory, headerName)) || readdirSync(directory).length === 0;
}

/** Writes a checkpoint; what was in the directory before is gone then. */
export function writeCheckpoint(directory: string, exploration: Exploration): void {
  if (!isCheckpointPlace(directory)) {
    throw new CheckpointError(`Cannot write a checkpoint: ${directory} holds something else`);
  }
  const fresh = `${directory}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  const files = new Map<CheckpointSection, { readonly file: number; end: number }>();
  for (const section of checkpointSections) {
    files.set(section, { file: openSync(join(fresh, `${section}.bin`), "w"), end: 0 });
  }
  let header: CheckpointHeader | null = null;
  exploration.save({
    header(given) {
      header = given;
    },
    block(section, block) {
      const at = files.get(section);
      if (at === undefined) throw new CheckpointError(`No file for section ${section}`);
      const frame = new DataView(new ArrayBuffer(frameBytes));
      frame.setUint32(0, block.length, true);
      frame.setUint32(4, crc32(block), true);
      writeAll(at.file, new Uint8Array(frame.buffer), at.end);
      writeAll(at.file, block, at.end + frameBytes);
      at.end += frameBytes + block.length;
    },
  });
  for (const { file } of files.values()) {
    fsyncSync(file);
    closeSync(file);
  }
  writeFileSync(join(fresh, headerName), `${JSON.stringify(header, null, 2)}\n`, { flush: true });
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(dirname(directory), { recursive: true });
  renameSync(fresh, directory);
}

/** Opens a checkpoint. @throws CheckpointError if there is none, or when a block is damaged */
export function readCheckpoint(directory: string): CheckpointReader {
  const path = join(directory, headerName);
  if (!existsSync(path)) {
    throw new CheckpointError(`Cannot resume: ${directory} has no checkpoint (no ${headerName})`);
  }
  return {
    // Written by writeCheckpoint; what matters of it is checked against the blocks and the model.
    header: JSON.parse(readFileSync(path, "utf8")) as CheckpointHeader,
    blocks: (section) => readBlocks(join(directory, `${section}.bin`)),
  };
}

function* readBlocks(path: string): IterableIterator<Uint8Array> {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const frame = new DataView(new ArrayBuffer(frameBytes));
    for (let at = 0; at < size; ) {
      readAll(file, new Uint8Array(frame.buffer), at);
      const length = frame.getUint32(0, true);
      if (at + frameBytes + length > size) {
        throw new CheckpointError(`Cannot resume: ${path} ends within the block at ${at}`);
      }
      const block = new Uint8Array(length);
      readAll(file, block, at + frameBytes);
      if (crc32(block) !== frame.getUint32(4, true)) {
        throw new CheckpointError(`Cannot resume: ${path} is damaged in the block at ${at}`);
      }
      yield block;
      at += frameBytes + length;
    }
  } finally {
    closeSync(file);
  }
}
