/**
 * Reads the segments of a log in order and checks that they are the ones that were written, without
 * a gap.
 */
import { assert } from "../../base/index.ts";
import { closeFile, openFile, pathIn, readAll, readReadable } from "../files.ts";
import { StorageDamage } from "../storage-errors.ts";
import { perform, type Task } from "../task.ts";
import type { LogDirectory } from "./log-directory.ts";
import type { LogEnd } from "./log-end.ts";
import type { LogStart } from "./log-start.ts";
import { Replay } from "./replay.ts";
import {
  describeTail,
  type Evidence,
  type ScannedSegment,
  scanSegment,
  type Tail,
} from "./scan.ts";
import { decodeSegmentHeader, type SegmentHeader, segmentFileName } from "./segment-header.ts";
import { identitySeed, type UnitHeader } from "./unit.ts";

/** The last segment as it was read, and what is to become of it. */
export interface LastSegment {
  readonly file: string;
  readonly header: SegmentHeader;
  readonly bytes: Uint8Array;
  /** Where its sound units end. */
  readonly endOffset: number;
  readonly tail: Tail;
}

/** A segment and how far the entries in it reach, those that were truncated later included. */
export interface SegmentExtent {
  readonly header: SegmentHeader;
  readonly indexMax: number;
}

export interface ReadSegments {
  readonly replay: Replay;
  /** All, oldest first. */
  readonly extents: readonly SegmentExtent[];
  readonly last: LastSegment;
  /** Null for a log without units. */
  readonly lastUnit: UnitHeader | null;
}

/**
 * Reads the segments `numbers`, ascending; the first is the one that `start` names, if there is
 * one.
 *
 * @throws StorageDamage, UnknownFormatError, DiskError
 */
export function* readSegments(
  log: LogDirectory,
  numbers: readonly number[],
  start: LogStart | null,
  evidence: Evidence,
  warn: (text: string) => void,
): Task<ReadSegments> {
  const replay = new Replay();
  const extents: SegmentExtent[] = [];
  let last: LastSegment | null = null;
  let lastUnit: UnitHeader | null = null;
  for (const [at, number] of numbers.entries()) {
    // Of the segments that are there; a missing one behind them is said after their own damage.
    const isLast = at === numbers.length - 1 && !isMissingAfter(number, evidence.witness);
    const segment: ReadSegment = yield* readSegment(
      log,
      number,
      last,
      replay,
      lastUnit,
      isLast,
      start,
      evidence,
      warn,
    );
    checkBase(segment.last, replay);
    for (const unit of segment.scanned.units) replay.unit(segment.last.file, unit);
    extents.push(extentOf(segment));
    last = segment.last;
    lastUnit = segment.scanned.units.at(-1)?.header ?? lastUnit;
  }
  checkWitnessSegment(log, numbers, evidence.witness);
  assert(last !== null, "a log has at least one segment");
  if (last.tail.kind !== "clean") warn(describeTail(last.file, last.tail));
  return { replay, extents, last, lastUnit };
}

function extentOf({ last, scanned }: ReadSegment): SegmentExtent {
  let indexMax = 0;
  for (const { header } of scanned.units) indexMax = Math.max(indexMax, header.lastIndex);
  return { header: last.header, indexMax };
}

interface ReadSegment {
  readonly last: LastSegment;
  readonly scanned: ScannedSegment;
}

function isMissingAfter(number: number, witness: LogEnd | null): boolean {
  return witness !== null && witness.segment > number;
}

/** A segment that the witness names has gone, with all after it. */
function checkWitnessSegment(
  log: LogDirectory,
  numbers: readonly number[],
  witness: LogEnd | null,
): void {
  if (witness === null || !isMissingAfter(numbers.at(-1) ?? 0, witness)) return;
  const file = pathIn(log.directory, segmentFileName(witness.segment));
  const place = { file, unit: witness.unit };
  throw new StorageDamage("this segment is missing", place, "restore it from a backup");
}

function* readSegment(
  log: LogDirectory,
  number: number,
  before: LastSegment | null,
  replay: Replay,
  lastUnit: UnitHeader | null,
  isLast: boolean,
  start: LogStart | null,
  evidence: Evidence,
  warn: (text: string) => void,
): Task<ReadSegment> {
  const file = pathIn(log.directory, segmentFileName(number));
  const bytes = yield* readSynced(log, file, warn);
  const header = decodeSegmentHeader(bytes, file, log.identity, log.crc32);
  if (before === null) {
    checkFirst(file, number, header, start);
    replay.begin(header.base);
  } else {
    checkOrder(file, number, header, before, lastUnit);
  }
  const scanned = scanSegment({
    file,
    bytes,
    segment: number,
    isLast,
    nextUnit: header.firstUnit,
    previousChecksum: header.previousChecksum,
    lastIndex: replay.lastIndex,
    ...evidence,
    seed: identitySeed(log.identity, log.crc32),
    crc32: log.crc32,
  });
  const { endOffset, tail } = scanned;
  return { last: { file, header, bytes, endOffset, tail }, scanned };
}

/** Reads a file and syncs it: what survived the end of a process may be in the page cache only. */
function* readSynced(
  log: LogDirectory,
  path: string,
  warn: (text: string) => void,
): Task<Uint8Array> {
  const file = yield* openFile(log.disk, path, "existing");
  const readable =
    log.salvages === true
      ? yield* readReadable(file)
      : { bytes: yield* readAll(file), unreadableFrom: null };
  const { bytes, unreadableFrom } = readable;
  if (unreadableFrom !== null) {
    warn(`${path}: the disk cannot read the sector at offset ${unreadableFrom}`);
  }
  yield* perform((done) => file.sync(done));
  yield* closeFile(file);
  return bytes;
}

/** That the log begins with this segment. */
function checkFirst(
  file: string,
  number: number,
  header: SegmentHeader,
  start: LogStart | null,
): void {
  checkName(file, number, header);
  if (start === null) {
    const { base, firstUnit } = header;
    if (base.index !== 0) {
      throw outOfOrder(file, `entries 1 to ${base.index}, before it, are missing`);
    }
    if (firstUnit !== 1) {
      throw outOfOrder(file, `units 1 to ${firstUnit - 1}, before it, are missing`);
    }
    return;
  }
  if (number !== start.segment) {
    throw outOfOrder(file, `segment ${start.segment}, with which the log begins, is missing`);
  }
  const isExpected =
    header.firstUnit === start.firstUnit &&
    header.previousChecksum === start.previousChecksum &&
    header.base.index <= start.base.index;
  if (!isExpected) throw outOfOrder(file, "it is not the segment with which the log begins");
}

/** That this segment is the one its name says, and follows the one before without a gap. */
function checkOrder(
  file: string,
  number: number,
  header: SegmentHeader,
  before: LastSegment,
  lastUnit: UnitHeader | null,
): void {
  checkName(file, number, header);
  if (number !== before.header.segment + 1) {
    throw outOfOrder(file, `segment ${number - 1}, before it, is missing`);
  }
  const expected = lastUnit === null ? before.header.firstUnit : lastUnit.number + 1;
  if (header.firstUnit !== expected) {
    const text = `it starts with unit ${header.firstUnit}, and the segment before ends before`;
    throw outOfOrder(file, `${text} ${expected}`);
  }
  const checksum = lastUnit?.checksum ?? before.header.previousChecksum;
  if (header.previousChecksum !== checksum) {
    throw outOfOrder(file, "it does not continue the segment before it");
  }
}

function checkName(file: string, number: number, header: SegmentHeader): void {
  if (header.segment === number) return;
  throw outOfOrder(file, `it is segment ${header.segment} under another's name`);
}

function outOfOrder(file: string, reason: string): StorageDamage {
  return new StorageDamage(reason, { file, offset: 0 }, "restore it from a backup");
}

/** That the log up to here ends where it ended when the segment was made. */
function checkBase(segment: LastSegment, replay: Replay): void {
  const { base } = segment.header;
  const { last } = replay;
  if (base.index === last.index && (last.term === null || base.term === last.term)) return;
  throw new StorageDamage(
    `it continues a log that ends at ${base.index}/${base.term}, and this one ends at ` +
      `${last.index}/${last.term ?? "?"}`,
    { file: segment.file, offset: 0 },
  );
}
