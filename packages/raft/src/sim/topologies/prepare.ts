/**
 * From a healthy cluster to the situation that a graph is put to: who leads, whose log differs, and
 * only then the links change. All of it happens in the world's own way; no state is made by hand.
 */
import { assert } from "../../base/index.ts";
import { lastIndex } from "../../core/index.ts";
import type { Random } from "../random.ts";
import {
  type Cluster,
  connect,
  elapse,
  elapseUntil,
  type Host,
  isConverged,
  isolate,
  leaders,
  offer,
  restartAll,
} from "./cluster.ts";
import type { Situation } from "./theory.ts";

/** Entries that make a skew. */
const skewEntries = 3;

/**
 * Brings a fresh cluster whose favourite is `firstLeader` to the situation and switches to its
 * graph.
 */
export function prepare(cluster: Cluster, situation: Situation, random: Random): void {
  const first = firstLeader(situation);
  const leader = electFirst(cluster, first);
  work(cluster, leader, () => isConverged(cluster));
  const { heartbeatTicks, electionTicks } = cluster.options.settings;
  rest(cluster, random.between(heartbeatTicks, 2 * electionTicks));
  if (situation.skew.kind === "stale") {
    leaveBehind(cluster, leader, situation.skew.at, random);
  } else if (situation.skew.kind === "ahead") {
    isolate(cluster, first);
    assert(offer(cluster, leader, skewEntries) !== null, "a leader takes commands");
    rest(cluster, random.between(2 * cluster.latency.ticksMax, Math.floor(electionTicks / 2)));
  }
  assert(leaders(cluster)[0] === leader, "the leader of before still leads");
  if (situation.leader === null) restartAll(cluster);
  connect(cluster, situation.graph);
}

/**
 * Who leads first. Where nobody leads in the end, somebody did before: never one that is to be left
 * behind.
 */
export function firstLeader(situation: Situation): number {
  const { leader, skew } = situation;
  if (leader !== null) return leader;
  if (skew.kind === "equal") return 0;
  if (skew.kind === "ahead") return skew.at;
  return skew.at === 0 ? 1 : 0;
}

function electFirst(cluster: Cluster, at: number): Host {
  const ticksMax = 4 * cluster.options.settings.electionTicks;
  const isElected = elapseUntil(cluster, ticksMax, () => isConverged(cluster));
  cluster.favourite = null;
  const leader = cluster.hosts[at];
  assert(isElected && leader?.raft.role === "leader", "the favourite gets elected");
  return leader;
}

/** Commands that are committed by those concerned. */
function work(cluster: Cluster, leader: Host, isDone: () => boolean): void {
  assert(offer(cluster, leader, skewEntries) !== null, "a leader takes commands");
  const ticksMax = 4 * cluster.options.settings.electionTicks;
  assert(elapseUntil(cluster, ticksMax, isDone), "commands get committed among the connected");
}

function rest(cluster: Cluster, ticks: number): void {
  for (let elapsed = 0; elapsed < ticks; elapsed++) elapse(cluster);
}

/** The others commit without it; now and then for long enough that it stands for election. */
function leaveBehind(cluster: Cluster, leader: Host, at: number, random: Random): void {
  isolate(cluster, at);
  work(cluster, leader, () => {
    const last = lastIndex(leader.raft.log);
    return cluster.hosts.every((host) => host.at === at || host.raft.commit === last);
  });
  const { electionTicks } = cluster.options.settings;
  rest(cluster, random.chance(0.5) ? 0 : random.between(1, 6 * electionTicks));
}
