/**
 * A snapshot file, byte for byte: a header, a stream of bytes in blocks, a trailer. Nothing in it
 * says which member wrote it or when, and how it was written leaves no trace: equal content at an
 * equal position gives equal bytes. See `docs/formats.md`, "snapshot". Pure.
 */
import {
  assert,
  ByteReader,
  ByteWriter,
  type Crc32,
  FormatError,
  logIndex,
  term,
} from "../../base/index.ts";
import type { LogPosition } from "../../core/index.ts";
import {
  type BlockFormat,
  openBlock,
  readId,
  sealBlock,
  sectorBytes,
  writeId,
} from "../sealed-block.ts";
import { StorageDamage, UnknownFormatError } from "../storage-errors.ts";

/** Which snapshot: equal identities mean equal files, whoever wrote them. */
export interface SnapshotIdentity {
  /** The last entry whose effect is in it. */
  readonly position: LogPosition;
  /** Bytes of the file. */
  readonly bytes: number;
  /** Of the content and its table, 16 hex digits. */
  readonly hash: string;
}

/** A named run of bytes: the state of one machine. */
export interface SnapshotSection {
  readonly name: string;
  readonly bytes: number;
}

/** All that is known of a snapshot without its content. */
export interface SnapshotDescription {
  readonly identity: SnapshotIdentity;
  /** As given when it was written; opaque here. */
  readonly configuration: Uint8Array;
  /** In the order of the content. */
  readonly sections: readonly SnapshotSection[];
}

/** Bytes of a block on disk, its header included: what is verified, sent and read as a whole. */
export const snapshotBlockBytes: number = 64 * 1024;
export const blockHeaderBytes = 24;
export const blockPayloadBytes: number = snapshotBlockBytes - blockHeaderBytes;

/** Where the first block begins. */
export const firstBlockOffset: number = sectorBytes;

/**
 * Bytes of configuration and section table together: 63 members in a joint configuration with long
 * addresses take less than 50 KiB.
 */
export const tableBytesMax: number = 1024 * 1024;

const headerFormat: BlockFormat = { magic: "quor-snp", version: 1 };
const trailerFormat: BlockFormat = { magic: "quor-sne", version: 1 };

/** ASCII "blck" read as a little-endian number. */
const blockMagic = 0x6b636c62;

// --- where things are ----------------------------------------------------------------------------

/** Where everything is, from the size of the file alone. */
export interface SnapshotLayout {
  readonly fileBytes: number;
  readonly blockCount: number;
  /** Content and table: the payloads of all blocks. */
  readonly streamBytes: number;
  readonly trailerOffset: number;
}

/** Null for a size that no snapshot has. */
export function layoutOf(fileBytes: number): SnapshotLayout | null {
  const bodyBytes = fileBytes - 2 * sectorBytes;
  if (!Number.isSafeInteger(fileBytes) || bodyBytes <= 0) return null;
  const blockCount = Math.ceil(bodyBytes / snapshotBlockBytes);
  const lastBlockBytes = bodyBytes - (blockCount - 1) * snapshotBlockBytes;
  if (lastBlockBytes <= blockHeaderBytes) return null;
  return {
    fileBytes,
    blockCount,
    streamBytes: bodyBytes - blockCount * blockHeaderBytes,
    trailerOffset: fileBytes - sectorBytes,
  };
}

/**
 * Whether a snapshot can have this many bytes: to be asked before what a peer announces is
 * received.
 */
export function isSnapshotSize(bytes: number): boolean {
  return layoutOf(bytes) !== null;
}

/** Where block `number` (from 0) begins. */
export function blockOffset(number: number): number {
  return firstBlockOffset + number * snapshotBlockBytes;
}

/** Bytes of block `number` on disk. */
export function blockBytesAt(layout: SnapshotLayout, number: number): number {
  return Math.min(snapshotBlockBytes, layout.trailerOffset - blockOffset(number));
}

/**
 * Where a chunk that begins at `offset` ends, so that a sender reads whole blocks: behind the next
 * block, with the header before the first one and the trailer behind the last. `fileBytes` is a
 * snapshot's size.
 */
export function chunkEnd(fileBytes: number, offset: number): number {
  assert(offset >= 0 && offset < fileBytes, "a chunk begins inside the file");
  const trailerOffset = fileBytes - sectorBytes;
  const number = Math.max(0, Math.floor((offset - firstBlockOffset) / snapshotBlockBytes));
  const end = blockOffset(number + 1);
  return end < trailerOffset ? end : fileBytes;
}

/** Bytes of a chunk at most: a block with both header and trailer. */
export const chunkBytesMax: number = snapshotBlockBytes + 2 * sectorBytes;

// --- header --------------------------------------------------------------------------------------

export interface SnapshotHeader {
  readonly clusterId: string;
  readonly position: LogPosition;
}

export function encodeHeader(header: SnapshotHeader, crc32: Crc32): Uint8Array {
  return sealBlock(headerFormat, crc32, (writer) => {
    writeId(writer, header.clusterId);
    writer.u64(header.position.index).u64(header.position.term).u32(snapshotBlockBytes);
  });
}

/** @throws StorageDamage, UnknownFormatError */
export function decodeHeader(bytes: Uint8Array, file: string, crc32: Crc32): SnapshotHeader {
  return decodeSector(bytes, headerFormat, { file, offset: 0, what: "header" }, crc32, (reader) => {
    const clusterId = readId(reader);
    const position = readPosition(reader);
    const blockBytes = reader.u32();
    if (blockBytes !== snapshotBlockBytes) throw new FormatError(`blocks of ${blockBytes} bytes`);
    return { clusterId, position };
  });
}

/**
 * What the checksums of its blocks start from: a block is sound behind its own header only. Without
 * the header's own checksum, for the CRC of bytes and their CRC is the same for all.
 */
export function blockSeed(header: Uint8Array, crc32: Crc32): number {
  return crc32(header.subarray(0, sectorBytes - 4));
}

// --- blocks --------------------------------------------------------------------------------------

/** Writes the header of block `number` at `offset` of `bytes`, whose payload already follows. */
export function sealSnapshotBlock(
  bytes: Uint8Array,
  offset: number,
  number: number,
  payloadBytes: number,
  seed: number,
  crc32: Crc32,
): void {
  assert(payloadBytes > 0 && payloadBytes <= blockPayloadBytes, "a block is neither empty nor big");
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, blockHeaderBytes);
  const start = offset + blockHeaderBytes;
  view.setUint32(0, blockMagic, true);
  view.setUint32(4, payloadBytes, true);
  view.setUint32(8, number >>> 0, true);
  view.setUint32(12, Math.floor(number / 0x1_0000_0000), true);
  view.setUint32(16, crc32(bytes.subarray(start, start + payloadBytes)), true);
  view.setUint32(20, crc32(bytes.subarray(offset, offset + 20), seed), true);
}

/** The payload of a whole block as it lies on disk, a view; or why there is none. */
export function openSnapshotBlock(
  block: Uint8Array,
  number: number,
  seed: number,
  crc32: Crc32,
): Uint8Array | { readonly reason: string } {
  if (block.length <= blockHeaderBytes) return { reason: `block ${number} is cut short` };
  const view = new DataView(block.buffer, block.byteOffset, blockHeaderBytes);
  const isHeaderSound =
    view.getUint32(0, true) === blockMagic &&
    view.getUint32(20, true) === crc32(block.subarray(0, 20), seed);
  if (!isHeaderSound) return { reason: `the header of block ${number} cannot be read` };
  const found = view.getUint32(12, true) * 0x1_0000_0000 + view.getUint32(8, true);
  if (found !== number) return { reason: `block ${found} stands where block ${number} belongs` };
  const payloadBytes = view.getUint32(4, true);
  if (payloadBytes !== block.length - blockHeaderBytes) {
    return { reason: `block ${number} holds ${payloadBytes} bytes and has another length` };
  }
  const payload = block.subarray(blockHeaderBytes);
  if (crc32(payload) !== view.getUint32(16, true)) {
    return { reason: `the checksum of block ${number} is wrong` };
  }
  return payload;
}

// --- table and trailer ---------------------------------------------------------------------------

export interface SnapshotTable {
  readonly configuration: Uint8Array;
  readonly sections: readonly SnapshotSection[];
}

/** What follows the content in the stream. */
export function encodeTable(table: SnapshotTable): Uint8Array {
  const writer = new ByteWriter();
  writer.u32(table.configuration.length).raw(table.configuration).u16(table.sections.length);
  for (const { name, bytes } of table.sections) writer.string(name).u64(bytes);
  assert(writer.length <= tableBytesMax, "configuration and section names fit in their limit");
  return writer.finish();
}

/** @throws FormatError */
export function decodeTable(bytes: Uint8Array): SnapshotTable {
  const reader = new ByteReader(bytes);
  const configuration = reader.raw(reader.u32()).slice();
  const sections: SnapshotSection[] = [];
  for (let left = reader.u16(); left > 0; left--) {
    sections.push({ name: reader.string(), bytes: reader.u64() });
  }
  if (reader.remaining > 0) throw new FormatError(`${reader.remaining} bytes after the table`);
  return { configuration, sections };
}

export interface SnapshotTrailer {
  readonly header: SnapshotHeader;
  readonly blockCount: number;
  /** Bytes of all sections. */
  readonly contentBytes: number;
  readonly tableBytes: number;
  readonly hash: string;
}

export function encodeTrailer(trailer: SnapshotTrailer, crc32: Crc32): Uint8Array {
  const { header, blockCount, contentBytes, tableBytes, hash } = trailer;
  return sealBlock(trailerFormat, crc32, (writer) => {
    writeId(writer, header.clusterId);
    writer.u64(header.position.index).u64(header.position.term);
    writer.u64(blockCount).u64(contentBytes).u32(tableBytes);
    writeId(writer, hash);
  });
}

/**
 * Reads a trailer and holds it against the header and the size of the file.
 *
 * @throws StorageDamage, UnknownFormatError
 */
export function decodeTrailer(
  bytes: Uint8Array,
  file: string,
  header: SnapshotHeader,
  layout: SnapshotLayout,
  crc32: Crc32,
): SnapshotTrailer {
  const place = { file, offset: layout.trailerOffset, what: "trailer" };
  return decodeSector(bytes, trailerFormat, place, crc32, (reader) => {
    const clusterId = readId(reader);
    const position = readPosition(reader);
    const blockCount = reader.u64();
    const contentBytes = reader.u64();
    const tableBytes = reader.u32();
    const hash = readId(reader);
    const isSame =
      clusterId === header.clusterId &&
      position.index === header.position.index &&
      position.term === header.position.term;
    if (!isSame) throw new FormatError("it belongs to another snapshot than the header");
    const isWhole =
      blockCount === layout.blockCount && contentBytes + tableBytes === layout.streamBytes;
    if (!isWhole) {
      const wanted = `${blockCount} blocks of ${contentBytes + tableBytes} bytes`;
      throw new FormatError(`${wanted} belong before it, ${layout.streamBytes} bytes are there`);
    }
    if (tableBytes > tableBytesMax) throw new FormatError(`a table of ${tableBytes} bytes`);
    return { header, blockCount, contentBytes, tableBytes, hash };
  });
}

/** Whether this sector is the sound trailer of a snapshot. */
export function isTrailer(sector: Uint8Array, crc32: Crc32): boolean {
  return openBlock(sector, trailerFormat, crc32).kind === "sound";
}

interface SectorPlace {
  readonly file: string;
  readonly offset: number;
  readonly what: string;
}

function decodeSector<Value>(
  bytes: Uint8Array,
  format: BlockFormat,
  place: SectorPlace,
  crc32: Crc32,
  decode: (reader: ByteReader) => Value,
): Value {
  const { file, offset, what } = place;
  const block = openBlock(bytes, format, crc32);
  if (block.kind === "unknown-version") {
    const found = `a ${what} of a snapshot of version ${block.version}`;
    throw new UnknownFormatError(file, offset, found);
  }
  const fail = (reason: string): never => {
    const text = `the ${what} of the snapshot cannot be read: ${reason}`;
    throw new StorageDamage(text, { file, offset });
  };
  if (block.kind === "blank") return fail("it is all zeros");
  if (block.kind === "damaged") return fail(block.reason);
  try {
    return decode(block.content);
  } catch (error) {
    if (error instanceof FormatError) return fail(error.message);
    throw error;
  }
}

function readPosition(reader: ByteReader): LogPosition {
  return { index: logIndex(reader.u64()), term: term(reader.u64()) };
}

// --- identity ------------------------------------------------------------------------------------

export function isSameSnapshot(a: SnapshotIdentity, b: SnapshotIdentity): boolean {
  return (
    a.position.index === b.position.index &&
    a.position.term === b.position.term &&
    a.bytes === b.bytes &&
    a.hash === b.hash
  );
}

/** `at 1000/3, 66048 bytes, 0123456789abcdef`. */
export function describeSnapshot(identity: SnapshotIdentity): string {
  const { position, bytes, hash } = identity;
  return `at ${position.index}/${position.term}, ${bytes} bytes, ${hash}`;
}

export function snapshotFileName(index: number): string {
  return `snapshot-${String(index).padStart(16, "0")}.snap`;
}

/** The index in a snapshot's name, or null for any other name. */
export function parseSnapshotFileName(name: string): number | null {
  const match = /^snapshot-(\d{16})\.snap$/.exec(name);
  return match === null ? null : Number(match[1]);
}
