/** What must not happen: elections in calm times, disturbance by one member or by one link. */
import { describe, expect, it } from "vitest";
import { createRandom } from "../random.ts";
import { runCalm } from "./calm.ts";
import {
  ask,
  type Cluster,
  connect,
  createCluster,
  elapse,
  elapseUntil,
  type Host,
  isConverged,
  isolate,
  leaders,
  offer,
  termMax,
} from "./cluster.ts";
import { completeDigraph, withoutEdge } from "./digraph.ts";
import { topologySettings } from "./topologies.ts";

/** Ticks. */
const timeout = 2 * topologySettings.electionTicks;

function healthy(members: number, seed: number, settings = topologySettings): Cluster {
  const cluster = createCluster({ members, seed, settings, favourite: 0 });
  expect(elapseUntil(cluster, 4 * timeout, () => isConverged(cluster))).toBe(true);
  cluster.favourite = null;
  for (let elapsed = 0; elapsed < 20; elapsed++) elapse(cluster);
  return cluster;
}

function first(cluster: Cluster): Host {
  const [leader] = cluster.hosts;
  if (leader === undefined) throw new Error("a cluster has members");
  return leader;
}

describe("V4: calm times", () => {
  it("have no elections for hours; the command runs 24", () => {
    const report = runCalm({ members: 3, seed: 1, hours: 4 });
    expect(report).toMatchObject({ ticks: 4 * 36_000, elections: 0, terms: 0, leaders: 1 });
    expect(report.steps).toBeGreaterThan(4 * 36_000 * 7);
  });
});

describe("V4: a member that is cut off", () => {
  it("keeps its term, and its return disturbs nobody", () => {
    for (const members of [3, 4, 5]) {
      const cluster = healthy(members, members);
      const term = termMax(cluster);
      isolate(cluster, members - 1);
      for (let elapsed = 0; elapsed < 100 * timeout; elapsed++) elapse(cluster);
      expect(termMax(cluster)).toBe(term);
      offer(cluster, first(cluster), 5);
      connect(cluster, completeDigraph(members));
      expect(elapseUntil(cluster, timeout, () => isConverged(cluster))).toBe(true);
      for (let elapsed = 0; elapsed < 10 * timeout; elapsed++) elapse(cluster);
      expect(termMax(cluster)).toBe(term);
      expect(leaders(cluster)).toEqual([first(cluster)]);
    }
  });

  it("would raise its term without PreVote", () => {
    const cluster = healthy(3, 1, { ...topologySettings, preVote: false });
    const term = termMax(cluster);
    isolate(cluster, 2);
    for (let elapsed = 0; elapsed < 20 * timeout; elapsed++) elapse(cluster);
    expect(termMax(cluster)).toBeGreaterThan(term + 10);
  });
});

describe("V5: a flapping link", () => {
  it("never deposes a leader that keeps a timely majority", () => {
    for (const members of [3, 4, 5]) {
      for (let from = 0; from < members; from++) {
        for (let to = 0; to < members; to++) {
          if (from !== to) flap(members, from, to);
        }
      }
    }
  });

  /** On and off for random times, some of them longer than an election timeout. */
  function flap(members: number, from: number, to: number): void {
    const cluster = healthy(members, 100 * from + to);
    const random = createRandom(members, 100 * from + to);
    const term = termMax(cluster);
    const whole = completeDigraph(members);
    const cut = withoutEdge(whole, from, to);
    for (let flaps = 0; flaps < 20; flaps++) {
      connect(cluster, flaps % 2 === 0 ? cut : whole);
      offer(cluster, first(cluster), 1);
      const ticks = random.between(1, random.chance(0.5) ? 10 : 2 * timeout);
      for (let elapsed = 0; elapsed < ticks; elapsed++) elapse(cluster);
    }
    expect(termMax(cluster)).toBe(term);
    expect(leaders(cluster)).toEqual([first(cluster)]);
    connect(cluster, whole);
    expect(elapseUntil(cluster, timeout, () => isConverged(cluster))).toBe(true);
  }
});

describe("V6: a leader without a majority", () => {
  it("steps down within the shortest election timeout and fails its reads", () => {
    for (const members of [3, 4, 5]) {
      const cluster = healthy(members, members);
      const leader = first(cluster);
      isolate(cluster, 0);
      ask(cluster, leader);
      ask(cluster, leader);
      const cutAt = cluster.tick;
      elapseUntil(cluster, 10 * timeout, () => leader.raft.role !== "leader");
      expect(cluster.tick - cutAt).toBeLessThanOrEqual(topologySettings.electionTicks);
      expect(leader.reads.size).toBe(0);
      expect(leader.readsFailed).toBe(2);
      expect(leader.readsServed).toBe(0);
    }
  });
});
