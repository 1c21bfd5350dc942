/**
 * Finds out what a directory holds, and makes an empty log where it holds none. Changes nothing
 * that is there. Called by `open-log.ts`, which then makes it durable by `prepare.ts`.
 */
import { assert, type LogIndex, logIndex, noIndex, noTerm } from "../../base/index.ts";
import type { Entry, LogPosition } from "../../core/index.ts";
import {
  closeFile,
  openFile,
  pathIn,
  readAll,
  removeTemporaries,
  replaceFile,
  tryReadAll,
} from "../files.ts";
import { sectorBytes } from "../sealed-block.ts";
import { StorageDamage } from "../storage-errors.ts";
import { perform, type Task } from "../task.ts";
import {
  chooseHardState,
  createHardStateCopy,
  firstHardState,
  type HardStateCopy,
  hardStateFileNames,
  type NumberedHardState,
  readHardStateCopy,
} from "./hard-state-files.ts";
import { createSegment, type LogDirectory } from "./log-directory.ts";
import { decodeLogEndFile, encodeLogEndFile, type LogEnd, logEndFileName } from "./log-end.ts";
import { type LogStart, logStartFileName, readLogStart } from "./log-start.ts";
import { type LastSegment, readSegments, type SegmentExtent } from "./read-segments.ts";
import { parseSegmentFileName, type SegmentHeader, segmentFileName } from "./segment-header.ts";
import { type UnitHeader, unitBytes } from "./unit.ts";

export interface StaleCopy {
  readonly copy: 0 | 1;
  readonly isMissing: boolean;
}

/** All that is known of a log before it is opened for writing. */
export interface ReadLog {
  readonly names: readonly string[];
  readonly hardState: NumberedHardState;
  /** The copies that are not sound or not the newest. */
  readonly staleCopies: readonly StaleCopy[];
  readonly witness: LogEnd | null;
  /** The file of the witness has to be written anew. */
  readonly isWitnessDamaged: boolean;
  /** Null where the log begins at its beginning. */
  readonly start: LogStart | null;
  /** Names of segments before the start, left by an interrupted removal. */
  readonly leftovers: readonly string[];
  readonly base: LogPosition;
  /**
   * False if a last write that cannot be read took the base with it: a snapshot has to replace what
   * is left.
   */
  readonly reachesBase: boolean;
  readonly entries: readonly Entry[];
  readonly commit: LogIndex;
  /** All segments, oldest first. */
  readonly extents: readonly SegmentExtent[];
  readonly last: LastSegment;
  /** Null if no segment that is left has units. */
  readonly lastUnit: UnitHeader | null;
  /** Number and checksum of the last unit ever written; 0 and 0 for none. */
  readonly chain: { readonly unit: number; readonly checksum: number };
}

/** Makes an empty log where there is none, or completes one whose making was interrupted. */
function* createMissing(
  log: LogDirectory,
  names: readonly string[],
  found: { readonly hardState: NumberedHardState | null; readonly witness: LogEnd | null },
): Task<void> {
  const { disk, directory, identity, crc32 } = log;
  const isNew =
    (found.hardState?.sequence ?? 1) === 1 && (found.witness === null || found.witness.unit === 0);
  if (!isNew) {
    const file = pathIn(directory, segmentFileName(1));
    const advice = "restore them from a backup";
    throw new StorageDamage("the files of the log are missing", { file }, advice);
  }
  for (const copy of [0, 1] as const) {
    if (names.includes(hardStateFileNames[copy])) continue;
    yield* createHardStateCopy(disk, directory, copy, firstHardState, identity, crc32);
  }
  if (!names.includes(logEndFileName)) yield* createLogEnd(log, firstLogEnd);
  yield* closeFile(yield* createSegment(log, firstSegmentHeader));
}

/** Of a log that begins at its beginning. */
export const firstSegmentHeader: SegmentHeader = {
  ...{ segment: 1, firstUnit: 1, previousChecksum: 0 },
  base: { index: noIndex, term: noTerm },
};

export const firstLogEnd: LogEnd = {
  sequence: 1,
  unit: 0,
  unitChecksum: 0,
  segment: 1,
  offset: sectorBytes,
  hardStateSequence: 1,
  commit: noIndex,
};

/** Makes the witness's file with both blocks' space taken, so that later writes need none. */
function* createLogEnd(log: LogDirectory, logEnd: LogEnd): Task<void> {
  const bytes = encodeLogEndFile(logEnd, log.identity, log.crc32);
  yield* replaceFile(log.disk, log.directory, logEndFileName, bytes);
}

/**
 * Reads the whole log. Everything that is not as it should be and can be lived with goes to `warn`.
 *
 * @throws StorageDamage, UnknownFormatError, DiskError
 */
export function* readLog(log: LogDirectory, warn: (text: string) => void): Task<ReadLog> {
  const { disk, directory } = log;
  const before = yield* perform<readonly string[]>((done) => disk.list(directory, done));
  yield* removeTemporaries(disk, directory, before);
  const hard = yield* readHardState(log, before, warn);
  const { logEnd, damaged } = yield* readWitness(log, before, warn);
  const start = yield* readLogStart(log, before);
  let names = before;
  if (start !== null && !before.some((name) => isSegmentFrom(name, start.segment))) {
    yield* createFirstSegment(log, start, logEnd);
    names = yield* perform<readonly string[]>((done) => disk.list(directory, done));
  } else if (!before.some((name) => isSegmentFrom(name, 1))) {
    yield* createMissing(log, before, { hardState: hard?.numbered ?? null, witness: logEnd });
    names = yield* perform<readonly string[]>((done) => disk.list(directory, done));
  }
  if (names === before && hard === null) {
    throw new StorageDamage("there is a log but no hard state; restore it from a backup", {
      file: pathIn(directory, hardStateFileNames[0]),
    });
  }
  if (names === before && !before.includes(logEndFileName)) {
    warn(`${pathIn(directory, logEndFileName)} is missing; a new one is made`);
    yield* createLogEnd(log, firstLogEnd);
  }
  const hardState = hard?.numbered ?? firstHardState;
  const witness = before.includes(logEndFileName) ? logEnd : firstLogEnd;
  checkHardStateSequence(log, hardState, witness);
  const found = { names, hardState, witness, start, staleCopies: hard?.staleCopies ?? [] };
  return yield* readEntries(log, { ...found, isWitnessDamaged: damaged }, warn);
}

type FoundFiles = Pick<
  ReadLog,
  "names" | "hardState" | "witness" | "start" | "staleCopies" | "isWitnessDamaged"
>;

function* readEntries(
  log: LogDirectory,
  found: FoundFiles,
  warn: (text: string) => void,
): Task<ReadLog> {
  const { names, start, witness, hardState, isWitnessDamaged } = found;
  const numbers = names
    .map(parseSegmentFileName)
    .filter((number) => number !== null)
    .filter((number) => number >= (start?.segment ?? 1));
  const segments = yield* readSegments(log, numbers, start, { witness, isWitnessDamaged }, warn);
  const { replay, last, lastUnit, extents } = segments;
  const base = start?.base ?? beforeFirst;
  const startFile = pathIn(log.directory, logStartFileName);
  const reachesBase = replay.startAt(base, startFile);
  if (!reachesBase && last.tail.kind === "clean") {
    const reason = `it says that the log begins after ${base.index}/${base.term}`;
    throw new StorageDamage(`${reason}, and the log ends before`, { file: startFile, offset: 0 });
  }
  replay.checkTerms(hardState.state, pathIn(log.directory, hardStateFileNames[0]));
  replay.commit = logIndex(Math.max(replay.commit, witness?.commit ?? 0, base.index));
  const { header } = last;
  return {
    ...found,
    leftovers: names.filter((name) => isSegmentBefore(name, start?.segment ?? 1)),
    base,
    reachesBase,
    entries: replay.entries,
    commit: replay.usableCommit,
    extents,
    last,
    lastUnit,
    chain:
      lastUnit === null
        ? { unit: header.firstUnit - 1, checksum: header.previousChecksum }
        : { unit: lastUnit.number, checksum: lastUnit.checksum },
  };
}

const beforeFirst: LogPosition = { index: noIndex, term: noTerm };

function isSegmentFrom(name: string, first: number): boolean {
  return (parseSegmentFileName(name) ?? 0) >= first;
}

function isSegmentBefore(name: string, first: number): boolean {
  const number = parseSegmentFileName(name);
  return number !== null && number < first;
}

/**
 * The log was replaced by a snapshot, and its new first segment had not been made yet. After that
 * the witness names it before anything is written to it: then its absence is damage.
 */
function* createFirstSegment(
  log: LogDirectory,
  start: LogStart,
  witness: LogEnd | null,
): Task<void> {
  if (!start.isReplaced || witness === null || witness.segment >= start.segment) {
    const file = pathIn(log.directory, segmentFileName(start.segment));
    const reason = "the log begins with this segment, and it is missing";
    throw new StorageDamage(reason, { file }, "restore it from a backup");
  }
  yield* closeFile(yield* createSegment(log, start));
}

export function* readHardState(
  log: LogDirectory,
  names: readonly string[],
  warn: (text: string) => void,
): Task<{
  readonly numbered: NumberedHardState;
  readonly staleCopies: readonly StaleCopy[];
} | null> {
  const copies: [HardStateCopy, HardStateCopy] = [{ kind: "missing" }, { kind: "missing" }];
  for (const copy of [0, 1] as const) {
    const present = names.includes(hardStateFileNames[copy]);
    const { disk, directory, identity, crc32, salvages } = log;
    const found = readHardStateCopy(disk, directory, copy, present, identity, crc32, salvages);
    copies[copy] = yield* found;
  }
  const numbered = chooseHardState(copies, log.directory);
  if (numbered === null) return null;
  const staleCopies: StaleCopy[] = [];
  for (const copy of [0, 1] as const) {
    const found = copies[copy];
    if (found.kind === "sound" && found.numbered.sequence === numbered.sequence) continue;
    staleCopies.push({ copy, isMissing: found.kind === "missing" });
    if (found.kind === "sound") continue;
    const path = pathIn(log.directory, hardStateFileNames[copy]);
    const reason = found.kind === "missing" ? "is missing" : `cannot be read (${found.reason})`;
    warn(`${path} ${reason}; it is made anew from the other copy`);
  }
  return { numbered, staleCopies };
}

export function* readWitness(
  log: LogDirectory,
  names: readonly string[],
  warn: (text: string) => void,
): Task<{ readonly logEnd: LogEnd | null; readonly damaged: boolean }> {
  if (!names.includes(logEndFileName)) return { logEnd: null, damaged: false };
  const path = pathIn(log.directory, logEndFileName);
  const file = yield* openFile(log.disk, path, "existing");
  const bytes = log.salvages === true ? yield* tryReadAll(file) : yield* readAll(file);
  yield* closeFile(file);
  const nothing = new Uint8Array(0); // damaged, too
  const decoded = decodeLogEndFile(bytes ?? nothing, path, log.identity, log.crc32);
  if (decoded.damaged) warn(`${path} is damaged; it is written anew`);
  return decoded;
}

/**
 * Both copies of the hard state may be sound and old: put back from a backup, or writes that were
 * lost.
 */
export function checkHardStateSequence(
  log: LogDirectory,
  hardState: NumberedHardState,
  witness: LogEnd | null,
): void {
  if (witness === null || witness.hardStateSequence <= hardState.sequence) return;
  throw new StorageDamage(
    `it is number ${hardState.sequence}, but number ${witness.hardStateSequence} was written; ` +
      "an older copy may have been put back",
    { file: pathIn(log.directory, hardStateFileNames[0]), offset: 0 },
  );
}

/** The bytes of the last unit, if it is in the last segment. */
export function lastUnitBytes(read: ReadLog): Uint8Array | null {
  const { last, lastUnit } = read;
  if (lastUnit === null || lastUnit.segment !== last.header.segment) return null;
  const end = lastUnit.offset + unitBytes(lastUnit.bodyBytes);
  assert(end === last.endOffset, "the last unit ends where the sound part ends");
  return last.bytes.subarray(lastUnit.offset, end);
}
