/** Payloads of `request-vote` and its response. */
import type { RequestVote, RequestVoteResponse, VoteRefusal } from "../../core/index.ts";
import {
  decodeCode,
  decodeFlag,
  decodePosition,
  decodeTerm,
  encodeFlag,
  encodePosition,
  invertCodes,
  type MessageCodec,
} from "./fields.ts";

const refusalCodes: Readonly<Record<VoteRefusal | "granted", number>> = {
  granted: 0,
  "stale-term": 1,
  "voted-for-other": 2,
  "log-behind": 3,
  "leader-alive": 4,
  "must-catch-up": 5,
};
const refusals = invertCodes(refusalCodes);

export const requestVoteCodec: MessageCodec<RequestVote> = {
  code: 16,
  payloadBytesMax: () => 25,
  encode(writer, message) {
    writer.u64(message.term);
    encodeFlag(writer, message.pre);
    encodePosition(writer, message.last);
  },
  decode: (reader, ends) => ({
    kind: "request-vote",
    from: ends.from,
    to: ends.to,
    term: decodeTerm(reader),
    pre: decodeFlag(reader, "the mark of a pre-vote"),
    last: decodePosition(reader),
  }),
};

export const requestVoteResponseCodec: MessageCodec<RequestVoteResponse> = {
  code: 17,
  payloadBytesMax: () => 18,
  encode(writer, message) {
    writer.u64(message.term);
    encodeFlag(writer, message.pre);
    writer.u64(message.campaignTerm);
    writer.u8(refusalCodes[message.refused ?? "granted"]);
  },
  decode(reader, ends) {
    const { from, to } = ends;
    const term = decodeTerm(reader);
    const pre = decodeFlag(reader, "the mark of a pre-vote");
    const campaignTerm = decodeTerm(reader);
    const answer = decodeCode(reader, refusals, "the answer to a vote request");
    const refused = answer === "granted" ? null : answer;
    return { kind: "request-vote-response", from, to, term, pre, campaignTerm, refused };
  },
};
