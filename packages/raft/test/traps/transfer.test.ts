/** Traps of transfer (E), and of PreVote in it (B8): `docs/traps.md`. */
import { describe, expect, it } from "vitest";
import type { Message } from "../../src/core/index.ts";
import {
  add,
  changeAt,
  choose,
  crash,
  deliver,
  drop,
  heal,
  type Lab,
  memberOf,
  partition,
  persist,
  proposeAt,
  raftOf,
  receive,
  requestVote,
  restart,
  setDisk,
  settle,
  tick,
  timeoutNow,
  transferAt,
} from "../lab/index.ts";
import { five, leaders, ledBy1, run, three } from "./cluster.ts";

/** A cluster that n1 leads, and everybody has answered a round. */
function settled(names: readonly string[], joining: readonly string[] = []): Lab {
  const lab = ledBy1(names, joining);
  run(lab, 1);
  return lab;
}

describe("transfer", () => {
  it("B8: under steady heartbeats it takes one election and no pre-vote", () => {
    const lab = settled(five);
    const kinds: string[] = [];
    lab.onLeave = (message) => {
      if (message.kind === "request-vote") kinds.push(message.pre ? "pre" : "vote");
    };
    expect(transferAt(lab, "n1", "n4")).toEqual({ kind: "started", to: "n4" });
    for (let i = 0; i < 3; i++) run(lab, 1);
    expect(leaders(lab)).toEqual(["n4"]);
    expect(raftOf(lab, "n4").hardState.term).toBe(3);
    expect(kinds).toEqual(["vote", "vote", "vote", "vote"]);
  });

  it("E1: an order counts once, in its term, from the known leader", () => {
    const lab = settled(three);
    transferAt(lab, "n1", "n2");
    const [order] = lab.network.filter(choose({ kind: "timeout-now" }));
    settle(lab);
    expect(leaders(lab)).toEqual(["n2"]);
    for (let i = 0; i < 5; i++) {
      if (order !== undefined) receive(lab, order);
      receive(lab, timeoutNow("n1", "n3", 2, 99));
      receive(lab, timeoutNow("n1", "n3", 3, 99)); // n1 does not lead this term
      run(lab, 1);
    }
    expect(leaders(lab)).toEqual(["n2"]);
    expect(raftOf(lab, "n2").hardState.term).toBe(3);
    // A newer term is adopted, whoever says it; its order is not obeyed.
    receive(lab, timeoutNow("n1", "n3", 7, 1));
    expect(raftOf(lab, "n3")).toMatchObject({ role: "follower", hardState: { term: 7 } });
  });

  it("E1: a request for a vote after a transfer waives stickiness in the next term only", () => {
    const lab = settled(three);
    const asked = (ofTerm: number) => {
      lab.network = [];
      receive(lab, { ...requestVote("n2", "n3", ofTerm, [2, 2]), transfer: true } as Message);
      return lab.network[0];
    };
    expect(asked(4)).toMatchObject({ refused: "leader-alive", term: 2 });
    expect(asked(3)).toMatchObject({ refused: null, term: 3 });
  });

  it("E2: the target is told once its disk has all of the log", () => {
    const lab = settled(three);
    setDisk(lab, "n2", "slow");
    proposeAt(lab, "n1", "x");
    transferAt(lab, "n1", "n2");
    run(lab, 3);
    expect(leaders(lab)).toEqual(["n1"]);
    expect(raftOf(lab, "n2").log.entries).toHaveLength(3); // in memory
    expect(raftOf(lab, "n2")).toMatchObject({ role: "follower", hardState: { term: 2 } });
    persist(lab, "n2");
    setDisk(lab, "n2", "fast");
    settle(lab);
    expect(leaders(lab)).toEqual(["n2"]);
    expect(raftOf(lab, "n2").commit).toBe(4);
  });

  it("E2: a learner is not told to stand, nor obeys", () => {
    const lab = settled(three, ["n4"]);
    changeAt(lab, "n1", add("n4", "learner"));
    run(lab, 2);
    expect(transferAt(lab, "n1", "n4")).toMatchObject({ kind: "refused", why: "not-voter" });
    receive(lab, timeoutNow("n1", "n4", 2, 99));
    expect(raftOf(lab, "n4").role).toBe("follower");
  });

  it("E3: an order that is lost is repeated, and without success the leader goes on", () => {
    const lab = settled(three);
    transferAt(lab, "n1", "n2");
    expect(drop(lab, choose({ kind: "timeout-now" }))).toHaveLength(1);
    tick(lab, "n1");
    expect(drop(lab, choose({ kind: "timeout-now" }))).toHaveLength(1);
    crash(lab, "n2");
    expect(proposeAt(lab, "n1", "x")).toEqual({ kind: "refused", why: "transferring" });
    for (let i = 0; i < 9; i++) run(lab, 1);
    expect(memberOf(lab, "n1").transfers).toMatchObject([{ to: "n2", outcome: "timed-out" }]);
    expect(proposeAt(lab, "n1", "x").kind).toBe("appended");
    run(lab, 1);
    expect(raftOf(lab, "n1").commit).toBe(3);
    restart(lab, "n2");
    run(lab, 3);
    expect(leaders(lab)).toEqual(["n1"]);
  });

  it("E3: a transfer ends with its stint, and the next stint knows nothing of it", () => {
    const lab = settled(three);
    partition(lab, ["n1"], ["n2", "n3"]);
    transferAt(lab, "n1", "n2");
    run(lab, 40); // it finds no majority, and the others elect
    expect(memberOf(lab, "n1").transfers).toMatchObject([{ outcome: "stepped-down" }]);
    heal(lab);
    run(lab, 2);
    expect(raftOf(lab, "n1").role).toBe("follower");
    const [leader] = leaders(lab);
    run(lab, 2);
    transferAt(lab, leader ?? "", "n1");
    settle(lab);
    expect(leaders(lab)).toEqual(["n1"]);
    expect(proposeAt(lab, "n1", "x").kind).toBe("appended");
  });

  it("E3: a late order finds nobody who obeys once the leader goes on", () => {
    const lab = settled(three);
    transferAt(lab, "n1", "n2");
    const [late] = drop(lab, choose({ kind: "timeout-now" }));
    setDisk(lab, "n2", "slow"); // no order can be sent any more than heard
    lab.onLeave = () => drop(lab, choose({ kind: "timeout-now" }));
    run(lab, 11);
    lab.onLeave = () => {};
    expect(raftOf(lab, "n1").leadership?.transfer).toBe(null);
    if (late !== undefined) receive(lab, late);
    run(lab, 3);
    expect(leaders(lab)).toEqual(["n1"]);
    expect(raftOf(lab, "n2").hardState.term).toBe(2);
  });

  it("E4: it waits until a change of the members is done, and no change begins meanwhile", () => {
    const lab = settled(three, ["n4"]);
    changeAt(lab, "n1", add("n4"));
    const refused = { kind: "refused", why: "change-in-flight" };
    expect(transferAt(lab, "n1", "n2")).toMatchObject(refused);
    deliver(lab);
    deliver(lab);
    expect(raftOf(lab, "n1").configuration.outgoing).toBe(null);
    expect(transferAt(lab, "n1", "n2")).toMatchObject(refused); // appended, not committed
    run(lab, 2);
    expect(transferAt(lab, "n1", "n2").kind).toBe("started");
    expect(changeAt(lab, "n1", add("n5"))).toEqual({ kind: "refused", why: "transferring" });
    settle(lab);
    expect(leaders(lab)).toEqual(["n2"]);
    expect(raftOf(lab, "n2").configuration.voters).toHaveLength(4);
  });
});
