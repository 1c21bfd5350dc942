/** Members that are killed with `kill -9` under load: nothing that was acknowledged is lost. */
import { afterEach, describe, expect, it } from "vitest";
import { createSeededRandom } from "../../src/testing/index.ts";
import { lightLoad, ProcessCluster } from "../support/process-cluster.ts";

let cluster: ProcessCluster | null = null;

afterEach(async () => {
  await cluster?.dispose();
  cluster = null;
});

async function started(): Promise<ProcessCluster> {
  cluster = await ProcessCluster.started();
  return cluster;
}

/** All members, started anew from their disks, have one ledger that contradicts no outcome. */
async function expectNothingLost(live: ProcessCluster): Promise<void> {
  expect(await live.contradictions()).toEqual([]);
  expect(live.ledger.applied.length).toBeGreaterThan(100);
  console.log(`  outcomes: ${live.ledger.summary}`);
}

describe("three member processes under load", () => {
  it("keep every acknowledged write, once and in order, through 12 rounds of kill -9", async () => {
    const live = await started();
    const random = createSeededRandom(12);
    await live.beginLoad();
    for (let round = 0; round < 12; round++) {
      const leader = await live.leader();
      const isLeader = random.fraction() < 0.7;
      const followers = live.others(leader);
      const victim = isLeader ? leader : (followers[random.below(2)] ?? leader);
      await live.acknowledged(20, leader);
      await victim.kill();
      const survivors = live.others(victim);
      await live.acknowledged(20, await live.leader(survivors));
      const restarted = live.launch(victim.id);
      await restarted.started();
      await live.beginLoad(lightLoad, [restarted]);
    }
    await live.endLoad();
    await live.stopAll();
    await live.launchAll();
    await expectNothingLost(live);
  });

  it("keep every acknowledged write when all are killed at once and in recovery", async () => {
    const live = await started();
    await live.beginLoad({ ...lightLoad, clients: 8 });
    await live.acknowledged(500, await live.leader());
    await live.killAll();
    // Killed while they read their logs, at later and later moments.
    for (let at = 0; at < 3; at++) {
      for (const { id } of live.members) live.launch(id);
      const [first, second] = live.members;
      if (at > 0) await first?.started();
      if (at > 1) await second?.started();
      await live.killAll();
    }
    await live.launchAll();
    await live.beginLoad({ ...lightLoad, clients: 8 });
    await live.acknowledged(500, await live.leader());
    await live.killAll();
    await live.launchAll();
    await expectNothingLost(live);
  });

  it("give 64 concurrent commands a place each (@markwylde/liferaft 4, tinyraftplus)", async () => {
    const live = await started();
    const member = live.others(await live.leader())[0] ?? live.member("a");
    const values = Array.from({ length: 64 }, (_, at) => `at-once.${at}`);
    const places = await Promise.all(values.map((value) => member.ask({ kind: "write", value })));
    expect(new Set(places).size).toBe(64);
    const [first = [], ...others] = await live.readAll();
    expect([...first].filter((value) => value.startsWith("at-once")).sort()).toEqual(values.sort());
    for (const other of others) expect(other).toEqual(first);
  });
});
