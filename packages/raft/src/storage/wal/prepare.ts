/**
 * Makes a log that was read fit to promise on: what may be in the page cache only is written again
 * and synced, and an unfinished or unreadable last write is taken out of the way. Changes nothing
 * of a log that was closed in order.
 */
import type { DiskFile } from "../../ports/index.ts";
import { closeFile, openFile, pathIn, replaceFile, writeSynced } from "../files.ts";
import { toStorageError } from "../storage-errors.ts";
import { perform, type Task } from "../task.ts";
import {
  createHardStateCopy,
  encodeHardState,
  type HardStateFiles,
  hardStateFileNames,
  type NumberedHardState,
  writeHardState,
} from "./hard-state-files.ts";
import { isNoSpace, type LogDirectory, removeSegments } from "./log-directory.ts";
import { encodeLogEnd, type LogEnd, logEndFileName, logEndOffset } from "./log-end.ts";
import { lastUnitBytes, type ReadLog, type StaleCopy } from "./read-log.ts";
import { segmentFileName } from "./segment-header.ts";

/** The files of a running log, open. */
export interface PreparedLog {
  readonly hardStateFiles: HardStateFiles;
  readonly hardState: NumberedHardState;
  readonly logEndFile: DiskFile;
  /** The newest witness on disk; null for none. */
  readonly logEnd: LogEnd | null;
  /**
   * The disk is full: the tail still lies in the last segment and goes before anything is written.
   */
  readonly isRepairPending: boolean;
  /** Where an unreadable tail was kept; null if there was none or it is still in its place. */
  readonly suspectFile: string | null;
}

/** @throws DiskError; a full disk is no error if everything that is needed could be read. */
export function* prepareLog(
  log: LogDirectory,
  read: ReadLog,
  warn: (text: string) => void,
): Task<PreparedLog> {
  const { disk, directory } = log;
  const { hardStateFiles, hardState } = yield* prepareHardState(log, read);
  yield* rewriteLastUnit(log, read);
  yield* perform((done) => disk.syncDirectory(directory, done));
  yield* removeSegments(log, read.leftovers);
  const logEndFile = yield* openFile(disk, pathIn(directory, logEndFileName), "existing");
  const logEnd = read.isWitnessDamaged
    ? yield* rewriteLogEnd(log, read, hardState, logEndFile)
    : read.witness;
  let isRepairPending = read.last.tail.kind !== "clean";
  let suspectFile: string | null = null;
  if (isRepairPending) {
    try {
      suspectFile = yield* repairTail(log, read);
      isRepairPending = false;
    } catch (error) {
      const failure = toStorageError(error as Error); // runTask throws nothing but errors
      if (!isNoSpace(failure.systemCode)) throw error;
      warn(`${failure.message}; the log can be read, and is repaired when there is space to write`);
    }
  }
  return { hardStateFiles, hardState, logEndFile, logEnd, isRepairPending, suspectFile };
}

/**
 * First the copy that is behind, so that there is a sound one at every moment; then, if the last
 * end was not in order, both again: the one that was read may not be on disk. An unreadable tail is
 * written down as `mustCatchUp` before it is touched.
 */
function* prepareHardState(
  log: LogDirectory,
  read: ReadLog,
): Task<{ readonly hardStateFiles: HardStateFiles; readonly hardState: NumberedHardState }> {
  const { identity, crc32 } = log;
  const hardStateFiles = yield* mendHardState(log, read.staleCopies, read.hardState);
  const { sequence, state } = read.hardState;
  const isUnknown = read.last.tail.kind === "unknown" && !state.mustCatchUp;
  const hardState = isUnknown
    ? { sequence: sequence + 1, state: { ...state, mustCatchUp: true } }
    : read.hardState;
  if ((read.witness?.hardStateSequence ?? 0) < hardState.sequence) {
    yield* writeHardState(hardStateFiles, hardState, identity, crc32);
  }
  return { hardStateFiles, hardState };
}

/** Brings the copies that are behind up to the newest, and opens both. */
export function* mendHardState(
  { disk, directory, identity, crc32 }: LogDirectory,
  staleCopies: readonly StaleCopy[],
  hardState: NumberedHardState,
): Task<HardStateFiles> {
  const paths = hardStateFileNames.map((name) => pathIn(directory, name));
  for (const { copy, isMissing } of staleCopies) {
    if (isMissing) {
      yield* createHardStateCopy(disk, directory, copy, hardState, identity, crc32);
      continue;
    }
    const file = yield* openFile(disk, paths[copy] ?? "", "existing");
    yield* writeSynced(file, 0, encodeHardState(copy, hardState, identity, crc32));
    yield* closeFile(file);
  }
  const first = yield* openFile(disk, paths[0] ?? "", "existing");
  const second = yield* openFile(disk, paths[1] ?? "", "existing");
  return [first, second];
}

/**
 * After a failed sync the system may show the data and call it clean: syncing again proves nothing,
 * it has to be written again. That can only concern the last unit, for the one before was synced
 * before this was begun. It is written over itself, byte for byte: this needs no space, and a crash
 * in the middle changes nothing.
 */
function* rewriteLastUnit(log: LogDirectory, read: ReadLog): Task<void> {
  const bytes = lastUnitBytes(read);
  if (bytes === null || read.lastUnit === null) return;
  if ((read.witness?.unit ?? 0) >= read.lastUnit.number) return;
  const file = yield* openFile(log.disk, read.last.file, "existing");
  yield* writeSynced(file, read.lastUnit.offset, bytes);
  yield* closeFile(file);
}

/** Both blocks, one after the other. */
function* rewriteLogEnd(
  log: LogDirectory,
  read: ReadLog,
  hardState: NumberedHardState,
  file: DiskFile,
): Task<LogEnd> {
  const { chain, last } = read;
  let logEnd: LogEnd = {
    sequence: read.witness?.sequence ?? 0,
    unit: chain.unit,
    unitChecksum: chain.checksum,
    segment: last.header.segment,
    offset: last.endOffset,
    hardStateSequence: hardState.sequence,
    commit: read.commit,
  };
  for (let block = 0; block < 2; block++) {
    logEnd = { ...logEnd, sequence: logEnd.sequence + 1 };
    const bytes = encodeLogEnd(logEnd, log.identity, log.crc32);
    yield* writeSynced(file, logEndOffset(logEnd.sequence), bytes);
  }
  return logEnd;
}

/**
 * Takes the tail out of the last segment: an unreadable one is first kept in a file of its own;
 * then the sound part is copied into a new file, synced, and renamed over. Returns the name of the
 * kept file.
 *
 * @throws DiskError
 */
export function* repairTail(log: LogDirectory, read: ReadLog): Task<string | null> {
  const { last } = read;
  const name = segmentFileName(last.header.segment);
  let suspectFile: string | null = null;
  if (last.tail.kind === "unknown") {
    const kept = suspectFileName(name, last.tail.unit, read.names);
    suspectFile = pathIn(log.directory, kept);
    const tail = last.bytes.subarray(last.endOffset);
    yield* replaceFile(log.disk, log.directory, kept, tail);
  }
  const sound = last.bytes.subarray(0, last.endOffset);
  yield* replaceFile(log.disk, log.directory, name, sound);
  return suspectFile;
}

function suspectFileName(segment: string, unit: number, names: readonly string[]): string {
  for (let attempt = 1; ; attempt++) {
    const name = `${segment}.unit-${unit}.${attempt}.suspect`;
    if (!names.includes(name)) return name;
  }
}
