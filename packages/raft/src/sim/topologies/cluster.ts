/**
 * Bare cores on a network where some members do not reach some others, and nothing else ever goes
 * wrong: disks and machines are prompt, what is delivered arrives within a few ticks and in order.
 * One loop over ticks; one seed decides everything. Not a fault simulator: that is in `../cores`.
 */
import { assert, type LogIndex, type NodeId, nodeId, type Term, term } from "../../base/index.ts";
import {
  createConfiguration,
  createRaft,
  type Effect,
  type Entry,
  encodeConfiguration,
  type HardState,
  type Input,
  lastIndex,
  type Message,
  mayRelease,
  propose,
  type Raft,
  type Send,
  type Settings,
  step,
  takeEffects,
  termAt,
} from "../../core/index.ts";
import type { CoreObserver } from "../observer.ts";
import { createRandom, type Random } from "../random.ts";
import { Violation } from "../violation.ts";
import { completeDigraph, type Digraph, reaches, withoutEdge } from "./digraph.ts";

/** Ticks that a message takes, drawn for each; one at least. */
export interface Latency {
  readonly ticksMin: number;
  readonly ticksMax: number;
}

/** Prompt: an answer is back before the next heartbeat. */
export const promptLatency: Latency = { ticksMin: 1, ticksMax: 2 };

export interface ClusterOptions {
  readonly members: number;
  readonly seed: number;
  readonly settings: Settings;
  /** Whose election timer runs out first as long as `Cluster.favourite` is set. */
  readonly favourite?: number;
  readonly latency?: Latency;
  /** Whether hosts tell their core that a connection ended or was made; else it finds out. */
  readonly hasConnectionNews?: boolean;
  /** Listens to everything, such as the checkers of all invariants. */
  readonly observer?: CoreObserver;
}

export interface Host {
  readonly at: number;
  raft: Raft;
  /** Sends that wait for the disk. */
  held: Send[];
  /** Its log was compared with what is committed up to here. */
  committed: number;
  /** The commit index that is on its disk: as of its last write. */
  commitOnDisk: LogIndex;
  /** Reads asked and not answered. */
  readonly reads: Set<number>;
  /** Reads that were answered: with an index, or with a failure. */
  readsServed: number;
  readsFailed: number;
}

export interface Cluster {
  readonly options: ClusterOptions;
  readonly latency: Latency;
  readonly hosts: readonly Host[];
  /** Jitter of election timers. */
  readonly jitters: Random;
  readonly latencies: Random;
  graph: Digraph;
  /** Ticks since the beginning. */
  tick: number;
  /** Whose timers are the shortest, for getting a certain leader; null: chance decides. */
  favourite: number | null;
  /** What arrives at tick t is in slot t modulo their number, in order of sending. */
  readonly slots: Message[][];
  /** By link: when the last message on it arrives. None overtakes another. */
  readonly arrivals: number[];
  /** The term of each committed entry, from index 1 on. */
  readonly canon: Term[];
  readonly leaderOfTerm: Map<number, number>;
  nextCommand: number;
  nextRead: number;
  /** Inputs stepped; of them ticks. */
  steps: number;
}

/** What every member has on disk before its first start: all of it is committed. */
export interface Bootstrap {
  readonly ids: readonly NodeId[];
  readonly hardState: HardState;
  readonly entries: readonly [Entry];
}

/** The bootstrap of so many members; ids are in the order of their places. */
export function bootstrapOf(members: number): Bootstrap {
  const ids = Array.from({ length: members }, (_, at) => nodeId(`n${at + 1}`));
  const configuration = createConfiguration(ids.map((id) => ({ id, address: `${id}:1` })));
  const first: Entry = {
    index: 1 as LogIndex, // the first index
    term: term(1),
    kind: "configuration",
    data: encodeConfiguration(configuration),
  };
  const hardState: HardState = { term: term(1), votedFor: null, mustCatchUp: false };
  return { ids, hardState, entries: [first] };
}

/** A cluster right after bootstrap, everybody connected to everybody. */
export function createCluster(options: ClusterOptions): Cluster {
  const { ids, hardState, entries } = bootstrapOf(options.members);
  const [first] = entries;
  const jitters = createRandom(options.seed, 11);
  const hosts = ids.map((id, at): Host => {
    const raft = createRaft({
      id,
      settings: options.settings,
      boot: jitters.below(2 ** 31),
      jitter: favour(options.favourite ?? null, at, jitters.unit()),
      hardState,
      entries,
      commit: first.index,
    });
    options.observer?.onStart(at, raft, { keptUnits: 0, keptEntries: null });
    return {
      at,
      raft,
      held: [],
      committed: 1,
      commitOnDisk: first.index,
      reads: new Set(),
      readsServed: 0,
      readsFailed: 0,
    };
  });
  const latency = options.latency ?? promptLatency;
  return {
    options,
    latency,
    hosts,
    jitters,
    latencies: createRandom(options.seed, 12),
    graph: completeDigraph(options.members),
    tick: 0,
    favourite: options.favourite ?? null,
    slots: Array.from({ length: latency.ticksMax + 1 }, () => []),
    arrivals: new Array<number>(options.members ** 2).fill(0),
    canon: [first.term],
    leaderOfTerm: new Map(),
    nextCommand: 1,
    nextRead: 1,
    steps: 0,
  };
}

function placeOf(id: string): number {
  return id.charCodeAt(1) - 49; // one digit, from 1
}

/** One tick: what arrives is heard, everybody's timer moves, everybody acts. */
export function elapse(cluster: Cluster): void {
  cluster.tick++;
  const slot = cluster.tick % cluster.slots.length;
  const arriving = cluster.slots[slot] ?? [];
  cluster.slots[slot] = [];
  for (const message of arriving) deliver(cluster, message);
  for (const host of cluster.hosts) {
    const jitter = favour(cluster.favourite, host.at, cluster.jitters.unit());
    feed(cluster, host, { kind: "tick", nowMs: cluster.tick * 10, jitter });
  }
  for (const host of cluster.hosts) flush(cluster, host);
}

function favour(favourite: number | null, at: number, jitter: number): number {
  if (favourite === null) return jitter;
  return favourite === at ? 0 : 0.999;
}

/** Elapses until `isDone` at the end of a tick; false if it never is. */
export function elapseUntil(cluster: Cluster, ticksMax: number, isDone: () => boolean): boolean {
  for (let elapsed = 0; elapsed < ticksMax; elapsed++) {
    if (isDone()) return true;
    elapse(cluster);
  }
  return isDone();
}

function deliver(cluster: Cluster, message: Message): void {
  const to = placeOf(message.to);
  const host = cluster.hosts[to];
  if (host === undefined || !reaches(cluster.graph, placeOf(message.from), to)) return;
  feed(cluster, host, { kind: "receive", message });
}

function feed(cluster: Cluster, host: Host, input: Input): void {
  cluster.steps++;
  step(host.raft, input);
  cluster.options.observer?.onStep(host.at, host.raft, input);
}

/** Takes effects and does them until there are none. */
function flush(cluster: Cluster, host: Host): void {
  const { observer } = cluster.options;
  for (let isBusy = true; isBusy; ) {
    isBusy = false;
    const effects = takeEffects(host.raft);
    observer?.onTake(host.at, host.raft, effects);
    for (const effect of effects) {
      if (perform(cluster, host, effect)) isBusy = true;
    }
  }
  checkSafety(cluster, host);
}

/** Whether the core has heard something by it. */
function perform(cluster: Cluster, host: Host, effect: Effect): boolean {
  switch (effect.kind) {
    case "send":
      if (mayRelease(effect, host.raft.durableUnit)) send(cluster, host, effect.message);
      else host.held.push(effect);
      return false;
    case "persist":
      host.commitOnDisk = effect.commit;
      cluster.options.observer?.onDurable(host.at, effect);
      feed(cluster, host, { kind: "persisted", unit: effect.unit });
      releaseHeld(cluster, host);
      return true;
    case "apply": {
      const last = effect.entries.at(-1);
      assert(last !== undefined, "what is to be applied has an end");
      feed(cluster, host, { kind: "applied", index: last.index });
      return true;
    }
    case "read-answered":
      for (const id of effect.ids) host.reads.delete(id);
      if ("failed" in effect) host.readsFailed += effect.ids.length;
      else host.readsServed += effect.ids.length;
      return false;
    default:
      return false;
  }
}

function releaseHeld(cluster: Cluster, host: Host): void {
  const { held } = host;
  if (held.length === 0) return;
  host.held = [];
  for (const waiting of held) {
    if (mayRelease(waiting, host.raft.durableUnit)) send(cluster, host, waiting.message);
    else host.held.push(waiting);
  }
}

function send(cluster: Cluster, host: Host, message: Message): void {
  cluster.options.observer?.onLeave(host.at, message);
  const to = placeOf(message.to);
  if (!reaches(cluster.graph, host.at, to)) return;
  const link = host.at * cluster.hosts.length + to;
  const { ticksMin, ticksMax } = cluster.latency;
  const soonest = cluster.tick + cluster.latencies.between(ticksMin, ticksMax);
  const arrival = Math.max(soonest, cluster.arrivals[link] ?? 0);
  cluster.arrivals[link] = arrival;
  cluster.slots[arrival % cluster.slots.length]?.push(message);
}

/** From now on these links exist and no other; what is under way on lost ones is lost. */
export function connect(cluster: Cluster, graph: Digraph): void {
  const before = cluster.graph;
  cluster.graph = graph;
  if (cluster.options.hasConnectionNews !== true) return;
  for (const host of cluster.hosts) {
    for (const peer of cluster.hosts) {
      const was = reaches(before, host.at, peer.at);
      const is = reaches(graph, host.at, peer.at);
      if (was === is) continue;
      feed(cluster, host, {
        kind: is ? "peer-reachable" : "peer-unreachable",
        peer: peer.raft.id,
      });
    }
    flush(cluster, host);
  }
}

/** Cuts one member off, both ways; the others reach each other. */
export function isolate(cluster: Cluster, at: number): void {
  let graph = completeDigraph(cluster.options.members);
  for (const { at: peer } of cluster.hosts) {
    if (peer !== at) graph = withoutEdge(withoutEdge(graph, at, peer), peer, at);
  }
  connect(cluster, graph);
}

/** Proposes `count` commands; the index of the last, or null where the core refuses. */
export function offer(cluster: Cluster, host: Host, count: number): LogIndex | null {
  const commands = Array.from({ length: count }, () => command(cluster.nextCommand++));
  const result = propose(host.raft, commands);
  cluster.options.observer?.onPropose(host.at, host.raft, commands, result);
  if (result.kind === "refused") return null;
  flush(cluster, host);
  return (result.first + count - 1) as LogIndex; // index plus a count
}

function command(number: number): Uint8Array {
  return new Uint8Array([number >>> 24, number >>> 16, number >>> 8, number]);
}

/** Asks for a linearizable read; the counts of the host tell what became of it. */
export function ask(cluster: Cluster, host: Host): void {
  const id = cluster.nextRead++;
  host.reads.add(id);
  feed(cluster, host, { kind: "read", id });
  flush(cluster, host);
}

/** All processes end and start again from their disks; what was under way is lost. */
export function restartAll(cluster: Cluster): void {
  for (const slot of cluster.slots) slot.length = 0;
  for (const host of cluster.hosts) {
    const { raft } = host;
    assert(raft.outstanding.length === 0, "prompt disks owe nothing");
    cluster.options.observer?.onCrash(host.at);
    host.raft = createRaft({
      id: raft.id,
      settings: raft.settings,
      boot: cluster.jitters.below(2 ** 31),
      jitter: cluster.jitters.unit(),
      hardState: raft.hardState,
      entries: raft.log.entries,
      commit: host.commitOnDisk,
    });
    host.held = [];
    host.reads.clear();
    cluster.options.observer?.onStart(host.at, host.raft, { keptUnits: 0, keptEntries: null });
  }
}

/** Whoever leads, by its own belief. */
export function leaders(cluster: Cluster): Host[] {
  return cluster.hosts.filter((host) => host.raft.role === "leader");
}

export function leadersCount(cluster: Cluster): number {
  let count = 0;
  for (const { raft } of cluster.hosts) if (raft.role === "leader") count++;
  return count;
}

/** The highest term that anybody is in. */
export function termMax(cluster: Cluster): number {
  let highest = 0;
  for (const { raft } of cluster.hosts) highest = Math.max(highest, raft.hardState.term);
  return highest;
}

/** Whether everybody follows one leader of one term and has all of its log, committed. */
export function isConverged(cluster: Cluster): boolean {
  const leader = leaders(cluster)[0];
  if (leader === undefined) return false;
  const last = lastIndex(leader.raft.log);
  const { term: current } = leader.raft.hardState;
  return cluster.hosts.every(
    ({ raft }) =>
      raft.hardState.term === current &&
      raft.leader === leader.raft.id &&
      lastIndex(raft.log) === last &&
      raft.commit === last,
  );
}

/** One leader a term, and one history: the little that must hold at any time. */
function checkSafety(cluster: Cluster, host: Host): void {
  const { raft } = host;
  if (raft.role === "leader") {
    const current = raft.hardState.term;
    const known = cluster.leaderOfTerm.get(current);
    if (known === undefined) cluster.leaderOfTerm.set(current, host.at);
    else if (known !== host.at) throw new Violation("S1", `two leaders of term ${current}`);
  }
  for (; host.committed < raft.commit; host.committed++) {
    const at = termAt(raft.log, (host.committed + 1) as LogIndex); // index plus one
    const canon = cluster.canon[host.committed];
    if (at === undefined) throw new Violation("S13", `commit ${raft.commit} beyond the log`);
    if (canon === undefined) cluster.canon.push(at);
    else if (canon !== at) throw new Violation("S5", `entry ${host.committed + 1} differs`);
  }
}
