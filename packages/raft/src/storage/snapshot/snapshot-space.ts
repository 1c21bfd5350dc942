/** What all parts of this folder share: where snapshots lie, and how they are read and written. */
import type { Crc32 } from "../../base/index.ts";
import type { Clock, Disk, DiskFile } from "../../ports/index.ts";
import { pathIn, temporarySuffix } from "../files.ts";
import { perform, type Task } from "../task.ts";
import { type SnapshotDescription, snapshotBlockBytes } from "./snapshot-format.ts";

export interface SnapshotSpace {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly crc32: Crc32;
  readonly directory: string;
  /** 16 hex digits; part of every snapshot. */
  readonly clusterId: string;
}

/** A whole snapshot under a temporary name, synced: nothing rests on it until it is installed. */
export interface SealedSnapshot {
  readonly description: SnapshotDescription;
  /** The file; only the store that made it may move it. */
  readonly temporaryPath: string;
}

/** Blocks that are read or written at once: 1 MiB, which is what a reader or a writer holds. */
export const blocksAtOnce = 16;

/**
 * Bytes after which a growing snapshot is synced: what is written at once, so that the log's own
 * syncs wait behind no more of somebody else's pages than that (0064 has what it saves).
 */
export const syncEveryBytes: number = blocksAtOnce * snapshotBlockBytes;

/** The name of a snapshot that is not whole yet; `attempt` tells those of one process apart. */
export function temporaryPath(space: SnapshotSpace, index: number, attempt: number): string {
  const name = `snapshot-${String(index).padStart(16, "0")}.${attempt}${temporarySuffix}`;
  return pathIn(space.directory, name);
}

/** Gives back what an unfinished snapshot took. Whatever fails here, the reason was another. */
export function* discardFile(
  space: SnapshotSpace,
  path: string,
  file: DiskFile | null,
): Task<void> {
  if (file !== null) yield* perform((done) => file.close(() => done(null)));
  yield* perform((done) => space.disk.remove(path, () => done(null)));
}
