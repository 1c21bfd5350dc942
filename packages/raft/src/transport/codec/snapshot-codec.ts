/** Payloads of `snapshot-offer` and `snapshot-status`, and the name of a snapshot in bytes. */
import { assert, type ByteReader, ByteWriter, FormatError, type NodeId } from "../../base/index.ts";
import { membersMax } from "../../core/index.ts";
import type {
  SnapshotName,
  SnapshotOffer,
  SnapshotState,
  SnapshotStatus,
} from "../peer-message.ts";
import {
  decodeCode,
  decodeId64,
  decodeNodeId,
  decodePosition,
  decodeTerm,
  encodeId64,
  invertCodes,
  type MessageCodec,
} from "./fields.ts";
import type { FrameWriter } from "./frame-writer.ts";

const stateCodes: Readonly<Record<SnapshotState, number>> = {
  receiving: 1,
  waiting: 2,
  installed: 3,
  refused: 4,
};
const states = invertCodes(stateCodes);

const nameBytes = 32;
/** A member's name is ASCII, at most 64 characters, after its length. */
const idBytesMax = 66;

export const snapshotOfferCodec: MessageCodec<SnapshotOffer> = {
  code: 48,
  payloadBytesMax: (message) => 8 + nameBytes + 1 + message.sources.length * idBytesMax,
  encode(writer, message) {
    const { term, snapshot, sources } = message;
    assert(sources.length > 0 && sources.length <= membersMax, "an offer names 1 to 63 sources");
    const payload = new ByteWriter().u64(term);
    encodeSnapshotName(payload, snapshot);
    payload.u8(sources.length);
    for (const id of sources) payload.string(id);
    writer.raw(payload.view());
  },
  decode: (reader, ends) => ({
    kind: "snapshot-offer",
    from: ends.from,
    to: ends.to,
    term: decodeTerm(reader),
    snapshot: decodeSnapshotName(reader),
    sources: decodeSources(reader),
  }),
};

function decodeSources(reader: ByteReader): readonly NodeId[] {
  const count = reader.u8();
  if (count === 0 || count > membersMax) {
    throw new FormatError(`${count} sources of a snapshot; 1 to ${membersMax} may be named`);
  }
  const sources: NodeId[] = [];
  for (let i = 0; i < count; i++) sources.push(decodeNodeId(reader));
  if (new Set(sources).size < count) throw new FormatError("a source is named twice");
  return sources;
}

export const snapshotStatusCodec: MessageCodec<SnapshotStatus> = {
  code: 49,
  payloadBytesMax: () => 8 + nameBytes + 9,
  encode(writer: FrameWriter, message) {
    const payload = new ByteWriter().u64(message.term);
    encodeSnapshotName(payload, message.snapshot);
    payload.u64(message.receivedBytes).u8(stateCodes[message.state]);
    writer.raw(payload.view());
  },
  decode(reader, ends) {
    const { from, to } = ends;
    const term = decodeTerm(reader);
    const snapshot = decodeSnapshotName(reader);
    const receivedBytes = reader.u64();
    if (receivedBytes > snapshot.bytes) {
      throw new FormatError(`${receivedBytes} bytes of a snapshot of ${snapshot.bytes}`);
    }
    const state = decodeCode(reader, states, "the state of a transfer");
    return { kind: "snapshot-status", from, to, term, snapshot, receivedBytes, state };
  },
};

export function encodeSnapshotName(writer: ByteWriter, name: SnapshotName): void {
  const { position, bytes, hash } = name;
  writer.u64(position.index).u64(position.term).u64(bytes);
  encodeId64(writer, hash);
}

/** @throws FormatError */
export function decodeSnapshotName(reader: ByteReader): SnapshotName {
  const position = decodePosition(reader);
  const bytes = reader.u64();
  if (position.index === 0) throw new FormatError("a snapshot of nothing, at index 0");
  return { position, bytes, hash: decodeId64(reader) };
}
