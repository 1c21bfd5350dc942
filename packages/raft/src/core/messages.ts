/**
 * The messages between members. Every message carries its sender's term; the receiver looks at that
 * first. Plain data: the transport encodes it (`docs/formats.md`).
 */
import type { LogIndex, NodeId, Term } from "../base/index.ts";
import type { Entry, LogPosition } from "./entry.ts";

interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: Term;
}

/**
 * Asks for a vote. With `pre` it only asks whether a vote would be given: `term` is then the term
 * that the sender would campaign in, nobody adopts it, and nothing is stored.
 *
 * @paper §5.2, §5.4.1; @thesis §9.6 (PreVote)
 */
export interface RequestVote extends Envelope {
  readonly kind: "request-vote";
  readonly pre: boolean;
  readonly last: LogPosition;
  /**
   * The leader of the term before has told the sender to take over (`timeout-now`): who hears that
   * leader votes all the same. Never with `pre`. @thesis §3.10, §4.2.3
   */
  readonly transfer?: true;
}

export type VoteRefusal =
  | "stale-term"
  | "voted-for-other"
  | "log-behind"
  | "leader-alive"
  | "must-catch-up";

/** `term` is the voter's own; a candidate that is refused by a newer term adopts it. */
export interface RequestVoteResponse extends Envelope {
  readonly kind: "request-vote-response";
  readonly pre: boolean;
  /** The term that was asked for: an answer to an older campaign counts for nothing. */
  readonly campaignTerm: Term;
  /** Null when granted. */
  readonly refused: VoteRefusal | null;
}

/**
 * Replicates entries and, empty, is the heartbeat. @paper §5.3
 *
 * @invariant `entries` follow `prev` without a gap; their terms do not decrease and are at most
 * `term`.
 */
export interface AppendEntries extends Envelope {
  readonly kind: "append-entries";
  readonly prev: LogPosition;
  readonly entries: readonly Entry[];
  readonly commit: LogIndex;
  /**
   * The leader's newest heartbeat round, made by the leader alone: contact and reads are counted by
   * it.
   */
  readonly round: number;
  /** Numbers the appends of this leader to this peer in sending order. */
  readonly sequence: number;
  /**
   * Asks for the promise to elect nobody for so many milliseconds from receipt. 0: what was
   * promised to this leader, by rounds up to this one, is given back. Absent: neither.
   */
  readonly promiseMs?: number;
}

export interface AppendEntriesResponse extends Envelope {
  readonly kind: "append-entries-response";
  readonly round: number;
  readonly sequence: number;
  readonly outcome: AppendOutcome;
  /** Absent: the usual one. Tells the leader whom it may hand over to; nothing rests on it. */
  readonly standing?: Standing;
  /**
   * Its sender has as much as its disk and its machines can take: no entries, please, until an
   * answer to this append or a later one comes without this.
   */
  readonly isFull?: true;
  /** Promised in answer to `round`, for so many milliseconds from its receipt; absent: nothing. */
  readonly promisedMs?: number;
}

/** How fit its sender is to lead. */
export interface Standing {
  /** As in its settings: 0 to 10. */
  readonly priority: number;
  /** Its disk does, as its host sees it. */
  readonly isHealthy: boolean;
}

/** What a member is unless it says otherwise. */
export const usualStanding: Standing = { priority: 1, isHealthy: true };

export type AppendOutcome =
  /**
   * `matched`: the log equals the leader's up to here and is on this member's disk (a promise).
   * `verified`: it equals the leader's up to here, perhaps in memory only (tells the leader of lost
   * messages).
   */
  | { readonly kind: "accepted"; readonly matched: LogIndex; readonly verified: LogIndex }
  /**
   * There is no entry `prev` here. `hint` is the last position at or before `prev` whose term is
   * not above `prev.term`: the leader skips a whole term in one step. @paper §5.3 (last paragraphs)
   */
  | { readonly kind: "conflict"; readonly prev: LogPosition; readonly hint: LogPosition }
  /** The request's term is older than the envelope's. */
  | { readonly kind: "stale-term" };

/** A member asks its leader for the index at which its reads are linearizable. @thesis §6.4 */
export interface ReadIndex extends Envelope {
  readonly kind: "read-index";
  /** Numbers the asker's batches of reads; with `boot` unique over restarts. */
  readonly batch: number;
  readonly boot: number;
}

export interface ReadIndexResponse extends Envelope {
  readonly kind: "read-index-response";
  readonly batch: number;
  readonly boot: number;
  /** Null: the receiver does not lead (any more); nothing is known. */
  readonly index: LogIndex | null;
}

/**
 * The leader asks the receiver, whose disk has all of its log, to stand for election at once.
 * Counts only in the leader's own term, and not once a later round of it was heard: the leader
 * asks again with each round, and has given up when it no longer does. @thesis §3.10
 */
export interface TimeoutNow extends Envelope {
  readonly kind: "timeout-now";
  readonly round: number;
}

export type Message =
  | RequestVote
  | RequestVoteResponse
  | AppendEntries
  | AppendEntriesResponse
  | ReadIndex
  | ReadIndexResponse
  | TimeoutNow;
