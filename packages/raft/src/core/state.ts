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
import { type Backlog, createBacklog } from "./backlog.ts";
import { allVoters, type Configuration, isVoter } from "./configuration.ts";
import type {
  Effect,
  HardState,
  InstallSnapshot,
  Persist,
  ReadFailure,
  Role,
  RoleChanged,
  Send,
  TransferReason,
} from "./effects.ts";
import type { Entry, LogPosition } from "./entry.ts";
import {
  beforeFirst,
  configurationAt,
  configurationBefore,
  createLog,
  type Log,
  lastIndex,
  type PlacedConfiguration,
  termAt,
} from "./log.ts";
import { type Standing, usualStanding } from "./messages.ts";
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
  /** The leader of the term before told it to stand. */
  readonly isTransfer: boolean;
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

/** The leader hands over: until this ends it takes neither proposals nor changes. */
export interface Transfer {
  readonly to: NodeId;
  readonly why: TransferReason;
  readonly sinceTick: number;
  /** The round with which the target was last told to stand; 0: not yet. */
  toldRound: number;
  /** The round that gives back the promises of a lease; 0: there was none to give back. */
  readonly releaseRound: number;
}

/** The host saw that the leader is gone. */
export interface Failover {
  /** The leader, and the term that it led. */
  readonly peer: NodeId;
  readonly term: Term;
  /** Times that this member has asked to be woken. */
  wakes: number;
}

/** What this member has promised leaders: to elect nobody for a while. */
export interface LeasePromise {
  /** In force until then, by the own clock. */
  untilMs: number;
  /** Promised since the last tick: counts from the next one. */
  pendingMs: number;
  /** The newest round that asked for these, or gave them back, of the leader of `term`. */
  term: Term;
  round: number;
  /** What was promised before the start: in force until then, given back by nobody. */
  formerUntilMs: number;
  /** The same, until the first tick. */
  formerPendingMs: number;
}

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
  /**
   * When rounds were sent, in ticks and by the clock at that tick: for each tick that sent any, the
   * first of them. Ascending, pruned.
   */
  roundTicks: { readonly round: number; readonly tick: number; readonly ms: number }[];
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
  /** When this stint began. */
  readonly sinceTick: number;
  transfer: Transfer | null;
  /** When the last transfer of this stint ended, or null: there was none. */
  transferEndedTick: number | null;
  /** Promises in answer to earlier rounds count for nothing; null: to none, while handing over. */
  leaseFromRound: number | null;
}

/** What a follower owes its leader since the last take. */
export interface PendingAck {
  readonly to: NodeId;
  round: number;
  sequence: number;
  /** In answer to `round`; 0: nothing. */
  promisedMs: number;
}

/** A unit handed out and not reported durable. */
export interface OutstandingUnit {
  readonly unit: PersistUnit;
  /** The last index on disk once this is: lowered when a later unit cuts below it. */
  lastIndex: LogIndex;
  /** What is installed with it, or null. */
  readonly snapshot: PlacedSnapshot | null;
}

/** A snapshot as far as the log is concerned. */
export interface PlacedSnapshot {
  readonly position: LogPosition;
  /** In force at the position. */
  readonly configuration: Configuration;
  /** Of its entry: at or before the position. */
  readonly configurationIndex: LogIndex;
}

/** Effects gathered since the last take, in the order of their making. */
export interface Outbox {
  sends: Send[];
  /** Numbered already; what is to be stored and not in one of them comes behind. */
  units: (Persist | InstallSnapshot)[];
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
  /**
   * The newest durable snapshot, or null. @invariant `base <= snapshot <= applying`, but for a base
   * that is a snapshot on its way to the disk
   */
  snapshot: PlacedSnapshot | null;

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

  /**
   * Set while no leader is known since, and the lost one was not heard again. Its term's leader
   * counts as dead for this member alone.
   */
  failover: Failover | null;
  readonly promise: LeasePromise;
  /** What the host says of the disk. For liveness only. */
  isDiskHealthy: boolean;

  /** What waits for this member's disk and machines. For memory only. */
  readonly backlog: Backlog;

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
  /** Follower: the newest round heard of the leader of this term. */
  heardRound: number;
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
  /** What the entries follow; (0, 0) unless given. */
  readonly base?: LogPosition;
  /**
   * The newest durable one, whose state the machines hold; none unless given.
   * @invariant the log has its position, or begins there; there is one if the base is not (0, 0)
   */
  readonly snapshot?: PlacedSnapshot | null;
  /**
   * @invariant without a base it begins with a configuration (bootstrap writes the first); empty
   * for a member that joins a cluster, until its leader sends it the log.
   */
  readonly entries: readonly Entry[];
  /** As far as is known; what is in the snapshot is, whatever this says. */
  readonly commit: LogIndex;
}

/** A member as it starts: a follower. @paper §5.2 */
export function createRaft(options: RaftOptions): Raft {
  const snapshot = options.snapshot ?? null;
  const log = createLog(options.entries, options.base ?? beforeFirst);
  checkStart(log, snapshot);
  const last = lastIndex(log);
  const hardState = options.hardState;
  const applied = snapshot?.position.index ?? noIndex;
  const commit = Math.max(options.commit, applied) as LogIndex; // one of two indexes
  assert(commit <= last, "what is known to be committed is in the log");
  assert((termAt(log, last) ?? noTerm) <= hardState.term, "no entry's term is above the own term");
  const known = snapshot === null ? null : configurationOf(snapshot);
  const effective = configurationAt(log, last, known);
  const reached = configurationAt(log, Math.max(commit, 1), known);
  const committed = configurationBefore(log, effective, reached);
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
    snapshot,
    role: "follower",
    leader: null,
    commit,
    applying: applied,
    applied,
    configuration: effective.configuration,
    configurationIndex: effective.index,
    committedConfiguration: committed.configuration,
    committedConfigurationIndex: committed.index,
    nowTick: 0,
    nowMs: 0,
    jitter: options.jitter,
    electionElapsed: 0,
    electionTimeout: drawElectionTimeout(options.settings, options.jitter, false),
    leaderContactTick: null,
    failover: null,
    promise: createPromise(hardState),
    isDiskHealthy: true,
    backlog: createBacklog(log, { durableIndex: last, applied, commit }),
    reachable: new Set(),
    campaign: null,
    leadership: null,
    verified: noIndex,
    leaderCommit: noIndex,
    answeredRound: 0,
    heardRound: 0,
    pendingAck: null,
    readBatch: 0,
    readsToAsk: [],
    readsAsked: new Map(),
    outbox: emptyOutbox(),
    told: { kind: "role-changed", role: "follower", term: hardState.term, leader: null },
  };
}

/** At the start: what was promised before may have been promised a moment before. */
export function createPromise({ promisedMs = 0 }: HardState): LeasePromise {
  const former = { formerUntilMs: 0, formerPendingMs: promisedMs };
  return { untilMs: 0, pendingMs: 0, term: noTerm, round: 0, ...former };
}

function checkStart(log: Log, snapshot: PlacedSnapshot | null): void {
  if (snapshot === null) {
    assert(log.base.index === noIndex, "a log begins with its first entry, or behind a snapshot");
    return;
  }
  const { index, term } = snapshot.position;
  assert(index >= log.base.index, "what was dropped is in the snapshot", () => `${index}`);
  assert(termAt(log, index) === term, "the log has the snapshot's position", () => `${index}`);
}

/** The configuration that a snapshot brings, and where it is from. */
export function configurationOf(snapshot: PlacedSnapshot): PlacedConfiguration {
  return { configuration: snapshot.configuration, index: snapshot.configurationIndex };
}

export function emptyOutbox(): Outbox {
  return {
    sends: [],
    units: [],
    answers: [],
    truncateFrom: null,
    hardStateChanged: false,
    configurationChanged: false,
  };
}

/**
 * Ticks in [electionTicks, 2 x electionTicks). Whoever has a leader and a higher priority than 1
 * draws from the beginning of that only: it stands first when the leader is lost. Without a leader
 * all draw from the whole: an election found no winner, and those of equal priority would find
 * none again and again. @paper §5.2, §9.3
 */
export function drawElectionTimeout(
  settings: Settings,
  jitter: number,
  hasLeader: boolean,
): number {
  const { electionTicks, priority } = settings;
  const parts = hasLeader ? Math.max(1, priority) : 1;
  return electionTicks + Math.floor((jitter * electionTicks) / parts);
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

/** Whether it stands for election of its own accord. The only voter always does. */
export function isWilling(raft: Raft): boolean {
  if (raft.settings.priority > 0 && raft.isDiskHealthy) return true;
  return allVoters(raft.configuration).length === 1;
}

/** @invariant a lower term or another vote in the same term never replaces the hard state. */
export function setHardState(raft: Raft, next: HardState): void {
  const now = raft.hardState;
  assert(next.term >= now.term, "the term never decreases", () => `${now.term} to ${next.term}`);
  if (next.term === now.term && now.votedFor !== null) {
    assert(next.votedFor === now.votedFor, "one vote a term", () => `term ${now.term}`);
  }
  assert((next.promisedMs ?? 0) >= (now.promisedMs ?? 0), "the longest promise never shrinks");
  assert(now.mustCatchUp || !next.mustCatchUp, "only recovery sets mustCatchUp");
  raft.hardState = next;
  raft.hardStateUnit = raft.nextUnit;
  raft.outbox.hardStateChanged = true;
}

/** What an answer to the leader says of this member's fitness to lead: nothing if it is usual. */
export function standingOf(raft: Raft): { readonly standing: Standing } | null {
  const { isDiskHealthy: isHealthy } = raft;
  const { priority } = raft.settings;
  if (isHealthy === usualStanding.isHealthy && priority === usualStanding.priority) return null;
  return { standing: { priority, isHealthy } };
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
  raft.heardRound = 0;
  raft.backlog.told = null;
}

export function failReads(raft: Raft, ids: readonly number[], failed: ReadFailure): void {
  if (ids.length > 0) raft.outbox.answers.push({ kind: "read-answered", ids, failed });
}
