/**
 * All that travels between members: the core's messages, and the node's own for forwarded commands
 * and the comparison of states.
 */
import type { LogIndex, NodeId, Term } from "../base/index.ts";
import type { Message } from "../core/index.ts";

/**
 * Commands that a member hands to its leader. Answered by `forward-response` with the same `id`.
 */
export interface ForwardRequest {
  readonly kind: "forward";
  readonly from: NodeId;
  readonly to: NodeId;
  /** Unique in this run of the asking member. */
  readonly id: number;
  readonly commands: readonly Uint8Array[];
}

/** Where the commands are in the log (consecutive from `first`), or why they are certainly not. */
export interface ForwardResponse {
  readonly kind: "forward-response";
  readonly from: NodeId;
  readonly to: NodeId;
  readonly id: number;
  readonly result:
    | { readonly kind: "appended"; readonly first: LogIndex; readonly term: Term }
    | { readonly kind: "refused"; readonly why: "not-leader" | "overloaded" | "unknown-machine" };
}

/** What the sender's machines looked like when they had applied everything up to `index`. */
export interface StateHashMessage {
  readonly kind: "state-hash";
  readonly from: NodeId;
  readonly to: NodeId;
  readonly index: LogIndex;
  /** A safe integer. */
  readonly hash: number;
}

export type PeerMessage = Message | ForwardRequest | ForwardResponse | StateHashMessage;
