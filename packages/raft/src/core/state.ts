/**
 * A member at one glance: every field of the algorithm's state, persistent ones apart from volatile
 * ones. Plain data that can be cloned, hashed and printed; the functions are in the files named
 * after the chapters.
 */
import {
  assert,
  type LogIndex,
  type NodeId,
  noIndex,
  noTerm,
  type PersistUnit,
  persistUnit,
  type Term,
} from "../base/index.ts";
import { type Configuration, isVoter } from "./configuration.ts";
import type { Effect, HardState, ReadFailure, Role, RoleChanged, Send } from "./effects.ts";
import type { Entry } from "./entry.ts";
import {
  configurationAt,
  configurationBefore,
  createLog,
  type Log,
  lastIndex,
  termAt,
} from "./log.ts";
import type { Progress } from "./progress.ts";
import type { Settings } from "./settings.ts";

/** Votes gathered in one campaign (pre-candidates and candidates). */
export interface Campaign {
  readonly pre: boolean;
  /** The term that is campaigned for: the own one, or with `pre` the one above it. */
  readonly term: Term;
  /**
   * @invariant voters, and oneself, who need be none; disjoint from `refusals`. The own vote counts
   * once it is durable.
   */
  readonly grants: Set<NodeId>;
  readonly refusals: Set<NodeId>;
}

/** A read, or a peer's batch of them, that waits until a majority has answered `round`. */
export interface PendingRead {
  readonly round: number;
  readonly index: LogIndex;
  readonly origin: ReadOrigin;
}

/** Reads that the leader was asked for and has not answered. */
export interface AskedReads {
  readonly ids: readonly number[];
  readonly tick: number;
}

export type ReadOrigin =
  | { readonly kind: "local"; readonly ids: readonly number[] }
  | { readonly kind: "peer"; readonly from: NodeId; readonly batch: number; readonly boot: number };

/** All that exists only while leading; a new one for each stint. */
export interface Leadership {
  /** The no-op that opened the term: commitment by counting starts here. */
  readonly termStart: LogIndex;
  /**
   * Every other member, learners included; who has left until that is committed, to hear of it.
   */
  readonly peers: Map<NodeId, Progress>;
  /** The newest heartbeat round: 1, 2, 3 … */
  round: number;
  /** When rounds were sent: for each tick that sent any, the first of them. Ascending, pruned. */
  roundTicks: { readonly round: number; readonly tick: number }[];
  heartbeatElapsed: number;
  /**
   * The commit index at the last take. What was committed since then waits one take for the entries
   * that its answers may lead to: then it needs no message of its own.
   */
  commitTaken: LogIndex;
  /** Bytes of the entries above `commit`. */
  uncommittedBytes: number;
  /** Registered since the last take: the next round is theirs. */
  newReads: ReadOrigin[];
  /** Ascending by round. */
  pendingReads: PendingRead[];
}

/** What a follower owes its leader since the last take. */
export interface PendingAck {
  readonly to: NodeId;
  round: number;
  sequence: number;
}

/** A unit handed out and not reported durable. */
export interface OutstandingUnit {
  readonly unit: PersistUnit;
  /** The last index on disk once this is: lowered when a later unit cuts below it. */
  lastIndex: LogIndex;
}

/** Effects gathered since the last take, in the order of their making. */
export interface Outbox {
  sends: Send[];
  answers: Effect[];
  /** The lowest index removed since the last take, or null. */
  truncateFrom: LogIndex | null;
  hardStateChanged: boolean;
  configurationChanged: boolean;
}

export interface Raft {
  readonly id: NodeId;
  readonly settings: Settings;
  /**
   * Random per start, a safe integer: answers to questions of an earlier life count for nothing.
   */
  readonly boot: number;
  /**
   * The term at the start: what was promised in an earlier life was promised in this one or before.
   */
  readonly recoveredTerm: Term;

  // Persistent. @paper Figure 2
  hardState: HardState;
  readonly log: Log;

  // What of it is on disk.
  /** The unit that the next persist effect will be. */
  nextUnit: PersistUnit;
  durableUnit: PersistUnit;
  /** The unit that holds the current hard state. */
  hardStateUnit: PersistUnit;
  outstanding: OutstandingUnit[];
  /** Our log up to here is on our disk. */
  durableIndex: LogIndex;
  /** Entries from here on were not yet handed out in a persist effect. */
  unstableFrom: LogIndex;

  // Volatile, on every member.
  role: Role;
  /** The leader of this term, if known. */
  leader: NodeId | null;
  /** @invariant `applied <= applying <= commit <= lastIndex`; none ever decreases. */
  commit: LogIndex;
  applying: LogIndex;
  applied: LogIndex;
  /** In force: the newest in the log, committed or not. @thesis §4.1 */
  configuration: Configuration;
  configurationIndex: LogIndex;
  /**
   * The newest that is known to be committed: by the commit index, or because another follows it in
   * the log; the first entry of a log is from the start.
   * @invariant `committedConfigurationIndex <= configurationIndex`; equal while no change is under
   * way
   */
  committedConfiguration: Configuration;
  committedConfigurationIndex: LogIndex;

  // Time.
  nowTick: number;
  nowMs: number;
  jitter: number;
  electionElapsed: number;
  electionTimeout: number;
  /** The tick of the last message of a leader of this term, or null: none since the start. */
  leaderContactTick: number | null;

  /** Peers that the host has a connection to, as last reported. For liveness only. */
  reachable: Set<NodeId>;

  // Volatile, by role.
  campaign: Campaign | null;
  leadership: Leadership | null;
  /** Follower: our log equals the leader's of this term up to here. */
  verified: LogIndex;
  /** Follower: the commit index in the leader's last message of this term. */
  leaderCommit: LogIndex;
  /** Follower: the newest round answered to the leader of this term. */
  answeredRound: number;
  pendingAck: PendingAck | null;

  // Reads that this member asks of its leader.
  readBatch: number;
  readsToAsk: number[];
  /** By batch, in the order of asking. */
  readsAsked: Map<number, AskedReads>;

  outbox: Outbox;
  /** What the host was last told. */
  told: RoleChanged;
}

export interface RaftOptions {
  readonly id: NodeId;
  readonly settings: Settings;
  readonly boot: number;
  /** In [0, 1), for the first election timer. */
  readonly jitter: number;
  /** As recovered from disk, all of it durable. */
  readonly hardState: HardState;
  /**
   * @invariant begins with a configuration (bootstrap writes the first); empty for a member that
   * joins a cluster, until its leader sends it the log.
   */
  readonly entries: readonly Entry[];
  readonly commit: LogIndex;
}

/** A member as it starts: a follower. @paper §5.2 */
export function createRaft(options: RaftOptions): Raft {
  const log = createLog(options.entries);
  const last = lastIndex(log);
  const hardState = options.hardState;
  assert(options.commit <= last, "what is known to be committed is in the log");
  assert((termAt(log, last) ?? noTerm) <= hardState.term, "no entry's term is above the own term");
  const effective = configurationAt(log, last);
  const known = configurationAt(log, Math.max(options.commit, 1));
  const committed = configurationBefore(log, effective, known);
  return {
    id: options.id,
    settings: options.settings,
    boot: options.boot,
    recoveredTerm: hardState.term,
    hardState,
    log,
    nextUnit: persistUnit(1),
    durableUnit: persistUnit(0),
    hardStateUnit: persistUnit(0),
    outstanding: [],
    durableIndex: last,
    unstableFrom: (last + 1) as LogIndex, // index plus one
    role: "follower",
    leader: null,
    commit: options.commit,
    applying: noIndex,
    applied: noIndex,
    configuration: effective.configuration,
    configurationIndex: effective.index,
    committedConfiguration: committed.configuration,
    committedConfigurationIndex: committed.index,
    nowTick: 0,
    nowMs: 0,
    jitter: options.jitter,
    electionElapsed: 0,
    electionTimeout: drawElectionTimeout(options.settings, options.jitter),
    leaderContactTick: null,
    reachable: new Set(),
    campaign: null,
    leadership: null,
    verified: noIndex,
    leaderCommit: noIndex,
    answeredRound: 0,
    pendingAck: null,
    readBatch: 0,
    readsToAsk: [],
    readsAsked: new Map(),
    outbox: emptyOutbox(),
    told: { kind: "role-changed", role: "follower", term: hardState.term, leader: null },
  };
}

export function emptyOutbox(): Outbox {
  return {
    sends: [],
    answers: [],
    truncateFrom: null,
    hardStateChanged: false,
    configurationChanged: false,
  };
}

/** Ticks in [electionTicks, 2 x electionTicks). @paper §5.2, §9.3 */
export function drawElectionTimeout(settings: Settings, jitter: number): number {
  return settings.electionTicks + Math.floor(jitter * settings.electionTicks);
}

/**
 * Whether this member may stand for election: a voter of the configuration in force, or of the
 * committed one. The second may hold the only log that still has the change: without it nobody
 * could win.
 *
 * @thesis §4.2.2 (a server that is not in the newest configuration may still lead)
 */
export function mayCampaign(raft: Raft): boolean {
  return isVoter(raft.configuration, raft.id) || isVoter(raft.committedConfiguration, raft.id);
}

/** @invariant a lower term or another vote in the same term never replaces the hard state. */
export function setHardState(raft: Raft, next: HardState): void {
  const now = raft.hardState;
  assert(next.term >= now.term, "the term never decreases", () => `${now.term} to ${next.term}`);
  if (next.term === now.term && now.votedFor !== null) {
    assert(next.votedFor === now.votedFor, "one vote a term", () => `term ${now.term}`);
  }
  assert(now.mustCatchUp || !next.mustCatchUp, "only recovery sets mustCatchUp");
  raft.hardState = next;
  raft.hardStateUnit = raft.nextUnit;
  raft.outbox.hardStateChanged = true;
}

/** The unit after which the log up to `index` is on disk; 0 if it is already. */
export function unitHolding(raft: Raft, index: LogIndex): PersistUnit {
  if (index <= raft.durableIndex) return persistUnit(0);
  for (const outstanding of raft.outstanding) {
    if (outstanding.lastIndex >= index) return outstanding.unit;
  }
  assert(index >= raft.unstableFrom, "an entry is durable, on its way, or not yet handed out");
  return raft.nextUnit;
}

/** A new term: nothing is known of its leader yet. */
export function forgetLeaderOfTerm(raft: Raft): void {
  raft.leaderContactTick = null;
  raft.verified = noIndex;
  raft.leaderCommit = noIndex;
  raft.answeredRound = 0;
}

export function failReads(raft: Raft, ids: readonly number[], failed: ReadFailure): void {
  if (ids.length > 0) raft.outbox.answers.push({ kind: "read-answered", ids, failed });
}
