/**
 * One sector (512 bytes) with a magic, a version and a checksum: the form of everything small that
 * is kept on disk (identity, hard state, segment header, log end). See `docs/formats.md`, "sealed
 * block".
 *
 *     0  magic, 8 ASCII characters      10  content, then zeros
 *     8  version u16                    508 CRC-32 of bytes 0 to 507
 *
 * The places of magic, version and checksum never change, so that an unknown version is told from
 * damage.
 */
import { assert, ByteReader, ByteWriter, type Crc32 } from "../base/index.ts";

/**
 * The smallest thing a disk is assumed to write as a whole; every structure on disk begins at a
 * multiple.
 */
export const sectorBytes = 512;

const checksumOffset = sectorBytes - 4;
const contentOffset = 10;

/** What a kind of block is called and which version this code writes and reads. */
export interface BlockFormat {
  /** Exactly 8 ASCII characters. */
  readonly magic: string;
  readonly version: number;
}

export type OpenedBlock =
  /** The reader stands at the content. */
  | { readonly kind: "sound"; readonly content: ByteReader }
  /** All zeros: never written. */
  | { readonly kind: "blank" }
  | { readonly kind: "damaged"; readonly reason: string }
  | { readonly kind: "unknown-version"; readonly version: number };

/** Makes a block; `fill` writes at most 498 bytes of content. */
export function sealBlock(
  format: BlockFormat,
  crc32: Crc32,
  fill: (writer: ByteWriter) => void,
): Uint8Array {
  assert(format.magic.length === 8, "a magic has 8 characters");
  const writer = new ByteWriter(sectorBytes);
  for (let i = 0; i < 8; i++) writer.u8(format.magic.charCodeAt(i));
  writer.u16(format.version);
  fill(writer);
  assert(writer.length <= checksumOffset, "the content of a block fits in its sector");
  const block = new Uint8Array(sectorBytes);
  block.set(writer.view());
  const checksum = crc32(block.subarray(0, checksumOffset));
  new DataView(block.buffer).setUint32(checksumOffset, checksum, true);
  return block;
}

/** Checks length, checksum, magic and version of an untrusted block, in this order. */
export function openBlock(bytes: Uint8Array, format: BlockFormat, crc32: Crc32): OpenedBlock {
  if (bytes.length < sectorBytes) {
    return { kind: "damaged", reason: `${bytes.length} bytes instead of ${sectorBytes}` };
  }
  if (isZero(bytes, 0, sectorBytes)) return { kind: "blank" };
  const reader = new ByteReader(bytes, checksumOffset);
  if (reader.u32() !== crc32(bytes.subarray(0, checksumOffset))) {
    return { kind: "damaged", reason: "the checksum is wrong" };
  }
  for (let i = 0; i < 8; i++) {
    if (bytes[i] !== format.magic.charCodeAt(i)) {
      return { kind: "damaged", reason: `it is not a "${format.magic}" block` };
    }
  }
  reader.offset = contentOffset - 2;
  const version = reader.u16();
  if (version !== format.version) return { kind: "unknown-version", version };
  return { kind: "sound", content: reader };
}

/** Whether `length` bytes from `offset` are all zero; what lies beyond the end counts as zero. */
export function isZero(bytes: Uint8Array, offset: number, length: number): boolean {
  const end = Math.min(offset + length, bytes.length);
  for (let i = offset; i < end; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** 16 hex digits as 8 bytes. */
export function writeId(writer: ByteWriter, id: string): void {
  assert(/^[0-9a-f]{16}$/.test(id), "an id is 16 lower-case hex digits", () => id);
  for (let i = 0; i < 16; i += 2) writer.u8(Number.parseInt(id.slice(i, i + 2), 16));
}

/** 8 bytes as 16 hex digits. */
export function readId(reader: ByteReader): string {
  let id = "";
  for (let i = 0; i < 8; i++) id += reader.u8().toString(16).padStart(2, "0");
  return id;
}
