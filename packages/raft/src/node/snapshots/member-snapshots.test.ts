/** Snapshots in whole members: taken, started from, sent and installed while writes go on. */
import { describe, expect, it } from "vitest";
import type { Running } from "../../../test/node/node-world.ts";
import {
  appliedAll,
  createWorld,
  expectEqualJournals,
  filesOf,
  write,
} from "../../../test/node/snapshot-world.ts";
import type { MetricsHook } from "../insight/metrics.ts";

const snapshotIndexes = ({ events }: Running) => events["snapshot-taken"].map(({ index }) => index);

describe("taking snapshots", () => {
  it("takes them at the same entries on all members, as equal files, and cuts the log", () => {
    const world = createWorld().startAll();
    const leader = world.leader();
    write(world, leader.id, 70);
    appliedAll(world);
    world.clock.advance(1000);
    const identities = [...world.running.values()].map(({ member, ...one }) => {
      expect(snapshotIndexes({ member, ...one })).toEqual([20, 40, 60]);
      expect(member.raft.log.base.index).toBe(55);
      expect(world.status(one.id)).toMatchObject({ base: 55, snapshot: { index: 60 } });
      return one.opened.member.snapshots.newest;
    });
    expect(identities[1]).toEqual(identities[0]);
    expect(identities[2]).toEqual(identities[0]);
    const files = world.ids.map((id) => filesOf(world, id));
    expect(files[1]).toEqual(files[0]);
    expect(files[2]).toEqual(files[0]);
    expect([...(files[0]?.keys() ?? [])]).toHaveLength(1);
  });
});

describe("starting from a snapshot", () => {
  it.each([
    ["with log behind it", 75],
    ["without log behind it", 60],
  ])("%s", (_what, last) => {
    const world = createWorld({ limits: { snapshotKeptEntries: 1 } }).startAll();
    const leader = world.leader();
    while (leader.member.raft.log.base.index + leader.member.raft.log.entries.length < last) {
      write(world, leader.id, 1);
    }
    appliedAll(world);
    world.clock.advance(1000);
    const texts = [...leader.journal.texts];
    for (const id of world.ids) world.stop(id);
    for (const id of world.ids) {
      const { journal, log } = world.start(id);
      expect(log.join("\n")).toContain("as the snapshot of entry 60 says");
      expect(journal.texts.length).toBeGreaterThan(50);
    }
    write(world, world.leader().id, 30);
    appliedAll(world);
    expect(world.leader().journal.texts.slice(0, texts.length)).toEqual(texts);
    expectEqualJournals(world);
  });
});

describe("a member behind the log", () => {
  it("H14: gets a snapshot while writes go on, and goes on with the log", () => {
    const counts = new Map<string, number>();
    const metrics: MetricsHook = {
      count: (name, more) => counts.set(name, (counts.get(name) ?? 0) + more),
      gauge: (name, value) => counts.set(name, value),
      observe: (name) => counts.set(name, (counts.get(name) ?? 0) + 1),
    };
    const world = createWorld({ metrics }).startAll();
    const leader = world.leader();
    const { id } = world.follower();
    write(world, leader.id, 5);
    world.stop(id);
    write(world, leader.id, 100);
    const behind = world.start(id);
    expect(leader.member.raft.log.base.index).toBeGreaterThan(behind.member.raft.commit);
    write(world, leader.id, 100);
    appliedAll(world);
    expect(behind.events["snapshot-installed"]).toHaveLength(1);
    expectEqualJournals(world);
    expect(behind.member.isRunning).toBe(true);
    expect(counts.get("snapshots-installed-count")).toBe(1);
    expect(counts.get("snapshot-ms")).toBe(counts.get("snapshots-taken-count"));
    // It takes its own again, equal to the others'.
    write(world, leader.id, 50);
    appliedAll(world);
    world.clock.advance(1000);
    expect(filesOf(world, behind.id)).toEqual(filesOf(world, leader.id));
  });

  it("that joins gets one and becomes a voter", () => {
    const world = createWorld().startAll();
    const leader = world.leader();
    write(world, leader.id, 100);
    const joined = world.join("d", leader.id);
    const { id } = joined.member.raft;
    const learner = { kind: "add", id, address: "d:1", as: "learner" } as const;
    const answer = world.settle(world.change(leader.id, [learner]));
    expect(answer.error).toBeNull();
    write(world, leader.id, 10);
    appliedAll(world);
    expect(joined.events["snapshot-installed"]).toHaveLength(1);
    expectEqualJournals(world);
    // And starts again from what it has.
    world.stop("d");
    const again = world.join("d", leader.id);
    write(world, leader.id, 3);
    appliedAll(world);
    expect(again.journal.texts).toEqual(leader.journal.texts);
  });
});

describe("requests in what a snapshot takes the place of", () => {
  it("end as unknown", () => {
    const world = createWorld().startAll();
    const leader = world.leader();
    const behind = world.follower();
    write(world, leader.id, 5);
    const before = behind.member.raft.log.base.index + behind.member.raft.log.entries.length;
    const answer = world.propose(behind.id, "lost", 10_000);
    const { raft } = behind.member;
    const hasEntry = () => raft.log.base.index + raft.log.entries.length > before;
    for (let steps = 0; !hasEntry() && steps < 100; steps++) world.clock.advance(0.25);
    expect(raft.commit).toBe(before);
    for (const id of world.ids) {
      if (id !== behind.id) world.network.cut(id, behind.id, { mode: "drop" });
    }
    write(world, leader.id, 100);
    expect(answer.count).toBe(0);
    world.heal();
    world.settle(answer);
    expect(behind.events["snapshot-installed"]).toHaveLength(1);
    expect(answer.error).toMatchObject({ code: "LEADERSHIP_LOST", outcome: "unknown" });
    expect(answer.error?.message).toContain("took a snapshot in the place of the entries up to");
  });
});
