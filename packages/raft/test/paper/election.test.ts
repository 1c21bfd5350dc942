/** Section 5.2 and the dissertation on elections: timers, votes, PreVote, CheckQuorum. */
import { describe, expect } from "vitest";
import { InvariantError } from "../../src/base/index.ts";
import type { RequestVoteResponse } from "../../src/core/index.ts";
import {
  append,
  choose,
  createLab,
  deliver,
  drop,
  elect,
  heal,
  type Lab,
  memberOf,
  partition,
  placeMember,
  proposeAt,
  raftOf,
  receive,
  requestVote,
  settle,
  tick,
  timeOut,
} from "../lab/index.ts";
import { paper } from "./paper.ts";

const names = ["n1", "n2", "n3"];
const plain = { settings: { preVote: false } };

function voteOf(lab: Lab): RequestVoteResponse["refused"] | undefined {
  const answer = lab.network.at(-1);
  return answer?.kind === "request-vote-response" ? answer.refused : undefined;
}

describe("elections", () => {
  paper("5.2-timer", () => {
    const lab = createLab(names, plain);
    tick(lab, "n1", 9);
    expect(raftOf(lab, "n1").role).toBe("follower");
    tick(lab, "n1");
    expect(raftOf(lab, "n1").role).toBe("candidate");
  });

  paper("5.2-campaign", () => {
    const lab = createLab(["n1", "n2", "n3", "n4", "n5"], { ...plain, terms: [1, 3] });
    timeOut(lab, "n1");
    expect(raftOf(lab, "n1").hardState).toMatchObject({ term: 4, votedFor: "n1" });
    expect(lab.network.map(({ to }) => to)).toEqual(["n2", "n3", "n4", "n5"]);
    for (const message of lab.network) {
      expect(message).toMatchObject({
        kind: "request-vote",
        term: 4,
        pre: false,
        last: { term: 3, index: 2 },
      });
    }
  });

  paper("5.2-majority", () => {
    for (let size = 1; size <= 7; size++) {
      const members = Array.from({ length: size }, (_, i) => `n${i + 1}`);
      const lab = createLab(members, plain);
      timeOut(lab, "n1");
      let votes = 1;
      for (const member of members.slice(1)) {
        const isElected = votes >= Math.floor(size / 2) + 1;
        expect(raftOf(lab, "n1").role).toBe(isElected ? "leader" : "candidate");
        deliver(lab, choose({ to: member, kind: "request-vote" }));
        deliver(lab, choose({ from: member, kind: "request-vote-response" }));
        votes++;
      }
      expect(raftOf(lab, "n1").role).toBe("leader");
    }
  });

  paper("5.2-announce", () => {
    const lab = createLab(names, plain);
    timeOut(lab, "n1");
    deliver(lab);
    deliver(lab, choose({ from: "n2" }));
    const announced = lab.network.filter(choose({ from: "n1", kind: "append-entries" }));
    expect(announced.map(({ to, term }) => ({ to, term }))).toEqual([
      { to: "n2", term: 2 },
      { to: "n3", term: 2 },
    ]);
  });

  paper("5.2-one-vote", () => {
    const lab = createLab(names);
    receive(lab, requestVote("n2", "n1", 2, [1, 1]));
    expect(voteOf(lab)).toBeNull();
    receive(lab, requestVote("n3", "n1", 2, [1, 9]));
    expect(voteOf(lab)).toBe("voted-for-other");
    receive(lab, requestVote("n2", "n1", 2, [1, 1]));
    expect(voteOf(lab)).toBeNull();
    receive(lab, requestVote("n3", "n1", 3, [1, 1]));
    expect(voteOf(lab)).toBeNull();
  });

  paper("5.2-yield", () => {
    for (const term of [2, 3]) {
      const lab = createLab(names, plain);
      timeOut(lab, "n1");
      receive(lab, append("n2", "n1", term, { prev: [1, 1] }));
      expect(raftOf(lab, "n1")).toMatchObject({ role: "follower", leader: "n2", campaign: null });
      expect(raftOf(lab, "n1").hardState.term).toBe(term);
    }
  });

  paper("5.2-no-yield", () => {
    const lab = createLab(names, plain);
    timeOut(lab, "n1");
    receive(lab, append("n2", "n1", 1, { prev: [1, 1] }));
    expect(raftOf(lab, "n1")).toMatchObject({ role: "candidate", leader: null });
    expect(lab.network.at(-1)).toMatchObject({ term: 2, outcome: { kind: "stale-term" } });
  });

  paper("5.2-split-vote", () => {
    const lab = createLab(["n1", "n2"], plain);
    tick(lab, "n1", 10);
    tick(lab, "n2", 13);
    settle(lab);
    expect(["n1", "n2"].map((name) => raftOf(lab, name).role)).toEqual(["follower", "follower"]);
    timeOut(lab, "n1");
    settle(lab);
    expect(raftOf(lab, "n1")).toMatchObject({ role: "leader", hardState: { term: 3 } });
  });

  paper("5.2-random-timer", () => {
    const lab = createLab(names, plain);
    const drawn: number[] = [];
    for (const jitter of [0, 0.25, 0.5, 0.999]) {
      memberOf(lab, "n1").jitter = jitter;
      tick(lab, "n1");
      receive(lab, append("n2", "n1", 2, { prev: [1, 1] }));
      drawn.push(raftOf(lab, "n1").electionTimeout);
    }
    expect(drawn).toEqual([10, 12, 15, 19]);
    timeOut(lab, "n1"); // a campaign draws, too
    expect(raftOf(lab, "n1").electionTimeout).toBe(19);
  });

  paper("5.2-heartbeat", () => {
    const lab = createLab(names, { settings: { heartbeatTicks: 3 } });
    elect(lab, "n1");
    const sent: number[] = [];
    for (let i = 1; i <= 9; i++) {
      tick(lab, "n1");
      if (lab.network.length > 0) sent.push(i);
      for (const message of deliver(lab)) {
        expect(message).toMatchObject({ kind: "append-entries", entries: [] });
      }
      settle(lab);
    }
    expect(sent).toEqual([3, 6, 9]);
    expect(raftOf(lab, "n2").electionElapsed).toBe(0);
  });

  paper("5.2-grant-resets", () => {
    const lab = createLab(names, { ...plain, terms: [1, 1] });
    const elapsed = (): number => raftOf(lab, "n1").electionElapsed;
    tick(lab, "n1", 5);
    receive(lab, requestVote("n2", "n1", 2, [1, 1])); // log behind
    receive(lab, requestVote("n2", "n1", 1, [1, 2])); // stale
    receive(lab, requestVote("n2", "n1", 3, [1, 2], true)); // a pre-vote, granted
    receive(lab, append("n2", "n1", 1, { prev: [1, 1] })); // an old leader's
    expect(elapsed()).toBe(5);
    receive(lab, requestVote("n2", "n1", 3, [1, 2]));
    expect(elapsed()).toBe(0);
    tick(lab, "n1", 5);
    receive(lab, requestVote("n3", "n1", 3, [1, 2])); // voted for n2
    expect(elapsed()).toBe(5);
    receive(lab, append("n2", "n1", 3, { prev: [9, 9] })); // a leader's, though it conflicts
    expect(elapsed()).toBe(0);
  });

  paper("5.2-one-leader", () => {
    const lab = createLab(names);
    receive(lab, append("n2", "n1", 2, { prev: [1, 1] }));
    const forged = append("n3", "n1", 2, { prev: [1, 1] });
    expect(() => receive(lab, forged)).toThrow(/at most one leader in a term: n3 and n2/);
    const other = createLab(names);
    elect(other, "n2");
    const own = append("n3", "n2", raftOf(other, "n2").hardState.term, { prev: [1, 1] });
    expect(() => receive(other, own)).toThrow(InvariantError);
  });

  paper("5.2-old-votes", () => {
    const lab = createLab(["n1", "n2", "n3", "n4", "n5"], plain);
    timeOut(lab, "n1");
    deliver(lab, choose({ to: "n2" }));
    deliver(lab, choose({ to: "n3" }));
    const grants = drop(lab, choose({ kind: "request-vote-response" }));
    expect(grants).toHaveLength(2);
    timeOut(lab, "n1");
    for (const grant of grants) receive(lab, grant);
    expect(raftOf(lab, "n1")).toMatchObject({ role: "candidate", hardState: { term: 3 } });
    const pre = grants.map((grant) => ({ ...grant, pre: true, campaignTerm: 3 }));
    for (const grant of pre) receive(lab, grant as (typeof grants)[number]); // of the other kind
    expect(raftOf(lab, "n1").role).toBe("candidate");
  });
});

describe("PreVote and CheckQuorum", () => {
  paper("9.6-no-term", () => {
    const lab = createLab(names);
    timeOut(lab, "n1");
    expect(raftOf(lab, "n1")).toMatchObject({
      role: "pre-candidate",
      leader: null,
      hardState: { term: 1, votedFor: null },
    });
    expect(lab.network[0]).toMatchObject({ kind: "request-vote", pre: true, term: 2 });
    timeOut(lab, "n1");
    expect(raftOf(lab, "n1").hardState.term).toBe(1);
  });

  paper("9.6-same-question", () => {
    for (const last of [
      [1, 1],
      [1, 2],
      [1, 3],
      [2, 1],
    ] as const) {
      for (const ofTerm of [1, 2, 3]) {
        const ask = (pre: boolean) => {
          const lab = createLab(names, { terms: [1, 1] });
          placeMember(lab, "n1", names, { terms: [1, 1], term: 2, votedFor: "n3" });
          tick(lab, "n1");
          const before = structuredClone(raftOf(lab, "n1"));
          receive(lab, requestVote("n2", "n1", ofTerm, last, pre));
          if (pre) expect(raftOf(lab, "n1")).toEqual(before);
          return voteOf(lab);
        };
        expect(ask(true)).toBe(ask(false));
      }
    }
  });

  paper("9.6-returns", () => {
    const lab = createLab(names);
    elect(lab, "n1");
    partition(lab, ["n1", "n2"]);
    for (let i = 0; i < 100; i++) {
      for (const name of names) tick(lab, name);
      settle(lab);
    }
    heal(lab);
    for (let i = 0; i < 30; i++) {
      for (const name of names) tick(lab, name);
      settle(lab);
    }
    expect(names.map((name) => raftOf(lab, name).hardState.term)).toEqual([2, 2, 2]);
    expect(raftOf(lab, "n3").leader).toBe("n1");
  });

  paper("4.2.3-live-leader", () => {
    const lab = createLab(names);
    elect(lab, "n1");
    for (const name of ["n1", "n2"]) {
      receive(lab, requestVote("n3", name, 9, [2, 9]));
      expect(voteOf(lab)).toBe("leader-alive");
      expect(raftOf(lab, name).hardState.term).toBe(2);
    }
    tick(lab, "n2", 10);
    receive(lab, requestVote("n3", "n2", 9, [2, 9]));
    expect(voteOf(lab)).toBeNull();
  });

  paper("6.2-check-quorum", () => {
    const lab = createLab(["n1", "n2", "n3", "n4", "n5"]);
    elect(lab, "n1");
    partition(lab, ["n1", "n2", "n3"]);
    for (let i = 0; i < 50; i++) {
      tick(lab, "n1");
      settle(lab);
    }
    expect(raftOf(lab, "n1").role).toBe("leader");
    partition(lab, ["n1", "n2"]);
    for (let i = 0; i < 12; i++) {
      tick(lab, "n1");
      settle(lab);
    }
    expect(raftOf(lab, "n1")).toMatchObject({
      role: "follower",
      leader: null,
      hardState: { term: 2, votedFor: "n1" },
    });
  });

  paper("6.2-leader-known", () => {
    const lab = createLab(names);
    elect(lab, "n1");
    expect(names.map((name) => memberOf(lab, name).roles.at(-1)?.leader)).toEqual(
      names.map(() => "n1"),
    );
    expect(proposeAt(lab, "n2", "a")).toEqual({ kind: "refused", why: "not-leader" });
    tick(lab, "n2", 13);
    expect(memberOf(lab, "n2").roles.at(-1)).toMatchObject({ role: "pre-candidate", leader: null });
  });
});
