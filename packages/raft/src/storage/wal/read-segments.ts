/**
 * Reads the segments of a log in order and checks that they are the ones that were written, without
 * a gap.
 */
import { assert } from "../../base/index.ts";
import { closeFile, openFile, pathIn, readAll } from "../files.ts";
import { StorageDamage } from "../storage-errors.ts";
import { perform, type Task } from "../task.ts";
import type { LogDirectory } from "./log-directory.ts";
import type { LogEnd } from "./log-end.ts";
import { Replay } from "./replay.ts";
import {
  describeTail,
  type Evidence,
  type ScannedSegment,
  scanSegment,
  type Tail,
} from "./scan.ts";
import {
  decodeSegmentHeader,
  parseSegmentFileName,
  type SegmentHeader,
  segmentFileName,
} from "./segment-header.ts";
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

export interface ReadSegments {
  readonly replay: Replay;
  readonly last: LastSegment;
  /** Null for a log without units. */
  readonly lastUnit: UnitHeader | null;
}

/** @throws StorageDamage, UnknownFormatError, DiskError */
export function* readSegments(
  log: LogDirectory,
  names: readonly string[],
  evidence: Evidence,
  warn: (text: string) => void,
): Task<ReadSegments> {
  const numbers = names.map(parseSegmentFileName).filter((number) => number !== null);
  checkWitnessSegment(log, numbers, evidence.witness);
  const replay = new Replay();
  let last: LastSegment | null = null;
  let lastUnit: UnitHeader | null = null;
  for (const [at, number] of numbers.entries()) {
    const isLast = at === numbers.length - 1;
    const segment: ReadSegment = yield* readSegment(
      log,
      number,
      last,
      replay,
      lastUnit,
      isLast,
      evidence,
    );
    checkBase(segment.last, replay);
    for (const unit of segment.scanned.units) replay.unit(segment.last.file, unit);
    last = segment.last;
    lastUnit = segment.scanned.units.at(-1)?.header ?? lastUnit;
  }
  assert(last !== null, "a log has at least one segment");
  if (last.tail.kind !== "clean") warn(describeTail(last.file, last.tail));
  return { replay, last, lastUnit };
}

interface ReadSegment {
  readonly last: LastSegment;
  readonly scanned: ScannedSegment;
}

/** A segment that the witness names has gone, with all after it. */
function checkWitnessSegment(
  log: LogDirectory,
  numbers: readonly number[],
  witness: LogEnd | null,
): void {
  if (witness === null || witness.segment <= (numbers.at(-1) ?? 0)) return;
  const file = pathIn(log.directory, segmentFileName(witness.segment));
  throw new StorageDamage("this segment is missing; restore it from a backup", {
    file,
    unit: witness.unit,
  });
}

function* readSegment(
  log: LogDirectory,
  number: number,
  before: LastSegment | null,
  replay: Replay,
  lastUnit: UnitHeader | null,
  isLast: boolean,
  evidence: Evidence,
): Task<ReadSegment> {
  const file = pathIn(log.directory, segmentFileName(number));
  const bytes = yield* readSynced(log, file);
  const header = decodeSegmentHeader(bytes, file, log.identity, log.crc32);
  checkOrder(file, number, header, before, lastUnit);
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
function* readSynced(log: LogDirectory, path: string): Task<Uint8Array> {
  const file = yield* openFile(log.disk, path, "existing");
  const bytes = yield* readAll(file);
  yield* perform((done) => file.sync(done));
  yield* closeFile(file);
  return bytes;
}

/** That this segment is the one its name says, and follows the one before without a gap. */
function checkOrder(
  file: string,
  number: number,
  header: SegmentHeader,
  before: LastSegment | null,
  lastUnit: UnitHeader | null,
): void {
  const fail = (reason: string): never => {
    throw new StorageDamage(`${reason}; restore it from a backup`, { file, offset: 0 });
  };
  if (header.segment !== number) fail(`it is segment ${header.segment} under another's name`);
  if (before === null) {
    if (header.base.index !== 0) fail(`entries 1 to ${header.base.index}, before it, are missing`);
    if (header.firstUnit !== 1) fail(`units 1 to ${header.firstUnit - 1}, before it, are missing`);
    return;
  }
  if (number !== before.header.segment + 1) fail(`segment ${number - 1}, before it, is missing`);
  const expected = lastUnit === null ? before.header.firstUnit : lastUnit.number + 1;
  if (header.firstUnit !== expected) {
    fail(`it starts with unit ${header.firstUnit}, and the segment before ends before ${expected}`);
  }
  const checksum = lastUnit?.checksum ?? 0;
  if (header.previousChecksum !== checksum) fail("it does not continue the segment before it");
}

/** That the log up to here ends where it ended when the segment was made. */
function checkBase(segment: LastSegment, replay: Replay): void {
  const { base } = segment.header;
  const last = replay.last;
  if (base.index === last.index && base.term === last.term) return;
  throw new StorageDamage(
    `it continues a log that ends at ${base.index}/${base.term}, and this one ends at ` +
      `${last.index}/${last.term}`,
    { file: segment.file, offset: 0 },
  );
}
