/** `majorityMatched` against counting by hand. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { logIndex, nodeId, term } from "../base/index.ts";
import {
  createConfiguration,
  createRaft,
  defaultSettings,
  encodeConfiguration,
  majorityMatched,
  type Raft,
  step,
  takeEffects,
} from "./index.ts";

/** A leader whose own disk holds `own` and whose peers hold what is given. */
function leaderOf(own: number, peers: readonly number[]): Raft {
  const ids = ["n0", ...peers.map((_, i) => `n${i + 1}`)].map((name) => nodeId(name));
  const raft = createRaft({
    id: nodeId("n0"),
    settings: { ...defaultSettings, preVote: false },
    boot: 1,
    jitter: 0,
    hardState: { term: term(1), votedFor: null, mustCatchUp: false },
    entries: [
      {
        index: logIndex(1),
        term: term(1),
        kind: "configuration",
        data: encodeConfiguration(createConfiguration(ids.map((id) => ({ id, address: "a:1" })))),
      },
    ],
    commit: logIndex(1),
  });
  for (let i = 0; i < 100; i++) step(raft, { kind: "tick", nowMs: 0, jitter: 0 });
  for (const effect of takeEffects(raft)) {
    if (effect.kind === "persist") step(raft, { kind: "persisted", unit: effect.unit });
  }
  for (const id of ids.slice(1)) {
    const vote = { kind: "request-vote-response", from: id, to: raft.id, term: term(2) } as const;
    const message = { ...vote, pre: false, campaignTerm: term(2), refused: null };
    step(raft, { kind: "receive", message });
  }
  raft.durableIndex = logIndex(own);
  for (const [i, matched] of peers.entries()) {
    const progress = raft.leadership?.peers.get(nodeId(`n${i + 1}`));
    if (progress !== undefined) progress.matched = logIndex(matched);
  }
  return raft;
}

/** The highest index that at least n/2+1 of the values reach, tried one by one. */
function naive(values: readonly number[]): number {
  const needed = Math.floor(values.length / 2) + 1;
  const reached = [0, ...values].filter(
    (index) => values.filter((value) => value >= index).length >= needed,
  );
  return Math.max(...reached);
}

describe("majorityMatched", () => {
  it("C7: sorts numbers, not their digits", () => {
    expect(majorityMatched(leaderOf(100, [9, 10]))).toBe(10);
    expect(majorityMatched(leaderOf(9, [100, 10, 1000, 2]))).toBe(10);
  });

  it("C7: equals counting, for every cluster up to 7", () => {
    const index = fc.oneof(fc.nat(12), fc.nat(2000));
    fc.assert(
      fc.property(index, fc.array(index, { maxLength: 6 }), (own, peers) => {
        expect(majorityMatched(leaderOf(own, peers))).toBe(naive([own, ...peers]));
      }),
      { numRuns: 300 },
    );
  });

  it("C7: equals counting, over all small clusters", () => {
    for (let code = 0; code < 4 ** 5; code++) {
      const values = [0, 1, 2, 3, 4].map((place) => Math.floor(code / 4 ** place) % 4);
      for (const size of [1, 2, 3, 4, 5]) {
        const [own = 0, ...peers] = values.slice(0, size);
        if (code >= 4 ** size) continue;
        const raft = leaderOf(own, peers);
        if (majorityMatched(raft) !== naive([own, ...peers])) expect(values).toBe("counted");
      }
    }
  });
});
