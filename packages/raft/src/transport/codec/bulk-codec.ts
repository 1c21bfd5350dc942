/**
 * Messages of connections for bulk as frames. The data of a block is handed to the network as it
 * is, behind a head of its own: it is never copied.
 */
import { assert, ByteReader, ByteWriter, type Crc32, FormatError } from "../../base/index.ts";
import {
  type BulkMessage,
  bulkDataBytesMax,
  type SnapshotRead,
  type SnapshotRefusal,
} from "../bulk-message.ts";
import { decodeCode, invertCodes } from "./fields.ts";
import { type Frame, frameHeaderBytes } from "./frame.ts";
import { writeFrameHeader } from "./frame-writer.ts";
import { decodeSnapshotName, encodeSnapshotName } from "./snapshot-codec.ts";

const kindCodes: Readonly<Record<BulkMessage["kind"], number>> = {
  "snapshot-open": 64,
  "snapshot-read": 65,
  "snapshot-block": 66,
  "snapshot-refused": 67,
};
const kinds = invertCodes(kindCodes);

const refusalCodes: Readonly<Record<SnapshotRefusal, number>> = {
  busy: 1,
  unknown: 2,
  damaged: 3,
  failed: 4,
};
const refusals = invertCodes(refusalCodes);

/** Bytes of the largest frame with its header: that of a full block. */
export const bulkFrameBytesMax: number = frameHeaderBytes + 8 + bulkDataBytesMax;

const nothing: Uint8Array = new Uint8Array(0);

/** One frame, in one or two chunks. The data of a block must not change any more. */
export function encodeBulk(message: BulkMessage, crc32: Crc32): readonly Uint8Array[] {
  const fields = new ByteWriter(64).raw(new Uint8Array(frameHeaderBytes));
  const data = encodeFields(fields, message);
  const head = fields.finish();
  const payloadCrc = crc32(data, crc32(head.subarray(frameHeaderBytes)));
  const payloadBytes = head.length - frameHeaderBytes + data.length;
  writeFrameHeader(head, kindCodes[message.kind], payloadBytes, payloadCrc, crc32);
  return data.length === 0 ? [head] : [head, data];
}

/** Writes what comes before the data; returns the data. */
function encodeFields(writer: ByteWriter, message: BulkMessage): Uint8Array {
  switch (message.kind) {
    case "snapshot-open":
      encodeSnapshotName(writer, message.snapshot);
      return nothing;
    case "snapshot-read":
      writer.u64(message.offset).u32(message.length);
      return nothing;
    case "snapshot-block":
      assert(message.data.length <= bulkDataBytesMax, "a block fits into its frame");
      writer.u64(message.offset);
      return message.data;
    case "snapshot-refused":
      writer.u8(refusalCodes[message.why]).u32(message.retryMs);
      return nothing;
    default:
      return message satisfies never;
  }
}

/**
 * The data of a block is a view of the frame's bytes.
 *
 * @throws FormatError for an unknown kind or a payload that breaks its layout
 */
export function decodeBulk(frame: Frame): BulkMessage {
  const kind = kinds.get(frame.kind);
  if (kind === undefined) {
    throw new FormatError(`a frame of kind ${frame.kind} on a connection for bulk`);
  }
  const reader = new ByteReader(frame.payload);
  const message = decodeFields(kind, reader);
  if (reader.remaining > 0) throw new FormatError(`${reader.remaining} bytes after a ${kind}`);
  return message;
}

function decodeFields(kind: BulkMessage["kind"], reader: ByteReader): BulkMessage {
  switch (kind) {
    case "snapshot-open":
      return { kind, snapshot: decodeSnapshotName(reader) };
    case "snapshot-read":
      return decodeRead(reader);
    case "snapshot-block":
      return { kind, offset: reader.u64(), data: decodeData(reader) };
    case "snapshot-refused": {
      const why = decodeCode(reader, refusals, "the refusal of a snapshot");
      return { kind, why, retryMs: reader.u32() };
    }
    default:
      return kind satisfies never;
  }
}

function decodeRead(reader: ByteReader): SnapshotRead {
  const offset = reader.u64();
  const length = reader.u32();
  if (length === 0 || length > bulkDataBytesMax) {
    throw new FormatError(`${length} bytes asked for at once; at most ${bulkDataBytesMax} may be`);
  }
  return { kind: "snapshot-read", offset, length };
}

function decodeData(reader: ByteReader): Uint8Array {
  const length = reader.remaining;
  if (length === 0 || length > bulkDataBytesMax) {
    throw new FormatError(`a block of ${length} bytes; 1 to ${bulkDataBytesMax} may come`);
  }
  return reader.raw(length);
}
