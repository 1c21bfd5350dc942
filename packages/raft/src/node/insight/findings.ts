/**
 * What can be said of a member, as data: one kind for each situation, with the numbers that the
 * sentences of `describe-finding.ts` are made of. Durations in milliseconds.
 */
import type { TransferReason, VoteRefusal } from "../../core/index.ts";
import type { PeerCause } from "../errors.ts";
import type { CampaignSummary, ElectionSummary, VoteRefused } from "./elections.ts";
import type { ReplicationState } from "./witness.ts";

/** `ok`: as it should be. `notice`: passes by itself. `trouble`: somebody should look. */
export type Severity = "ok" | "notice" | "trouble";

/** The member runs no more. */
export interface StoppedFinding {
  readonly kind: "stopped";
  readonly error: string | null;
}

/** There is a leader, and this member knows it. */
export interface LeaderFinding {
  readonly kind: "leader";
  readonly leader: string;
  readonly isSelf: boolean;
  readonly term: number;
  readonly forMs: number;
  /** Since the leader was last heard of; null at the leader. */
  readonly silentMs: number | null;
}

/** No leader is known here. */
export interface NoLeaderFinding {
  readonly kind: "no-leader";
  readonly term: number;
  readonly forMs: number;
  readonly previous: ElectionSummary["previous"];
  readonly why: ElectionSummary["why"];
}

/** Too few voters have a connection with this member. */
export interface NoQuorumFinding {
  readonly kind: "no-quorum";
  readonly needed: number;
  readonly reachable: readonly string[];
  readonly unreachable: readonly PeerCause[];
  /** This member reaches nobody: it may itself be what is cut off. */
  readonly isIsolated: boolean;
}

/** This member asks for votes. */
export interface CampaignFinding {
  readonly kind: "campaign";
  readonly pre: boolean;
  readonly term: number;
  readonly granted: readonly string[];
  readonly refused: readonly VoteRefused[];
  readonly unanswered: readonly string[];
  readonly needed: number;
  /** Its own vote waits for the disk. */
  readonly ownVoteUnderWay: boolean;
  readonly forMs: number;
}

/** This member will stand for election when its timer runs out. */
export interface ElectionDueFinding {
  readonly kind: "election-due";
  readonly inMs: number;
}

/** Campaigns without a winner since the leader was lost. */
export interface FailedCampaignsFinding {
  readonly kind: "failed-campaigns";
  readonly count: number;
  /** Of those that are remembered: in how many votes went to another candidate. */
  readonly splitCount: number;
  /** What the refusals were, most frequent first. */
  readonly refusals: readonly { readonly why: VoteRefusal; readonly count: number }[];
  readonly recent: readonly CampaignSummary[];
}

/** This member may not stand for election. */
export interface NoCandidateFinding {
  readonly kind: "no-candidate";
  /** `joining`: it is no member yet, as far as it knows. */
  readonly why: "not-a-voter" | "must-catch-up" | "joining";
}

/** The members change. */
export interface MembersChangingFinding {
  readonly kind: "members-changing";
  /** Of the entry of the configuration in force. */
  readonly index: number;
  /** Both the voters before and those after decide. */
  readonly joint: boolean;
  readonly committed: boolean;
}

/** This member leads, and hands over to `to`; commands wait. */
export interface TransferringFinding {
  readonly kind: "transferring";
  readonly to: string;
  readonly why: TransferReason;
  readonly forMs: number;
}

/** A learner that becomes a voter when it has caught up. */
export interface LearnerWaitsFinding {
  readonly kind: "learner-waits";
  readonly id: string;
  readonly replaces: string | null;
}

/**
 * A version of a machine that this program has is not in force yet; 0: none is. `lacking`: who
 * cannot apply it, with what they can; null: that one has not told, or is not there.
 */
export interface VersionHeldFinding {
  readonly kind: "version-held";
  readonly machine: string;
  readonly version: number;
  readonly enabled: number;
  readonly lacking: readonly { readonly id: string; readonly version: number | null }[];
}

/** Entries wait for a majority. */
export interface CommitHeldFinding {
  readonly kind: "commit-held";
  readonly commit: number;
  readonly last: number;
  readonly forMs: number;
  readonly needed: number;
  /** Voters that have the next entry on disk. */
  readonly have: readonly string[];
  /** Voters that lack it; null on followers, which do not know. */
  readonly heldBy: readonly string[] | null;
  /** Only the leader can tell more. */
  readonly leader: string | null;
}

/** The machines are slower than commitment. */
export interface ApplyBehindFinding {
  readonly kind: "apply-behind";
  readonly commit: number;
  readonly applied: number;
  readonly forMs: number;
}

/** What a leader knows of a peer. */
export interface PeerFinding {
  readonly kind: "peer";
  readonly id: string;
  readonly state: ReplicationState;
  readonly forMs: number;
  readonly matched: number;
  readonly behindEntries: number;
  readonly behindBytes: number;
  readonly inflightMessages: number;
  readonly inflightBytes: number;
  /** Why there is no connection, as last heard. */
  readonly reason: string | null;
  /** Since something that was sent then was answered. */
  readonly silentMs: number;
}

/** A connection that does not stand, seen by a follower. */
export interface DisconnectedFinding {
  readonly kind: "disconnected";
  readonly id: string;
  readonly reason: string | null;
  readonly forMs: number;
}

/** Somebody that calls itself by a peer's name, or by none, was refused. */
export interface RefusedPeerFinding {
  readonly kind: "refused-peer";
  readonly id: string | null;
  readonly reason: string;
  readonly count: number;
  /** Since the last time. */
  readonly agoMs: number;
}

/** The disk takes long. */
export interface StorageSlowFinding {
  readonly kind: "storage-slow";
  readonly unit: number;
  readonly units: number;
  readonly entries: number;
  readonly bytes: number;
  readonly forMs: number;
}

/** The disk is unfit for a leader. */
export interface DiskUnhealthyFinding {
  readonly kind: "disk-unhealthy";
  readonly isLeader: boolean;
}

/** This member has less than its leader has committed, or must not vote until it has it. */
export interface CatchUpFinding {
  readonly kind: "catch-up";
  readonly mustCatchUp: boolean;
  readonly commit: number;
  /** As last heard; 0 without a leader. */
  readonly leaderCommit: number;
  readonly durable: number;
  readonly forMs: number | null;
  /**
   * `leader`: that one is known. `entries`: that they come. `disk`: that they are on disk.
   * `own-term-entry`: that the leader commits one of its own term. `election`: that the others
   * elect a leader without this member. `contact`: a connection to a majority besides itself.
   */
  readonly waitsFor: "leader" | "entries" | "disk" | "own-term-entry" | "election" | "contact";
}

/** Damage was found on the own disk, and what it was lies aside. */
export interface DiskDamageFinding {
  readonly kind: "disk-damage";
  /** One sentence each, of this start. */
  readonly reasons: readonly string[];
  /** Paths of all files that lie aside, of earlier starts, too. */
  readonly kept: readonly string[];
  readonly mustCatchUp: boolean;
}

/** Too many voters abstain after damage: without them nobody can be elected. */
export interface AbstainingFinding {
  readonly kind: "abstaining";
  /** As far as is known here. */
  readonly abstaining: readonly string[];
  readonly others: readonly string[];
  readonly needed: number;
}

export type Finding =
  | StoppedFinding
  | LeaderFinding
  | NoLeaderFinding
  | NoQuorumFinding
  | CampaignFinding
  | ElectionDueFinding
  | FailedCampaignsFinding
  | NoCandidateFinding
  | TransferringFinding
  | MembersChangingFinding
  | LearnerWaitsFinding
  | VersionHeldFinding
  | CommitHeldFinding
  | ApplyBehindFinding
  | PeerFinding
  | DisconnectedFinding
  | RefusedPeerFinding
  | StorageSlowFinding
  | DiskUnhealthyFinding
  | CatchUpFinding
  | DiskDamageFinding
  | AbstainingFinding;
