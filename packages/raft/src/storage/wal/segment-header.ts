/**
 * The first sector of a segment file: whose it is, which one it is, and what came before it, so
 * that a foreign, misplaced or missing segment is noticed.
 */
import { type Crc32, type LogIndex, logIndex, type Term, term } from "../../base/index.ts";
import type { LogPosition } from "../../core/index.ts";
import type { DirectoryIdentity } from "../identity.ts";
import { type BlockFormat, openBlock, readId, sealBlock, writeId } from "../sealed-block.ts";
import { StorageDamage, UnknownFormatError } from "../storage-errors.ts";

export interface SegmentHeader {
  /** 1, 2, 3 …; also in the name of the file. */
  readonly segment: number;
  /** The number of the first unit that will be in it. */
  readonly firstUnit: number;
  /** Checksum of the unit before that, 0 before the first of all. */
  readonly previousChecksum: number;
  /** The end of the log when the segment was made: where a log that starts here starts. */
  readonly base: { readonly index: LogIndex; readonly term: Term };
}

const format: BlockFormat = { magic: "quor-log", version: 1 };

export function segmentFileName(segment: number): string {
  return `log-${String(segment).padStart(16, "0")}.wal`;
}

/** The number in a segment's name, or null for any other name. */
export function parseSegmentFileName(name: string): number | null {
  const match = /^log-(\d{16})\.wal$/.exec(name);
  return match === null ? null : Number(match[1]);
}

export function encodeSegmentHeader(
  header: SegmentHeader,
  identity: DirectoryIdentity,
  crc32: Crc32,
): Uint8Array {
  return sealBlock(format, crc32, (writer) => {
    writeId(writer, identity.clusterId);
    writeId(writer, identity.incarnation);
    writer.u64(header.segment).u64(header.firstUnit).u32(header.previousChecksum);
    writer.u64(header.base.index).u64(header.base.term);
  });
}

/**
 * Reads an untrusted header. A segment gets its name only when its header is durable, so no crash
 * excuses an unreadable one.
 *
 * @throws StorageDamage, UnknownFormatError
 */
export function decodeSegmentHeader(
  bytes: Uint8Array,
  file: string,
  identity: DirectoryIdentity,
  crc32: Crc32,
): SegmentHeader {
  const block = openBlock(bytes, format, crc32);
  if (block.kind === "unknown-version") {
    throw new UnknownFormatError(file, 0, `a log segment of version ${block.version}`);
  }
  if (block.kind !== "sound") {
    const reason = block.kind === "blank" ? "it is all zeros" : block.reason;
    throw new StorageDamage(`the header of the segment cannot be read: ${reason}`, {
      file,
      offset: 0,
    });
  }
  const reader = block.content;
  checkOwner(readId(reader), readId(reader), file, identity);
  const segment = reader.u64();
  const firstUnit = reader.u64();
  const previousChecksum = reader.u32();
  const base: LogPosition = { index: logIndex(reader.u64()), term: term(reader.u64()) };
  return { segment, firstUnit, previousChecksum, base };
}

function checkOwner(
  clusterId: string,
  incarnation: string,
  file: string,
  identity: DirectoryIdentity,
): void {
  if (clusterId === identity.clusterId && incarnation === identity.incarnation) return;
  const reason =
    `it belongs to cluster ${clusterId}, incarnation ${incarnation}; ` +
    `this directory is of cluster ${identity.clusterId}, incarnation ${identity.incarnation}`;
  throw new StorageDamage(reason, { file, offset: 0 });
}
