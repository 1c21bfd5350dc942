/**
 * The question of a member that is to join: one short connection to a member that runs, before
 * there is anything to introduce. Called by the node.
 */
import { type Crc32, FormatError } from "../base/index.ts";
import type { Clock, Connection, Network, Timer } from "../ports/index.ts";
import type { JoinAnswer, JoinRequest } from "./admission.ts";
import { decodeJoinAnswer, encodeJoin } from "./codec/admission-codec.ts";
import { type Frame, joinAnswerKind, refusalKind } from "./codec/frame.ts";
import { FrameParser } from "./codec/frame-parser.ts";
import { FrameWriter } from "./codec/frame-writer.ts";
import { decodeRefusal, type RefusalReason, refusalReasonOf } from "./codec/handshake-codec.ts";
import { checkTransportLimits, type TransportLimits } from "./limits.ts";

export interface AskToJoinOptions {
  readonly network: Pick<Network, "connect">;
  readonly clock: Clock;
  readonly crc32: Crc32;
  readonly limits?: Partial<TransportLimits>;
  /** `host:port` of a member's peer port. */
  readonly address: string;
  readonly request: JoinRequest;
}

export type JoinOutcome =
  | ({ readonly kind: "answered" } & JoinAnswer)
  /** `why` null: for a reason of a later version. */
  | { readonly kind: "refused"; readonly why: RefusalReason | null; readonly text: string }
  | { readonly kind: "unreachable"; readonly text: string };

/** Asks once; `done` runs exactly once, never inside the call, when the connection is closed. */
export function askToJoin(options: AskToJoinOptions, done: (outcome: JoinOutcome) => void): void {
  const { network, clock, crc32, address, request } = options;
  const limits = checkTransportLimits(options.limits ?? {});
  const parser = new FrameParser(crc32, limits.frameBytesMax);
  let outcome: JoinOutcome | null = null;
  const finish = (found: JoinOutcome): void => {
    if (outcome !== null) return;
    outcome = found;
    patience.cancel();
    connection.close();
    clock.defer(() => done(found));
  };
  const connection: Connection = network.connect(address, {
    onOpen: () => {
      const writer = new FrameWriter(crc32, limits.handshakeBytesMax);
      encodeJoin(writer, request);
      connection.send(writer.take());
    },
    onData: (bytes) => {
      const found = outcome === null ? read(parser, bytes, address) : null;
      if (found !== null) finish(found);
    },
    onClose: (error) => {
      const text = error === null ? `${address} closed the connection` : error.message;
      finish({ kind: "unreachable", text });
    },
  });
  const patience: Timer = clock.after(limits.handshakeTimeoutMs, () => {
    const text = `no answer from ${address} within ${limits.handshakeTimeoutMs} ms`;
    finish({ kind: "unreachable", text });
  });
}

/** Null: more bytes are needed. */
function read(parser: FrameParser, bytes: Uint8Array, address: string): JoinOutcome | null {
  try {
    parser.push(bytes);
    const frame = parser.next();
    return frame === null ? null : toOutcome(frame);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return { kind: "unreachable", text: `${address} sent ${error.message}` };
  }
}

function toOutcome(frame: Frame): JoinOutcome {
  if (frame.kind === refusalKind) {
    const { code, text } = decodeRefusal(frame);
    return { kind: "refused", why: refusalReasonOf(code), text };
  }
  if (frame.kind !== joinAnswerKind) {
    throw new FormatError(`a frame of kind ${frame.kind} as answer to a question`);
  }
  return { kind: "answered", ...decodeJoinAnswer(frame) };
}
