/**
 * What the refinement remembers of one member: its core as it was after the last callback, its
 * disk, and its reads. All that is needed to tell what a step changed.
 */
import type { LogIndex, NodeId } from "../../base/index.ts";
import {
  type Campaign,
  type Configuration,
  type Entry,
  emptyConfiguration,
  type HardState,
  type InstallSnapshot,
  type Leadership,
  type Persist,
  type Raft,
  type Role,
  type RoleChanged,
  type Transfer,
} from "../../core/index.ts";
import type { Server, SpecLog } from "../spec/index.ts";
import { copyImage, type Image } from "./image.ts";
import { placeOf, type Words } from "./words.ts";

/** A read, or a peer's batch of them, that a leader was asked for. */
export interface AskedRead {
  /** What the specification calls it. */
  readonly name: string;
  /** Of a read of its own; null: a peer's. */
  readonly id: number | null;
  /** The same question came again: what is confirmed for the first holds for this one. */
  readonly isRepeated: boolean;
}

export type Told = Pick<RoleChanged, "role" | "term" | "leader">;

export interface Mirror {
  readonly at: Server;
  readonly id: NodeId;
  /** Null: down. */
  raft: Raft | null;
  /** How often it started: reads of different lives have different names. */
  lives: number;

  // The core after the last callback.
  hardState: HardState;
  /** Of `hardState.votedFor`. */
  votedFor: Server | null;
  role: Role;
  /** Who sent appends of `leaderTerm` last: the only one that it may take for the leader. */
  leader: NodeId | null;
  leaderTerm: number;
  /** What its host was told last. */
  told: Told;
  campaign: Campaign | null;
  leadership: Leadership | null;
  round: number;
  transfer: Transfer | null;
  /** Its clock when it last looked; null: not in this life. */
  clockMs: number | null;
  commit: LogIndex;
  applying: LogIndex;
  /** As the machines said. */
  applied: LogIndex;
  durableIndex: LogIndex;
  /** Those behind `base`. */
  readonly entries: Entry[];
  base: number;
  /** Where the log begins, as far as that was explained. */
  begins: number;
  configurationIndex: LogIndex;
  configuration: Configuration;
  committedConfiguration: Configuration;
  /** A configuration came into the log or went since they were compared. */
  hasNewConfiguration: boolean;
  /** What its host was told last of its members. */
  toldConfiguration: Configuration;
  toldCommitted: Configuration;
  stepsSinceAudit: number;

  // The disk.
  handed: Image;
  durable: Image;
  /** The lowest index that changed since the last unit was handed out; infinity: none. */
  changedFrom: number;
  /** Handed out, oldest first. Each is one write of the specification. */
  readonly underWay: (Persist | InstallSnapshot)[];
  /** The newest that was explained. */
  writtenUnit: number;
  /** What received snapshots stand for, by their ids. */
  readonly installs: Map<number, SpecLog>;
  durableUnit: number;

  // Reads.
  /** Asked and not answered. */
  readonly openReads: Set<number>;
  /** At the leader: asked since the last take. */
  readonly newReads: AskedRead[];
  /** At the leader: registered, oldest first. */
  readonly pendingReads: AskedRead[];
  /** At others: asked since the last take. */
  readsToAsk: number[];
  /** At others, by batch. */
  readonly readsAsked: Map<number, readonly number[]>;
  /** At which index an open read may be answered. */
  readonly answers: Map<number, number>;
}

export function createMirror(at: Server, id: NodeId, hardState: HardState, disk: Image): Mirror {
  return {
    at,
    id,
    raft: null,
    lives: 0,
    hardState,
    votedFor: disk.votedFor,
    role: "follower",
    leader: null,
    leaderTerm: 0,
    told: { role: "follower", term: hardState.term, leader: null },
    campaign: null,
    leadership: null,
    round: 0,
    transfer: null,
    clockMs: null,
    commit: 0 as LogIndex, // before the first
    applying: 0 as LogIndex, // as above
    applied: 0 as LogIndex, // as above
    durableIndex: 0 as LogIndex, // as above
    entries: [],
    base: 0,
    begins: 0,
    configurationIndex: 0 as LogIndex, // as above
    configuration: emptyConfiguration,
    committedConfiguration: emptyConfiguration,
    hasNewConfiguration: true,
    toldConfiguration: emptyConfiguration,
    toldCommitted: emptyConfiguration,
    stepsSinceAudit: 0,
    handed: copyImage(disk),
    durable: copyImage(disk),
    changedFrom: Number.POSITIVE_INFINITY,
    underWay: [],
    writtenUnit: 0,
    installs: new Map(),
    durableUnit: 0,
    openReads: new Set(),
    newReads: [],
    pendingReads: [],
    readsToAsk: [],
    readsAsked: new Map(),
    answers: new Map(),
  };
}

/** The process starts with what is on the disk; nothing else is left. */
export function resetMirror(words: Words, mirror: Mirror, raft: Raft): void {
  mirror.raft = raft;
  mirror.lives++;
  followHardState(words, mirror, raft);
  mirror.entries.length = 0;
  mirror.base = raft.log.base.index;
  for (const entry of raft.log.entries) mirror.entries.push(entry);
  followState(mirror, raft);
  mirror.applied = raft.applied;
  mirror.clockMs = null;
  mirror.leader = null;
  mirror.leaderTerm = 0;
  mirror.told = { role: "follower", term: raft.hardState.term, leader: null };
  mirror.configuration = raft.configuration;
  mirror.committedConfiguration = raft.committedConfiguration;
  mirror.hasNewConfiguration = true;
  mirror.toldConfiguration = raft.configuration;
  mirror.toldCommitted = raft.committedConfiguration;
  mirror.stepsSinceAudit = 0;
  mirror.handed = copyImage(mirror.durable);
  mirror.changedFrom = Number.POSITIVE_INFINITY;
  mirror.underWay.length = 0;
  mirror.writtenUnit = 0;
  mirror.installs.clear();
  mirror.durableUnit = 0;
  mirror.openReads.clear();
  mirror.newReads.length = 0;
  mirror.pendingReads.length = 0;
  mirror.readsToAsk = [];
  mirror.readsAsked.clear();
  mirror.answers.clear();
}

export function followHardState(words: Words, mirror: Mirror, raft: Raft): void {
  const { votedFor } = raft.hardState;
  mirror.hardState = raft.hardState;
  mirror.votedFor = votedFor === null ? null : placeOf(words, votedFor);
}

/** All but hard state and log. */
export function followState(mirror: Mirror, raft: Raft): void {
  mirror.role = raft.role;
  mirror.campaign = raft.campaign;
  mirror.commit = raft.commit;
  mirror.applying = raft.applying;
  mirror.durableIndex = raft.durableIndex;
  mirror.configurationIndex = raft.configurationIndex;
  if (mirror.leadership === raft.leadership) return;
  mirror.leadership = raft.leadership;
  mirror.transfer = null;
  if (raft.leadership !== null) return;
  mirror.newReads.length = 0;
  mirror.pendingReads.length = 0;
}

/**
 * Takes the real log over; gives back the lowest index that changed, infinity: none. Looks from the
 * end back to the first entry that is still the same: what is before it is compared now and then.
 */
export function followLog(mirror: Mirror, raft: Raft): number {
  if (raft.log.base.index !== mirror.base && followBase(mirror, raft)) return 1;
  const { entries, base } = mirror;
  const now = raft.log.entries;
  let same = Math.min(entries.length, now.length);
  if (same === now.length && same === entries.length && entries[same - 1] === now[same - 1]) {
    return Number.POSITIVE_INFINITY;
  }
  while (same > 0 && entries[same - 1] !== now[same - 1]) same--;
  if (mirror.configurationIndex > base + same) mirror.hasNewConfiguration = true;
  entries.length = same;
  for (let at = same; at < now.length; at++) {
    const entry = now[at];
    if (entry === undefined) break;
    entries.push(entry);
    if (entry.kind === "configuration") mirror.hasNewConfiguration = true;
  }
  return base + same + 1;
}

/** The log begins elsewhere. True: it is another one. */
function followBase(mirror: Mirror, raft: Raft): boolean {
  const { base, entries } = raft.log;
  const dropped = base.index - mirror.base;
  mirror.base = base.index;
  if (dropped > 0 && mirror.entries[dropped - 1]?.term === base.term) {
    mirror.entries.splice(0, dropped);
    return false;
  }
  mirror.entries.length = 0;
  for (const entry of entries) mirror.entries.push(entry);
  mirror.hasNewConfiguration = true;
  return true;
}

/** Of the log as it was after the last callback. */
export function lastOf(mirror: Mirror): number {
  return mirror.base + mirror.entries.length;
}
