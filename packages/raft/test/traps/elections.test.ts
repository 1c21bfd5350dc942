/** Traps of terms, votes and what is durable of them (A): `docs/traps.md`. */
import { describe, expect, it } from "vitest";
import { logIndex, nodeId, term } from "../../src/base/index.ts";
import { isUpToDate, type Message } from "../../src/core/index.ts";
import {
  makeEntry,
  makeHardState,
  makePersist,
  StorageWorld,
} from "../../src/testing/storage-world.ts";
import {
  append,
  choose,
  crash,
  createLab,
  deliver,
  drop,
  elect,
  heal,
  type Lab,
  memberOf,
  partition,
  persist,
  placeMember,
  proposeAt,
  raftOf,
  receive,
  requestVote,
  restart,
  setDisk,
  settle,
  tick,
  timeOut,
} from "../lab/index.ts";
import { NodeWorld } from "../node/node-world.ts";

const names = ["n1", "n2", "n3"];

/** Every member ticks, and all is delivered, `count` times. */
function run(lab: Lab, count: number): void {
  for (let i = 0; i < count; i++) {
    for (const [name, member] of lab.members) if (member.isUp) tick(lab, name);
    settle(lab);
  }
}

function leaders(lab: Lab): string[] {
  return [...lab.members.keys()].filter((name) => raftOf(lab, name).role === "leader");
}

describe("terms, votes and what is durable of them", () => {
  it("A1: term and vote are one unit, so no crash can part them", () => {
    for (const writtenUnits of [0, 1]) {
      const lab = createLab(names);
      setDisk(lab, "n1", "slow");
      receive(lab, requestVote("n2", "n1", 2, [1, 1]));
      expect(memberOf(lab, "n1").writing).toMatchObject([
        { hardState: { term: 2, votedFor: "n2" } },
      ]);
      persist(lab, "n1", writtenUnits);
      const promised = drop(lab).length;
      crash(lab, "n1");
      restart(lab, "n1");
      receive(lab, requestVote("n3", "n1", 2, [1, 1]));
      const isSecondGranted = raftOf(lab, "n1").hardState.votedFor === "n3";
      expect(Number(isSecondGranted) + promised).toBe(1);
    }
  });

  it("A1: a crash at any operation of the disk leaves the old vote or the new one", () => {
    for (let operation = 1, isOver = false; !isOver; operation++) {
      for (const keepShare of [0, 0.5, 1]) {
        const world = new StorageWorld(operation);
        const { store } = world.openLog();
        const entries = [makeEntry(1, 1)];
        world.append(store, makePersist({ hardState: makeHardState(1, "a"), entries }));
        const last = world.disk.operations + operation;
        world.fault = ({ number }) => (number >= last ? { kind: "hang" } : null);
        const answer = world.append(store, makePersist({ hardState: makeHardState(2, "b") }));
        isOver = world.disk.operations < last;
        world.fault = () => null;
        world.disk.crash({ random: () => world.random.fraction(), keepShare });
        const { term: found, votedFor } = world.openLog().hardState;
        const allowed = answer === null ? ["2 b"] : ["1 a", "2 b"];
        expect(allowed).toContain(`${found} ${votedFor}`);
      }
    }
  });

  it("A2: neither a request for votes nor a vote leaves before term and vote are durable", () => {
    const lab = createLab(names, { settings: { preVote: false } });
    setDisk(lab, "n1", "slow");
    setDisk(lab, "n2", "slow");
    timeOut(lab, "n1");
    receive(lab, requestVote("n3", "n2", 2, [1, 1]));
    expect(lab.network).toEqual([]);
    persist(lab, "n1");
    persist(lab, "n2");
    expect(lab.network.map(({ from, to }) => `${from}>${to}`)).toEqual(["n1>n2", "n1>n3", "n2>n3"]);
  });

  it.each(["write", "sync"])(
    "A3: a failed %s of term and vote ends the member in silence",
    (kind) => {
      const world = new NodeWorld({ disk: true }).startAll();
      const leader = world.leader();
      const failing = world.follower();
      const { term: before } = failing.member.raft.hardState;
      world.fault = (id, operation) =>
        id === failing.id && operation.kind === kind && operation.path.includes("hard-state")
          ? { kind: "fail", code: "EIO" }
          : null;
      leader.kill();
      world.clock.advance(5000);
      expect(failing.events.stopped).toMatchObject([{ error: { code: "STORAGE_FAILED" } }]);
      // Nobody has its vote: the one that is left is no majority, whatever it asked for.
      const [left] = [...world.running.values()].filter(({ id }) => id !== failing.id);
      expect(left?.events.role.map(({ role }) => role)).not.toContain("leader");
      failing.kill();
      world.fault = () => null;
      expect(world.start(failing.id).member.raft.hardState.term).toBeGreaterThanOrEqual(before);
    },
  );

  it("A4: a same-term step-down keeps the vote, and so does a same-term leader found", () => {
    const lab = createLab(names);
    elect(lab, "n1");
    partition(lab);
    tick(lab, "n1", 10);
    expect(raftOf(lab, "n1")).toMatchObject({ role: "follower", hardState: { votedFor: "n1" } });
    heal(lab);
    receive(lab, requestVote("n2", "n1", 2, [9, 9]));
    expect(lab.network.at(-1)).toMatchObject({ refused: "voted-for-other" });
    // A candidate of term 2 that yields to the leader of term 2 keeps its vote for itself.
    const other = createLab(names, { settings: { preVote: false } });
    timeOut(other, "n1");
    receive(other, append("n2", "n1", 2, { prev: [1, 1] }));
    expect(raftOf(other, "n1").hardState).toMatchObject({ term: 2, votedFor: "n1" });
  });

  it("A4: falling back from pre-candidate in a voted term gives no second vote", () => {
    const lab = createLab(names);
    placeMember(lab, "n1", names, { terms: [1], term: 2, votedFor: "n2" });
    timeOut(lab, "n1");
    deliver(lab);
    settle(lab, choose({ to: "n1" }));
    receive(lab, requestVote("n3", "n1", 2, [9, 9]));
    expect(raftOf(lab, "n1").hardState.votedFor).not.toBe("n3");
  });

  it("A5: an answer with a higher term is no grant and no match", () => {
    const lab = createLab(names, { settings: { preVote: false } });
    timeOut(lab, "n1");
    receive(lab, {
      kind: "request-vote-response",
      from: nodeId("n2"),
      to: nodeId("n1"),
      term: term(5),
      pre: false,
      campaignTerm: term(2),
      refused: null,
    });
    expect(raftOf(lab, "n1")).toMatchObject({ role: "follower", hardState: { term: 5 } });
    const other = createLab(names);
    elect(other, "n1");
    proposeAt(other, "n1", "a");
    receive(other, {
      kind: "append-entries-response",
      from: nodeId("n2"),
      to: nodeId("n1"),
      term: term(5),
      round: 1,
      sequence: 9,
      outcome: { kind: "accepted", matched: logIndex(3), verified: logIndex(3) },
    });
    expect(raftOf(other, "n1")).toMatchObject({ role: "follower", commit: 2 });
  });

  it("A6: a vote is decided on the log of that moment, on disk or not", () => {
    const lab = createLab(names);
    setDisk(lab, "n1", "slow");
    receive(lab, append("n2", "n1", 2, { prev: [1, 1], terms: [2, 2] }));
    raftOf(lab, "n1").leaderContactTick = null; // its leader has been silent for long
    receive(lab, requestVote("n3", "n1", 3, [2, 2]));
    expect(raftOf(lab, "n1")).toMatchObject({ durableIndex: 1, hardState: { votedFor: null } });
    persist(lab, "n1");
    expect(lab.network.at(-1)).toMatchObject({ to: "n3", refused: "log-behind" });
    // And the other way round: what was given up is no reason to refuse.
    receive(lab, append("n2", "n1", 4, { prev: [1, 1], terms: [4] }));
    raftOf(lab, "n1").leaderContactTick = null;
    receive(lab, requestVote("n3", "n1", 5, [4, 2]));
    expect(raftOf(lab, "n1").hardState).toMatchObject({ term: 5, votedFor: "n3" });
  });

  it("A7: logs are compared by term first, then by index, not both at once", () => {
    const at = (t: number, i: number) => ({ term: term(t), index: logIndex(i) });
    expect(isUpToDate(at(2, 1), at(1, 2))).toBe(true);
    expect(isUpToDate(at(1, 2), at(2, 1))).toBe(false);
    // Of any two logs at least one may win: else there is no leader at all.
    for (let i = 0; i < 256; i++) {
      const a = at(i & 3, (i >> 2) & 3);
      const b = at((i >> 4) & 3, i >> 6);
      expect(isUpToDate(a, b) || isUpToDate(b, a)).toBe(true);
    }
  });

  it("A8: a member votes when it is asked, whatever it knows of itself", () => {
    const lab = createLab(names);
    placeMember(lab, "n1", ["n2", "n3"], { terms: [1], commit: 1 });
    receive(lab, requestVote("n2", "n1", 2, [1, 1]));
    expect(lab.network.at(-1)).toMatchObject({ from: "n1", refused: null });
    expect(raftOf(lab, "n1").hardState).toMatchObject({ term: 2, votedFor: "n2" });
    timeOut(lab, "n1");
    expect(raftOf(lab, "n1").role).toBe("follower"); // it does not stand itself
  });

  it("A12: a second leader in a term stops the member, loudly", () => {
    const lab = createLab(names);
    receive(lab, append("n2", "n1", 2, { prev: [1, 1] }));
    const second = append("n3", "n1", 2, { prev: [1, 1] });
    expect(() => receive(lab, second)).toThrow("at most one leader in a term: n3 and n2");
  });

  it("A14: a higher term is adopted from whatever carries it", () => {
    const envelope = { from: nodeId("n2"), to: nodeId("n1"), term: term(12) };
    const answer = { kind: "append-entries-response" as const, ...envelope, round: 1, sequence: 1 };
    const at = { term: term(1), index: logIndex(1) };
    const vote = { kind: "request-vote-response" as const, ...envelope, campaignTerm: term(2) };
    const read = { ...envelope, batch: 1, boot: 1 };
    const messages: readonly Message[] = [
      requestVote("n2", "n1", 12, [1, 1]),
      { ...vote, pre: true, refused: "stale-term" },
      { ...vote, pre: false, refused: "voted-for-other" },
      append("n2", "n1", 12, { prev: [1, 1] }),
      append("n2", "n1", 12, { prev: [9, 9] }),
      { ...answer, outcome: { kind: "stale-term" } },
      { ...answer, outcome: { kind: "conflict", prev: at, hint: at } },
      { ...answer, outcome: { kind: "accepted", matched: logIndex(1), verified: logIndex(1) } },
      { kind: "read-index", ...read },
      { kind: "read-index-response", ...read, index: null },
      { kind: "read-index-response", ...read, index: logIndex(1) },
    ];
    for (const message of messages) {
      const lab = createLab(names);
      receive(lab, message);
      expect([message.kind, raftOf(lab, "n1").hardState.term]).toEqual([message.kind, 12]);
    }
  });

  it("A14: a member with a much higher term is reconciled by whichever message comes first", () => {
    for (const preVote of [true, false]) {
      const lab = createLab(names, { settings: { preVote } });
      elect(lab, "n1");
      partition(lab, ["n1", "n2"]);
      const { hardState } = raftOf(lab, "n3");
      placeMember(lab, "n3", names, { terms: [1, 2], term: hardState.term + 10 });
      run(lab, 30);
      heal(lab);
      run(lab, 60);
      expect(leaders(lab)).toHaveLength(1);
      const terms = names.map((name) => raftOf(lab, name).hardState.term);
      expect(new Set(terms).size).toBe(1);
      expect(terms[0]).toBeGreaterThanOrEqual(12);
    }
  });
});
