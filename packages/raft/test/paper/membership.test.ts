/** Dissertation chapter 4, cluster membership changes; the rules are in `rules.ts`. */
import { describe, expect } from "vitest";
import { nodeId } from "../../src/base/index.ts";
import {
  createConfiguration,
  isLearner,
  isVoter,
  type MemberChange,
  planChange,
  withoutOutgoing,
} from "../../src/core/index.ts";
import {
  add,
  append,
  appliedAt,
  changeAt,
  choose,
  committedAt,
  crash,
  createLab,
  deliver,
  drop,
  elect,
  heal,
  joinMember,
  type Lab,
  membersAt,
  partition,
  proposeAt,
  raftOf,
  receive,
  remove,
  requestVote,
  restart,
  settle,
  tick,
  timeOut,
} from "../lab/index.ts";
import { paper } from "./paper.ts";

const three = ["n1", "n2", "n3"];

/** n1 leads the voters; the others know nothing yet. */
function ledBy1(voters: readonly string[], joining: readonly string[] = []): Lab {
  const lab = createLab(voters);
  for (const name of joining) joinMember(lab, name);
  elect(lab, "n1");
  tick(lab, "n1");
  settle(lab);
  return lab;
}

/** As if the leader had been silent for long. */
function forgetLeaders(lab: Lab): void {
  for (const { raft } of lab.members.values()) raft.leaderContactTick = null;
}

describe("4.1 safety", () => {
  paper("4.1-append", () => {
    const lab = ledBy1(three, ["n4"]);
    changeAt(lab, "n1", add("n4"));
    expect(membersAt(lab, "n1")).toBe("voters=n1,n2,n3,n4 outgoing=n1,n2,n3");
    deliver(lab, choose({ to: "n2" }));
    expect(membersAt(lab, "n2")).toBe(membersAt(lab, "n1"));
    expect(membersAt(lab, "n3")).toBe("voters=n1,n2,n3");
    for (const name of three) expect(committedAt(lab, name)).toBe("voters=n1,n2,n3");
  });

  paper("4.1-rollback", () => {
    const lab = ledBy1(three, ["n4"]);
    changeAt(lab, "n1", add("n4"));
    deliver(lab, choose({ to: "n2" }));
    expect(membersAt(lab, "n2")).toBe("voters=n1,n2,n3,n4 outgoing=n1,n2,n3");
    receive(lab, append("n3", "n2", 3, { prev: [2, 2], terms: [3] }));
    expect(membersAt(lab, "n2")).toBe("voters=n1,n2,n3");
  });

  paper("4.1-any-sender", () => {
    const lab = createLab(three);
    receive(lab, requestVote("n8", "n1", 2, [1, 1]));
    expect(raftOf(lab, "n1").hardState.votedFor).toBe("n8");
    receive(lab, append("n9", "n1", 3, { prev: [1, 1], terms: [3] }));
    expect(raftOf(lab, "n1")).toMatchObject({ leader: "n9", verified: 2 });
  });

  paper("4.1-one-at-a-time", () => {
    const lab = ledBy1(three, ["n4"]);
    changeAt(lab, "n1", add("n4"));
    for (let i = 0; i < 4; i++) {
      const isDone = committedAt(lab, "n1") === "voters=n1,n2,n3,n4";
      if (isDone) break;
      expect(changeAt(lab, "n1", remove("n2"))).toMatchObject({ why: "change-in-flight" });
      deliver(lab);
    }
    expect(changeAt(lab, "n1", remove("n2"))).toMatchObject({ kind: "appended" });
  });

  paper("4.1-own-term", () => {
    const lab = createLab(three);
    timeOut(lab, "n1");
    for (let i = 0; i < 4; i++) deliver(lab, (message) => message.kind.startsWith("request-vote"));
    expect(raftOf(lab, "n1").role).toBe("leader");
    expect(changeAt(lab, "n1", remove("n3"))).toEqual({ kind: "refused", why: "term-not-started" });
    settle(lab);
    expect(changeAt(lab, "n1", remove("n3"))).toMatchObject({ kind: "appended" });
  });
});

describe("4.2 availability", () => {
  paper("4.2.1-learner", () => {
    const lab = ledBy1(three, ["n4"]);
    changeAt(lab, "n1", add("n4", "learner"));
    settle(lab);
    partition(lab, ["n1", "n4"], ["n2", "n3"]);
    const before = raftOf(lab, "n1").commit;
    proposeAt(lab, "n1", "x");
    settle(lab);
    expect(raftOf(lab, "n4").durableIndex).toBe(before + 1);
    expect(raftOf(lab, "n1").commit).toBe(before);
    heal(lab);
    tick(lab, "n1");
    settle(lab);
    forgetLeaders(lab);
    crash(lab, "n1");
    timeOut(lab, "n2");
    expect(lab.network.map(({ to }) => to)).toEqual(["n1", "n3"]);
  });

  paper("4.2.1-new-server", () => {
    const lab = ledBy1(three, ["n4"]);
    proposeAt(lab, "n1", "x");
    changeAt(lab, "n1", add("n4"));
    settle(lab);
    tick(lab, "n1");
    settle(lab);
    expect(appliedAt(lab, "n4")).toEqual(["x"]);
    joinMember(lab, "n5");
    receive(lab, requestVote("n2", "n5", 7, [2, 3]));
    expect(raftOf(lab, "n5").hardState).toMatchObject({ term: 7, votedFor: "n2" });
  });

  paper("4.2.2-steps-down", () => {
    const lab = ledBy1(three);
    changeAt(lab, "n1", remove("n1"));
    for (let i = 0; i < 3; i++) {
      expect(raftOf(lab, "n1").role).toBe("leader");
      deliver(lab);
    }
    expect(raftOf(lab, "n1").role).toBe("leader");
    deliver(lab);
    expect(raftOf(lab, "n1").role).toBe("follower");
    expect(committedAt(lab, "n1")).toBe("voters=n2,n3");
  });

  paper("4.2.2-not-counted", () => {
    const lab = ledBy1(three);
    changeAt(lab, "n1", remove("n1"));
    deliver(lab);
    deliver(lab);
    expect(membersAt(lab, "n1")).toBe("voters=n2,n3");
    const before = raftOf(lab, "n1").commit;
    deliver(lab, choose({ to: "n2" }));
    deliver(lab, choose({ from: "n2" }));
    expect(raftOf(lab, "n1").commit).toBe(before);
    settle(lab);
    expect(raftOf(lab, "n1").commit).toBe(before + 1);
  });

  paper("4.2.2-campaigns", () => {
    const lab = ledBy1(["n1", "n2"]);
    changeAt(lab, "n1", remove("n1"));
    deliver(lab);
    deliver(lab);
    drop(lab);
    crash(lab, "n1");
    restart(lab, "n1");
    expect(membersAt(lab, "n1")).toBe("voters=n2");
    forgetLeaders(lab);
    timeOut(lab, "n2"); // its log is shorter: nobody votes for it
    settle(lab);
    expect(raftOf(lab, "n2").role).not.toBe("leader");
    timeOut(lab, "n1");
    settle(lab);
    expect(committedAt(lab, "n2")).toBe("voters=n2");
  });

  paper("4.2.3-removed", () => {
    const lab = ledBy1(three);
    partition(lab, ["n1", "n2"], ["n3"]);
    changeAt(lab, "n1", remove("n3"));
    settle(lab);
    heal(lab);
    const { term } = raftOf(lab, "n1").hardState;
    for (let i = 0; i < 5; i++) {
      timeOut(lab, "n3");
      for (const name of ["n1", "n2"]) receive(lab, requestVote("n3", name, term + 5, [term, 9]));
      tick(lab, "n1");
      settle(lab);
    }
    expect(raftOf(lab, "n1")).toMatchObject({ role: "leader", hardState: { term } });
  });
});

describe("4.3 joint consensus", () => {
  /** From n1, n2, n3 to n1, n4, n5, and everybody has the joint configuration. */
  function joint(): Lab {
    const lab = ledBy1(three, ["n4", "n5"]);
    changeAt(lab, "n1", add("n4", "learner"), add("n5", "learner"));
    settle(lab);
    tick(lab, "n1");
    settle(lab);
    const promote = (name: string): MemberChange => ({ kind: "promote", id: nodeId(name) });
    changeAt(lab, "n1", remove("n2"), remove("n3"), promote("n4"), promote("n5"));
    deliver(lab);
    drop(lab);
    return lab;
  }

  paper("4.3-both-logs", () => {
    const lab = joint();
    proposeAt(lab, "n1", "x");
    deliver(lab);
    for (const name of ["n2", "n3", "n4", "n5"]) {
      expect(raftOf(lab, name).durableIndex).toBe(raftOf(lab, "n1").durableIndex);
    }
  });

  paper("4.3-both-leaders", () => {
    for (const candidate of ["n1", "n2", "n3", "n4", "n5"]) {
      const lab = joint();
      const told: string[] = [];
      lab.onEffect = (member, effect) => {
        if (effect.kind === "role-changed" && effect.role === "leader") told.push(member.id);
      };
      crash(lab, "n1");
      restart(lab, "n1");
      forgetLeaders(lab);
      timeOut(lab, candidate);
      settle(lab);
      expect(told).toEqual([candidate]);
      expect(committedAt(lab, candidate)).toBe("voters=n1,n4,n5");
    }
  });

  paper("4.3-both-majorities", () => {
    for (const half of [
      ["n1", "n2", "n3"],
      ["n1", "n4", "n5"],
    ]) {
      const lab = joint();
      const before = raftOf(lab, "n1").commit;
      partition(lab, half);
      tick(lab, "n1");
      settle(lab);
      expect(raftOf(lab, "n1").commit).toBe(before);
      crash(lab, "n1");
      restart(lab, "n1");
      forgetLeaders(lab);
      timeOut(lab, "n1");
      settle(lab);
      expect(raftOf(lab, "n1").role).not.toBe("leader");
    }
  });

  paper("4.3-two-entries", () => {
    const lab = ledBy1(three, ["n4"]);
    const before = raftOf(lab, "n1").log.entries.length;
    changeAt(lab, "n1", add("n4"));
    deliver(lab);
    expect(raftOf(lab, "n1").log.entries).toHaveLength(before + 1);
    settle(lab);
    expect(raftOf(lab, "n1").log.entries).toHaveLength(before + 2);
    expect(committedAt(lab, "n4")).toBe("voters=n1,n2,n3,n4");
  });

  paper("4.3-any-change", () => {
    const names = ["a", "b", "c", "d"].map((name) => nodeId(name));
    const subset = (set: number) => names.filter((_, i) => (set & (1 << i)) !== 0);
    for (let from = 1; from < 16; from++) {
      for (let to = 1; to < 16; to++) {
        if (from === to) continue;
        const members = subset(from).map((id) => ({ id, address: `${id}:1` }));
        const changes: MemberChange[] = [
          ...subset(to & ~from).map((id) => add(id)),
          ...subset(from & ~to).map((id) => ({ kind: "demote", id }) as const),
        ];
        const result = planChange(createConfiguration(members), changes);
        if (result.kind === "refused") throw new Error(result.why);
        const next = withoutOutgoing(result.configuration);
        expect(names.filter((id) => isVoter(next, id))).toEqual(subset(to));
        expect(names.filter((id) => isLearner(next, id))).toEqual(subset(from & ~to));
      }
    }
  });
});
