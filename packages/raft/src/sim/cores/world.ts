/**
 * Several bare cores, the network between them and what their hosts hold for them. What can happen
 * to them is in `actions.ts`; which of it happens next is drawn in `draw.ts` and, after healing,
 * decided in `liveness.ts`.
 */
import {
  type LogIndex,
  type NodeId,
  nodeId,
  noIndex,
  type PersistUnit,
  persistUnit,
  type Term,
  term,
} from "../../base/index.ts";
import {
  createConfiguration,
  type Entry,
  encodeConfiguration,
  type HardState,
  type InstallSnapshot,
  type LogPosition,
  type Persist,
  type PlacedSnapshot,
  type Raft,
  type Send,
} from "../../core/index.ts";
import { Checker } from "../checker/index.ts";
import type { CoreObserver, ObservedTime, Recovery } from "../observer.ts";
import type { Evaluations } from "../violation.ts";
import { restart } from "./events.ts";
import { elapsedMs, timeOf } from "./leadership.ts";
import { createNetwork, type Network } from "./network.ts";
import type { CoresOptions } from "./options.ts";
import { createTrace, type Trace } from "./trace.ts";

/** What machines hold: all up to `index`, as a hash. */
export interface MachineState {
  readonly index: LogIndex;
  readonly state: number;
}

/** A snapshot and what is in it. */
export interface CoresSnapshot extends PlacedSnapshot {
  readonly state: number;
}

/** The process around one core. */
export interface Host {
  readonly at: number;
  readonly id: NodeId;
  /** Null: down. */
  raft: Raft | null;
  /** In order, not yet durable. */
  pending: (Persist | InstallSnapshot)[];
  durableUnit: PersistUnit;
  /** The newest unit whose completion the core was told. */
  reported: PersistUnit;
  /** Sends whose unit is not reported, in the order of their making. */
  held: Send[];
  /** Handed to the machines. */
  applying: readonly Entry[] | null;
  machine: MachineState;
  /** Own snapshots on their way to the disk, oldest first, each behind the unit. */
  saving: { readonly snapshot: CoresSnapshot; readonly after: PersistUnit }[];
  /** On disk; the core was not told. */
  saved: (LogPosition & { readonly after: PersistUnit }) | null;
  /** Received and given to the core, by id; those that were refused are gone. */
  readonly received: Map<number, CoresSnapshot>;
  /** What the machines are restored from, oldest first, when they are done with `applying`. */
  restoring: CoresSnapshot[];
  /** The disk is to drop entries up to here. */
  dropping: LogIndex;
  /** Hears, sees and does nothing before this action. */
  stalledUntil: number;
  /** Stepped since its effects were taken. */
  isDirty: boolean;
  /** When the core asked to be woken, by the own clock; null: it did not. */
  wakeAtMs: number | null;
  /** By which its clock is ahead in this life, in milliseconds. */
  clockStartMs: number;
  /** Starts so far. */
  lives: number;
  /** By place: the life in which a peer was when something last came from it. */
  readonly met: number[];
  /** What the next start finds. */
  recovery: Recovery;
}

/** How often what was done to the members. */
export interface FaultCounts {
  lost: number;
  doubled: number;
  reordered: number;
  keptForEver: number;
  cuts: number;
  crashes: number;
  unitsLost: number;
  disksDamaged: number;
  stalls: number;
  connectionNews: number;
  snapshotsLost: number;
  snapshotsDoubled: number;
  /** Leaders that a member saw go, truly or behind a cut link. */
  leadersGone: number;
  /** Changes of what hosts say of their disks. */
  healthNews: number;
  memoryNews: number;
}

/** A snapshot that a leader's host was told to bring to a peer. */
export interface Transfer {
  /** The leader's place, and the peer's. */
  readonly from: number;
  readonly to: number;
  readonly term: Term;
  readonly snapshot: CoresSnapshot;
}

/** Cluster and first state, the same for all first members. */
export interface Beginning {
  readonly ids: readonly NodeId[];
  /** Whose places follow: they begin with nothing on disk. */
  readonly joiners: readonly NodeId[];
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
  readonly commit: LogIndex;
  /** What the clocks of members are good for; left out: nobody looks at them. */
  readonly time?: ObservedTime;
}

export interface World {
  readonly options: CoresOptions;
  readonly hosts: readonly Host[];
  readonly byId: ReadonlyMap<NodeId, Host>;
  readonly network: Network;
  readonly checker: Checker;
  /** The checker among them. */
  readonly observers: readonly CoreObserver[];
  readonly trace: Trace;
  readonly faults: FaultCounts;
  /** Actions that happened. */
  actionsDone: number;
  /** Milliseconds that passed besides those of the actions: after healing ticks take their time. */
  skippedMs: number;
  /** Inputs to cores, proposals among them; not the ticks that did nothing. */
  steps: number;
  idleTicks: number;
  nextCommand: number;
  nextRead: number;
  nextSnapshot: number;
  /** On their way, oldest first. */
  readonly transfers: Transfer[];
  /** All that were ever taken, by their positions. */
  readonly snapshots: Map<string, CoresSnapshot>;
}

export function isAwake(world: World, host: Host): boolean {
  return host.raft !== null && host.stalledUntil <= world.actionsDone;
}

/** A listener besides the checker, made for each world. */
export type ObserverFactory = (beginning: Beginning) => CoreObserver;

export function createWorld(
  options: CoresOptions,
  evaluations: Evaluations,
  observers: readonly ObserverFactory[],
): World {
  const beginning = begin(options);
  const { ids, joiners, hardState, entries } = beginning;
  const checker = new Checker({
    ids,
    joiners,
    hardState,
    entries,
    evaluations,
    ...(options.leadership === undefined ? null : { clockOf: (at) => elapsedMs(world, at) }),
  });
  const hosts = [...ids, ...joiners].map((id, at) => createHost(id, at));
  const world: World = {
    options,
    hosts,
    byId: new Map(hosts.map((host) => [host.id, host])),
    network: createNetwork(hosts.length),
    checker,
    observers: [checker, ...observers.map((create) => create(beginning))],
    trace: createTrace(),
    faults: noFaultCounts(),
    actionsDone: 0,
    skippedMs: 0,
    steps: 0,
    idleTicks: 0,
    nextCommand: 1,
    nextRead: 1,
    nextSnapshot: 1,
    transfers: [],
    snapshots: new Map(),
  };
  for (const host of hosts) {
    restart(
      world,
      host,
      host.at < options.memberCount ? beginning.commit : noIndex,
      options.boots[host.at] ?? 0,
      options.jitters[host.at] ?? 0,
    );
  }
  return world;
}

/** All with the same first entry, the configuration, committed in term 1 by bootstrap. */
function begin(options: CoresOptions): Beginning {
  const { memberCount, membership } = options;
  const time = timeOf(options);
  const count = memberCount + (membership?.spareCount ?? 0);
  const all = Array.from({ length: count }, (_, at) => nodeId(`n${at + 1}`));
  const ids = all.slice(0, memberCount);
  const joiners = all.slice(memberCount);
  const configuration = createConfiguration(ids.map((id) => ({ id, address: `${id}:1` })));
  const first: Entry = {
    index: 1 as LogIndex, // the first index
    term: term(1),
    kind: "configuration",
    data: encodeConfiguration(configuration),
  };
  const hardState = { term: term(1), votedFor: null, mustCatchUp: false };
  const beginning = { ids, joiners, hardState, entries: [first], commit: first.index };
  return time === null ? beginning : { ...beginning, time };
}

export const nothingApplied: MachineState = { index: noIndex, state: 0 };

function createHost(id: NodeId, at: number): Host {
  return {
    at,
    id,
    raft: null,
    pending: [],
    durableUnit: persistUnit(0),
    reported: persistUnit(0),
    held: [],
    applying: null,
    machine: nothingApplied,
    saving: [],
    saved: null,
    received: new Map(),
    restoring: [],
    dropping: noIndex,
    stalledUntil: 0,
    isDirty: false,
    wakeAtMs: null,
    clockStartMs: 0,
    lives: 0,
    met: [],
    recovery: { keptUnits: 0, keptEntries: null },
  };
}

export function noFaultCounts(): FaultCounts {
  return {
    lost: 0,
    doubled: 0,
    reordered: 0,
    keptForEver: 0,
    cuts: 0,
    crashes: 0,
    unitsLost: 0,
    disksDamaged: 0,
    stalls: 0,
    connectionNews: 0,
    snapshotsLost: 0,
    snapshotsDoubled: 0,
    leadersGone: 0,
    healthNews: 0,
    memoryNews: 0,
  };
}
