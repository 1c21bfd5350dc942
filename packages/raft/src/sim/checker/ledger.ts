/**
 * What the checker remembers of a whole world: things that are written once and never change. The
 * members are compared with it after every step; it never looks into the future and never asks a
 * member what is right.
 */
import type { Evaluations } from "../violation.ts";
import type { Electorate } from "./electorate.ts";
import type { LogTree, Past } from "./log-tree.ts";
import type { MemberRecord } from "./member-record.ts";

/** The one leader of a term. */
export interface Leader {
  readonly at: number;
  /** Its log as it was elected with, and what it appended since: entry k is at k - 1. */
  readonly log: Past[];
}

export interface Ledger {
  readonly evaluations: Evaluations;
  readonly members: readonly MemberRecord[];
  readonly tree: LogTree;
  /** What is committed: entry k, as first seen committed by anybody, is at k - 1. */
  readonly canon: Past[];
  /** The term of who committed it first; same places as `canon`. */
  readonly commitTerms: number[];
  readonly leaders: Map<number, Leader>;
  newestLeaderTerm: number;
  /** By member and term: for whom a vote got durable, and for whom a granted response left. */
  readonly votesDurable: Map<number, number>;
  readonly votesLeft: Map<number, number>;
  /** By member and campaign term: to whom pre-votes left; bit 2^k is place k. */
  readonly preVotesLeft: Map<number, number>;
  /** By target and term: the leader of that term told it to stand. */
  readonly orders: Set<number>;
  /** What a member's clock has counted over all its lives, in milliseconds; null: unknown. */
  readonly clockOf: ((at: number) => number) | null;
  /** By member and term: the highest index acknowledged in a response that left. */
  readonly promised: Map<number, number>;
  /** Writes that a client was told of. */
  readonly acknowledged: Past[];
  /** Configuration entries that were looked at when their leader appended them. */
  readonly judged: Set<Past>;
  readonly counts: {
    elections: number;
    writes: number;
    readsAnswered: number;
    readsFailed: number;
    /** Changes of the members that are committed, joint configurations left. */
    changes: number;
    /** Of them, those that changed who votes. */
    voterChanges: number;
    /** Configurations that went out of force at a member because its log was cut. */
    configurationsUndone: number;
    /** Own snapshots that are on disk, others that took their place there, and logs with them. */
    snapshotsTaken: number;
    snapshotsInstalled: number;
    logsReplaced: number;
    /** Times that a log in memory lost its beginning to a snapshot. */
    compactions: number;
    /** Transfers that began; those that ended with the stint. */
    transfers: number;
    handovers: number;
    /** Reads that a lease answered. */
    leaseReads: number;
    /** Campaigns that began because the leader was seen to be gone. */
    failovers: number;
  };
}

export function createLedger(
  members: readonly MemberRecord[],
  tree: LogTree,
  evaluations: Evaluations,
  clockOf: ((at: number) => number) | null = null,
): Ledger {
  return {
    evaluations,
    members,
    tree,
    canon: [],
    commitTerms: [],
    leaders: new Map(),
    newestLeaderTerm: 0,
    votesDurable: new Map(),
    votesLeft: new Map(),
    preVotesLeft: new Map(),
    orders: new Set(),
    clockOf,
    promised: new Map(),
    acknowledged: [],
    judged: new Set(),
    counts: {
      elections: 0,
      writes: 0,
      readsAnswered: 0,
      readsFailed: 0,
      changes: 0,
      voterChanges: 0,
      configurationsUndone: 0,
      snapshotsTaken: 0,
      snapshotsInstalled: 0,
      logsReplaced: 0,
      compactions: 0,
      transfers: 0,
      handovers: 0,
      leaseReads: 0,
      failovers: 0,
    },
  };
}

/** Members of one world: sets of them are bits of a small number. */
export const membersMax = 16;

/** One key for a member and a term. */
export function memberTerm(at: number, term: number): number {
  return term * membersMax + at;
}

/**
 * The configurations by which something may be decided from now on: the newest committed one, and
 * those that some log holds after it.
 */
export function decidingElectorates({ canon, tree }: Ledger): Electorate[] {
  const committed = canon.at(-1)?.electorate;
  if (committed === undefined) return [];
  const open = tree.electorates.filter(({ index }) => index > canon.length);
  return [committed, ...open];
}
