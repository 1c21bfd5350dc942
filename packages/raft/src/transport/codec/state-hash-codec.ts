/** Payload of `state-hash`. */
import type { StateHashMessage } from "../peer-message.ts";
import { decodeIndex, type MessageCodec } from "./fields.ts";

export const stateHashCodec: MessageCodec<StateHashMessage> = {
  code: 40,
  payloadBytesMax: () => 16,
  encode(writer, message) {
    writer.u64(message.index);
    writer.u64(message.hash);
  },
  decode: (reader, ends) => ({
    kind: "state-hash",
    from: ends.from,
    to: ends.to,
    index: decodeIndex(reader),
    hash: reader.u64(),
  }),
};
