import { describe, expect, it } from "vitest";
import { createSpecification } from "./create-specification.ts";
import { Refusal, type SpecRequestVote } from "./specification.ts";
import { cluster, elect, persist, request, vote } from "./test-worlds.ts";

describe("startPreVote", () => {
  it("asks in the present term, with the own pre-vote counted", () => {
    const spec = cluster(3);
    spec.startPreVote(0);
    expect(spec.members[0]).toMatchObject({ role: "pre-candidate", currentTerm: 1 });
    expect([...(spec.members[0]?.preVotesGranted ?? [])]).toEqual([0]);
  });

  it("is refused to a leader", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    expect(() => spec.startPreVote(0)).toThrow("server 0 leads term 2");
  });
});

describe("timeout", () => {
  it("begins a new term with a vote for oneself that does not count yet", () => {
    const spec = cluster(3);
    spec.timeout(1);
    expect(spec.members[1]).toMatchObject({ role: "candidate", currentTerm: 2, votedFor: 1 });
    expect(spec.members[1]?.votesGranted.size).toBe(0);
    expect(spec.members[1]?.disk).toMatchObject({ currentTerm: 1, votedFor: null });
  });

  it("is refused to leaders, to who abstains, and where there is no server", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    expect(() => spec.timeout(0)).toThrow(Refusal);
    spec.restart(2, 0, 1);
    spec.loseEntries(2, 0);
    expect(() => spec.timeout(2)).toThrow("abstains");
    expect(() => spec.startPreVote(2)).toThrow("abstains");
    expect(() => spec.timeout(3)).toThrow("no server 3");
  });
});

describe("raiseTerm", () => {
  it("is for followers that abstain only", () => {
    const spec = cluster(3);
    expect(() => spec.raiseTerm(0)).toThrow(Refusal);
    spec.restart(0, 0, 1);
    spec.loseEntries(0, 1);
    spec.raiseTerm(0);
    expect(spec.members[0]).toMatchObject({ currentTerm: 2, votedFor: null, role: "follower" });
  });
});

describe("updateTerm", () => {
  it("adopts a newer term, follows and forgets the vote", () => {
    const spec = cluster(3);
    spec.timeout(1);
    spec.timeout(0);
    spec.timeout(0);
    persist(spec, 0);
    const message = request(spec, 0, 1);
    spec.send(message);
    spec.updateTerm(1, message);
    expect(spec.members[1]).toMatchObject({ currentTerm: 3, votedFor: null, role: "follower" });
    expect(() => spec.updateTerm(1, message)).toThrow("only a newer term");
  });

  it("is refused for what nobody sent, what another gets, and for pre-votes", () => {
    const spec = cluster(3);
    spec.timeout(0);
    persist(spec, 0);
    const message = request(spec, 0, 1);
    expect(() => spec.updateTerm(1, message)).toThrow("Nobody sent this");
    spec.send(message);
    expect(() => spec.updateTerm(2, message)).toThrow("does not get");
    spec.startPreVote(0);
    const asked = { ...message, pre: true, term: 3 };
    spec.send(asked);
    expect(() => spec.updateTerm(1, asked)).toThrow("nobody's yet");
    spec.updateTerm(1, message);
    spec.grantVote(1, asked);
    persist(spec, 1);
    const granted = { ...vote(asked), term: 2 };
    spec.send(granted);
    spec.restart(0, 0, 1);
    expect(() => spec.updateTerm(0, granted)).toThrow(Refusal);
  });
});

describe("grantVote", () => {
  /** Server 0 has a second entry; its election has begun. */
  function withRequest(): { spec: ReturnType<typeof cluster>; asked: SpecRequestVote } {
    const spec = cluster(3);
    spec.timeout(0);
    persist(spec, 0);
    const asked = request(spec, 0, 1);
    spec.send(asked);
    return { spec, asked };
  }

  it("gives one vote a term, again to the same, to no other", () => {
    const { spec, asked } = withRequest();
    expect(() => spec.grantVote(1, asked)).toThrow("server 1 is in term 1");
    spec.updateTerm(1, asked);
    spec.grantVote(1, asked);
    spec.grantVote(1, asked);
    expect(spec.members[1]?.votedFor).toBe(0);
    spec.timeout(2);
    persist(spec, 2);
    const other = request(spec, 2, 1);
    spec.send(other);
    expect(() => spec.grantVote(1, other)).toThrow("one vote a term");
  });

  it("compares last terms, then lengths", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    spec.clientRequest(0, [7]);
    spec.timeout(1);
    spec.timeout(1);
    persist(spec, 1);
    const asked = request(spec, 1, 0);
    spec.send(asked);
    spec.updateTerm(0, asked);
    expect(() => spec.grantVote(0, asked)).toThrow(
      "§5.4.1, the candidate's last entry 1 of term 1 is older than the voter's last entry 2 of",
    );
    const equal = { ...asked, to: 2 };
    spec.send(equal);
    spec.updateTerm(2, equal);
    spec.grantVote(2, equal);
  });

  it("is refused to who abstains, also as a pre-vote", () => {
    const { spec, asked } = withRequest();
    spec.restart(1, 0, 1);
    spec.loseEntries(1, 1);
    spec.updateTerm(1, asked);
    expect(() => spec.grantVote(1, asked)).toThrow("abstains");
  });

  it("gives pre-votes for newer terms without any change", () => {
    const spec = cluster(3);
    spec.startPreVote(0);
    const asked = { ...request(spec, 0, 1), pre: true, term: 2 };
    spec.send(asked);
    const before = spec.members[1];
    spec.grantVote(1, asked);
    expect(spec.members[1]).toBe(before);
    spec.timeout(1);
    expect(() => spec.grantVote(1, asked)).toThrow("voted for 1");
    spec.timeout(1);
    expect(() => spec.grantVote(1, asked)).toThrow("a vote in term 2, but server 1 is in term 3");
  });
});

describe("countVote and becomeLeader", () => {
  it("needs granted votes of this campaign", () => {
    const spec = cluster(3);
    spec.timeout(0);
    persist(spec, 0);
    const asked = request(spec, 0, 1);
    spec.send(asked);
    spec.updateTerm(1, asked);
    spec.grantVote(1, asked);
    persist(spec, 1);
    const granted = vote(asked);
    spec.send(granted);
    const refused = { ...granted, granted: false };
    spec.send(refused);
    expect(() => spec.countVote(0, refused)).toThrow("does not count");
    spec.countVote(0, granted);
    spec.countVote(0, granted);
    expect(() => spec.becomeLeader(0)).toThrow("votes of [1] in term 2, of the voters [0,1,2]");
    spec.countOwnVote(0);
    spec.becomeLeader(0);
    expect(spec.members[0]).toMatchObject({ role: "leader", currentTerm: 2 });
    expect(() => spec.countVote(0, granted)).toThrow("a candidate counts");
    expect(() => spec.becomeLeader(0)).toThrow("only a candidate");
  });

  it("does not count votes of an older campaign, nor after stepping down", () => {
    const spec = cluster(3);
    spec.timeout(0);
    persist(spec, 0);
    const asked = request(spec, 0, 1);
    spec.send(asked);
    spec.updateTerm(1, asked);
    spec.grantVote(1, asked);
    persist(spec, 1);
    spec.send(vote(asked));
    spec.stepDown(0);
    expect(() => spec.countVote(0, vote(asked))).toThrow("is a follower");
    spec.timeout(0);
    expect(() => spec.countVote(0, vote(asked))).toThrow("for term 2 does not count for term 3");
  });

  it("counts pre-votes for pre-candidates only", () => {
    const spec = cluster(3);
    spec.startPreVote(0);
    const asked = { ...request(spec, 0, 1), pre: true, term: 2 };
    spec.send(asked);
    spec.grantVote(1, asked);
    const granted = { ...vote(asked), term: 1 };
    spec.send(granted);
    spec.countVote(0, granted);
    expect([...(spec.members[0]?.preVotesGranted ?? [])]).toEqual([0, 1]);
    spec.timeout(0);
    expect(() => spec.countVote(0, granted)).toThrow("a pre-candidate counts");
    expect(spec.members[0]?.votesGranted.size).toBe(0);
  });

  it("counts the own vote once it is on disk", () => {
    const spec = cluster(1);
    spec.timeout(0);
    expect(() => spec.countOwnVote(0)).toThrow("once it is on disk");
    expect(() => spec.becomeLeader(0)).toThrow("votes of [] in term 2, of the voters [0]");
    spec.write(0);
    expect(() => spec.countOwnVote(0)).toThrow("once it is on disk");
    spec.sync(0);
    spec.countOwnVote(0);
    spec.becomeLeader(0);
    spec.stepDown(0);
    expect(() => spec.countOwnVote(0)).toThrow("only a candidate");
  });

  it("needs more than half of an even number", () => {
    const spec = cluster(4);
    expect(() => elect(spec, 0, [1])).toThrow("votes of [0,1] in term 2, of the voters [0,1,2,3]");
    elect(spec, 0, [1, 2]);
    expect(spec.members[0]?.role).toBe("leader");
  });
});

it("refuses impossible first worlds", () => {
  const good = { servers: 3, log: [{ term: 1, value: 0 }], currentTerm: 1, commitIndex: 1 };
  expect(() => createSpecification({ ...good, servers: 0 })).toThrow(Refusal);
  expect(() => createSpecification({ ...good, currentTerm: 0 })).toThrow(Refusal);
  expect(() => createSpecification({ ...good, commitIndex: 2 })).toThrow(Refusal);
  const falling = [...good.log, { term: 0, value: 1 }];
  expect(() => createSpecification({ ...good, log: falling })).toThrow(Refusal);
});
