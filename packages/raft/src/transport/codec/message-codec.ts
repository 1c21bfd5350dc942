/**
 * All messages between members as frames: one table by kind. A later version of the protocol adds
 * kinds and never changes the layout of one; a peer is sent what the version in common has. Called
 * by the two halves of the transport.
 */
import { ByteReader, FormatError } from "../../base/index.ts";
import type { PeerMessage } from "../peer-message.ts";
import {
  appendEntriesCodec,
  appendEntriesResponseCodec,
  extendedResponseCodec,
  fullResponseCodec,
  isExtendedResponse,
  promiseAppendCodec,
} from "./append-codec.ts";
import {
  changeMembersCodec,
  changeMembersResponseCodec,
  learnerProgressCodec,
} from "./change-codec.ts";
import type { Ends, MessageCodec } from "./fields.ts";
import { forwardCodec, forwardResponseCodec } from "./forward-codec.ts";
import { type Frame, frameHeaderBytes } from "./frame.ts";
import type { FrameWriter } from "./frame-writer.ts";
import { readIndexCodec, readIndexResponseCodec } from "./read-codec.ts";
import { snapshotOfferCodec, snapshotStatusCodec } from "./snapshot-codec.ts";
import { stateHashCodec } from "./state-hash-codec.ts";
import { timeoutNowCodec } from "./transfer-codec.ts";
import { requestVoteCodec, requestVoteResponseCodec, transferVoteCodec } from "./vote-codec.ts";

type Codecs = {
  readonly [Kind in PeerMessage["kind"]]: MessageCodec<Extract<PeerMessage, { kind: Kind }>>;
};

const codecs: Codecs = {
  "request-vote": requestVoteCodec,
  "request-vote-response": requestVoteResponseCodec,
  "append-entries": appendEntriesCodec,
  "append-entries-response": appendEntriesResponseCodec,
  "read-index": readIndexCodec,
  "read-index-response": readIndexResponseCodec,
  "timeout-now": timeoutNowCodec,
  forward: forwardCodec,
  "forward-response": forwardResponseCodec,
  "state-hash": stateHashCodec,
  "snapshot-offer": snapshotOfferCodec,
  "snapshot-status": snapshotStatusCodec,
  "change-members": changeMembersCodec,
  "change-members-response": changeMembersResponseCodec,
  "learner-progress": learnerProgressCodec,
};

/** The same messages where they say more than the layout of their kind does. */
const extendedCodecs = {
  "request-vote": transferVoteCodec,
  "append-entries": promiseAppendCodec,
  "append-entries-response": extendedResponseCodec,
} as const;
/** And more still. */
const fullCodecs = { "append-entries-response": fullResponseCodec } as const;

const codecsByCode = new Map<number, MessageCodec<PeerMessage>>(
  [codecs, extendedCodecs, fullCodecs]
    .flatMap((table): readonly MessageCodec<PeerMessage>[] => Object.values(table))
    .map((codec) => [codec.code, codec]),
);

/** The kinds of version 1 of the protocol end here. */
const firstVersionCodeMax = 23;

export function isMessageKind(code: number): boolean {
  return codecsByCode.has(code);
}

/**
 * The message as it can be said in `version` of the protocol: what an older program would not know
 * is left out of it where the rest makes sense alone. Null: nothing of it can be said.
 */
export function fitMessage(message: PeerMessage, version: number): PeerMessage | null {
  if (version > 1) return message;
  if (codecOf(message).code <= firstVersionCodeMax) return fitResponse(message);
  switch (message.kind) {
    case "request-vote": {
      const { transfer: _left, ...rest } = message;
      return rest;
    }
    case "append-entries": {
      const { promiseMs: _left, ...rest } = message;
      return rest;
    }
    case "append-entries-response": {
      const { standing: _standing, promisedMs: _promised, isFull: _full, ...rest } = message;
      return rest;
    }
    default:
      return null;
  }
}

function fitResponse(message: PeerMessage): PeerMessage {
  const isHeld =
    message.kind === "forward-response" &&
    message.result.kind === "refused" &&
    message.result.why === "not-enabled";
  return isHeld ? { ...message, result: { kind: "refused", why: "unknown-machine" } } : message;
}

/** Bytes that the frame of `message` has at most, its header included. */
export function messageFrameBytesMax(message: PeerMessage): number {
  return frameHeaderBytes + codecOf(message).payloadBytesMax(message);
}

/** Writes `message` as one frame. Its `from` and `to` are not written: the handshake told them. */
export function encodeMessage(writer: FrameWriter, message: PeerMessage): void {
  const codec = codecOf(message);
  writer.begin(codec.payloadBytesMax(message));
  codec.encode(writer, message);
  writer.end(codec.code);
}

/**
 * Reads a message that `ends.from` sent to `ends.to`. Data in it are views of the frame's bytes.
 *
 * @throws FormatError for an unknown kind (unknown is a stop) or a payload that breaks its layout
 */
export function decodeMessage(frame: Frame, ends: Ends): PeerMessage {
  const codec = codecsByCode.get(frame.kind);
  if (codec === undefined) throw new FormatError(`a frame of the unknown kind ${frame.kind}`);
  const reader = new ByteReader(frame.payload);
  const message = codec.decode(reader, ends);
  if (reader.remaining > 0) {
    throw new FormatError(`${reader.remaining} bytes after a ${message.kind}`);
  }
  return message;
}

function codecOf(message: PeerMessage): MessageCodec<PeerMessage> {
  const { kind } = message;
  if (kind === "request-vote" && message.transfer === true) return extendedCodecs[kind];
  if (kind === "append-entries" && message.promiseMs !== undefined) return extendedCodecs[kind];
  if (kind === "append-entries-response" && message.isFull === true) return fullCodecs[kind];
  if (kind === "append-entries-response" && isExtendedResponse(message)) {
    return extendedCodecs[kind];
  }
  // The table is keyed by kind, so the codec found here is that of this message.
  return codecs[message.kind] as MessageCodec<PeerMessage>;
}
