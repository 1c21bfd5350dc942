/** Rules of the dissertation's chapters 4 to 6 that whole members keep, or their machines. */
import { describe, expect } from "vitest";
import { logIndex, nodeId, term } from "../../src/base/index.ts";
import { type Input, type MemberChange, promotionLagMax, step } from "../../src/core/index.ts";
import { encodeSessionOpen } from "../../src/machine/index.ts";
import { createDeadlines } from "../../src/node/deadlines.ts";
import { defaultLimits } from "../../src/node/limits.ts";
import { Reads } from "../../src/node/reads.ts";
import { SnapshotPolicy } from "../../src/node/snapshots/snapshot-policy.ts";
import {
  add,
  changeAt,
  crash,
  createLab,
  elect,
  heal,
  joinMember,
  entryOf as logEntryOf,
  promote,
  proposeAt,
  settle,
  tick,
} from "../lab/index.ts";
import { NodeWorld } from "../node/node-world.ts";
import {
  apply,
  begin,
  bytesOf,
  create,
  drain,
  entryOf,
  restore,
  type Shelf,
  sectionsOf,
} from "../support/snapshot-machines.ts";
import { paper } from "./paper.ts";

function adding(id: string, replaces: string | null): MemberChange {
  const whenReady = { replaces: replaces === null ? null : nodeId(replaces) };
  return { kind: "add", id: nodeId(id), address: `${id}:1`, as: "learner", whenReady };
}

describe("4 membership", () => {
  paper("4.2.1-catch-up", () => {
    const lab = createLab(["n1", "n2", "n3"]);
    joinMember(lab, "n4");
    elect(lab, "n1");
    changeAt(lab, "n1", add("n4", "learner"));
    settle(lab);
    lab.cut.add("n1>n4");
    proposeAt(lab, "n1", ...Array.from({ length: promotionLagMax + 1 }, (_, i) => `${i}`));
    settle(lab);
    const refused = { kind: "refused", why: "learner-not-ready" };
    expect(changeAt(lab, "n1", promote("n4"))).toMatchObject({ ...refused, because: "behind" });
    tick(lab, "n1", 5);
    for (let i = 0; i < 10; i++) {
      for (const name of ["n1", "n2", "n3"]) tick(lab, name);
      settle(lab);
    }
    expect(changeAt(lab, "n1", promote("n4"))).toMatchObject({ ...refused, because: "silent" });
    heal(lab);
    tick(lab, "n1");
    settle(lab);
    tick(lab, "n1");
    settle(lab);
    expect(changeAt(lab, "n1", promote("n4"))).toMatchObject({ kind: "appended" });
  });

  paper("4.2.4-available", () => {
    // With a majority of the old and one of the new there is a leader, and it ends the change.
    for (const dead of ["n1", "n2", "n3", "n4"]) {
      const lab = createLab(["n1", "n2", "n3"]);
      joinMember(lab, "n4");
      elect(lab, "n1");
      tick(lab, "n1");
      settle(lab);
      changeAt(lab, "n1", add("n4"));
      settle(lab, (message) => message.kind === "append-entries");
      crash(lab, dead);
      for (let i = 0; i < 120; i++) {
        for (const [name, member] of lab.members) if (member.isUp) tick(lab, name);
        settle(lab);
      }
      const alive = [...lab.members.values()].filter(({ isUp }) => isUp);
      expect(alive.filter(({ raft }) => raft.role === "leader")).toHaveLength(1);
      for (const { raft } of alive) {
        expect(raft.committedConfiguration.voters.map(({ id }) => id)).toContain("n4");
        expect(raft.committedConfiguration.outgoing).toBeNull();
      }
    }
  });

  paper("4.4-replace", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    const { id } = world.leader();
    const old = world.ids.filter((name) => name !== id)[0] ?? "";
    world.node(old).kill();
    world.join("d", id);
    expect(world.settle(world.change(id, [adding("d", old)], 20_000), 20_000).error).toBeNull();
    const { events } = world.node(id);
    expect(new Set(events.membership.map(({ voters }) => voters.length))).toEqual(new Set([3]));
    expect(events.membership.at(-1)?.voters.map((voter) => voter.id)).toContain("d");
  });
});

describe("5.1 snapshots", () => {
  const putting = (title: string) =>
    ({ kind: "shelf", command: "add", argument: { title, copies: 1 } }) as const;

  paper("5.1.1-concurrently", () => {
    const [set, twin] = [create(), create()];
    for (const one of [set, twin]) apply(one, putting("a"), 1);
    const capture = begin(set, 1);
    apply(set, putting("b"), 2);
    expect(sectionsOf(drain(capture, 8))).toEqual(bytesOf(twin, 1));
    expect(bytesOf(set, 2)).not.toEqual(bytesOf(twin, 1));
  });

  paper("5.1.2-when", () => {
    const limits = { ...defaultLimits, snapshotEntries: 10 };
    const dueAt = (policy: SnapshotPolicy) =>
      Array.from({ length: 30 }, (_, i) => i + 1).filter((index) =>
        policy.onApplied(logEntryOf(index, 1)),
      );
    expect(dueAt(new SnapshotPolicy(limits))).toEqual([10, 20, 30]);
    const large = new SnapshotPolicy(limits);
    large.onNewest(2 ** 30, true);
    expect(dueAt(large)).toEqual([]); // until as much log has come as the snapshot has bytes
  });

  paper("6.3-in-snapshot", () => {
    const [one, other] = [create(), create()];
    const give = (set: typeof one, index: number, data: Uint8Array) =>
      set.apply(set.stamp(data, 0), logIndex(index), term(1), true);
    const once = (set: typeof one) => entryOf(set, { kind: "once", sequence: 1, title: "a" });
    give(one, 1, encodeSessionOpen(60_000));
    const first = give(one, 2, once(one));
    restore(other, bytesOf(one, 2), 2);
    expect(give(other, 3, once(other))).toEqual(first);
    expect(other.direct("shelf").read((state: Shelf) => state.log.length)).toBe(1);
  });
});

describe("6 clients", () => {
  paper("6.1-find", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    const { id } = world.leader();
    for (const seed of world.ids) {
      const name = `x${seed}`;
      expect(world.join(name, seed).opened.clusterId).toBe(world.node(id).opened.clusterId);
      expect(world.settle(world.change(id, [adding(name, null)], 20_000)).error).toBeNull();
      expect(world.settle(world.propose(name, name)).error).toBeNull();
    }
  });

  paper("6.2-forward", () => {
    const world = new NodeWorld().startAll();
    world.leader();
    for (const id of world.ids) expect(world.settle(world.propose(id, id)).error).toBeNull();
    world.clock.advance(100);
    for (const { journal } of world.running.values()) expect(journal.texts).toEqual(world.ids);
  });

  paper("6.4-applied", () => {
    const world = new NodeWorld().startAll();
    world.leader();
    world.clock.advance(100);
    const { raft } = world.follower().member;
    const reads = new Reads({
      ...{ raft, limits: defaultLimits, deadlines: createDeadlines() },
      ...{ nowMs: () => 0, isRestoring: () => false, isConnected: () => true },
      ...{ schedule: () => {}, step: (input: Input) => step(raft, input) },
      reachability: () => ({ needed: 2, reachable: [], unreachable: [], causes: [] }),
    });
    let isServed = false;
    reads.read(100, (error) => {
      isServed = error === null;
    });
    const index = logIndex(raft.applied + 2);
    reads.onAnswered({ kind: "read-answered", ids: [1], index });
    for (const [applied, isEnough] of [
      [raft.applied, false],
      [index - 1, false],
      [index, true],
    ] as const) {
      reads.onApplied(logIndex(applied));
      expect(isServed).toBe(isEnough);
    }
  });
});
