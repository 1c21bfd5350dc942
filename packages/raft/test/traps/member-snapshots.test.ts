/** Traps of snapshots in whole members (H8, H13, H14, H15): with crashes, full and slow disks. */
import { describe, expect, it } from "vitest";
import type { DiskFault, DiskOperation } from "../../src/testing/memory-disk.ts";
import type { NodeWorld, Running } from "../node/node-world.ts";
import { appliedAll, createWorld, expectEqualJournals, write } from "../node/snapshot-world.ts";

const takenAt = ({ events }: Running) => events["snapshot-taken"].map(({ index }) => index);

/** Kills `id` after its disk's operation `at` from now on, with what was not synced half lost. */
function crashAfter(world: NodeWorld, id: string, at: number): { readonly isDue: () => boolean } {
  let left = at;
  world.fault = (member, operation): DiskFault | null => {
    if (member !== id || !isOfSnapshot(operation) || left < 0) return null;
    left--;
    return left < 0 ? { kind: "hang" } : null;
  };
  return { isDue: () => left < 0 };
}

/** From the first byte of a snapshot on, everything that the disk does. */
function isOfSnapshot({ kind, path }: DiskOperation): boolean {
  return path.includes("snap") || path.includes("log-start") || kind === "sync-directory";
}

function crash(world: NodeWorld, id: string): void {
  world.node(id).kill();
  world.disk(id).crash({ random: () => world.random.fraction(), keepShare: 0.5 });
  world.fault = () => null;
}

describe("a crash while a snapshot is taken and the log is cut", () => {
  it.each(Array.from({ length: 14 }, (_, at) => at))("H8: after operation %i", (at) => {
    const world = createWorld({ members: ["a"], seed: at + 1 }).startAll();
    world.leader();
    write(world, "a", 15);
    const crashes = crashAfter(world, "a", at);
    const texts: string[] = [];
    for (let count = 0; count < 40 && !crashes.isDue(); count++) {
      const answer = world.propose("a", `t${count}`);
      world.clock.advanceUntil(() => answer.count > 0 || crashes.isDue(), 1000);
      if (answer.count > 0) texts.push(answer.text);
    }
    expect(crashes.isDue()).toBe(true);
    crash(world, "a");
    const again = world.start("a");
    world.leader();
    write(world, "a", 30);
    for (const text of texts)
      expect(again.journal.texts.filter((one) => one === text)).toEqual([text]);
    expect(again.journal.texts.length).toBeGreaterThanOrEqual(15 + texts.length + 30);
    world.clock.advance(1000);
    expect(again.member.raft.log.base.index).toBeGreaterThan(20);
  });
});

describe("a crash while a snapshot of another member is installed", () => {
  it.each(Array.from({ length: 16 }, (_, at) => at))("H8, H14: after operation %i", (at) => {
    const world = createWorld({ seed: at + 1 }).startAll();
    const leader = world.leader();
    const { id } = world.follower();
    world.stop(id);
    write(world, leader.id, 100);
    world.start(id);
    const crashes = crashAfter(world, id, at);
    world.clock.advanceUntil(crashes.isDue, 5000);
    if (crashes.isDue()) {
      crash(world, id);
      world.start(id);
    }
    write(world, leader.id, 30);
    appliedAll(world);
    expectEqualJournals(world);
    expect(world.node(id).member.isRunning).toBe(true);
  });
});

describe("snapshots that do not come about", () => {
  it("H13: a full disk does not end the member, nor the snapshots", () => {
    const world = createWorld({ members: ["a"] }).startAll();
    const { member, events, ...one } = world.leader();
    world.fault = (_id, { kind, path }) => {
      return kind === "write" && path.includes(".tmp") && path.includes("snapshot")
        ? { kind: "fail", code: "ENOSPC" }
        : null;
    };
    write(world, "a", 50);
    expect(events["snapshot-failed"].map(({ index }) => index)).toEqual([20, 40]);
    expect(member.raft.log.base.index).toBe(0);
    world.fault = () => null;
    write(world, "a", 20);
    world.clock.advance(1000);
    expect(takenAt({ member, events, ...one })).toEqual([60]);
    expect(member.raft.log.base.index).toBe(55);
  });

  it("H13: what is due while one is written is left out, and the next is taken", () => {
    const world = createWorld({ members: ["a"] }).startAll();
    const leader = world.leader();
    const answers = Array.from({ length: 70 }, (_, at) => world.propose("a", `t${at}`));
    for (const answer of answers) expect(world.settle(answer).error).toBeNull();
    world.clock.advance(1000);
    expect(takenAt(leader)).toEqual([20]);
    write(world, "a", 40);
    world.clock.advance(1000);
    expect(takenAt(leader)).toEqual([20, 80, 100]);
  });
});

/** A state of some 200 KB, sent slowly: a second or so. */
const slow = {
  snapshotBytesPerSecond: 120_000,
  snapshotSendsMax: 1,
  snapshotStallMs: 2000,
  snapshotEntries: 20,
};

describe("a snapshot under way", () => {
  it("H15: arrives, and the log behind it is there, however many are taken meanwhile", () => {
    const world = createWorld({ limits: slow }).startAll();
    const leader = world.leader();
    const { id } = world.follower();
    world.stop(id);
    write(world, leader.id, 40, 5000);
    const behind = world.start(id);
    world.clock.advance(300);
    expect(leader.member.explain().text).toContain(`${id} has been fetching a snapshot for`);
    expect(world.status(id).fetchingSnapshot).toMatchObject({ index: 40 });
    for (let round = 0; round < 200 && behind.events["snapshot-installed"].length === 0; round++) {
      write(world, leader.id, 2);
      world.clock.advance(20);
    }
    expect(takenAt(leader).length).toBeGreaterThan(4);
    appliedAll(world);
    expect(behind.events["snapshot-installed"]).toMatchObject([{ index: 40 }]);
    expectEqualJournals(world);
    // Nothing is kept for it any more.
    write(world, leader.id, 45);
    world.clock.advance(1000);
    expect(leader.member.raft.log.entries.length).toBeLessThan(60);
    expect(leader.opened.member.snapshots.exchange.neededFrom).toBeNull();
  });

  it("H15: goes on where it stood when its leader is gone", () => {
    const world = createWorld({ limits: slow }).startAll();
    const leader = world.leader();
    const { id } = world.follower();
    world.stop(id);
    write(world, leader.id, 40, 5000);
    appliedAll(world);
    world.clock.advance(1000);
    const behind = world.start(id);
    const done = () => behind.opened.member.snapshots.exchange.fetching?.receivedBytes ?? 0;
    expect(world.clock.advanceUntil(() => done() > 60_000, 20_000)).toBe(true);
    const bytesBefore = done();
    leader.kill();
    let least = Number.POSITIVE_INFINITY;
    const isInstalled = () => {
      if (behind.opened.member.snapshots.exchange.fetching !== null)
        least = Math.min(least, done());
      return behind.events["snapshot-installed"].length > 0;
    };
    expect(world.clock.advanceUntil(isInstalled, 30_000)).toBe(true);
    expect(least).toBeGreaterThanOrEqual(bytesBefore);
    write(world, world.leader(leader.id).id, 30);
    appliedAll(world);
    expectEqualJournals(world);
  });
});
