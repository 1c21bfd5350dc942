/** Figure 2 and sections 5.1: roles, terms, what is durable. */
import { describe, expect } from "vitest";
import { logIndex, nodeId } from "../../src/base/index.ts";
import { describeBadSettings, step, takeEffects } from "../../src/core/index.ts";
import {
  append,
  appliedAt,
  choose,
  crash,
  createLab,
  deliver,
  elect,
  type Lab,
  labSettings,
  memberOf,
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
  unitsAt,
} from "../lab/index.ts";
import { paper } from "./paper.ts";

const names = ["n1", "n2", "n3"];

/** What n1 answers to a message: the first that leaves. */
function answerTo(lab: Lab, message: Parameters<typeof receive>[1]) {
  lab.network = [];
  receive(lab, message);
  return lab.network[0];
}

describe("roles and terms", () => {
  paper("5.1-start-follower", () => {
    const lab = createLab(names);
    for (const name of names) {
      expect(raftOf(lab, name)).toMatchObject({ role: "follower", leader: null, campaign: null });
    }
  });

  paper("5.1-stale-request", () => {
    const lab = createLab(names, { terms: [5] });
    const vote = answerTo(lab, requestVote("n2", "n1", 4, [4, 9]));
    expect(vote).toMatchObject({ kind: "request-vote-response", term: 5, refused: "stale-term" });
    const pre = answerTo(lab, requestVote("n2", "n1", 4, [4, 9], true));
    expect(pre).toMatchObject({ term: 5, refused: "stale-term" });
    const appended = answerTo(lab, append("n2", "n1", 4, { prev: [5, 1], terms: [4] }));
    expect(appended).toMatchObject({ term: 5, outcome: { kind: "stale-term" } });
    expect(raftOf(lab, "n1")).toMatchObject({ leader: null, hardState: { term: 5 } });
    expect(raftOf(lab, "n1").log.entries).toHaveLength(1);
  });

  paper("5.1-adopt-term", () => {
    const newer = [
      requestVote("n2", "n1", 9, [1, 1]),
      append("n2", "n1", 9, { prev: [1, 1] }),
      { ...requestVote("n2", "n1", 9, [1, 1]), kind: "request-vote-response" as const, pre: false },
      { ...append("n2", "n1", 9, { prev: [1, 1] }), kind: "append-entries-response" as const },
      { ...requestVote("n2", "n1", 9, [0, 0]), kind: "read-index" as const, batch: 1, boot: 1 },
      { ...requestVote("n2", "n1", 9, [0, 0]), kind: "read-index-response" as const, batch: 1 },
    ].map((message) => ({
      campaignTerm: 9,
      refused: "voted-for-other",
      outcome: { kind: "stale-term" },
      boot: 1,
      index: null,
      ...message,
    }));
    for (const message of newer) {
      const lab = createLab(names);
      placeMember(lab, "n1", names, { terms: [1], term: 3, votedFor: "n3" });
      // The union of all fields: the core reads those of the kind.
      receive(lab, message as Parameters<typeof receive>[1]);
      const { hardState, role } = raftOf(lab, "n1");
      const votedFor = message.kind === "request-vote" ? nodeId("n2") : null;
      expect({ kind: message.kind, ...hardState, role }).toMatchObject({
        term: 9,
        votedFor,
        role: "follower",
      });
    }
  });

  paper("5.1-step-down", () => {
    const lab = createLab(names, { settings: { preVote: false } });
    timeOut(lab, "n1");
    expect(raftOf(lab, "n1").role).toBe("candidate");
    receive(lab, append("n3", "n1", 7, { prev: [1, 1] }));
    expect(raftOf(lab, "n1")).toMatchObject({ role: "follower", leader: "n3", campaign: null });
    const other = createLab(names);
    elect(other, "n1");
    receive(other, append("n3", "n1", 7, { prev: [1, 1] }));
    expect(raftOf(other, "n1")).toMatchObject({ role: "follower", leader: "n3", leadership: null });
  });

  paper("5.1-term-monotone", () => {
    const lab = createLab(names, { terms: [1] });
    const seen: number[] = [];
    for (const term of [3, 2, 7, 1, 7, 5, 9]) {
      receive(lab, requestVote("n2", "n1", term, [1, 1]));
      receive(lab, append("n2", "n1", term - 1, { prev: [1, 1] }));
      seen.push(raftOf(lab, "n1").hardState.term);
    }
    expect(seen).toEqual([3, 3, 7, 7, 7, 7, 9]);
  });

  paper("5.1-calm", () => {
    const lab = createLab(names);
    elect(lab, "n1");
    for (let i = 0; i < 100; i++) {
      for (const name of names) tick(lab, name);
      settle(lab);
    }
    expect(names.map((name) => raftOf(lab, name).role)).toEqual(["leader", "follower", "follower"]);
    expect(names.map((name) => raftOf(lab, name).hardState.term)).toEqual([2, 2, 2]);
  });

  paper("5.6-timing", () => {
    expect(describeBadSettings(labSettings)).toBeNull();
    expect(describeBadSettings({ ...labSettings, heartbeatTicks: 5 })).toBeNull();
    expect(describeBadSettings({ ...labSettings, heartbeatTicks: 6 })).toMatch(
      /electionTicks is 10.*twice heartbeatTicks \(6\)/,
    );
  });
});

describe("what is durable", () => {
  paper("F2-durable-first", () => {
    const lab = createLab(names);
    setDisk(lab, "n1", "slow");
    receive(lab, requestVote("n2", "n1", 2, [1, 1]));
    receive(lab, append("n3", "n1", 2, { prev: [1, 1], terms: [2] }));
    receive(lab, append("n3", "n1", 2, { prev: [9, 9] }));
    receive(lab, append("n3", "n1", 1, { prev: [1, 1] }));
    expect(lab.network).toEqual([]);
    persist(lab, "n1", 1);
    const kinds = lab.network.map((message) =>
      message.kind === "append-entries-response" ? message.outcome : message.kind,
    );
    expect(kinds).toEqual([
      "request-vote-response",
      { kind: "accepted", matched: 1, verified: 2 },
      expect.objectContaining({ kind: "conflict" }),
      { kind: "stale-term" },
    ]);
    persist(lab, "n1", 1);
    expect(lab.network.at(-1)).toMatchObject({ outcome: { kind: "accepted", matched: 2 } });
  });

  paper("F2-survives", () => {
    const lab = createLab(names);
    elect(lab, "n1");
    proposeAt(lab, "n1", "a", "b");
    settle(lab);
    crash(lab, "n1");
    restart(lab, "n1");
    expect(raftOf(lab, "n1")).toMatchObject({
      role: "follower",
      leader: null,
      hardState: { term: 2, votedFor: "n1" },
    });
    expect(raftOf(lab, "n1").log.entries.map((entry) => entry.term)).toEqual([1, 2, 2, 2]);
  });

  paper("F2-apply", () => {
    const lab = createLab(names, { settings: { applyBytesMax: 40 } });
    elect(lab, "n1");
    const commands = Array.from({ length: 20 }, (_, i) => `c${i}`);
    proposeAt(lab, "n1", ...commands);
    settle(lab);
    // The lab asserts that each index comes once and in order.
    for (const name of names) expect(appliedAt(lab, name)).toEqual(commands);
  });

  paper(
    "F2-apply",
    () => {
      const lab = createLab(names);
      const { raft } = memberOf(lab, "n1");
      receive(lab, append("n2", "n1", 2, { prev: [1, 1], terms: [2, 2, 2] }));
      const applyOf = (commit: number) => {
        const message = append("n2", "n1", 2, { prev: [2, 4], commit });
        step(raft, { kind: "receive", message });
        const effects = takeEffects(raft);
        return effects.flatMap((effect) => (effect.kind === "apply" ? effect.entries : []));
      };
      expect(applyOf(3).map(({ index }) => index)).toEqual([2, 3]);
      expect(applyOf(4)).toEqual([]); // the machines are still at it
      step(raft, { kind: "applied", index: logIndex(3) });
      expect(applyOf(4).map(({ index }) => index)).toEqual([4]);
    },
    "one batch at a time",
  );

  paper("3.8-persist-batch", () => {
    const lab = createLab(names);
    setDisk(lab, "n1", "slow");
    receive(lab, append("n2", "n1", 4, { prev: [1, 1], terms: [2, 3, 4] }));
    const [unit] = unitsAt(lab, "n1");
    expect(unit?.hardState).toMatchObject({ term: 4, votedFor: null });
    expect(unit?.entries).toHaveLength(3);
    expect(memberOf(lab, "n1").writing).toHaveLength(1);
  });

  paper("3.8-commit-hint", () => {
    const lab = createLab(names);
    elect(lab, "n1");
    proposeAt(lab, "n1", "a");
    settle(lab);
    crash(lab, "n2");
    memberOf(lab, "n2").image.commit = raftOf(lab, "n3").applied;
    const known = memberOf(lab, "n2").image;
    known.commit = known.entries[0]?.index ?? known.commit; // as if nothing was known
    restart(lab, "n2");
    expect(raftOf(lab, "n2").commit).toBe(1);
    tick(lab, "n1");
    settle(lab);
    expect(appliedAt(lab, "n2")).toEqual(["a"]);
    expect(deliver(lab, choose({ to: "n2" }))).toEqual([]);
  });
});
