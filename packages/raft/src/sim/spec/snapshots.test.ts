import { describe, expect, it } from "vitest";
import { createSpecification } from "./create-specification.ts";
import type { Server, SpecInstallSnapshot, Specification, SpecSnapshot } from "./specification.ts";
import {
  acknowledge,
  append,
  cluster,
  deliver,
  elect,
  memberAt,
  persist,
  replicate,
} from "./test-worlds.ts";

/** Server 0 leads three and has applied four entries, as server 1 has them. */
function worked(): Specification {
  const spec = cluster(3);
  elect(spec, 0, [1]);
  spec.clientRequest(0, [5, 6, 7]);
  persist(spec, 0);
  replicate(spec, 0, 1);
  spec.advanceCommit(0, 4);
  spec.apply(0, 4);
  return spec;
}

const configuration = { voters: [0, 1, 2], outgoing: null, learners: [], removed: [] };

function snapshotOf(index: number, term = 2): SpecSnapshot {
  return { index, term, configuration };
}

/** The leader sends it, and `to` knows the term. */
function offer(spec: Specification, to: Server, index: number): SpecInstallSnapshot {
  const { currentTerm: term } = memberAt(spec, 0);
  const sent: SpecInstallSnapshot = {
    kind: "install-snapshot",
    from: 0,
    to,
    term,
    snapshot: snapshotOf(index),
  };
  spec.send(sent);
  if (memberAt(spec, to).currentTerm < term) spec.updateTerm(to, sent);
  return sent;
}

describe("takeSnapshot", () => {
  it("is of what was applied, with its term and configuration, and newer than the last", () => {
    const spec = worked();
    expect(() => spec.takeSnapshot(0, snapshotOf(5))).toThrow("of which 4 are committed");
    expect(() => spec.takeSnapshot(1, snapshotOf(2))).toThrow("of which 0 are committed");
    expect(() => spec.takeSnapshot(0, snapshotOf(4, 1))).toThrow("is of term 2, not of 1");
    const other = { ...snapshotOf(3), configuration: { ...configuration, voters: [0] } };
    expect(() => spec.takeSnapshot(0, other)).toThrow("configuration");
    spec.takeSnapshot(0, snapshotOf(3));
    expect(memberAt(spec, 0).disk.snapshot).toEqual(snapshotOf(3));
    expect(() => spec.takeSnapshot(0, snapshotOf(3))).toThrow("replaces an older one");
  });

  it("waits until its entries are on the own disk", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    spec.clientRequest(0, [5]);
    replicate(spec, 0, 1);
    replicate(spec, 0, 2);
    spec.advanceCommit(0, 2);
    spec.apply(0, 2);
    expect(() => spec.takeSnapshot(0, snapshotOf(2))).toThrow("does not reach entry 2");
    spec.write(0);
    spec.sync(0);
    spec.takeSnapshot(0, snapshotOf(2));
  });

  it("stays, whatever was handed to the disk before it", () => {
    const spec = worked();
    spec.write(0);
    spec.takeSnapshot(0, snapshotOf(3));
    spec.sync(0);
    expect(memberAt(spec, 0).disk.snapshot?.index).toBe(3);
    spec.write(0);
    spec.takeSnapshot(0, snapshotOf(4));
    spec.restart(0, 1, 0);
    expect(memberAt(spec, 0)).toMatchObject({ commitIndex: 4, lastApplied: 4 });
  });
});

describe("compact", () => {
  it("drops what a snapshot on disk covers, and the log stays what it was", () => {
    const spec = worked();
    expect(() => spec.compact(0, 1)).toThrow("0 entries in a snapshot on disk");
    spec.takeSnapshot(0, snapshotOf(3));
    expect(() => spec.compact(0, 4)).toThrow("3 entries in a snapshot on disk");
    spec.compact(0, 2);
    expect(memberAt(spec, 0)).toMatchObject({ compacted: 2, disk: { compacted: 0 } });
    expect(memberAt(spec, 0).log).toHaveLength(4);
    expect(() => spec.compact(0, 1)).toThrow("is not back");
    persist(spec, 0);
    spec.restart(0, 0, 0);
    expect(memberAt(spec, 0)).toMatchObject({ compacted: 2, commitIndex: 3, lastApplied: 3 });
  });

  it("is not undone by a disk that loses entries", () => {
    const spec = worked();
    spec.takeSnapshot(0, snapshotOf(3));
    spec.restart(0, 0, 0);
    expect(() => spec.loseEntries(0, 2)).toThrow("a snapshot of 3 entries, above 2");
    spec.loseEntries(0, 3);
  });
});

describe("installSnapshot", () => {
  it("replaces a log that does not hold its last entry", () => {
    const spec = worked();
    spec.takeSnapshot(0, snapshotOf(3));
    const sent = offer(spec, 2, 3);
    spec.installSnapshot(2, sent);
    expect(memberAt(spec, 2)).toMatchObject({ compacted: 3, commitIndex: 3, lastApplied: 3 });
    expect(memberAt(spec, 2).log).toEqual(memberAt(spec, 0).log.slice(0, 3));
    const answer = acknowledge({ ...append(spec, 0, 2, 3), entries: [] });
    persist(spec, 2);
    spec.send(answer);
    spec.countAcknowledgement(0, answer);
    expect(memberAt(spec, 0).matchIndex.get(2)).toBe(3);
    expect(() => spec.installSnapshot(2, sent)).toThrow("3 are no news");
    spec.followLeader(2, sent);
  });

  it("keeps what follows its last entry", () => {
    const spec = worked();
    spec.takeSnapshot(0, snapshotOf(3));
    const { log } = memberAt(spec, 1);
    spec.installSnapshot(1, offer(spec, 1, 3));
    expect(memberAt(spec, 1)).toMatchObject({ log, compacted: 3, commitIndex: 3 });
  });

  it("is promised when it is on disk, and lost with the power before", () => {
    const spec = worked();
    spec.takeSnapshot(0, snapshotOf(3));
    spec.installSnapshot(2, offer(spec, 2, 3));
    const answer = acknowledge({ ...append(spec, 0, 2, 3), entries: [] });
    expect(() => spec.send(answer)).toThrow("currentTerm is stored first");
    spec.write(2);
    spec.restart(2, 0, 0);
    expect(memberAt(spec, 2)).toMatchObject({ snapshot: null, compacted: 0, lastApplied: 0 });
    offer(spec, 2, 3);
  });

  it("needs the term of now and a leader that has it", () => {
    const spec = worked();
    const sent: SpecInstallSnapshot = {
      kind: "install-snapshot",
      from: 0,
      to: 2,
      term: 2,
      snapshot: snapshotOf(3),
    };
    expect(() => spec.send(sent)).toThrow("no snapshot of 3 entries on disk");
    expect(() => spec.send({ ...sent, snapshot: snapshotOf(5) })).toThrow("4 are committed");
    expect(() => spec.send({ ...sent, from: 1 })).toThrow("only its leader sends snapshots");
    expect(() => spec.installSnapshot(2, sent)).toThrow("Nobody sent this");
    spec.takeSnapshot(0, snapshotOf(3));
    spec.send(sent);
    expect(() => spec.installSnapshot(2, sent)).toThrow("server 2 is in term 1");
  });
});

describe("followLeader", () => {
  it("hears what a leader says and leaves the log alone", () => {
    const spec = worked();
    const sent = append(spec, 0, 2, 1);
    spec.send(sent);
    spec.updateTerm(2, sent);
    spec.startPreVote(2);
    spec.followLeader(2, sent);
    expect(memberAt(spec, 2)).toMatchObject({ role: "follower", log: memberAt(spec, 2).disk.log });
    expect(() => spec.learnCommit(2, 2)).toThrow("knows 0 entries");
  });

  it("finds the log equal up to a snapshot's last entry, if it has it", () => {
    const spec = worked();
    spec.takeSnapshot(0, snapshotOf(3));
    spec.followLeader(2, offer(spec, 2, 3));
    expect(() => spec.learnCommit(2, 3)).toThrow("knows 0 entries");
    spec.followLeader(1, offer(spec, 1, 3));
    spec.learnCommit(1, 3);
  });
});

describe("a restored cluster", () => {
  it("starts with a snapshot and goes on behind it", () => {
    const log = [1, 1, 1].map((term, value) => ({ term, value }));
    const options = { servers: 3, log, currentTerm: 1, commitIndex: 3 };
    const wrong = { ...options, snapshot: snapshotOf(4, 1) };
    expect(() => createSpecification(wrong)).toThrow("of which 3 are committed");
    const spec = createSpecification({ ...options, snapshot: snapshotOf(3, 1) });
    expect(memberAt(spec, 0)).toMatchObject({ compacted: 3, lastApplied: 3 });
    elect(spec, 0, [1]);
    spec.clientRequest(0, [9]);
    deliver(spec, append(spec, 0, 1, 3));
    expect(memberAt(spec, 1).log).toHaveLength(4);
  });
});
