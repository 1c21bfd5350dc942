/** Traps of memory and flow control (G): `docs/traps.md`. */
import { describe, expect, it } from "vitest";
import { logIndex, nodeId } from "../../src/base/index.ts";
import { backlogBytes } from "../../src/core/backlog.ts";
import { entryBytes } from "../../src/core/entry.ts";
import { aborted } from "../../src/node/errors.ts";
import { createSeededRandom } from "../../src/testing/index.ts";
import {
  createLab,
  deliver,
  drop,
  elect,
  feed,
  heal,
  type Lab,
  memberOf,
  partition,
  persist,
  placeMember,
  proposeAt,
  raftOf,
  setDisk,
  settle,
  tick,
  timeOut,
} from "../lab/index.ts";
import { NodeWorld } from "../node/node-world.ts";
import { createWorld } from "../transport/transport-world.ts";

const names = ["n1", "n2", "n3"];
const text = "x".repeat(100);

/** Bytes of the entries above the commit index, counted anew. */
function uncommitted(lab: Lab, name: string): number {
  const { log, commit } = raftOf(lab, name);
  const rest = log.entries.filter((entry) => entry.index > commit);
  return rest.reduce((sum, entry) => sum + entryBytes(entry), 0);
}

describe("the leader's memory", () => {
  it("G1: a leader without a majority refuses what would pass the limit, before it has it", () => {
    const uncommittedBytesMax = 5000;
    const lab = createLab(names, { settings: { uncommittedBytesMax } });
    elect(lab, "n1");
    partition(lab);
    const results = Array.from({ length: 1000 }, () => proposeAt(lab, "n1", text));
    expect(uncommitted(lab, "n1")).toBeLessThanOrEqual(uncommittedBytesMax);
    expect(results.at(-1)).toEqual({ kind: "refused", why: "overloaded" });
    heal(lab);
    tick(lab, "n1");
    settle(lab);
    expect(uncommitted(lab, "n1")).toBe(0);
    expect(proposeAt(lab, "n1", text)).toMatchObject({ kind: "appended" });
  });

  it("G2: what a leader inherits counts", () => {
    const lab = createLab(names, { settings: { uncommittedBytesMax: 500, preVote: false } });
    const terms = Array.from({ length: 60 }, () => 1);
    for (const name of names) placeMember(lab, name, names, { terms, commit: 1 });
    timeOut(lab, "n1");
    settle(lab, (message) => message.kind !== "append-entries");
    expect(raftOf(lab, "n1").leadership?.uncommittedBytes).toBe(uncommitted(lab, "n1"));
    expect(proposeAt(lab, "n1", text)).toEqual({ kind: "refused", why: "overloaded" });
    settle(lab);
    expect(proposeAt(lab, "n1", text)).toMatchObject({ kind: "appended" });
  });

  it("G3: the budget is what lies above the commit index, through any life", () => {
    const lab = createLab(names, { settings: { uncommittedBytesMax: 3000 } });
    const random = createSeededRandom(7);
    elect(lab, "n1");
    for (let i = 0; i < 4000; i++) {
      const name = names[Math.floor(random.fraction() * 3)] ?? "n1";
      const way = random.fraction();
      if (way < 0.3) proposeAt(lab, name, text.slice(0, i % 100));
      else if (way < 0.6) deliver(lab, (message) => message.to === name);
      else if (way < 0.65) drop(lab, (message) => message.from === name);
      else tick(lab, name);
      for (const each of names) {
        const { leadership } = raftOf(lab, each);
        if (leadership === null) continue;
        expect(leadership.uncommittedBytes).toBe(uncommitted(lab, each));
      }
    }
    settle(lab);
    for (let i = 0; i < 60; i++) {
      for (const name of names) tick(lab, name);
      settle(lab);
    }
    const leadership = names
      .map((name) => raftOf(lab, name).leadership)
      .find((one) => one !== null);
    expect(leadership?.uncommittedBytes).toBe(0);
    for (const progress of leadership?.peers.values() ?? []) {
      expect(progress).toMatchObject({ inflight: [], inflightBytes: 0 });
    }
  });

  it("G3: a request gives back all it took, whether it ends by abort, time or stop", () => {
    const limits = { pendingCountMax: 10, waitingCountMax: 10, waitingBytesMax: 200 };
    const world = new NodeWorld({ limits });
    const { member } = world.start("a");
    for (let round = 0; round < 30; round++) {
      const answers = Array.from({ length: 20 }, (_, i) =>
        i < 10 ? world.propose("a", "x", 300) : world.read("a", 300),
      );
      world.clock.advance(10);
      expect(answers.map(({ count }) => count)).toEqual(answers.map(() => 0));
      for (const over of [world.propose("a", "x", 300), world.read("a", 300)]) {
        expect(over.error).toMatchObject({ code: "OVERLOADED", details: { limitValue: 10 } });
      }
      if (round % 2 === 0) for (const one of answers) one.abort(aborted("not-applied", null));
      else world.clock.advance(400);
      expect(answers.map(({ count }) => count)).toEqual(answers.map(() => 1));
    }
    expect(member.isRunning).toBe(true);
  });
});

describe("the window to a peer", () => {
  const settings = { inflightMessagesMax: 4 };

  it("G4: opens again after acknowledgements were lost", () => {
    const lab = createLab(names, { settings });
    elect(lab, "n1");
    for (let i = 0; i < 20; i++) {
      proposeAt(lab, "n1", `${i}`);
      deliver(lab, (message) => message.kind === "append-entries");
      drop(lab);
    }
    expectOpen(lab);
  });

  it("G4: opens again after appends were lost", () => {
    const lab = createLab(names, { settings });
    elect(lab, "n1");
    for (let i = 0; i < 20; i++) {
      proposeAt(lab, "n1", `${i}`);
      drop(lab);
    }
    expectOpen(lab);
  });

  function expectOpen(lab: Lab): void {
    tick(lab, "n1", 2);
    settle(lab);
    const { leadership, log, commit } = raftOf(lab, "n1");
    expect(commit).toBe(log.entries.length);
    for (const progress of leadership?.peers.values() ?? []) {
      expect(progress).toMatchObject({ mode: "replicate", matched: commit, inflight: [] });
    }
    proposeAt(lab, "n1", "more");
    settle(lab);
    expect(raftOf(lab, "n1").commit).toBe(commit + 1);
  }
});

describe("a follower that has too much", () => {
  /** Of 132 bytes with its bookkeeping. */
  const settings = { backlogBytesMax: 4000, inflightBytesMax: 2000, appendBytesMax: 500 };

  function fullOf(lab: Lab, name: string): boolean | undefined {
    return raftOf(lab, "n1").leadership?.peers.get(nodeId(name))?.isFull;
  }

  it("G7: says so where its machines are slow, and holds no more than its bound", () => {
    const lab = createLab(names, { settings });
    elect(lab, "n1");
    memberOf(lab, "n2").machine = "hung";
    for (let i = 0; i < 200; i++) {
      expect(proposeAt(lab, "n1", text)).toMatchObject({ kind: "appended" });
      settle(lab);
      expect(backlogBytes(raftOf(lab, "n2"))).toBeLessThanOrEqual(settings.backlogBytesMax);
    }
    expect([fullOf(lab, "n2"), fullOf(lab, "n3")]).toEqual([true, false]);
    expect(raftOf(lab, "n3").applied).toBe(raftOf(lab, "n1").log.entries.length);
    const member = memberOf(lab, "n2");
    member.machine = "fast";
    feed(lab, "n2", { kind: "applied", index: logIndex(member.applied.length) });
    settle(lab); // no tick: it says itself that there is room
    expect(fullOf(lab, "n2")).toBe(false);
    expect(member.raft.applied).toBe(raftOf(lab, "n1").commit);
  });

  it("G7: says so where its disk is slow, and the rest comes when it is not", () => {
    const lab = createLab(names, { settings });
    elect(lab, "n1");
    setDisk(lab, "n2", "slow");
    for (let i = 0; i < 200; i++) {
      proposeAt(lab, "n1", text);
      if (i % 10 === 0) tick(lab, "n1");
      settle(lab);
      expect(backlogBytes(raftOf(lab, "n2"))).toBeLessThanOrEqual(settings.backlogBytesMax);
    }
    expect(fullOf(lab, "n2")).toBe(true);
    while (persist(lab, "n2", 1) > 0) settle(lab);
    expect(fullOf(lab, "n2")).toBe(false);
    expect(raftOf(lab, "n2").durableIndex).toBe(raftOf(lab, "n1").log.entries.length);
  });

  it("G7: a whole member with a slow disk is bounded, and the others do not wait for it", () => {
    const bounds = { backlogBytesMax: 20_000, inflightBytesMax: 10_000, appendBytesMax: 5000 };
    const world = new NodeWorld({ disk: true }); // the others' windows are far larger
    world.start("a");
    world.start("b");
    world.start("c", { settings: bounds });
    const slow = world.node("c");
    const leader = world.leaderBut("c");
    world.diskMs = (id) => (id === "c" ? 300 : 0.5);
    let most = 0;
    for (let round = 0; round < 100; round++) {
      const answers = Array.from({ length: 4 }, () => world.propose(leader.id, "x".repeat(200)));
      for (const answer of answers) expect(world.settle(answer, 200).error).toBeNull();
      most = Math.max(most, backlogBytes(slow.member.raft));
    }
    expect(most).toBeGreaterThan(bounds.backlogBytesMax / 4);
    expect(most).toBeLessThanOrEqual(bounds.backlogBytesMax);
    expect(leader.member.explain().text).toContain(`${slow.id} has been full for`);
    expect(world.leader().id).toBe(leader.id);
    world.diskMs = () => 0.5;
    world.clock.advance(2000);
    expect(slow.journal.texts).toHaveLength(400);
    expect(leader.member.explain().text).not.toContain("full");
  });
});

describe("dialling", () => {
  it("G6: a connection that lived makes the next pause short again", () => {
    const { clock, network, start } = createWorld();
    // Where b does not look for it: b's own dialling would make up for a's.
    const a = start("a", { peers: ["b"], address: "a.localhost:9999" });
    clock.advance(60_000); // the pause is as long as it gets
    start("b", { peers: ["a"] });
    clock.advance(1500);
    expect(a.events.at(-1)).toMatchObject({ kind: "connected" });
    clock.advance(5000);
    network.kill("b");
    clock.advance(30); // long enough for the dial at once, that a lost connection is worth, to fail
    expect(a.events.at(-1)?.kind).not.toBe("connected");
    start("b", { peers: ["a"] });
    clock.advance(50); // the first pauses are 20 ms and 40 ms
    expect(a.events.at(-1)).toMatchObject({ kind: "connected" });
  });
});
