/** When a peer is asked anew. */
import { describe, expect, it } from "vitest";
import { logIndex, nodeId, term } from "../base/index.ts";
import {
  checkState,
  createConfiguration,
  createRaft,
  defaultSettings,
  type Entry,
  type Raft,
  step,
} from "./index.ts";
import { advanceMatched, createProgress } from "./progress.ts";
import { offerSnapshot } from "./snapshot-offer.ts";

const two = createConfiguration([
  { id: nodeId("n1"), address: "n1:1" },
  { id: nodeId("n2"), address: "n2:1" },
]);

/** Leads behind a base of 3, and n2 is offered a snapshot. */
function leader(): Raft {
  const entries: Entry[] = [];
  for (const index of [4, 5, 6].map(logIndex)) {
    entries.push({ index, term: term(1), kind: "command", data: new Uint8Array(1) });
  }
  const position = { index: logIndex(3), term: term(1) };
  const raft = createRaft({
    ...{ id: nodeId("n1"), settings: defaultSettings, boot: 1, jitter: 0, entries, base: position },
    ...{ hardState: { term: term(1), votedFor: nodeId("n1"), mustCatchUp: false } },
    ...{
      commit: logIndex(6),
      snapshot: { position, configuration: two, configurationIndex: logIndex(1) },
    },
  });
  const progress = createProgress(logIndex(4), 0);
  raft.role = "leader";
  raft.leader = raft.id;
  raft.leadership = {
    ...{ termStart: logIndex(6), peers: new Map([[nodeId("n2"), progress]]), round: 1 },
    ...{ roundTicks: [], heartbeatElapsed: 0, commitTaken: raft.commit, uncommittedBytes: 0 },
    ...{ newReads: [], pendingReads: [], sinceTick: 0, transfer: null },
    ...{ transferEndedTick: null, leaseFromRound: 1 },
  };
  offerSnapshot(raft, nodeId("n2"), progress);
  checkState(raft);
  return raft;
}

describe("a peer that does not get what it was offered", () => {
  it.each([
    ["after what the base stands for", 0, 4],
    ["after what an answer from before the offer shows that it has", 5, 6],
  ])("is asked %s", (_, matched, next) => {
    const raft = leader();
    const progress = raft.leadership?.peers.get(nodeId("n2"));
    if (progress === undefined) expect.fail("n2 is a peer");
    advanceMatched(progress, logIndex(matched), 1);
    step(raft, { kind: "snapshot-failed", peer: nodeId("n2") });
    checkState(raft);
    expect(progress).toMatchObject({ mode: "probe", offer: null, next });
  });

  it("is fed once it shows that it has at least what it had", () => {
    const raft = leader();
    const progress = raft.leadership?.peers.get(nodeId("n2"));
    if (progress === undefined) expect.fail("n2 is a peer");
    advanceMatched(progress, logIndex(6), 1);
    const answer = (sequence: number, index: number): void => {
      const at = { matched: logIndex(index), verified: logIndex(index) };
      step(raft, {
        kind: "receive",
        message: {
          ...{ kind: "append-entries-response", from: nodeId("n2"), to: raft.id, term: term(1) },
          ...{ round: 1, sequence, outcome: { kind: "accepted", ...at } },
        },
      });
      checkState(raft);
    };
    progress.sentRound = 1;
    answer(3, 4); // overtaken by the one that told of 6
    expect(progress).toMatchObject({ mode: "snapshot", matched: 6 });
    answer(4, 6);
    expect(progress).toMatchObject({ mode: "replicate", next: 7 });
  });
});
