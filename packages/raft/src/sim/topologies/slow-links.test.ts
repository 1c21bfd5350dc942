/** Links on which an answer takes longer than a heartbeat interval: slow, and nothing wrong. */
import { describe, expect, it } from "vitest";
import { defaultSettings, lastIndex } from "../../core/index.ts";
import {
  connect,
  createCluster,
  elapse,
  elapseUntil,
  isConverged,
  isolate,
  leaders,
  offer,
} from "./cluster.ts";
import { linkedDigraph } from "./digraph.ts";
import { runTopologies } from "./topologies.ts";

describe("slow links", () => {
  for (const ticks of [1, 4, 5, 6, 10, 20]) {
    it(`of ${ticks} ticks each way do not keep a follower from being brought up to date`, () => {
      const cluster = createCluster({
        members: 3,
        seed: 1,
        settings: defaultSettings,
        favourite: 0,
        latency: { ticksMin: ticks, ticksMax: ticks },
      });
      expect(elapseUntil(cluster, 1000, () => isConverged(cluster))).toBe(true);
      const [first, next] = cluster.hosts;
      if (first === undefined || next === undefined) throw new Error("there are three members");
      // The last one misses entries; then the first is lost, and the last is needed.
      isolate(cluster, 2);
      offer(cluster, first, 3);
      expect(elapseUntil(cluster, 90, () => next.raft.log.entries.length === 5)).toBe(true);
      cluster.favourite = 1;
      connect(cluster, linkedDigraph(3, [[1, 2]]));
      const isCommitted = (): boolean =>
        leaders(cluster).includes(next) && next.raft.commit === lastIndex(next.raft.log);
      expect(elapseUntil(cluster, 2000, isCommitted)).toBe(true);
      for (let elapsed = 0; elapsed < 100; elapsed++) elapse(cluster);
      expect([...(next.raft.leadership?.peers.values() ?? [])].map(({ mode }) => mode)).toContain(
        "replicate",
      );
    });
  }

  it("change nothing about what topologies allow", () => {
    const report = runTopologies({
      members: 3,
      seeds: 1,
      latency: { ticksMin: 3, ticksMax: 5 },
      barrenTimeouts: 3,
      calmTimeouts: 4,
      healedCalmTimeouts: 2,
    });
    expect(report.failures).toEqual([]);
  });
});
