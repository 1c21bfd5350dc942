/** What recovery and the running log share: where everything is, and how it is written. */
import type { Crc32 } from "../../base/index.ts";
import type { Disk, DiskFile } from "../../ports/index.ts";
import { openFile, pathIn, replaceFile } from "../files.ts";
import type { DirectoryIdentity } from "../identity.ts";
import { perform, type Task } from "../task.ts";
import { encodeSegmentHeader, type SegmentHeader, segmentFileName } from "./segment-header.ts";

export interface LogDirectory {
  readonly disk: Disk;
  readonly crc32: Crc32;
  readonly directory: string;
  readonly identity: DirectoryIdentity;
  /** Sectors that cannot be read are damage, which may be repaired; else an error of the disk. */
  readonly salvages?: boolean;
}

/**
 * Creates a segment with its header, durable with its name before anything is put in it, and opens
 * it.
 */
export function* createSegment(log: LogDirectory, header: SegmentHeader): Task<DiskFile> {
  const name = segmentFileName(header.segment);
  const bytes = encodeSegmentHeader(header, log.identity, log.crc32);
  yield* replaceFile(log.disk, log.directory, name, bytes);
  return yield* openFile(log.disk, pathIn(log.directory, name), "existing");
}

/**
 * Removes segments, oldest first. The start of the log is durable behind them by now, so a crash in
 * between leaves files that mean nothing.
 */
export function* removeSegments(log: LogDirectory, names: readonly string[]): Task<void> {
  if (names.length === 0) return;
  for (const name of [...names].sort()) {
    yield* perform((done) => log.disk.remove(pathIn(log.directory, name), done));
  }
  yield* perform((done) => log.disk.syncDirectory(log.directory, done));
}

/** Whether the disk is full, the one failure under which a log can still be opened and read. */
export function isNoSpace(code: string): boolean {
  return code === "ENOSPC" || code === "EDQUOT";
}
