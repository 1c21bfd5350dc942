/**
 * The witness: the file `log-end` says up to which unit the log is known to have been synced. It is
 * written after the log has been idle for a moment and at the close, and turns "the last unit is
 * unreadable" from a riddle into damage. It lies in its own file, so it also notices that the end
 * of the log itself has gone.
 *
 * Two blocks, at 0 and 4096, take turns: a torn write of one leaves the older other.
 */
import { type Crc32, type LogIndex, logIndex } from "../../base/index.ts";
import type { DirectoryIdentity } from "../identity.ts";
import {
  type BlockFormat,
  openBlock,
  readId,
  sealBlock,
  sectorBytes,
  writeId,
} from "../sealed-block.ts";
import { UnknownFormatError } from "../storage-errors.ts";

export interface LogEnd {
  /** 1, 2, 3 …; the parity says which block. */
  readonly sequence: number;
  /** The last unit known to have been synced, 0 for none; and its checksum. */
  readonly unit: number;
  readonly unitChecksum: number;
  readonly segment: number;
  /** Where that unit ends in its segment, bytes. */
  readonly offset: number;
  /** The hard state that was durable then. */
  readonly hardStateSequence: number;
  /** The commit index as known then: a hint. */
  readonly commit: LogIndex;
}

export const logEndFileName = "log-end";

const format: BlockFormat = { magic: "quor-end", version: 1 };
const secondBlockOffset = 4096;
const fileBytes = secondBlockOffset + sectorBytes;

/** Where the block of this sequence number lies in the file. */
export function logEndOffset(sequence: number): number {
  return sequence % 2 === 1 ? 0 : secondBlockOffset;
}

export function encodeLogEnd(
  logEnd: LogEnd,
  identity: DirectoryIdentity,
  crc32: Crc32,
): Uint8Array {
  return sealBlock(format, crc32, (writer) => {
    writeId(writer, identity.incarnation);
    writer.u64(logEnd.sequence).u64(logEnd.unit).u32(logEnd.unitChecksum);
    writer.u64(logEnd.segment).u64(logEnd.offset);
    writer.u64(logEnd.hardStateSequence).u64(logEnd.commit);
  });
}

/** A whole new file, with the space of both blocks taken. */
export function encodeLogEndFile(
  logEnd: LogEnd,
  identity: DirectoryIdentity,
  crc32: Crc32,
): Uint8Array {
  const bytes = new Uint8Array(fileBytes);
  bytes.set(encodeLogEnd(logEnd, identity, crc32), logEndOffset(logEnd.sequence));
  return bytes;
}

/**
 * The newest sound block, or null. Without one recovery has less evidence, and decides more
 * carefully.
 *
 * @throws UnknownFormatError
 */
export function decodeLogEndFile(
  bytes: Uint8Array,
  file: string,
  identity: DirectoryIdentity,
  crc32: Crc32,
): { readonly logEnd: LogEnd | null; readonly damaged: boolean } {
  let newest: LogEnd | null = null;
  let damaged = bytes.length !== fileBytes;
  for (const offset of [0, secondBlockOffset]) {
    const block = openBlock(bytes.subarray(offset, offset + sectorBytes), format, crc32);
    if (block.kind === "unknown-version") {
      throw new UnknownFormatError(file, offset, `a log end of version ${block.version}`);
    }
    if (block.kind === "damaged") damaged = true;
    if (block.kind !== "sound") continue;
    const reader = block.content;
    const incarnation = readId(reader);
    const logEnd: LogEnd = {
      sequence: reader.u64(),
      unit: reader.u64(),
      unitChecksum: reader.u32(),
      segment: reader.u64(),
      offset: reader.u64(),
      hardStateSequence: reader.u64(),
      commit: logIndex(reader.u64()),
    };
    const isHere = incarnation === identity.incarnation && logEndOffset(logEnd.sequence) === offset;
    if (!isHere) damaged = true;
    else if (newest === null || logEnd.sequence > newest.sequence) newest = logEnd;
  }
  return { logEnd: newest, damaged };
}
