/** Traps of leases (D): `docs/traps.md`. */
import { describe, expect, it } from "vitest";
import { hasLease, type Message } from "../../src/core/index.ts";
import {
  add,
  append,
  changeAt,
  choose,
  crash,
  createLab,
  cutLink,
  deliver,
  drop,
  elect,
  joinMember,
  type Lab,
  leaseReadAt,
  memberOf,
  pass,
  persist,
  promote,
  proposeAt,
  raftOf,
  receive,
  remove,
  requestVote,
  restart,
  setDisk,
  settle,
  tick,
  transferAt,
} from "../lab/index.ts";
import { five, leaders, run, three } from "./cluster.ts";

/** n1 leads with a lease. */
function leased(names: readonly string[] = three, settings = {}): Lab {
  const lab = createLab(names, { settings: { leaseReads: true, ...settings } });
  elect(lab, "n1");
  run(lab, 1);
  return lab;
}

/** n1 leads, and has just appended a configuration of n1 and three new members. */
function enteringJoint(): Lab {
  const joining = ["n4", "n5", "n6"];
  const lab = createLab(three, { settings: { leaseReads: true } });
  for (const name of joining) joinMember(lab, name);
  elect(lab, "n1");
  run(lab, 1);
  changeAt(lab, "n1", ...joining.map((name) => add(name, "learner")));
  run(lab, 3);
  changeAt(lab, "n1", ...joining.map((name) => promote(name)), remove("n2"), remove("n3"));
  drop(lab);
  return lab;
}

/** An append of n1 to n2 that asks for a promise, or with 0 gives them back. */
function promising(round: number, promiseMs: number): Message {
  const message = append("n1", "n2", 2, { prev: [2, 2], round });
  return message.kind === "append-entries" ? { ...message, promiseMs } : message;
}

/** Whether a lease answers a read. */
function isAnswered(lab: Lab, name: string, id: number, afterMs = 0): boolean {
  leaseReadAt(lab, name, id, afterMs);
  return memberOf(lab, name).answers.some((answer) => answer.ids.includes(id) && "index" in answer);
}

/** What n2 answers to a request for a vote of a newer term. */
function voteOfN2(lab: Lab, extra = {}): string | null {
  lab.network = [];
  const request = { ...requestVote("n3", "n2", 3, [9, 9]), ...extra };
  receive(lab, request);
  const [answer] = lab.network.filter(choose({ from: "n2", kind: "request-vote-response" }));
  return answer?.kind === "request-vote-response" ? answer.refused : "nothing";
}

describe("leases", () => {
  it("D5: a lease is measured by the clock of the ticks, wherever that stands", () => {
    const lab = createLab(three, { settings: { leaseReads: true } });
    pass(lab, "n1", 7_000_000); // the members' clocks have nothing in common
    pass(lab, "n3", 12);
    elect(lab, "n1");
    run(lab, 1);
    expect(isAnswered(lab, "n1", 1, 490)).toBe(true);
    expect(isAnswered(lab, "n1", 2, 491)).toBe(false);
  });

  it("D6: it counts from when the round was sent, and is checked when it is used", () => {
    const lab = leased();
    run(lab, 10);
    tick(lab, "n1");
    pass(lab, "n1", 450);
    settle(lab); // the answers took 450 ms
    expect(isAnswered(lab, "n1", 1, 40)).toBe(true);
    expect(isAnswered(lab, "n1", 2, 41)).toBe(false);
    drop(lab);
    tick(lab, "n1", 4); // rounds that nobody answers renew nothing
    expect(isAnswered(lab, "n1", 3)).toBe(false);
  });

  it("D7: a leader that stood still has no lease when it wakes, whatever it does first", () => {
    const lab = leased();
    tick(lab, "n1");
    const answers: typeof lab.network = [];
    deliver(lab);
    answers.push(...drop(lab, choose({ to: "n1" })));
    pass(lab, "n1", 2000);
    for (const name of ["n2", "n3"]) tick(lab, name, 15);
    settle(lab, (message) => message.from !== "n1" && message.to !== "n1");
    expect(leaders(lab)).toHaveLength(2);
    leaseReadAt(lab, "n1", 1); // before it has heard anything, or a tick
    for (const answer of answers) receive(lab, answer); // what came while it slept
    leaseReadAt(lab, "n1", 2);
    settle(lab);
    expect(memberOf(lab, "n1").answers).toMatchObject([
      { ids: [1], failed: "leader-changed" },
      { ids: [2], failed: "leader-changed" },
    ]);
  });

  it("D8: a leader that hands over has no lease, and voters are free by its word only", () => {
    const lab = leased();
    const transfer = { transfer: true } as const;
    expect(voteOfN2(lab, transfer)).toBe("leader-alive");
    run(lab, 1);
    transferAt(lab, "n1", "n3");
    expect(isAnswered(lab, "n1", 1)).toBe(false);
    expect(lab.network.filter(choose({ kind: "timeout-now" }))).toEqual([]);
    const late = lab.network.filter(choose({ kind: "append-entries", to: "n2" }));
    settle(lab);
    expect(leaders(lab)).toEqual(["n3"]);
    expect(raftOf(lab, "n1").hardState.term).toBe(3);
    // The old leader's word of its round, once more, frees nobody of what is promised to another.
    run(lab, 1);
    for (const message of late) receive(lab, message);
    expect(voteOfN2(lab, { term: 4 })).toBe("leader-alive");
  });

  it("D8: after a transfer that failed only promises to later rounds count", () => {
    const lab = leased(three, { checkQuorum: false });
    tick(lab, "n1");
    deliver(lab, choose({ kind: "append-entries" }));
    const late = drop(lab, choose({ kind: "append-entries-response" }));
    crash(lab, "n3");
    transferAt(lab, "n1", "n3");
    const released = lab.network.filter(choose({ to: "n2", kind: "append-entries" }));
    expect(released).toMatchObject([{ promiseMs: 0 }]);
    drop(lab);
    tick(lab, "n1", 10); // the deadline
    drop(lab);
    const leadership = raftOf(lab, "n1").leadership;
    expect(leadership?.transfer).toBe(null);
    for (const message of late) receive(lab, { ...message });
    expect(leadership !== null && hasLease(raftOf(lab, "n1"), leadership, 0)).toBe(false);
    run(lab, 1);
    expect(isAnswered(lab, "n1", 2)).toBe(true);
    // What gave the old promises back does not give back the new one, late or doubled.
    for (const message of [...released, ...released]) receive(lab, message);
    raftOf(lab, "n2").leaderContactTick = null;
    expect(voteOfN2(lab)).toBe("leader-alive");
  });

  it("D9: a voter that starts again keeps what it may have promised", () => {
    const lab = leased();
    crash(lab, "n2");
    restart(lab, "n2");
    expect(voteOfN2(lab)).toBe("leader-alive");
    tick(lab, "n2", 5);
    expect(voteOfN2(lab)).toBe("leader-alive");
    expect(raftOf(lab, "n2").hardState.term).toBe(2);
    tick(lab, "n2", 1);
    expect(voteOfN2(lab)).toBe(null);
  });

  it("D9: nor does it stand itself, or take back what was promised before the start", () => {
    const lab = leased();
    const release = promising(2, 0);
    restart(lab, "n2");
    receive(lab, promising(1, 1));
    receive(lab, release);
    receive(lab, release);
    raftOf(lab, "n2").leaderContactTick = null;
    expect(voteOfN2(lab)).toBe("leader-alive");
    raftOf(lab, "n2").electionElapsed = 100;
    tick(lab, "n2", 4);
    expect(raftOf(lab, "n2").role).toBe("follower");
  });

  it("D9: a promise is on the disk before it leaves", () => {
    const lab = createLab(three, { settings: { leaseReads: true } });
    elect(lab, "n1");
    const longer = promising(9, 900);
    setDisk(lab, "n2", "slow");
    receive(lab, longer);
    expect(lab.network).toEqual([]);
    crash(lab, "n2");
    restart(lab, "n2");
    expect(raftOf(lab, "n2").hardState.promisedMs).toBe(500);
    setDisk(lab, "n2", "slow");
    receive(lab, longer);
    persist(lab, "n2");
    expect(lab.network).toMatchObject([{ promisedMs: 900 }]);
    restart(lab, "n2");
    expect(raftOf(lab, "n2").hardState.promisedMs).toBe(900);
  });

  it.each([
    ["the new", ["n4", "n5", "n6"]],
    ["the old", ["n2", "n3"]],
  ])("D10: in a joint configuration a lease needs %s half, too", (_, silent) => {
    const lab = enteringJoint();
    for (const name of silent) cutLink(lab, "n1", name);
    for (let i = 0; i < 8; i++) {
      tick(lab, "n1");
      settle(lab);
    }
    expect(raftOf(lab, "n1")).toMatchObject({ role: "leader", commit: 3 });
    expect(raftOf(lab, "n1").configuration.outgoing).not.toBe(null);
    expect(isAnswered(lab, "n1", 1)).toBe(false); // the other half has promised
  });

  it("D10: and a majority of all voters otherwise", () => {
    const lab = leased(five);
    for (const name of ["n3", "n4", "n5"]) crash(lab, name);
    tick(lab, "n1", 6);
    settle(lab);
    expect(isAnswered(lab, "n1", 1)).toBe(false);
    proposeAt(lab, "n1", "x");
    expect(raftOf(lab, "n1").role).toBe("leader");
  });
});
