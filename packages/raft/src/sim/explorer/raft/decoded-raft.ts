/** A core of nothing but what the bytes of a member keep; all else is as if it had no past. */
import {
  type LogIndex,
  type NodeId,
  noIndex,
  type PersistUnit,
  persistUnit,
} from "../../../base/index.ts";
import {
  beforeFirst,
  createBacklog,
  createPromise,
  type Entry,
  type HardState,
  type Raft,
  type Role,
} from "../../../core/index.ts";
import { type Configurations, configurationsOf } from "./chain-state.ts";
import { firstConfiguration, firstEntry } from "./entries.ts";
import type { MemberOptions } from "./member.ts";

/** The clock of a decoded member: old enough for every age. */
export const decodedTick = 16;

export interface KnownState {
  readonly id: NodeId;
  readonly role: Role;
  readonly leader: NodeId | null;
  readonly hardState: HardState;
  readonly commit: LogIndex;
  /** All of the log, from the first. */
  readonly entries: Entry[];
  readonly durableIndex: LogIndex;
  readonly verified: LogIndex;
  readonly leaderCommit: LogIndex;
  readonly answeredRound: number;
  readonly hardStateUnit: PersistUnit;
}

/** A literal: a field that the core gets is missed here by the compiler. */
export function createDecodedRaft({ settings, changes }: MemberOptions, known: KnownState): Raft {
  const { role, leader, hardState, commit, entries } = known;
  const configurations =
    changes === null ? fixedMembers : configurationsOf(changes, entries, commit);
  const log = { base: beforeFirst, entries };
  const { durableIndex } = known;
  return {
    id: known.id,
    settings,
    boot: 0,
    recoveredTerm: hardState.term,
    hardState,
    log,
    nextUnit: persistUnit(1),
    durableUnit: persistUnit(0),
    hardStateUnit: known.hardStateUnit,
    outstanding: [],
    durableIndex,
    unstableFrom: (entries.length + 1) as LogIndex, // a count plus one
    snapshot: null,
    role,
    leader,
    commit,
    applying: commit,
    applied: commit,
    ...configurations,
    nowTick: decodedTick,
    nowMs: 0,
    jitter: 0,
    electionElapsed: 0,
    electionTimeout: settings.electionTicks,
    leaderContactTick: null,
    failover: null,
    promise: createPromise(hardState),
    isDiskHealthy: true,
    backlog: createBacklog(log, { durableIndex, applied: commit, commit }),
    reachable: new Set(),
    campaign: null,
    leadership: null,
    verified: known.verified,
    leaderCommit: known.leaderCommit,
    answeredRound: known.answeredRound,
    heardRound: 0,
    pendingAck: null,
    readBatch: 0,
    readsToAsk: [],
    readsAsked: new Map(),
    outbox: {
      sends: [],
      units: [],
      answers: [],
      truncateFrom: null,
      hardStateChanged: false,
      configurationChanged: false,
    },
    told: { kind: "role-changed", role, term: hardState.term, leader },
  };
}

const fixedMembers: Configurations = {
  configuration: firstConfiguration,
  configurationIndex: firstEntry.index,
  committedConfiguration: firstConfiguration,
  committedConfigurationIndex: firstEntry.index,
};

/** What lies behind a snapshot has left the log of a decoded member. */
export function dropCovered(raft: Raft, base: LogIndex): readonly Entry[] {
  if (base === noIndex) return [];
  const { log } = raft;
  const covered = log.entries.splice(0, base);
  const last = covered[base - 1];
  if (last !== undefined) log.base = { index: last.index, term: last.term };
  Object.assign(raft.backlog, createBacklog(log, raft)); // it was that of the whole log
  return covered;
}
