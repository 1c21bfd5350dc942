/**
 * Reads the units of one segment from its bytes and, where one cannot be read, says what that
 * means. Pure: no disk, no state. The verdicts are those of `docs/formats.md`, "recovery".
 */
import { assert, type Crc32 } from "../../base/index.ts";
import { isZero, sectorBytes } from "../sealed-block.ts";
import { describePlace, StorageDamage, UnknownFormatError } from "../storage-errors.ts";
import type { LogEnd } from "./log-end.ts";
import {
  countZeroSectors,
  parseUnitHeader,
  type UnitHeader,
  unitBytes,
  unitHeaderBytes,
} from "./unit.ts";

/** A unit whose checksums, number and chain are right. */
export interface ScannedUnit {
  readonly header: UnitHeader;
  readonly body: Uint8Array;
}

/** What the file of the witness says. */
export interface Evidence {
  readonly witness: LogEnd | null;
  /** One of its blocks cannot be read: if a crash did that, no unit was under way. */
  readonly isWitnessDamaged: boolean;
}

/** The segment to read, and what is known of the log before it. */
export interface SegmentToScan extends Evidence {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly segment: number;
  /** No segment follows: only here may a unit be unfinished. */
  readonly isLast: boolean;
  readonly nextUnit: number;
  readonly previousChecksum: number;
  /**
   * The last entry before this segment; for naming what a unit held whose header cannot be read.
   */
  readonly lastIndex: number;
  readonly seed: number;
  readonly crc32: Crc32;
}

/** What lies behind the last sound unit of the last segment. */
export type Tail =
  | { readonly kind: "clean" }
  /** Its sync cannot have completed: nobody was promised anything of it. */
  | { readonly kind: "torn"; readonly offset: number; readonly unit: number }
  /** It is complete in length and wrong: either it never was synced, or it was and has rotted. */
  | { readonly kind: "unknown"; readonly offset: number; readonly unit: number };

export interface ScannedSegment {
  readonly units: readonly ScannedUnit[];
  /** Where the sound units end, bytes. */
  readonly endOffset: number;
  readonly tail: Tail;
}

/** @throws StorageDamage when what cannot be read was promised, UnknownFormatError */
export function scanSegment(segment: SegmentToScan): ScannedSegment {
  const { bytes, witness } = segment;
  const units: ScannedUnit[] = [];
  let offset = sectorBytes;
  let nextUnit = segment.nextUnit;
  let previousChecksum = segment.previousChecksum;
  while (offset < bytes.length) {
    const read = readUnit(segment, offset, nextUnit, previousChecksum);
    if (read.kind === "broken") {
      const lastIndex = units.at(-1)?.header.lastIndex ?? segment.lastIndex;
      const tail = judge(segment, offset, nextUnit, read, lastIndex);
      return { units, endOffset: offset, tail };
    }
    const { header } = read.unit;
    checkWitness(segment, header);
    units.push(read.unit);
    offset += unitBytes(header.bodyBytes);
    previousChecksum = header.checksum;
    nextUnit++;
  }
  assert(offset <= bytes.length, "a sound unit lies inside its file");
  if (segment.isLast && witness !== null && witness.unit >= nextUnit) {
    throw damage(segment, offset, nextUnit, null, "the end of the log is missing");
  }
  return { units, endOffset: offset, tail: { kind: "clean" } };
}

/** `reason` says what is wrong; the header is there if it was sound. */
interface Broken {
  readonly kind: "broken";
  readonly reason: string;
  readonly header: UnitHeader | null;
}

function readUnit(
  segment: SegmentToScan,
  offset: number,
  nextUnit: number,
  previousChecksum: number,
): { readonly kind: "unit"; readonly unit: ScannedUnit } | Broken {
  const { bytes, seed, crc32 } = segment;
  const parsed = parseUnitHeader(bytes, offset, segment.segment, seed, crc32);
  if (parsed.kind === "unknown-kind") {
    throw new UnknownFormatError(segment.file, offset, `a write unit of kind ${parsed.unitKind}`);
  }
  if (parsed.kind === "none") {
    return { kind: "broken", reason: "the header of a unit cannot be read", header: null };
  }
  const { header } = parsed;
  if (header.number !== nextUnit || header.previousChecksum !== previousChecksum) {
    const places = `unit ${header.number} stands where unit ${nextUnit} belongs`;
    throw damage(segment, offset, nextUnit, header, `${places}, or its chain is broken`);
  }
  const end = offset + unitBytes(header.bodyBytes);
  if (end > bytes.length)
    return { kind: "broken", reason: "the file ends inside the unit", header };
  if (crc32(bytes.subarray(offset + unitHeaderBytes, end)) !== header.bodyChecksum) {
    return { kind: "broken", reason: "the checksum of the unit is wrong", header };
  }
  const start = offset + unitHeaderBytes;
  return { kind: "unit", unit: { header, body: bytes.subarray(start, start + header.bodyBytes) } };
}

/**
 * A unit was synced if anything was written after it, for only one write is under way at a time; or
 * if the witness says so. Then it is damaged. Otherwise it is torn if something of it was never
 * written, which shows as an early end of the file or as sectors of zeros; and unknown if all of it
 * was, or if the witness is damaged: a write that went astray may have hit the one and be missing
 * in the other.
 */
function judge(
  segment: SegmentToScan,
  offset: number,
  unit: number,
  broken: Broken,
  lastIndex: number,
): Tail {
  const { bytes, witness } = segment;
  const { header } = broken;
  const end = header === null ? null : offset + unitBytes(header.bodyBytes);
  const later = findLaterUnit(segment, offset);
  const isPromised =
    !segment.isLast ||
    later !== null ||
    (witness !== null && witness.unit >= unit) ||
    (end !== null && bytes.length > end);
  if (isPromised) {
    const gap = header === null && later?.number === unit + 1 ? gapBetween(lastIndex, later) : null;
    throw damage(segment, offset, unit, header ?? gap, broken.reason, later);
  }
  if (segment.isWitnessDamaged) return { kind: "unknown", offset, unit };
  return { kind: isTorn(bytes, offset, header) ? "torn" : "unknown", offset, unit };
}

function isTorn(bytes: Uint8Array, offset: number, header: UnitHeader | null): boolean {
  if (header === null) {
    if (bytes.length - offset < sectorBytes) return true;
    return isZero(bytes, offset, sectorBytes);
  }
  const end = offset + unitBytes(header.bodyBytes);
  if (end > bytes.length) return true;
  return countZeroSectors(bytes.subarray(offset, end)) > header.zeroSectors;
}

/**
 * Looks at every sector behind `offset`, because the length of the broken unit may be what is
 * broken. Headers are bound to directory, segment and offset, so nothing that a client stored can
 * look like one.
 */
function findLaterUnit(segment: SegmentToScan, offset: number): UnitHeader | null {
  const { bytes, seed, crc32 } = segment;
  for (let at = offset + sectorBytes; at < bytes.length; at += sectorBytes) {
    const parsed = parseUnitHeader(bytes, at, segment.segment, seed, crc32);
    if (parsed.kind === "header") return parsed.header;
  }
  return null;
}

/** What a unit must have held between its neighbours. Null where a truncation makes it a guess. */
function gapBetween(lastIndex: number, later: UnitHeader): IndexRange | null {
  if (lastIndex === 0 || later.firstIndex <= lastIndex + 1) return null;
  return { firstIndex: lastIndex + 1, lastIndex: later.firstIndex - 1 };
}

/** 0 and 0 for a unit without entries. */
interface IndexRange {
  readonly firstIndex: number;
  readonly lastIndex: number;
}

function checkWitness(segment: SegmentToScan, header: UnitHeader): void {
  const { witness } = segment;
  if (witness === null || witness.unit !== header.number) return;
  if (witness.unitChecksum === header.checksum) return;
  throw damage(
    segment,
    header.offset,
    header.number,
    header,
    "it is not the unit that was written last; an older copy of the file may have been put back",
  );
}

function damage(
  segment: SegmentToScan,
  offset: number,
  unit: number,
  entries: IndexRange | null,
  reason: string,
  later: UnitHeader | null = null,
): StorageDamage {
  const { file } = segment;
  const range =
    entries === null || entries.firstIndex === 0
      ? {}
      : { firstIndex: entries.firstIndex, lastIndex: entries.lastIndex };
  const evidence =
    later === null
      ? ""
      : ` (unit ${later.number} follows at offset ${later.offset}, so it was acknowledged)`;
  const advice = "restore the file, or remove this member and add it anew";
  return new StorageDamage(`${reason}${evidence}`, { file, offset, unit, ...range }, advice);
}

/** One line for the log of the member. */
export function describeTail(file: string, tail: Tail): string {
  if (tail.kind === "clean") return `${file} is intact`;
  const place = describePlace({
    file,
    offset: tail.offset,
    unit: tail.unit,
    firstIndex: null,
    lastIndex: null,
  });
  return tail.kind === "torn"
    ? `${place}: the last write was not finished and was never acknowledged; it is dropped`
    : `${place}: the last write cannot be read and may have been acknowledged; it is set aside, ` +
        "and this member neither votes nor campaigns until it has caught up with the leader";
}
