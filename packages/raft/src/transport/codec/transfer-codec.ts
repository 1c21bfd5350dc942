/** Payload of `timeout-now`. */
import type { TimeoutNow } from "../../core/index.ts";
import { decodeTerm, type MessageCodec } from "./fields.ts";

export const timeoutNowCodec: MessageCodec<TimeoutNow> = {
  code: 32,
  payloadBytesMax: () => 16,
  encode(writer, message) {
    writer.u64(message.term);
    writer.u64(message.round);
  },
  decode: (reader, ends) => ({
    kind: "timeout-now",
    from: ends.from,
    to: ends.to,
    term: decodeTerm(reader),
    round: reader.u64(),
  }),
};
