/**
 * All that travels between members on their ordinary connections: the core's messages, and the
 * node's own for forwarded commands and changes of the members, the progress of learners, the
 * comparison of states, and about snapshots. What travels on connections for bulk is in
 * `bulk-message.ts`.
 */
import type { LogIndex, NodeId, Term } from "../base/index.ts";
import type { ChangeRefusal, LogPosition, MemberChange, Message } from "../core/index.ts";

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
    | { readonly kind: "refused"; readonly why: "not-leader" | "overloaded" | "unknown-machine" }
    | { readonly kind: "refused"; readonly why: "not-enabled"; readonly held: HeldCommand };
}

/** A version of a machine that is not enabled, and the members that cannot apply it. */
export interface HeldCommand {
  readonly machine: string;
  readonly version: number;
  /** The one in force; 0: none. */
  readonly enabled: number;
  /** At most `membersMax`. `version`: what it can apply; null: it has not told. */
  readonly lacking: readonly { readonly id: NodeId; readonly version: number | null }[];
}

/** Who is to be added cannot apply what is enabled. */
export interface OlderProgram {
  readonly why: "older-program";
  readonly id: NodeId;
  readonly machine: string;
  readonly version: number;
  /** What it can apply; null: its program does not tell. */
  readonly known: number | null;
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

/** Which snapshot: equal names mean equal bytes, whoever has them. */
export interface SnapshotName {
  /** The last entry whose effect is in it. */
  readonly position: LogPosition;
  /** Bytes of the file. */
  readonly bytes: number;
  /** 16 hex digits. */
  readonly hash: string;
}

/** A leader tells a member that it needs a snapshot, and who has it. May come again and again. */
export interface SnapshotOffer {
  readonly kind: "snapshot-offer";
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: Term;
  readonly snapshot: SnapshotName;
  /** Whom to ask, the first one first; at least one, at most `membersMax`. */
  readonly sources: readonly NodeId[];
}

/**
 * `receiving`: bytes come; `waiting`: no source gives any at the moment; `installed`: it is there,
 * or is not needed any more; `refused`: it will not be taken.
 */
export type SnapshotState = "receiving" | "waiting" | "installed" | "refused";

/** The answer to offers, and news now and then while a transfer lasts. */
export interface SnapshotStatus {
  readonly kind: "snapshot-status";
  readonly from: NodeId;
  readonly to: NodeId;
  /** Of the newest offer that was heard. */
  readonly term: Term;
  /** What is being received, which may be another one than was offered. */
  readonly snapshot: SnapshotName;
  readonly receivedBytes: number;
  readonly state: SnapshotState;
}

/**
 * A change of the members that a member hands to its leader. Answered by `change-members-response`
 * with the same `id`.
 */
export interface ChangeMembersRequest {
  readonly kind: "change-members";
  readonly from: NodeId;
  readonly to: NodeId;
  /** Unique in this run of the asking member. */
  readonly id: number;
  /** At most `changesMax`. */
  readonly changes: readonly MemberChange[];
  /** Only if the members are those of this entry; null: whoever they are. */
  readonly expected: LogIndex | null;
}

/** The members are those of the entry at `index`, and not those that the change was meant for. */
export interface OtherMembers {
  readonly why: "other-members";
  readonly index: LogIndex;
}

/** Steps of a change at once: every member replaced by another one. */
export const changesMax = 126;

/**
 * `appended`: where its entry is in the log, which may be that of an earlier attempt; `made`:
 * nothing was left to do; `refused`: it is in no log.
 */
export type ChangeAnswer =
  | { readonly kind: "appended"; readonly index: LogIndex; readonly term: Term }
  | { readonly kind: "made" }
  | ({ readonly kind: "refused" } & (ChangeRefusal | OlderProgram | OtherMembers));

export interface ChangeMembersResponse {
  readonly kind: "change-members-response";
  readonly from: NodeId;
  readonly to: NodeId;
  readonly id: number;
  readonly answer: ChangeAnswer;
}

/** What a learner that is to become a voter waits for. */
export type PromotionHold = "silent" | "behind" | "quorum" | "change" | "nothing";

/** The leader tells the others how far a learner has come that is to become a voter. */
export interface LearnerProgress {
  readonly kind: "learner-progress";
  readonly from: NodeId;
  readonly to: NodeId;
  readonly learner: NodeId;
  /** It has the log up to here on its disk; committed is up to `commit`. */
  readonly matched: LogIndex;
  readonly commit: LogIndex;
  readonly hold: PromotionHold;
}

export type PeerMessage =
  | Message
  | ChangeMembersRequest
  | ChangeMembersResponse
  | LearnerProgress
  | ForwardRequest
  | ForwardResponse
  | StateHashMessage
  | SnapshotOffer
  | SnapshotStatus;
