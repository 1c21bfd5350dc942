/**
 * Traps that production libraries fell into with changes of their members: votes (A), reads (D) and
 * quorums (F8) while the members change. The ids are those of our catalogue; the changes themselves
 * are in `membership-changes.test.ts`.
 *
 * Elsewhere: F8, C7 (every small configuration) in `src/core/quorum.test.ts`.
 */
import { describe, expect, it } from "vitest";
import { nodeId } from "../../src/base/index.ts";
import {
  add,
  appliedAt,
  changeAt,
  choose,
  committedAt,
  crash,
  createLab,
  deliver,
  demote,
  drop,
  heal,
  type Lab,
  memberOf,
  membersAt,
  partition,
  promote,
  proposeAt,
  raftOf,
  readAt,
  receive,
  remove,
  requestVote,
  restart,
  setDisk,
  settle,
  tick,
  timeOut,
} from "../lab/index.ts";
import { configurationsOf, five, leaders, ledBy1, run, three, twoTimeouts } from "./cluster.ts";

describe("votes in times of change", () => {
  it("A8: a learner votes when it is asked: it may be a voter and not know it yet", () => {
    const lab = ledBy1(["n1", "n2"], ["n3"]);
    changeAt(lab, "n1", add("n3", "learner"));
    settle(lab);
    run(lab, 2);
    partition(lab, ["n1", "n2"], ["n3"]);
    expect(changeAt(lab, "n1", promote("n3"))).toMatchObject({ kind: "appended" });
    settle(lab);
    expect(committedAt(lab, "n2")).toBe("voters=n1,n2,n3");
    expect(membersAt(lab, "n3")).toBe("voters=n1,n2 learners=n3");
    crash(lab, "n1");
    heal(lab);
    run(lab, twoTimeouts);
    expect(leaders(lab)).toEqual(["n2"]);
    expect(raftOf(lab, "n3").hardState.votedFor).toBe("n2");
  });

  it("A8: a member votes for a candidate that its configuration does not know", () => {
    const lab = createLab(["n1", "n2"]);
    receive(lab, requestVote("n9", "n1", 2, [1, 1]));
    expect(raftOf(lab, "n1").hardState).toMatchObject({ term: 2, votedFor: "n9" });
  });

  it("A9: a voter that is being demoted counts its own vote in the old half", () => {
    const lab = ledBy1(["n1", "n2"]);
    partition(lab, ["n1"], ["n2"]);
    expect(changeAt(lab, "n1", demote("n1"))).toMatchObject({ kind: "appended" });
    run(lab, twoTimeouts);
    expect(leaders(lab)).toEqual([]);
    expect(membersAt(lab, "n1")).toBe("voters=n2 outgoing=n1,n2 learners=n1");
    expect(membersAt(lab, "n2")).toBe("voters=n1,n2");
    heal(lab);
    run(lab, 2 * twoTimeouts);
    // Only n1 has the joint configuration, so only n1 can win, and does so with its own vote.
    expect(membersAt(lab, "n2")).toBe("voters=n2 learners=n1");
    expect(leaders(lab)).toEqual(["n2"]);
    expect(committedAt(lab, "n1")).toBe("voters=n2 learners=n1");
  });

  it("A9: and its own answer to a read, and its own disk", () => {
    const lab = ledBy1(["n1", "n2"]);
    run(lab, 2);
    setDisk(lab, "n2", "slow");
    changeAt(lab, "n1", demote("n1"));
    settle(lab);
    expect(membersAt(lab, "n1")).toBe("voters=n2 outgoing=n1,n2 learners=n1");
    readAt(lab, "n1", 7);
    settle(lab);
    expect(memberOf(lab, "n1").answers).toMatchObject([{ ids: [7] }]);
    setDisk(lab, "n2", "fast");
    settle(lab);
    run(lab, twoTimeouts);
    expect(committedAt(lab, "n1")).toBe("voters=n2 learners=n1");
    expect(leaders(lab)).toEqual(["n2"]);
  });

  it("A10: who is no voter in an uncommitted configuration may campaign, and finish it", () => {
    const lab = ledBy1(["n1", "n2"]);
    changeAt(lab, "n1", remove("n1"));
    deliver(lab); // the joint configuration is at n2
    deliver(lab, choose({ to: "n1" })); // and committed: n1 appends the final one
    drop(lab);
    expect(configurationsOf(lab, "n1")).toBe("c-cc");
    expect(configurationsOf(lab, "n2")).toBe("c-c");
    crash(lab, "n1");
    restart(lab, "n1");
    expect(membersAt(lab, "n1")).toBe("voters=n2");
    run(lab, 2 * twoTimeouts);
    expect(committedAt(lab, "n2")).toBe("voters=n2");
    expect(leaders(lab)).toEqual(["n2"]);
  });

  it("A10: a member that is a voter nowhere keeps quiet, learners above all", () => {
    const lab = ledBy1(three, ["n4"]);
    changeAt(lab, "n1", add("n4", "learner"));
    settle(lab);
    lab.onLeave = (message) => expect(message.from).not.toBe("n4");
    partition(lab, three, ["n4"]);
    tick(lab, "n4", 10 * twoTimeouts);
    expect(raftOf(lab, "n4")).toMatchObject({ role: "follower", hardState: { term: 2 } });
  });
});

describe("joint configurations decide with both halves", () => {
  /**
   * n1 leads; the old half is n1, n2, n3, the new one n1, n4, n5; everybody has the joint entry.
   */
  function joint(): Lab {
    const lab = ledBy1(three, ["n4", "n5"]);
    changeAt(lab, "n1", add("n4", "learner"), add("n5", "learner"));
    settle(lab);
    run(lab, 2);
    changeAt(lab, "n1", remove("n2"), remove("n3"), promote("n4"), promote("n5"));
    deliver(lab);
    drop(lab);
    expect(membersAt(lab, "n1")).toBe("voters=n1,n4,n5 outgoing=n1,n2,n3");
    expect(five.every((name) => membersAt(lab, name) === membersAt(lab, "n1"))).toBe(true);
    return lab;
  }

  it.each([["n2"], ["n2", "n3"], ["n4"], ["n4", "n5"]])(
    "D10: a read is not confirmed by one half (%s, %s)",
    (...reached) => {
      const lab = joint();
      partition(lab, ["n1", ...reached]);
      readAt(lab, "n1", 7);
      settle(lab);
      expect(memberOf(lab, "n1").answers).toEqual([]);
      heal(lab);
      tick(lab, "n1");
      settle(lab);
      expect(memberOf(lab, "n1").answers).toMatchObject([{ ids: [7] }]);
    },
  );

  it.each([["n2"], ["n2", "n3"], ["n4"], ["n4", "n5"]])(
    "F8: nothing is committed by one half (%s, %s)",
    (...reached) => {
      const lab = joint();
      const before = raftOf(lab, "n1").commit;
      partition(lab, ["n1", ...reached]);
      proposeAt(lab, "n1", "x");
      tick(lab, "n1");
      settle(lab);
      expect(raftOf(lab, "n1").commit).toBe(before);
      heal(lab);
      tick(lab, "n1");
      settle(lab);
      expect(appliedAt(lab, "n1")).toEqual(["x"]);
    },
  );

  it.each([["n2"], ["n2", "n3"], ["n4"], ["n4", "n5"]])(
    "F8: nobody is elected by one half, and no leader stays (%s, %s)",
    (...reached) => {
      const lab = joint();
      partition(lab, ["n1", ...reached]);
      run(lab, twoTimeouts);
      expect(raftOf(lab, "n1").role).not.toBe("leader");
      expect(leaders(lab)).toEqual([]);
      heal(lab);
      run(lab, 2 * twoTimeouts);
      expect(committedAt(lab, leaders(lab)[0] ?? "n2")).toBe("voters=n1,n4,n5");
    },
  );

  it.each([["n2"], ["n4"]])("F8: %s asks both halves for their votes", (candidate) => {
    const lab = joint();
    crash(lab, "n1"); // in both halves: now everybody of both is needed
    for (const { raft } of lab.members.values()) raft.leaderContactTick = null;
    timeOut(lab, candidate);
    settle(lab);
    expect(raftOf(lab, "n5").hardState).toMatchObject({ term: 3, votedFor: candidate });
    expect(committedAt(lab, candidate)).toBe("voters=n1,n4,n5");
  });

  it.each([
    ["old", "n2", "n3"],
    ["new", "n4", "n5"],
  ])("F8: a campaign that the %s half refuses is over", (_, ...refusing) => {
    const lab = joint();
    for (const { raft } of lab.members.values()) raft.leaderContactTick = null;
    for (const name of refusing)
      raftOf(lab, name).hardState = { ...raftOf(lab, name).hardState, mustCatchUp: true };
    crash(lab, "n1");
    restart(lab, "n1");
    timeOut(lab, "n1");
    expect(raftOf(lab, "n1").role).toBe("pre-candidate");
    settle(lab, (message) => [message.from, message.to].some((name) => refusing.includes(name)));
    expect(raftOf(lab, "n1").role).toBe("follower");
  });

  it("F8: one voter of each half beside the leader is enough", () => {
    const lab = joint();
    partition(lab, ["n1", "n3", "n4"]);
    readAt(lab, "n1", 7);
    tick(lab, "n1");
    settle(lab);
    expect(memberOf(lab, "n1").answers).toMatchObject([{ ids: [7] }]);
    expect(committedAt(lab, "n1")).toBe("voters=n1,n4,n5");
  });

  it("F8: learners neither commit, nor confirm reads, nor keep a leader", () => {
    const lab = ledBy1(three, ["n4", "n5"]);
    changeAt(lab, "n1", add("n4", "learner"), add("n5", "learner"));
    settle(lab);
    const before = raftOf(lab, "n1").commit;
    partition(lab, ["n1", "n4", "n5"]);
    proposeAt(lab, "n1", "x");
    readAt(lab, "n1", 1);
    settle(lab);
    expect(raftOf(lab, "n4").durableIndex).toBe(before + 1);
    expect(raftOf(lab, "n1").commit).toBe(before);
    expect(memberOf(lab, "n1").answers).toEqual([]);
    run(lab, twoTimeouts);
    expect(leaders(lab)).toEqual([]);
  });

  it("F8: a member that lost its disk's end deposes only where both halves can elect", () => {
    const lab = joint();
    crash(lab, "n4");
    restart(lab, "n4", { mustCatchUp: true });
    tick(lab, "n1");
    settle(lab, (message) => message.from === "n4" || message.to === "n4");
    const raft = raftOf(lab, "n4");
    raft.reachable = new Set(["n1", "n2", "n3"].map(nodeId));
    tick(lab, "n4");
    expect(raft.hardState).toMatchObject({ mustCatchUp: true, term: 2 });
    raft.reachable = new Set(["n1", "n5"].map(nodeId));
    tick(lab, "n4");
    expect(raft.hardState).toMatchObject({ mustCatchUp: true, term: 2 });
    raft.reachable.add(nodeId("n3"));
    tick(lab, "n4");
    expect(raft.hardState).toMatchObject({ mustCatchUp: true, term: 3 });
  });

  it("F8: a learner that lost its disk's end deposes nobody", () => {
    const lab = ledBy1(three, ["n4"]);
    changeAt(lab, "n1", add("n4", "learner"));
    settle(lab);
    crash(lab, "n4");
    restart(lab, "n4", { mustCatchUp: true });
    run(lab, twoTimeouts);
    expect(raftOf(lab, "n4").hardState).toMatchObject({ mustCatchUp: true, term: 2 });
    expect(leaders(lab)).toEqual(["n1"]);
  });
});
