/** Whole nodes on disks that stand still, are slow, or are merely busy. */
import { describe, expect, it } from "vitest";
import { NodeWorld, type Running } from "../../../test/node/node-world.ts";
import { persistUnit } from "../../base/index.ts";
import { DiskWatch } from "./disk-watch.ts";

const limits = { slowStorageMs: 50, stuckStorageMs: 100, calmStorageMs: 1000 };

function cluster(seed = 1): { world: NodeWorld; leader: Running } {
  const world = new NodeWorld({ seed, disk: true, limits }).startAll();
  world.settle(world.propose(world.leader().id, "before"));
  return { world, leader: world.leader() };
}

describe("a leader's disk", () => {
  it("H16: that stands still ends its office, though heartbeats need no disk", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { world, leader } = cluster(seed);
      world.fault = (id) => (id === leader.id ? { kind: "hang" } : null);
      const stuckMs = world.clock.nowMs();
      world.propose(leader.id, "stuck");
      const next = world.leader(leader.id);
      expect(world.clock.nowMs() - stuckMs, `seed ${seed}`).toBeLessThan(200);
      expect(leader.events["disk-health"]).toEqual([{ healthy: false }]);
      expect(leader.events.transfer).toMatchObject([{ why: "disk", outcome: "stepped-down" }]);
      expect(leader.member.explain().text).toContain(
        `The disk of ${leader.id} is unfit for a leader: ${leader.id} does not stand for election.`,
      );
      expect(world.settle(world.propose(next.id, "after")).error).toBeNull();
      world.clock.advance(5000);
      expect(world.leader().id).not.toBe(leader.id);
    }
  });

  it("keeps it its office if nobody else is fit; commands are committed by the others", () => {
    const { world, leader } = cluster();
    const others = world.ids.filter((id) => id !== leader.id);
    world.clock.advance(200);
    world.network.cut(leader.id, others[0] ?? "");
    world.network.cut(leader.id, others[1] ?? "");
    world.heal();
    // All three are slow: nobody gains by a change.
    world.diskMs = (_id, { kind }) => (kind === "sync" ? 60 : 0.5);
    for (let i = 0; i < 10; i++) world.settle(world.propose(leader.id, `${i}`));
    for (const id of world.ids) expect(world.node(id).member.raft.isDiskHealthy, id).toBe(false);
    world.clock.advance(500);
    expect(leader.member.raft.role).toBe("leader");
    expect(leader.member.explain().text).toContain("hands over as soon as another voter is fit");
  });

  it("that is slow again and again makes it hand over; one slow write does not", () => {
    const { world, leader } = cluster();
    world.diskMs = (id, { kind }) => (id === leader.id && kind === "sync" ? 70 : 0.5);
    world.settle(world.propose(leader.id, "one"));
    world.clock.advance(200);
    expect(leader.events["disk-health"]).toEqual([]);
    for (let i = 0; i < 4; i++) {
      world.propose(leader.id, `${i}`);
      world.clock.advance(90);
    }
    expect(leader.events["disk-health"]).toEqual([{ healthy: false }]);
    expect(world.leader(leader.id).events.election.at(-1)?.leader).not.toBe(leader.id);
  });

  it("is fit again when it was calm for a while, and not before", () => {
    const { world, leader } = cluster();
    let isSlow = true;
    world.diskMs = (id, { kind }) => (isSlow && id === leader.id && kind === "sync" ? 120 : 0.5);
    world.propose(leader.id, "slow");
    world.clock.advance(200);
    expect(leader.events["disk-health"]).toEqual([{ healthy: false }]);
    isSlow = false;
    world.clock.advance(800);
    expect(leader.events["disk-health"]).toHaveLength(1);
    world.clock.advance(500);
    expect(leader.events["disk-health"]).toEqual([{ healthy: false }, { healthy: true }]);
  });

  it("is not blamed for a burst of work that it gets done", () => {
    const { world, leader } = cluster();
    world.diskMs = (_id, { kind }) => (kind === "sync" ? 30 : 0.5);
    const answers = [];
    for (let i = 0; i < 300; i++) {
      answers.push(world.propose(leader.id, `${i}`));
      world.clock.advance(2);
    }
    for (const answer of answers) expect(world.settle(answer).error).toBeNull();
    for (const { events } of world.running.values()) expect(events["disk-health"]).toEqual([]);
  });
});

describe("slow disks everywhere", () => {
  it("do not leave the cluster without a leader", () => {
    const { world, leader } = cluster();
    world.diskMs = (_id, { kind }) => (kind === "sync" ? 60 : 0.5);
    for (let i = 0; i < 10; i++) world.settle(world.propose(leader.id, `${i}`));
    for (const id of world.ids) expect(world.node(id).member.raft.isDiskHealthy, id).toBe(false);
    leader.kill();
    const next = world.leader(leader.id);
    expect(world.settle(world.propose(next.id, "on")).error).toBeNull();
  });
});

describe("the watch", () => {
  function watched() {
    const verdicts: boolean[] = [];
    const watch = new DiskWatch(
      {
        limits: { ...limits, tickMs: 5, electionMs: 100 },
        hasLeader: () => true,
        onVerdict: (isHealthy) => verdicts.push(isHealthy),
      },
      0,
    );
    return { watch, verdicts };
  }

  it("does not count what this process slept", () => {
    const { watch, verdicts } = watched();
    watch.onPersist(persistUnit(1), 0);
    watch.onTick(5);
    watch.onTick(60_000);
    watch.onDurable(persistUnit(1), 60_001);
    watch.onTick(60_005);
    expect(verdicts).toEqual([]);
  });

  it("counts from the last unit that was finished, not from when the next was given", () => {
    const { watch, verdicts } = watched();
    for (let unit = 1; unit <= 100; unit++) watch.onPersist(persistUnit(unit), 0);
    for (let unit = 1; unit <= 100; unit++) {
      for (let ms = 1; ms <= 8; ms++) watch.onTick((unit - 1) * 40 + ms * 5);
      watch.onDurable(persistUnit(unit), unit * 40);
    }
    expect(verdicts).toEqual([]);
  });
});
