/** Payloads of `read-index` and its response. */
import type { ReadIndex, ReadIndexResponse } from "../../core/index.ts";
import { decodeFlag, decodeIndex, decodeTerm, encodeFlag, type MessageCodec } from "./fields.ts";

export const readIndexCodec: MessageCodec<ReadIndex> = {
  code: 20,
  payloadBytesMax: () => 24,
  encode(writer, message) {
    writer.u64(message.term);
    writer.u64(message.batch);
    writer.u64(message.boot);
  },
  decode: (reader, ends) => ({
    kind: "read-index",
    from: ends.from,
    to: ends.to,
    term: decodeTerm(reader),
    batch: reader.u64(),
    boot: reader.u64(),
  }),
};

export const readIndexResponseCodec: MessageCodec<ReadIndexResponse> = {
  code: 21,
  payloadBytesMax: () => 33,
  encode(writer, message) {
    writer.u64(message.term);
    writer.u64(message.batch);
    writer.u64(message.boot);
    encodeFlag(writer, message.index !== null);
    if (message.index !== null) writer.u64(message.index);
  },
  decode: (reader, ends) => ({
    kind: "read-index-response",
    from: ends.from,
    to: ends.to,
    term: decodeTerm(reader),
    batch: reader.u64(),
    boot: reader.u64(),
    index: decodeFlag(reader, "the mark of a known index") ? decodeIndex(reader) : null,
  }),
};
