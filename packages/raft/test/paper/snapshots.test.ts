/** Paper §7 and dissertation chapter 5, log compaction; the rules are in `rules.ts`. */
import { describe, expect } from "vitest";
import { logIndex } from "../../src/base/index.ts";
import { describeConfiguration, type Message } from "../../src/core/index.ts";
import {
  add,
  append,
  appliedAt,
  changeAt,
  choose,
  compact,
  crash,
  createLab,
  deliver,
  drop,
  elect,
  feed,
  giveSnapshot,
  joinMember,
  type Lab,
  memberOf,
  membersAt,
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
  snapshotOf,
  takeSnapshot,
  termsOf,
  tick,
  timeOut,
  transfer,
} from "../lab/index.ts";
import { paper } from "./paper.ts";

const three = ["n1", "n2", "n3"];

/** n1 leads, n3 is away, and what it lacks is gone: `kept` entries are left. */
function behind(kept = 0): Lab {
  const lab = createLab(three);
  elect(lab, "n1");
  crash(lab, "n3");
  proposeAt(lab, "n1", "a", "b", "c");
  settle(lab);
  takeSnapshot(lab, "n1");
  compact(lab, "n1", 5 - kept);
  return lab;
}

/** n3 is back, has told n1 what it has, and is offered a snapshot. */
function offered(): Lab {
  const lab = behind();
  restart(lab, "n3");
  beat(lab);
  return lab;
}

function beat(lab: Lab, name = "n1"): void {
  tick(lab, name);
  settle(lab);
}

function answersOf(messages: readonly Message[]): unknown[] {
  return messages.map((message) =>
    message.kind === "append-entries-response" ? message.outcome : message.kind,
  );
}

describe("7 log compaction", () => {
  paper("7-independent", () => {
    const lab = createLab(three);
    elect(lab, "n1");
    memberOf(lab, "n2").machine = "hung";
    proposeAt(lab, "n1", "a", "b");
    settle(lab);
    beat(lab);
    expect(compact(lab, "n3")).toEqual({ index: 0, term: 0 }); // no snapshot yet
    const { index } = takeSnapshot(lab, "n3").position;
    proposeAt(lab, "n1", "c");
    settle(lab);
    beat(lab);
    expect(raftOf(lab, "n3").applied).toBe(index + 1);
    expect(compact(lab, "n3").index).toBe(index);
    expect(raftOf(lab, "n3").log.entries.map((entry) => entry.index)).toEqual([index + 1]);
    // Nobody else dropped anything, and who has not applied drops nothing that it was told to.
    expect(compact(lab, "n2").index).toBe(0);
    expect(raftOf(lab, "n1").log.base.index).toBe(0);
  });

  paper("7-consistency", () => {
    const lab = behind();
    expect(raftOf(lab, "n1").log).toMatchObject({ base: { term: 2, index: 5 }, entries: [] });
    proposeAt(lab, "n1", "d");
    const sent = lab.network.find((message) => message.to === "n2");
    expect(sent).toMatchObject({ prev: { term: 2, index: 5 } });
    // At the base of a follower: equal is taken over, another term than that cannot be.
    compact(lab, "n2");
    settle(lab);
    takeSnapshot(lab, "n2");
    compact(lab, "n2");
    receive(lab, append("n1", "n2", 2, { prev: [2, 6], terms: [2], sequence: 9 }));
    expect(raftOf(lab, "n2").verified).toBe(7);
    expect(() => receive(lab, append("n1", "n2", 2, { prev: [1, 6], sequence: 10 }))).toThrow(
      /every committed entry/,
    );
  });

  paper(
    "7-consistency",
    () => {
      const lab = createLab(three, { terms: [1, 1, 2, 2] });
      tick(lab, "n2"); // what is committed is applied with the first take
      takeSnapshot(lab, "n2");
      compact(lab, "n2", 3);
      // It begins below the base, reaches it, and goes on.
      const message = append("n1", "n2", 2, { prev: [1, 1], terms: [1, 2, 2, 2] });
      receive(lab, message);
      expect(raftOf(lab, "n2")).toMatchObject({ verified: 5, log: { base: { index: 3 } } });
      // It ends below the base: all up to there is the leader's, too.
      receive(lab, append("n1", "n3", 2, { prev: [1, 1], terms: [1] }));
      expect(raftOf(lab, "n3").verified).toBe(2);
      receive(lab, append("n1", "n2", 2, { prev: [1, 1], terms: [1] }));
      expect(raftOf(lab, "n2").verified).toBe(5);
      const wrong = append("n1", "n2", 2, { prev: [1, 1], terms: [1, 1] });
      expect(() => receive(lab, wrong)).toThrow(/every committed entry/);
    },
    "an append that begins below the base",
  );

  paper("7-lagging", () => {
    const lab = offered();
    expect(lab.offers).toMatchObject([{ peer: "n3", leader: "n1", position: { index: 5 } }]);
    proposeAt(lab, "n1", "d");
    settle(lab);
    transfer(lab, "n3");
    beat(lab);
    beat(lab);
    expect(appliedAt(lab, "n3")).toEqual(["a", "b", "c", "d"]);
    expect(raftOf(lab, "n1").leadership?.peers.get(raftOf(lab, "n3").id)).toMatchObject({
      ...{ mode: "replicate", matched: 6, offer: null },
    });
  });

  paper(
    "7-lagging",
    () => {
      const lab = behind(3); // 3..5 are left, and n3 has 2
      restart(lab, "n3");
      beat(lab);
      expect(lab.offers).toEqual([]);
      beat(lab);
      expect(appliedAt(lab, "n3")).toEqual(["a", "b", "c"]);
    },
    "not where entries do",
  );

  paper("7-heartbeats", () => {
    const lab = offered();
    partition(lab, ["n1", "n3"], ["n2"]);
    for (let i = 0; i < 25; i++) {
      tick(lab, "n3");
      beat(lab);
    }
    expect(raftOf(lab, "n1").role).toBe("leader");
    expect(raftOf(lab, "n3")).toMatchObject({ role: "follower", leader: "n1" });
    expect(lab.offers).toHaveLength(1); // told once
    readAt(lab, "n1", 1);
    settle(lab);
    expect(memberOf(lab, "n1").answers).toMatchObject([{ ids: [1], index: 5 }]);
  });

  paper("7-replace", () => {
    const lab = createLab(three);
    placeMember(lab, "n3", three, { terms: [1, 1, 2, 2], commit: 2 });
    const snapshot = snapshotOf([1, 1, 3], three);
    giveSnapshot(lab, "n3", snapshot, 4);
    const { log, commit, hardState, durableIndex } = raftOf(lab, "n3");
    expect(log).toEqual({ base: { term: 3, index: 3 }, entries: [] });
    expect({ commit, term: hardState.term, durableIndex }).toEqual({
      ...{ commit: 3, term: 4, durableIndex: 3 },
    });
    expect(memberOf(lab, "n3").image).toMatchObject({ base: { index: 3 }, entries: [], commit: 3 });
  });

  paper(
    "7-replace",
    () => {
      // What the disk vouched for is not in the log any more: 3 and 4 are another leader's.
      const lab = createLab(three);
      placeMember(lab, "n3", three, { terms: [1, 1, 2, 2], commit: 2 });
      setDisk(lab, "n3", "slow");
      giveSnapshot(lab, "n3", snapshotOf([1, 1, 3, 3], three), 3);
      expect(raftOf(lab, "n3").durableIndex).toBe(2);
      receive(lab, append("n1", "n3", 3, { prev: [3, 4], round: 1 }));
      expect(answersOf(lab.network)).toEqual([]); // its term is not on disk
      persist(lab, "n3", 1);
      expect(answersOf(lab.network)).toEqual([{ kind: "accepted", matched: 2, verified: 4 }]);
      persist(lab, "n3");
      expect(answersOf(lab.network).at(-1)).toEqual({ kind: "accepted", matched: 4, verified: 4 });
    },
    "and what was on disk of it vouches for nothing",
  );

  paper("7-retain", () => {
    const lab = createLab(three);
    placeMember(lab, "n3", three, { terms: [1, 1, 2, 2, 2], commit: 2 });
    giveSnapshot(lab, "n3", snapshotOf([1, 1, 2], three), 2);
    expect(termsOf(lab, "n3")).toEqual([1, 1, 2, 2, 2]);
    expect(raftOf(lab, "n3")).toMatchObject({ commit: 3, applied: 3, durableIndex: 5 });
    expect(memberOf(lab, "n3").image.entries).toHaveLength(5);
    compact(lab, "n3");
    expect(termsOf(lab, "n3")).toEqual([2, 2]);
  });

  paper("7-old", () => {
    const lab = createLab(three, { terms: [1, 1, 1] });
    const refused: unknown[] = [];
    lab.onEffect = (_, effect) => {
      if (effect.kind === "snapshot-refused") refused.push(effect.why);
    };
    giveSnapshot(lab, "n2", snapshotOf([1, 1], three), 1);
    giveSnapshot(lab, "n2", snapshotOf([1, 1, 1], three), 1);
    takeSnapshot(lab, "n2");
    compact(lab, "n2");
    giveSnapshot(lab, "n2", snapshotOf([1, 1], three), 1);
    giveSnapshot(lab, "n2", snapshotOf([1, 1, 1], three), 1);
    // Who leads has in its log what is committed, and will know it.
    placeMember(lab, "n1", three, { terms: [1, 1, 1, 1], commit: 3 });
    elect(lab, "n1");
    giveSnapshot(lab, "n1", snapshotOf([1, 1, 1, 1], three), 1);
    expect(refused).toEqual(Array(5).fill("covered"));
    expect(raftOf(lab, "n2").commit).toBe(5);
  });

  paper("7-durable", () => {
    const lab = offered();
    setDisk(lab, "n3", "slow");
    transfer(lab, "n3");
    beat(lab);
    const progress = raftOf(lab, "n1").leadership?.peers.get(raftOf(lab, "n3").id);
    expect(progress?.matched).toBeLessThan(5);
    expect(memberOf(lab, "n3").image.base.index).toBe(0);
    persist(lab, "n3");
    settle(lab);
    expect(progress?.matched).toBe(5);
    expect(memberOf(lab, "n3").image.base.index).toBe(5);
  });

  paper("7-restore", () => {
    const lab = offered();
    const applies: number[] = [];
    lab.onEffect = (member, effect) => {
      if (member.id !== "n3" || effect.kind !== "apply") return;
      applies.push(...effect.entries.map(({ index }) => index));
    };
    proposeAt(lab, "n1", "d");
    settle(lab);
    memberOf(lab, "n3").machine = "hung";
    transfer(lab, "n3");
    beat(lab);
    beat(lab);
    expect(raftOf(lab, "n3")).toMatchObject({ commit: 6, applied: 1 });
    expect(applies).toEqual([]); // 6 waits until the state is there
    memberOf(lab, "n3").machine = "fast";
    giveApplied(lab, "n3", 5);
    expect(applies).toEqual([6]);
    expect(appliedAt(lab, "n3")).toEqual(["a", "b", "c", "d"]);
  });

  paper("7-restart", () => {
    const lab = offered();
    proposeAt(lab, "n1", "d");
    settle(lab);
    transfer(lab, "n3");
    beat(lab);
    beat(lab);
    for (const name of ["n1", "n3"]) {
      crash(lab, name);
      restart(lab, name);
      const { log, applied, commit } = raftOf(lab, name);
      expect(log.base).toEqual({ term: 2, index: 5 });
      expect(log.entries.map(({ index }) => index)).toEqual([6]);
      expect(applied).toBe(5);
      expect(commit).toBeGreaterThanOrEqual(5);
      expect(membersAt(lab, name)).toBe("voters=n1,n2,n3");
    }
    elect(lab, "n3");
    expect(appliedAt(lab, "n3")).toEqual(["a", "b", "c", "d"]);
  });
});

/** The machine says that it has the state of a snapshot. */
function giveApplied(lab: Lab, name: string, index: number): void {
  feed(lab, name, { kind: "applied", index: logIndex(index) });
}

describe("thesis 5.1 what a snapshot carries", () => {
  paper("5.1-configuration", () => {
    const lab = createLab(three);
    joinMember(lab, "n4");
    elect(lab, "n1");
    changeAt(lab, "n1", add("n4", "learner"));
    settle(lab);
    crash(lab, "n3");
    const { configurationIndex } = raftOf(lab, "n1");
    proposeAt(lab, "n1", "a", "b");
    settle(lab);
    const snapshot = takeSnapshot(lab, "n1");
    expect(describeConfiguration(snapshot.configuration)).toBe("voters=n1,n2,n3 learners=n4");
    expect(snapshot.configurationIndex).toBe(configurationIndex);
    placeMember(lab, "n3", three, { terms: [1], term: 2 });
    giveSnapshot(lab, "n3", snapshot, 2);
    expect(membersAt(lab, "n3")).toBe("voters=n1,n2,n3 learners=n4");
    const { raft } = memberOf(lab, "n3");
    expect(raft.configurationIndex).toBe(configurationIndex);
    expect(raft.committedConfigurationIndex).toBe(configurationIndex);
  });

  paper("5.1-joint", () => {
    const lab = createLab(three);
    for (const name of ["n4", "n5"]) joinMember(lab, name);
    elect(lab, "n1");
    changeAt(lab, "n1", add("n4"), add("n5"));
    crash(lab, "n5");
    deliver(lab);
    deliver(lab, choose({ to: "n1" })); // committed: the joint one is left by an entry
    drop(lab);
    const leaving = raftOf(lab, "n1").configurationIndex;
    expect(membersAt(lab, "n1")).toBe("voters=n1,n2,n3,n4,n5");
    const { applied } = raftOf(lab, "n1");
    expect(applied).toBe(leaving - 1);
    takeSnapshot(lab, "n1");
    compact(lab, "n1");
    restart(lab, "n5");
    for (let i = 0; i < 2; i++) {
      tick(lab, "n1");
      deliver(lab, choose({ to: "n5" }));
      deliver(lab, choose({ from: "n5" }));
      drop(lab);
    }
    transfer(lab, "n5");
    expect(membersAt(lab, "n5")).toBe("voters=n1,n2,n3,n4,n5 outgoing=n1,n2,n3");
    beat(lab);
    beat(lab);
    expect(membersAt(lab, "n5")).toBe("voters=n1,n2,n3,n4,n5");
    expect(raftOf(lab, "n5").committedConfigurationIndex).toBe(leaving);
  });

  paper("5.1-base-configuration", () => {
    const lab = createLab(three);
    elect(lab, "n1");
    proposeAt(lab, "n1", "a");
    settle(lab);
    takeSnapshot(lab, "n1");
    compact(lab, "n1");
    partition(lab, ["n1"], ["n2", "n3"]);
    changeAt(lab, "n1", add("n4", "learner"));
    expect(membersAt(lab, "n1")).toBe("voters=n1,n2,n3 learners=n4");
    receive(lab, append("n2", "n1", 3, { prev: [2, 3], terms: [3] }));
    expect(membersAt(lab, "n1")).toBe("voters=n1,n2,n3");
    crash(lab, "n1");
    restart(lab, "n1");
    expect(membersAt(lab, "n1")).toBe("voters=n1,n2,n3");
  });

  paper("5.1-up-to-date", () => {
    const lab = behind();
    crash(lab, "n1");
    restart(lab, "n1");
    expect(raftOf(lab, "n1").log).toEqual({ base: { term: 2, index: 5 }, entries: [] });
    receive(lab, requestVote("n2", "n1", 3, [2, 4]));
    receive(lab, requestVote("n2", "n1", 4, [2, 5]));
    const refusals = lab.network.map((message) => {
      return message.kind === "request-vote-response" ? message.refused : message.kind;
    });
    expect(refusals).toEqual(["log-behind", null]);
    timeOut(lab, "n1");
    const asked = lab.network.filter((message) => message.kind === "request-vote");
    expect(asked[0]).toMatchObject({ last: { term: 2, index: 5 } });
  });

  paper("5.1-learner", () => {
    const lab = behind();
    joinMember(lab, "n4");
    changeAt(lab, "n1", add("n4", "learner"));
    beat(lab);
    expect(lab.offers).toMatchObject([{ peer: "n4" }]);
    transfer(lab, "n4");
    beat(lab);
    beat(lab);
    expect(appliedAt(lab, "n4")).toEqual(["a", "b", "c"]);
    expect(membersAt(lab, "n4")).toBe("voters=n1,n2,n3 learners=n4");
    expect(raftOf(lab, "n4").role).toBe("follower");
  });

  paper("5.1-term", () => {
    // n1 led term 2 with an entry that nobody else has; n2 leads term 3 and committed another
    // there.
    const lab = createLab(three);
    placeMember(lab, "n1", three, { terms: [1, 2], commit: 1, term: 2 });
    placeMember(lab, "n3", three, { terms: [1], term: 2 });
    const snapshot = snapshotOf([1, 1, 1], three); // of old entries, committed in term 3
    setDisk(lab, "n3", "slow");
    giveSnapshot(lab, "n3", snapshot, 3);
    const { writing } = memberOf(lab, "n3");
    expect(writing).toMatchObject([
      { kind: "persist", unit: 1, hardState: { term: 3, votedFor: null } },
      { kind: "install-snapshot", unit: 2 },
    ]);
    receive(lab, append("n1", "n3", 2, { prev: [1, 1], terms: [2] }));
    persist(lab, "n3");
    expect(answersOf(lab.network)).toEqual([{ kind: "stale-term" }]);
  });
});
