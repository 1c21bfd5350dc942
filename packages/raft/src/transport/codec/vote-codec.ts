/** Payloads of `request-vote` and its response. */
import { assert } from "../../base/index.ts";
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

/** A request of a candidate that its leader told to stand. */
export const transferVoteCodec: MessageCodec<RequestVote> = {
  code: 33,
  payloadBytesMax: () => 24,
  encode(writer, message) {
    assert(!message.pre && message.transfer === true, "who is told to stand asks for no pre-vote");
    writer.u64(message.term);
    encodePosition(writer, message.last);
  },
  decode: (reader, ends) => ({
    kind: "request-vote",
    from: ends.from,
    to: ends.to,
    term: decodeTerm(reader),
    pre: false,
    last: decodePosition(reader),
    transfer: true,
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
