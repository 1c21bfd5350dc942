/**
 * Traps that production libraries fell into with changes of their members: membership (F), and the
 * transfer that loses one (E4). The ids are those of our catalogue. Votes and quorums are in
 * `membership-quorums.test.ts`, whole members in `membership-restarts.test.ts`.
 *
 * Elsewhere: F9 in `snapshots.test.ts`, F15 (the algebra) in `src/core/membership-plan.test.ts`.
 */
import { describe, expect, it } from "vitest";
import { nodeId } from "../../src/base/index.ts";
import { promotionLagMax } from "../../src/core/index.ts";
import {
  add,
  appliedAt,
  changeAt,
  choose,
  committedAt,
  crash,
  deliver,
  demote,
  drop,
  elect,
  heal,
  memberOf,
  membersAt,
  partition,
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
  termsOf,
  tick,
  timeOut,
} from "../lab/index.ts";
import { configurationsOf, five, leaders, ledBy1, run, three, twoTimeouts } from "./cluster.ts";

describe("changes of the members", () => {
  it("F1: nobody changes the members before an entry of its own term is committed", () => {
    // The published schedule: two leaders change one of four members each, the first one unheard.
    const lab = ledBy1(["n1", "n2", "n3", "n4"], ["n5"]);
    partition(lab, ["n1"], ["n2", "n3", "n4"]);
    changeAt(lab, "n1", add("n5"));
    drop(lab);
    timeOut(lab, "n2");
    for (const name of ["n3", "n4"]) raftOf(lab, name).leaderContactTick = null;
    settle(lab, choose({ kind: "request-vote" }));
    timeOut(lab, "n2");
    for (let i = 0; i < 4; i++) {
      deliver(lab, choose({ kind: "request-vote" }));
      deliver(lab, choose({ kind: "request-vote-response" }));
    }
    expect(raftOf(lab, "n2").role).toBe("leader");
    expect(changeAt(lab, "n2", remove("n1"))).toEqual({ kind: "refused", why: "term-not-started" });
    settle(lab);
    expect(changeAt(lab, "n2", remove("n1"))).toMatchObject({ kind: "appended" });
    settle(lab);
    heal(lab);
    run(lab, 2 * twoTimeouts);
    expect(leaders(lab)).toEqual(["n2"]);
    expect(committedAt(lab, "n3")).toBe("voters=n2,n3,n4");
  });

  it("F1: of the two changes of the published schedule one is committed at most", () => {
    const lab = ledBy1(["n1", "n2", "n3", "n4"], ["n5"]);
    run(lab, 2);
    partition(lab, ["n1", "n5"], ["n2", "n3", "n4"]);
    changeAt(lab, "n1", add("n5")); // only n5 hears of it
    settle(lab);
    for (const name of ["n3", "n4"]) raftOf(lab, name).leaderContactTick = null;
    timeOut(lab, "n2");
    settle(lab, (message) => message.kind.startsWith("request-vote"));
    expect(raftOf(lab, "n2").role).toBe("leader");
    partition(lab, ["n2", "n3"], ["n1", "n4", "n5"]);
    changeAt(lab, "n2", remove("n1")); // of which n2 and n3 were a majority afterwards
    settle(lab);
    run(lab, 3 * twoTimeouts); // of n1 to n5 three are one, too, and n4 has heard of neither
    const { log, commit } = raftOf(lab, "n2");
    const committed = log.entries.slice(0, commit);
    expect(leaders(lab)).toEqual([]);
    heal(lab);
    run(lab, 3 * twoTimeouts);
    expect(leaders(lab)).toHaveLength(1);
    for (const name of ["n1", "n2", "n3", "n4"]) {
      expect(raftOf(lab, name).log.entries.slice(0, committed.length)).toEqual(committed);
      expect(committedAt(lab, name)).toBe(committedAt(lab, leaders(lab)[0] ?? ""));
    }
  });

  it("F2: a configuration counts from its entry on, however late the machines are", () => {
    const lab = ledBy1(five);
    for (const name of ["n3", "n4", "n5"]) memberOf(lab, name).machine = "hung";
    changeAt(lab, "n1", remove("n4"));
    settle(lab);
    changeAt(lab, "n1", remove("n5"));
    settle(lab);
    expect(raftOf(lab, "n3").applied).toBeLessThan(3);
    expect(membersAt(lab, "n3")).toBe("voters=n1,n2,n3");
    // With the members that its machine knows of, n3 would now be a second leader.
    partition(lab, ["n1", "n2"], ["n3", "n4", "n5"]);
    run(lab, 3 * twoTimeouts);
    expect(leaders(lab)).toEqual(["n1"]);
    proposeAt(lab, "n1", "x");
    settle(lab);
    expect(appliedAt(lab, "n2")).toEqual(["x"]);
  });

  it("F3: a configuration that is truncated is in force no longer", () => {
    const lab = ledBy1(three, ["n4", "n5"]);
    partition(lab, ["n1"], ["n2", "n3"]);
    changeAt(lab, "n1", add("n4", "learner"));
    expect(membersAt(lab, "n1")).toBe("voters=n1,n2,n3 learners=n4");
    expect([...(raftOf(lab, "n1").leadership?.peers.keys() ?? [])]).toEqual(["n2", "n3", "n4"]);
    run(lab, 2 * twoTimeouts);
    proposeAt(lab, leaders(lab)[0] ?? "", "x");
    settle(lab);
    const told: string[] = [];
    lab.onEffect = (member, effect) => {
      if (effect.kind !== "configuration-changed" || member.id !== "n1") return;
      told.push(effect.configuration.learners.map(({ id }) => id).join());
      expect(effect.index).toBe(effect.committedIndex);
    };
    heal(lab);
    run(lab, twoTimeouts);
    expect(membersAt(lab, "n1")).toBe("voters=n1,n2,n3");
    expect(told).toEqual([""]);
    lab.onEffect = () => {};
    elect(lab, "n1");
    expect([...(raftOf(lab, "n1").leadership?.peers.keys() ?? [])]).toEqual(["n2", "n3"]);
    expect(changeAt(lab, "n1", add("n4"))).toMatchObject({ kind: "appended" }); // it never was one
  });

  it("F3: of several configurations in the log only those that are truncated go", () => {
    const lab = ledBy1(three, ["n4"]);
    changeAt(lab, "n1", add("n4"));
    deliver(lab);
    deliver(lab, choose({ to: "n1" })); // the joint one is committed, the final one only at n1
    drop(lab);
    crash(lab, "n1");
    expect(configurationsOf(lab, "n1")).toBe("c-cc");
    run(lab, 2 * twoTimeouts);
    restart(lab, "n1");
    expect(membersAt(lab, "n1")).toBe("voters=n1,n2,n3,n4");
    const before = raftOf(lab, "n1").log.entries[3];
    run(lab, twoTimeouts);
    expect(raftOf(lab, "n1").log.entries[3]).not.toEqual(before);
    expect(committedAt(lab, "n1")).toBe("voters=n1,n2,n3,n4");
    expect(termsOf(lab, "n1")).toEqual(termsOf(lab, "n2"));
  });

  it("F4: a restart knows a configuration that was appended and not committed", () => {
    const lab = ledBy1(three, ["n4"]);
    setDisk(lab, "n2", "slow");
    changeAt(lab, "n1", add("n4"));
    deliver(lab, choose({ to: "n2" }));
    persist(lab, "n2");
    crash(lab, "n2");
    restart(lab, "n2");
    expect(membersAt(lab, "n2")).toBe("voters=n1,n2,n3,n4 outgoing=n1,n2,n3");
    expect(committedAt(lab, "n2")).toBe("voters=n1,n2,n3");
  });

  it("F5, E4: a new leader goes by the configuration in its log, and ends what it found", () => {
    const lab = ledBy1(three, ["n4", "n5"]);
    changeAt(lab, "n1", add("n4"), add("n5"));
    deliver(lab, choose({ to: "n2" }));
    deliver(lab, choose({ to: "n4" }));
    crash(lab, "n1");
    drop(lab);
    expect(committedAt(lab, "n2")).toBe("voters=n1,n2,n3");
    // Of the old half n2 and n3 suffice, of the new one they do not.
    partition(lab, ["n2", "n3"]);
    run(lab, 3 * twoTimeouts);
    expect(leaders(lab)).toEqual([]);
    const roles = memberOf(lab, "n2").roles.map(({ role }) => role);
    expect(roles).toContain("pre-candidate");
    expect(roles).not.toContain("leader");
    heal(lab);
    run(lab, 3 * twoTimeouts);
    expect(leaders(lab)).toEqual(["n2"]);
    expect(committedAt(lab, "n2")).toBe("voters=n1,n2,n3,n4,n5");
  });

  it("F6: whoever leads next leaves the joint configuration, and once only", () => {
    // The leader dies after each message in turn, wherever the change has got to by then.
    for (let messages = 0; messages < 14; messages++) {
      const lab = ledBy1(three, ["n4"]);
      changeAt(lab, "n1", remove("n2"), add("n4"));
      for (let i = 0; i < messages; i++) {
        const [first] = lab.network;
        if (first !== undefined) deliver(lab, (message) => message === first);
      }
      crash(lab, "n1");
      run(lab, 4 * twoTimeouts);
      const [leader = "nobody", ...others] = leaders(lab);
      expect(others).toEqual([]);
      const isKept = raftOf(lab, leader).configurationIndex > 1;
      if (isKept) {
        expect(committedAt(lab, leader)).toBe("voters=n1,n3,n4");
        expect(configurationsOf(lab, leader).replaceAll("-", "")).toBe("ccc");
      } else {
        expect(committedAt(lab, leader)).toBe("voters=n1,n2,n3");
      }
    }
    expect.hasAssertions();
  });

  it("F7: a joint configuration is left only once entering it is committed", () => {
    const lab = ledBy1(three, ["n4"]);
    changeAt(lab, "n1", add("n4"));
    deliver(lab, choose({ to: "n2" }));
    drop(lab);
    crash(lab, "n1");
    crash(lab, "n2");
    restart(lab, "n2");
    for (const name of ["n3", "n4"]) raftOf(lab, name).leaderContactTick = null;
    setDisk(lab, "n3", "slow");
    timeOut(lab, "n2");
    for (let i = 0; i < 4; i++) {
      persist(lab, "n3");
      deliver(lab, (message) => message.kind.startsWith("request-vote"));
    }
    expect(raftOf(lab, "n2").role).toBe("leader");
    settle(lab);
    // n4 has all of it, n3 not on its disk: the old half has not committed the joint one.
    expect(raftOf(lab, "n4").durableIndex).toBe(4);
    expect(configurationsOf(lab, "n2")).toBe("c-c-");
    setDisk(lab, "n3", "fast");
    settle(lab);
    expect(configurationsOf(lab, "n2")).toBe("c-c-c");
    expect(committedAt(lab, "n2")).toBe("voters=n1,n2,n3,n4");
  });

  it("F7: nor with the commit of what came before it in the same term", () => {
    const lab = ledBy1(three, ["n4"]);
    proposeAt(lab, "n1", "x");
    const appends = [...lab.network];
    changeAt(lab, "n1", add("n4"));
    deliver(lab, (message) => appends.includes(message));
    deliver(lab, choose({ to: "n1" }));
    expect(raftOf(lab, "n1").commit).toBe(3);
    expect(configurationsOf(lab, "n1")).toBe("c--c");
    settle(lab);
    expect(committedAt(lab, "n1")).toBe("voters=n1,n2,n3,n4");
  });

  it("F10: the members are what the log says, before and after a restart", () => {
    const lab = ledBy1(three, ["n4"]);
    const changes = [[add("n4", "learner")], [promote("n4")], [demote("n2")], [remove("n2")]];
    for (const steps of changes) {
      expect(changeAt(lab, "n1", ...steps)).toMatchObject({ kind: "appended" });
      settle(lab);
      run(lab, 2);
      for (const name of ["n2", "n3", "n4"]) {
        const before = membersAt(lab, name);
        expect(committedAt(lab, name)).toBe(before);
        crash(lab, name);
        restart(lab, name);
        expect(membersAt(lab, name)).toBe(before);
      }
      run(lab, 2);
    }
    expect(membersAt(lab, "n1")).toBe("voters=n1,n3,n4");
  });

  it("F11: a member that nobody hears from does not become what a quorum needs", () => {
    const alone = ledBy1(["n1"], ["n2"]);
    expect(changeAt(alone, "n1", add("n2"))).toEqual({
      kind: "refused",
      why: "would-lose-quorum",
      loss: {
        half: "new",
        voters: 2,
        needed: 2,
        ready: 1,
        unready: [{ id: "n2", why: "silent" }],
      },
    });
    changeAt(alone, "n1", add("n2", "learner"));
    drop(alone);
    expect(changeAt(alone, "n1", promote("n2"))).toMatchObject({
      why: "learner-not-ready",
      because: "silent",
    });
    proposeAt(alone, "n1", "x");
    expect(appliedAt(alone, "n1")).toEqual(["x"]);

    const lab = ledBy1(three, ["n4"]);
    crash(lab, "n4");
    run(lab, 2);
    expect(changeAt(lab, "n1", add("n4"))).toMatchObject({ kind: "appended" });
    settle(lab);
    proposeAt(lab, "n1", "x");
    settle(lab);
    expect(committedAt(lab, "n1")).toBe("voters=n1,n2,n3,n4");
    expect(appliedAt(lab, "n1")).toEqual(["x"]);
  });

  it("F11: a new member is asked what it has, and sent the whole log once", () => {
    const lab = ledBy1(three, ["n4"]);
    proposeAt(lab, "n1", "x", "y");
    settle(lab);
    changeAt(lab, "n1", add("n4", "learner"));
    const progress = raftOf(lab, "n1").leadership?.peers.get(nodeId("n4"));
    expect(progress).toMatchObject({ mode: "probe", next: 5, matched: 0 });
    let entries = 0;
    lab.onLeave = (message) => {
      if (message.to === "n4" && message.kind === "append-entries")
        entries += message.entries.length;
    };
    settle(lab);
    expect(progress).toMatchObject({ mode: "replicate", next: 6, matched: 5 });
    expect(entries).toBe(5);
    expect(appliedAt(lab, "n4")).toEqual(["x", "y"]);
  });

  it("F11: a learner becomes a voter once it has the log", () => {
    const lab = ledBy1(three, ["n4"]);
    changeAt(lab, "n1", add("n4", "learner"));
    settle(lab);
    run(lab, 2);
    lab.cut.add("n1>n4");
    const count = promotionLagMax + 1;
    proposeAt(lab, "n1", ...Array.from({ length: count }, (_, i) => `${i}`));
    settle(lab);
    expect(changeAt(lab, "n1", promote("n4"))).toMatchObject({
      kind: "refused",
      why: "learner-not-ready",
      because: "behind",
      matched: 3,
      commit: 3 + count,
    });
    heal(lab);
    run(lab, 3);
    expect(changeAt(lab, "n1", promote("n4"))).toMatchObject({ kind: "appended" });
  });

  it("F12: of two members either can be removed while both are there", () => {
    for (const [gone, stays] of [["n1", "n2"] as const, ["n2", "n1"] as const]) {
      const lab = ledBy1(["n1", "n2"]);
      run(lab, 2);
      expect(changeAt(lab, "n1", remove(gone))).toMatchObject({ kind: "appended" });
      settle(lab);
      run(lab, 1);
      expect(leaders(lab)).toEqual([stays]);
      crash(lab, gone);
      proposeAt(lab, stays, "x");
      expect(appliedAt(lab, stays)).toEqual(["x"]);
    }
  });

  it("F12: of two members the dead one cannot be removed, and the arithmetic says why", () => {
    const lab = ledBy1(["n1", "n2"]);
    run(lab, 2);
    crash(lab, "n2");
    tick(lab, "n1", 9);
    const peer = raftOf(lab, "n1").leadership?.peers.get(memberOf(lab, "n2").id);
    if (peer !== undefined) peer.contactTick -= 1; // CheckQuorum would notice with the next tick
    expect(changeAt(lab, "n1", remove("n2"))).toMatchObject({
      why: "would-lose-quorum",
      loss: { half: "old", voters: 2, needed: 2, ready: 1, unready: [{ id: "n2" }] },
    });
    expect(membersAt(lab, "n1")).toBe("voters=n1,n2");
  });

  it("F12: a live member cannot be removed where only dead ones would stay enough", () => {
    const lab = ledBy1(three);
    crash(lab, "n3");
    for (let i = 0; i < 12; i++) run(lab, 1);
    expect(changeAt(lab, "n1", remove("n2"))).toMatchObject({
      why: "would-lose-quorum",
      loss: { half: "new", voters: 2, needed: 2, ready: 1, unready: [{ id: "n3", why: "silent" }] },
    });
    expect(changeAt(lab, "n1", remove("n3"))).toMatchObject({ kind: "appended" });
  });

  it("F1: one change at a time, until the final configuration is committed", () => {
    const lab = ledBy1(three, ["n4"]);
    changeAt(lab, "n1", add("n4"));
    const refused = (index: number) => ({ kind: "refused", why: "change-in-flight", index });
    expect(changeAt(lab, "n1", remove("n3"))).toEqual(refused(3));
    deliver(lab);
    deliver(lab, choose({ to: "n1" }));
    expect(membersAt(lab, "n1")).toBe("voters=n1,n2,n3,n4");
    expect(changeAt(lab, "n1", remove("n3"))).toEqual(refused(4));
    settle(lab);
    expect(changeAt(lab, "n1", remove("n3"))).toMatchObject({ kind: "appended", index: 5 });
    expect(changeAt(lab, "n2", remove("n3"))).toEqual({ kind: "refused", why: "not-leader" });
  });

  it("F1: nor a change of the learners while another one is not committed", () => {
    const lab = ledBy1(three, ["n4", "n5"]);
    changeAt(lab, "n1", add("n4", "learner"));
    expect(changeAt(lab, "n1", add("n5", "learner"))).toMatchObject({ why: "change-in-flight" });
  });
});

describe("members that leave", () => {
  it("F13: a leader that is removed serves until the final configuration is committed", () => {
    const lab = ledBy1(three);
    run(lab, 2);
    changeAt(lab, "n1", remove("n1"));
    deliver(lab);
    deliver(lab, choose({ to: "n1" }));
    expect(membersAt(lab, "n1")).toBe("voters=n2,n3");
    expect(raftOf(lab, "n1").role).toBe("leader");
    proposeAt(lab, "n1", "x");
    // n2 alone has the final one: with the leader that would have been two of three.
    deliver(lab, choose({ to: "n2" }));
    deliver(lab, choose({ from: "n2" }));
    expect(raftOf(lab, "n1")).toMatchObject({ role: "leader", commit: 3 });
    settle(lab);
    expect(raftOf(lab, "n1")).toMatchObject({ role: "follower", leader: null });
    expect(raftOf(lab, "n1").commit).toBeGreaterThanOrEqual(4);
    lab.onLeave = (message) => expect(message.from).not.toBe("n1");
    run(lab, twoTimeouts);
    expect(leaders(lab)).toHaveLength(1);
    proposeAt(lab, leaders(lab)[0] ?? "", "y");
    settle(lab);
    expect(appliedAt(lab, "n2")).toEqual(["x", "y"]);
  });

  it("F13: the only voter that is left waits for the commit, then for nobody", () => {
    const lab = ledBy1(["n1", "n2"]);
    run(lab, 2);
    changeAt(lab, "n1", remove("n1"));
    deliver(lab);
    deliver(lab);
    deliver(lab, choose({ to: "n2" }));
    expect(membersAt(lab, "n2")).toBe("voters=n2");
    tick(lab, "n2");
    expect(raftOf(lab, "n2")).toMatchObject({ role: "follower", leader: "n1" });
    settle(lab);
    expect(raftOf(lab, "n1").role).toBe("follower");
    tick(lab, "n2");
    expect(raftOf(lab, "n2").role).toBe("leader");
  });

  it("F13: a leader that is demoted becomes a learner, and follows", () => {
    const lab = ledBy1(three);
    run(lab, 2);
    changeAt(lab, "n1", demote("n1"));
    settle(lab);
    run(lab, 2 * twoTimeouts);
    const [leader = ""] = leaders(lab);
    expect(leader).not.toBe("n1");
    proposeAt(lab, leader, "x");
    settle(lab);
    run(lab, 1);
    expect(raftOf(lab, "n1")).toMatchObject({ role: "follower", leader });
    expect(appliedAt(lab, "n1")).toEqual(["x"]);
  });

  it("F14: who was removed behind a partition disturbs nobody when it comes back", () => {
    const lab = ledBy1(three);
    run(lab, 2);
    partition(lab, ["n1", "n2"], ["n3"]);
    changeAt(lab, "n1", remove("n3"));
    settle(lab);
    run(lab, 4 * twoTimeouts);
    expect(membersAt(lab, "n3")).toBe("voters=n1,n2,n3");
    const { term } = raftOf(lab, "n1").hardState;
    heal(lab);
    run(lab, 4 * twoTimeouts);
    expect(leaders(lab)).toEqual(["n1"]);
    expect(raftOf(lab, "n1").hardState.term).toBe(term);
    expect(raftOf(lab, "n3").hardState.term).toBe(term);
  });

  it("F14: not even one that campaigns without asking first", () => {
    const lab = ledBy1(three);
    run(lab, 2);
    changeAt(lab, "n1", remove("n3"));
    settle(lab);
    const { term } = raftOf(lab, "n2").hardState;
    for (const name of ["n1", "n2"]) receive(lab, requestVote("n3", name, term + 5, [term, 9]));
    settle(lab);
    expect(leaders(lab)).toEqual(["n1"]);
    expect(raftOf(lab, "n2").hardState.term).toBe(term);
  });

  it("F14: who hears of its own removal keeps quiet, and is sent nothing any more", () => {
    const lab = ledBy1(three);
    run(lab, 2);
    changeAt(lab, "n1", remove("n3"));
    settle(lab);
    expect(committedAt(lab, "n3")).toBe("voters=n1,n2");
    lab.onLeave = ({ from, to }) => expect([from, to]).not.toContain("n3");
    run(lab, 3 * twoTimeouts);
    proposeAt(lab, "n1", "x");
    settle(lab);
    expect(raftOf(lab, "n3").role).toBe("follower");
    expect([...(raftOf(lab, "n1").leadership?.peers.keys() ?? [])]).toEqual(["n2"]);
  });

  it("A13: the votes and acknowledgements of who was removed count for nothing", () => {
    const lab = ledBy1(three, ["n4"]);
    run(lab, 2);
    changeAt(lab, "n1", remove("n3"));
    deliver(lab);
    deliver(lab, choose({ to: "n1" }));
    drop(lab);
    tick(lab, "n1");
    // The final configuration is n1, n2; n3 still gets it, and its answer is not n2's.
    settle(lab, (message) => message.from === "n3" || message.to === "n3");
    expect(raftOf(lab, "n3").durableIndex).toBe(4);
    expect(raftOf(lab, "n1").commit).toBe(3);
    settle(lab);
    expect(raftOf(lab, "n1").commit).toBe(4);
  });
});
