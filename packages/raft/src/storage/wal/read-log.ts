/**
 * Finds out what a directory holds, and makes an empty log where it holds none. Changes nothing
 * that is there. Called by `open-log.ts`, which then makes it durable by `prepare.ts`.
 */
import { assert, type LogIndex, noIndex, noTerm } from "../../base/index.ts";
import type { Entry } from "../../core/index.ts";
import { closeFile, pathIn, readWhole, removeTemporaries, replaceFile } from "../files.ts";
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
import { type LastSegment, readSegments } from "./read-segments.ts";
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
  readonly entries: readonly Entry[];
  readonly commit: LogIndex;
  readonly last: LastSegment;
  /** Null for a log without units. */
  readonly lastUnit: UnitHeader | null;
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
    throw new StorageDamage("the files of the log are missing; restore them from a backup", {
      file,
    });
  }
  for (const copy of [0, 1] as const) {
    if (names.includes(hardStateFileNames[copy])) continue;
    yield* createHardStateCopy(disk, directory, copy, firstHardState, identity, crc32);
  }
  if (!names.includes(logEndFileName)) yield* createLogEnd(log, firstLogEnd);
  const base = { index: noIndex, term: noTerm };
  const header: SegmentHeader = { segment: 1, firstUnit: 1, previousChecksum: 0, base };
  yield* closeFile(yield* createSegment(log, header));
}

const firstLogEnd: LogEnd = {
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
  let names = before;
  if (!before.some((name) => parseSegmentFileName(name) !== null)) {
    yield* createMissing(log, before, { hardState: hard?.numbered ?? null, witness: logEnd });
    names = yield* perform<readonly string[]>((done) => disk.list(directory, done));
  } else if (hard === null) {
    throw new StorageDamage("there is a log but no hard state; restore it from a backup", {
      file: pathIn(directory, hardStateFileNames[0]),
    });
  } else if (!before.includes(logEndFileName)) {
    warn(`${pathIn(directory, logEndFileName)} is missing; a new one is made`);
    yield* createLogEnd(log, firstLogEnd);
  }
  const hardState = hard?.numbered ?? firstHardState;
  const witness = before.includes(logEndFileName) ? logEnd : firstLogEnd;
  checkHardStateSequence(log, hardState, witness);
  const evidence = { witness, isWitnessDamaged: damaged };
  const segments = yield* readSegments(log, names, evidence, warn);
  const { replay } = segments;
  replay.checkTerms(hardState.state, pathIn(directory, hardStateFileNames[0]));
  if (witness !== null && witness.commit > replay.commit) replay.commit = witness.commit;
  return {
    names,
    hardState,
    staleCopies: hard?.staleCopies ?? [],
    witness,
    isWitnessDamaged: damaged,
    entries: replay.entries,
    commit: replay.usableCommit,
    last: segments.last,
    lastUnit: segments.lastUnit,
  };
}

function* readHardState(
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
    const { disk, directory, identity, crc32 } = log;
    copies[copy] = yield* readHardStateCopy(disk, directory, copy, present, identity, crc32);
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

function* readWitness(
  log: LogDirectory,
  names: readonly string[],
  warn: (text: string) => void,
): Task<{ readonly logEnd: LogEnd | null; readonly damaged: boolean }> {
  if (!names.includes(logEndFileName)) return { logEnd: null, damaged: false };
  const path = pathIn(log.directory, logEndFileName);
  const bytes = yield* readWhole(log.disk, path);
  const decoded = decodeLogEndFile(bytes, path, log.identity, log.crc32);
  if (decoded.damaged) warn(`${path} is damaged; it is written anew`);
  return decoded;
}

/**
 * Both copies of the hard state may be sound and old: put back from a backup, or writes that were
 * lost.
 */
function checkHardStateSequence(
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
