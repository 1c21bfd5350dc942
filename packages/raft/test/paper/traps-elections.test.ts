/**
 * Traps that production libraries fell into: terms and votes (A), PreVote, CheckQuorum and
 * stickiness (B). The ids are those of our catalogue of such traps; log, commitment and reads are
 * in `traps-log.test.ts`.
 *
 * Elsewhere: A3 (a failed write stops the member), A11, A13 (identity): storage and node. A6:
 * nothing here waits in the middle of a decision. B6 (versions): the handshake. B13 (a hung loop):
 * heartbeats come from the loop that works. A8, A9, A10 (membership): `test/traps`. With its feature:
 * B8 (transfer).
 */
import { describe, expect, it } from "vitest";
import { logIndex, nodeId, term } from "../../src/base/index.ts";
import { isUpToDate } from "../../src/core/index.ts";
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
  readAt,
  receive,
  requestVote,
  restart,
  setDisk,
  settle,
  tick,
  timeOut,
} from "../lab/index.ts";

const names = ["n1", "n2", "n3"];
const five = ["n1", "n2", "n3", "n4", "n5"];

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

  it("A12: a second leader in a term stops the member, loudly", () => {
    const lab = createLab(names);
    receive(lab, append("n2", "n1", 2, { prev: [1, 1] }));
    const second = append("n3", "n1", 2, { prev: [1, 1] });
    expect(() => receive(lab, second)).toThrow("at most one leader in a term: n3 and n2");
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

describe("PreVote, CheckQuorum, stickiness", () => {
  it("B1, B4: a member with a higher term, ignored as a candidate, is heard", () => {
    const lab = createLab(names);
    elect(lab, "n1");
    placeMember(lab, "n3", names, { terms: [1], term: 9 });
    tick(lab, "n1");
    deliver(lab);
    expect(lab.network).toContainEqual(
      expect.objectContaining({ from: "n3", term: 9, outcome: { kind: "stale-term" } }),
    );
    run(lab, 40);
    expect(leaders(lab)).toHaveLength(1);
    expect(raftOf(lab, "n3").log.entries).toEqual(raftOf(lab, "n1").log.entries);
  });

  it("B2: a rejected pre-vote with a higher term is adopted, a granted one is not", () => {
    const lab = createLab(names);
    placeMember(lab, "n2", names, { terms: [1], term: 7 });
    timeOut(lab, "n1");
    deliver(lab, choose({ to: "n2" }));
    deliver(lab, choose({ from: "n2" }));
    expect(raftOf(lab, "n1")).toMatchObject({ role: "follower", hardState: { term: 7 } });
    const other = createLab(five);
    for (const name of ["n2", "n3"]) placeMember(other, name, five, { terms: [1], term: 2 });
    timeOut(other, "n1"); // asks for term 2, which n2 has and is free to vote in
    deliver(other, choose({ to: "n2" }));
    deliver(other, choose({ from: "n2" }));
    expect(raftOf(other, "n1")).toMatchObject({ role: "pre-candidate", hardState: { term: 1 } });
  });

  it("B3: a pre-candidate changes role and leader, nothing else; its reads fail fast", () => {
    const lab = createLab(names);
    elect(lab, "n1");
    const before = raftOf(lab, "n2").hardState;
    readAt(lab, "n2", 1);
    drop(lab);
    timeOut(lab, "n2");
    expect(raftOf(lab, "n2")).toMatchObject({ role: "pre-candidate", leader: null });
    expect(raftOf(lab, "n2").hardState).toBe(before);
    readAt(lab, "n2", 2);
    expect(memberOf(lab, "n2").answers.map((answer) => answer.ids)).toEqual([[1], [2]]);
    expect(memberOf(lab, "n2").answers.every((answer) => "failed" in answer)).toBe(true);
  });

  it("B4: a partitioned candidate without PreVote rejoins, and the cluster settles", () => {
    const lab = createLab(names, { settings: { preVote: false } });
    elect(lab, "n1");
    partition(lab, ["n1", "n2"]);
    run(lab, 170);
    expect(raftOf(lab, "n3").hardState.term).toBeGreaterThan(8);
    heal(lab);
    run(lab, 60);
    expect(leaders(lab)).toHaveLength(1);
  });

  it("B5: a pre-vote looks at the log: a member that is behind causes no elections", () => {
    const lab = createLab(names, { terms: [1, 1, 1] });
    placeMember(lab, "n1", names, { terms: [1], commit: 1 });
    tick(lab, "n1", 200); // its timer runs out again and again
    settle(lab);
    expect(names.map((name) => raftOf(lab, name).hardState.term)).toEqual([1, 1, 1]);
  });

  it("B7: pre-votes that arrive after the election start nothing", () => {
    const lab = createLab(five);
    timeOut(lab, "n1");
    deliver(lab, choose({ kind: "request-vote" }));
    const late = drop(lab, choose({ from: "n5", kind: "request-vote-response" }));
    settle(lab);
    expect(raftOf(lab, "n1")).toMatchObject({ role: "leader", hardState: { term: 2 } });
    for (const message of late) receive(lab, message);
    expect(late).toHaveLength(1);
    expect(raftOf(lab, "n1")).toMatchObject({ role: "leader", hardState: { term: 2 } });
  });

  it("B9: contact counts from sending: answers late by a timeout are none", () => {
    const lab = createLab(names);
    elect(lab, "n1");
    let isLeaderFor = 0;
    for (let i = 0; i < 30 && raftOf(lab, "n1").role === "leader"; i++) {
      tick(lab, "n1");
      isLeaderFor++;
      deliver(lab, choose({ kind: "append-entries" }));
      // Only answers to what was sent eight ticks ago arrive.
      const round = (raftOf(lab, "n1").leadership?.round ?? 0) - 8;
      deliver(
        lab,
        (message) => "round" in message && message.to === "n1" && message.round <= round,
      );
    }
    expect(isLeaderFor).toBe(30); // 8 is less than 10: it stays
    let ticks = 0;
    for (; raftOf(lab, "n1").role === "leader" && ticks < 30; ticks++) {
      tick(lab, "n1");
      const round = 23; // nothing newer any more
      deliver(
        lab,
        (message) => "round" in message && message.to === "n1" && message.round <= round,
      );
    }
    expect(ticks).toBeLessThanOrEqual(10);
  });

  it("B10: heartbeats keep their phase, and timers are drawn anew each time", () => {
    const lab = createLab(names, { settings: { heartbeatTicks: 5 } });
    elect(lab, "n1");
    const at: number[] = [];
    for (let i = 0; i < 1000; i++) {
      tick(lab, "n1");
      if (lab.network.length > 0) at.push(i);
      settle(lab);
    }
    expect(at).toEqual(Array.from({ length: 200 }, (_, k) => 5 * k + 4));
    const drawn = new Set<number>();
    for (let i = 0; i < 10; i++) {
      memberOf(lab, "n2").jitter = i / 10;
      tick(lab, "n2");
      receive(lab, append("n1", "n2", 2, { prev: [2, 2] }));
      drawn.add(raftOf(lab, "n2").electionTimeout);
    }
    expect(drawn.size).toBe(10);
  });

  it("B11: granting a pre-vote delays nobody's election", () => {
    const lab = createLab(names);
    tick(lab, "n1", 9);
    for (let i = 0; i < 5; i++) receive(lab, requestVote("n2", "n1", 2, [1, 1], true));
    expect(lab.network.every((message) => "refused" in message && message.refused === null)).toBe(
      true,
    );
    tick(lab, "n1");
    expect(raftOf(lab, "n1").role).toBe("pre-candidate");
  });

  it("B12: a leader that reaches only a bridge gives way to the majority behind it", () => {
    const lab = createLab(five);
    elect(lab, "n1");
    // n1 - n2 - n3 - n4, with n2 and n4 connected; n5 is alone.
    const links = new Set(["n1>n2", "n2>n3", "n3>n4", "n2>n4"]);
    for (const from of five) {
      for (const to of five) {
        if (!links.has(`${from}>${to}`) && !links.has(`${to}>${from}`))
          lab.cut.add(`${from}>${to}`);
      }
    }
    run(lab, 80);
    const [leader] = leaders(lab).filter((name) => name !== "n1");
    expect(["n2", "n3", "n4"]).toContain(leader);
    proposeAt(lab, leader ?? "", "a");
    settle(lab);
    const last = raftOf(lab, leader ?? "").log.entries.length;
    expect(raftOf(lab, leader ?? "").commit).toBe(last);
  });

  it("B14: a follower that refuses its leader's appends counts them as contact", () => {
    const lab = createLab(names);
    for (let i = 0; i < 100; i++) {
      tick(lab, "n1");
      receive(lab, append("n2", "n1", 2, { prev: [2, 50], sequence: i }));
    }
    expect(raftOf(lab, "n1")).toMatchObject({ role: "follower", leader: "n2" });
  });
});
