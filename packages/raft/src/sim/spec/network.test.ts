import { describe, expect, it } from "vitest";
import type { SpecMessage } from "./specification.ts";
import {
  acknowledge,
  append,
  cluster,
  deliver,
  elect,
  memberAt,
  persist,
  request,
  vote,
} from "./test-worlds.ts";

describe("send", () => {
  it("lets a vote request go once the own vote is on disk, as it was opened", () => {
    const spec = cluster(3);
    expect(() => spec.send({ ...request(spec, 0, 1), term: 2 })).toThrow("was not in term 2");
    expect(() => spec.send(request(spec, 0, 1))).toThrow("did not stand in 1");
    spec.timeout(0);
    const asked = request(spec, 0, 1);
    expect(() => spec.send(asked)).toThrow("currentTerm is stored first");
    spec.write(0);
    expect(() => spec.send(asked)).toThrow("currentTerm is stored first");
    spec.sync(0);
    expect(() => spec.send({ ...asked, lastIndex: 2 })).toThrow("did not stand in 2 with 2/1");
    expect(() => spec.send({ ...asked, to: 0 })).toThrow("nothing to itself");
    expect(() => spec.send({ ...asked, to: 3 })).toThrow("no server 3");
    expect(spec.hasLeft(asked)).toBe(false);
    spec.send(asked);
    spec.send(asked);
    expect(spec.hasLeft({ ...asked })).toBe(true);
    expect(spec.hasLeft({ ...asked, to: 2 })).toBe(false);
  });

  it("lets a request of a campaign that is over go late, also when writes skipped its term", () => {
    const spec = cluster(3);
    spec.timeout(0);
    const first = request(spec, 0, 1);
    spec.timeout(0);
    persist(spec, 0);
    spec.send(first);
    spec.restart(0, 0, 1);
    expect(() => spec.send({ ...first, to: 2 })).toThrow("was not in term 2 in this life");
  });

  it("lets a pre-vote request go in the term before, as it was opened", () => {
    const spec = cluster(3);
    const asked = { ...request(spec, 0, 1), pre: true, term: 2 };
    expect(() => spec.send(asked)).toThrow("asked no pre-votes for 2");
    spec.startPreVote(0);
    spec.send(asked);
    expect(() => spec.send({ ...asked, term: 3 })).toThrow("was not in term 2");
    const given = { ...vote(asked), term: 1 };
    expect(() => spec.send(given)).toThrow("gave 0 no pre-vote for 2");
    spec.send({ ...given, granted: false });
    spec.grantVote(1, asked);
    spec.send(given);
    expect(() => spec.send({ ...given, campaignTerm: 3 })).toThrow("no pre-vote for 3");
  });

  it("lets a vote go once it is on disk, or a newer term", () => {
    const spec = cluster(3);
    spec.timeout(0);
    persist(spec, 0);
    const asked = request(spec, 0, 1);
    spec.send(asked);
    spec.updateTerm(1, asked);
    persist(spec, 1);
    expect(() => spec.send(vote(asked))).toThrow("voted for nobody");
    spec.grantVote(1, asked);
    expect(() => spec.send(vote(asked))).toThrow("votedFor is stored first");
    spec.timeout(1);
    expect(() => spec.send(vote(asked))).toThrow("votedFor is stored first");
    persist(spec, 1);
    spec.send(vote(asked));
    expect(() => spec.send({ ...vote(asked), term: 3 })).toThrow("is given in that term");
    expect(() => spec.send({ ...vote(asked), to: 2 })).toThrow("voted for 0");
    spec.send({ ...vote(asked), to: 2, granted: false });
  });

  it("lets entries go from their leader's log only, with what it committed and opened", () => {
    const spec = cluster(3);
    expect(() => spec.send(append(spec, 0, 1, 1))).toThrow("only its leader sends entries");
    elect(spec, 0, [1]);
    spec.clientRequest(0, [5]);
    const sent = append(spec, 0, 1, 1);
    expect(() => spec.send({ ...sent, prevTerm: 2 })).toThrow("no entry 1 of term 2");
    expect(() => spec.send({ ...sent, prevIndex: 2, prevTerm: 2 })).toThrow("entry 3 is not in");
    const forged = [{ term: 2, value: 9 }];
    expect(() => spec.send({ ...sent, entries: forged })).toThrow("entry 2 is not in the log");
    expect(() => spec.send({ ...sent, leaderCommit: 2 })).toThrow("committed 1 entries, not 2");
    expect(() => spec.send({ ...sent, round: 1 })).toThrow("opened 0 rounds, not 1");
    spec.send({ ...sent, leaderCommit: 0 });
    expect(spec.hasLeft(sent)).toBe(false);
    spec.startRound(0);
    spec.send({ ...sent, round: 1 });
    spec.timeout(1);
    persist(spec, 1);
    spec.send(request(spec, 1, 0));
    spec.updateTerm(0, request(spec, 1, 0));
    spec.send({ ...sent, to: 2 });
  });

  it("lets an answer go with rounds that were heard", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    spec.startRound(0);
    const sent = append(spec, 0, 1, 1, 1);
    deliver(spec, sent);
    spec.send(acknowledge(sent));
    expect(() => spec.send({ ...acknowledge(sent), round: 2 })).toThrow("heard round 1 of leader");
    expect(() => spec.send({ ...acknowledge(sent), to: 2 })).toThrow("heard round 0 of leader 2");
    expect(() => spec.send({ ...acknowledge(sent), to: 2, round: 0 })).toThrow("heard nothing of");
    const outcome = { kind: "refused" } as const;
    spec.send({ ...acknowledge(sent), to: 2, round: 0, outcome });
    expect(() => spec.send({ ...acknowledge(sent), to: 2, outcome })).toThrow("heard round 0");
  });
});

it("tells messages apart by all that they say", () => {
  const spec = cluster(3);
  elect(spec, 0, [1]);
  spec.clientRequest(0, [5, 6]);
  const sent = append(spec, 0, 1, 1);
  spec.send(sent);
  const copy: SpecMessage = { ...sent, entries: sent.entries.map((entry) => ({ ...entry })) };
  expect(spec.hasLeft(copy)).toBe(true);
  const other = sent.entries.map(({ term }) => ({ term, value: 9 }));
  expect(spec.hasLeft({ ...sent, entries: other })).toBe(false);
  expect(spec.hasLeft({ ...sent, entries: sent.entries.slice(1) })).toBe(false);
  expect(memberAt(spec, 0).log).toHaveLength(3);
});
