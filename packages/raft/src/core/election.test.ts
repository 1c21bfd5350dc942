/** `decideVote` against the rules said naively, over every small case. */
import { describe, expect, it } from "vitest";
import { logIndex, nodeId, term } from "../base/index.ts";
import { decideVote, type RequestVote, type Voter } from "./index.ts";

const values = [0, 1, 2] as const;
const asker = nodeId("a");
const other = nodeId("b");

function* everyCase(): Generator<{ voter: Voter; request: RequestVote }> {
  for (const ownTerm of values)
    for (const askedTerm of values)
      for (const votedFor of [null, asker, other])
        for (const flags of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
          for (const mine of values)
            for (const theirs of values)
              for (const myIndex of values)
                for (const theirIndex of values)
                  yield {
                    voter: {
                      term: term(ownTerm),
                      votedFor,
                      mustCatchUp: (flags & 1) !== 0,
                      hasLiveLeader: (flags & 2) !== 0,
                      knowsLeader: (flags & 4) !== 0,
                      holdsPromise: (flags & 8) !== 0,
                      last: { term: term(mine), index: logIndex(myIndex) },
                    },
                    request: {
                      kind: "request-vote",
                      from: asker,
                      to: nodeId("c"),
                      term: term(askedTerm),
                      pre: askedTerm > ownTerm,
                      last: { term: term(theirs), index: logIndex(theirIndex) },
                    },
                  };
}

/** The paper's sentences, one after the other. */
function mayGrant({ voter, request }: { voter: Voter; request: RequestVote }): boolean {
  const isNewer = request.term > voter.term;
  const isOlder = request.term < voter.term;
  const hasVote = isNewer || voter.votedFor === null || voter.votedFor === request.from;
  const isFreeOfLeader = isNewer
    ? !voter.hasLiveLeader
    : !voter.knowsLeader || voter.votedFor !== null;
  const mine = voter.last.term * 10 + voter.last.index; // small indexes: term first, then index
  const theirs = request.last.term * 10 + request.last.index;
  const isFree = !voter.mustCatchUp && !voter.holdsPromise;
  return !isOlder && hasVote && isFreeOfLeader && isFree && theirs >= mine;
}

describe("decideVote", () => {
  it("grants exactly where the paper does", () => {
    let count = 0;
    let granted = 0;
    for (const each of everyCase()) {
      const isGranted = decideVote(each.voter, each.request) === null;
      if (isGranted !== mayGrant(each)) expect(each).toBe("decided like the paper");
      count++;
      granted += Number(isGranted);
    }
    expect(count).toBe(3 * 3 * 3 * 16 * 81);
    expect(granted).toBeGreaterThan(500);
  });

  it("names what is wrong, the term first", () => {
    const [first] = everyCase();
    if (first === undefined) throw new Error("there are cases");
    const { voter, request } = first;
    const at = (ofTerm: number, index: number) => ({ term: term(ofTerm), index: logIndex(index) });
    const asked = { ...request, term: term(5), last: at(4, 4) };
    const free: Voter = { ...voter, term: term(5), last: at(4, 4) };
    expect(decideVote(free, asked)).toBeNull();
    expect(decideVote({ ...free, term: term(6) }, asked)).toBe("stale-term");
    expect(decideVote({ ...free, votedFor: other }, asked)).toBe("voted-for-other");
    expect(decideVote({ ...free, knowsLeader: true }, asked)).toBe("leader-alive");
    expect(decideVote({ ...free, term: term(4), hasLiveLeader: true }, asked)).toBe("leader-alive");
    expect(decideVote({ ...free, mustCatchUp: true }, asked)).toBe("must-catch-up");
    expect(decideVote({ ...free, last: at(4, 5) }, asked)).toBe("log-behind");
    expect(decideVote({ ...free, last: at(5, 1) }, asked)).toBe("log-behind");
  });
});
