/**
 * The write unit: what one group commit writes, the thing that can tear. A header, records, and
 * zeros up to the next sector. Both checksums are bound to the place: a unit that is sound
 * elsewhere is not sound here. See `docs/formats.md`, "write unit".
 */
import { type Crc32, type LogIndex, logIndex } from "../../base/index.ts";
import type { DirectoryIdentity } from "../identity.ts";
import { sectorBytes } from "../sealed-block.ts";

export const unitHeaderBytes = 72;

/** ASCII "unit" read as a little-endian number. */
const magic = 0x74696e75;
const kindRecords = 1;
const checksumAt = 68;

export interface UnitHeader {
  /** 1, 2, 3 … over the whole life of the log. */
  readonly number: number;
  readonly segment: number;
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Lowest and highest index of the entries in it; 0 and 0 for none. */
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
  /** Bytes of records, without header and padding. */
  readonly bodyBytes: number;
  readonly recordCount: number;
  /** How many of its sectors are all zero by their content; any more were never written. */
  readonly zeroSectors: number;
  readonly previousChecksum: number;
  /** Of the body and the padding. */
  readonly bodyChecksum: number;
  /** Of the header itself, and by that of the whole unit. */
  readonly checksum: number;
}

/** A sound header, one of a kind that this version does not know, or nothing of the sort. */
export type ParsedHeader =
  | { readonly kind: "header"; readonly header: UnitHeader }
  | { readonly kind: "unknown-kind"; readonly unitKind: number }
  | { readonly kind: "none" };

/** Bytes on disk of a unit with this many bytes of records. */
export function unitBytes(bodyBytes: number): number {
  return Math.ceil((unitHeaderBytes + bodyBytes) / sectorBytes) * sectorBytes;
}

/**
 * What the header checksums of a directory start from: headers of other directories are not sound
 * here.
 */
export function identitySeed(identity: DirectoryIdentity, crc32: Crc32): number {
  const text = `${identity.clusterId}${identity.incarnation}`;
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return crc32(bytes);
}

/** Everything of a header but what is computed from the bytes. */
export type UnitHeaderFields = Omit<UnitHeader, "zeroSectors" | "bodyChecksum" | "checksum">;

/**
 * Completes a unit whose records already stand in `bytes` from `unitHeaderBytes` on and whose
 * padding is zero: writes the header and returns the unit's checksum.
 */
export function sealUnit(
  bytes: Uint8Array,
  view: DataView,
  fields: UnitHeaderFields,
  seed: number,
  crc32: Crc32,
): number {
  view.setUint32(0, magic, true);
  view.setUint32(4, kindRecords, true);
  setU64(view, 8, fields.number);
  setU64(view, 16, fields.segment);
  setU64(view, 24, fields.offset);
  setU64(view, 32, fields.firstIndex);
  setU64(view, 40, fields.lastIndex);
  view.setUint32(48, fields.bodyBytes, true);
  view.setUint32(52, fields.recordCount, true);
  view.setUint32(56, countZeroSectors(bytes), true);
  view.setUint32(60, fields.previousChecksum, true);
  view.setUint32(64, crc32(bytes.subarray(unitHeaderBytes)), true);
  const checksum = crc32(bytes.subarray(0, checksumAt), seed);
  view.setUint32(checksumAt, checksum, true);
  return checksum;
}

/** Reads an untrusted header at `offset` of a segment file. */
export function parseUnitHeader(
  bytes: Uint8Array,
  offset: number,
  segment: number,
  seed: number,
  crc32: Crc32,
): ParsedHeader {
  if (bytes.length - offset < unitHeaderBytes) return { kind: "none" };
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, unitHeaderBytes);
  if (view.getUint32(0, true) !== magic) return { kind: "none" };
  const checksum = crc32(bytes.subarray(offset, offset + checksumAt), seed);
  if (view.getUint32(checksumAt, true) !== checksum) return { kind: "none" };
  if (getU64(view, 16) !== segment || getU64(view, 24) !== offset) return { kind: "none" };
  const unitKind = view.getUint32(4, true);
  if (unitKind !== kindRecords) return { kind: "unknown-kind", unitKind };
  const header = {
    number: getU64(view, 8),
    segment,
    offset,
    firstIndex: logIndex(getU64(view, 32)),
    lastIndex: logIndex(getU64(view, 40)),
    bodyBytes: view.getUint32(48, true),
    recordCount: view.getUint32(52, true),
    zeroSectors: view.getUint32(56, true),
    previousChecksum: view.getUint32(60, true),
    bodyChecksum: view.getUint32(64, true),
    checksum,
  };
  return { kind: "header", header };
}

/**
 * Whole sectors of `bytes` without a single non-zero byte. The first, which holds a header, never
 * counts.
 */
export function countZeroSectors(bytes: Uint8Array): number {
  let count = 0;
  for (let start = sectorBytes; start < bytes.length; start += sectorBytes) {
    const end = Math.min(start + sectorBytes, bytes.length);
    let at = start;
    while (at < end && bytes[at] === 0) at++;
    if (at === end) count++;
  }
  return count;
}

function setU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

function getU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
}
