import { describe, expect, it } from "vitest";
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

describe("write, sync and restart", () => {
  it("brings writes to the disk in their order, each as a whole", () => {
    const spec = cluster(3);
    expect(() => spec.sync(0)).toThrow("no write under way");
    spec.timeout(0);
    spec.write(0);
    spec.timeout(0);
    spec.write(0);
    spec.sync(0);
    expect(memberAt(spec, 0).disk).toMatchObject({ currentTerm: 2, votedFor: 0 });
    expect(memberAt(spec, 0).writes).toHaveLength(1);
    spec.sync(0);
    expect(memberAt(spec, 0).disk.currentTerm).toBe(3);
  });

  it("keeps what was on disk and the first writes, and nothing else", () => {
    const spec = cluster(3);
    spec.timeout(0);
    spec.write(0);
    spec.timeout(0);
    spec.write(0);
    expect(() => spec.restart(0, 3, 1)).toThrow("3 logs and 3 terms cannot be kept");
    spec.restart(0, 1, 1);
    expect(memberAt(spec, 0)).toMatchObject({
      role: "follower",
      currentTerm: 2,
      votedFor: 0,
      lastApplied: 0,
      commitIndex: 1,
    });
    expect(memberAt(spec, 0).writes).toEqual([]);
  });

  it("may keep newer terms than logs, never older ones", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    spec.clientRequest(0, [5]);
    spec.write(0);
    spec.stepDown(0);
    spec.timeout(0);
    spec.write(0);
    expect(() => spec.restart(0, 2, 1, 1)).toThrow("2 logs and 1 terms cannot be kept");
    expect(() => spec.restart(0, 0, 1, 3)).toThrow("0 logs and 3 terms cannot be kept");
    spec.restart(0, 0, 1, 2);
    expect(memberAt(spec, 0)).toMatchObject({ currentTerm: 3, votedFor: 0 });
    expect(memberAt(spec, 0).log).toHaveLength(1);
    expect(memberAt(spec, 0).disk.log).toHaveLength(1);
  });

  it("believes a commit index that was known, of entries that are on the disk", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    spec.clientRequest(0, [5]);
    persist(spec, 0);
    elect(spec, 1, [2]);
    spec.clientRequest(1, [6]);
    persist(spec, 1);
    replicate(spec, 1, 2);
    spec.advanceCommit(1, 2);
    expect(() => spec.restart(0, 0, 2)).toThrow("knew 1 to be committed, not 2");
    deliver(spec, append(spec, 1, 0, 1));
    spec.learnCommit(0, 2);
    spec.write(0);
    expect(() => spec.restart(0, 0, 2)).toThrow("has 1 of the 2 entries");
    spec.restart(0, 1, 2);
    expect(memberAt(spec, 0).commitIndex).toBe(2);
    spec.restart(0, 0, 1);
    spec.restart(0, 0, 2);
  });
});

describe("what is safe although volatile state moves on", () => {
  it("acknowledges late what was on disk in the old term, though it is removed by now", () => {
    const spec = cluster(5);
    elect(spec, 0, [1, 2]);
    spec.clientRequest(0, [5]);
    const sent = append(spec, 0, 2, 1);
    deliver(spec, sent);
    spec.write(2);
    spec.timeout(3);
    elect(spec, 3, [1, 4]);
    spec.clientRequest(3, [6]);
    deliver(spec, append(spec, 3, 2, 1));
    spec.write(2);
    expect(() => spec.send(acknowledge(sent))).toThrow("entries are stored first");
    spec.sync(2);
    spec.sync(2);
    expect(memberAt(spec, 2).disk.log.map(({ value }) => value)).toEqual([0, 6]);
    spec.send(acknowledge(sent));
    spec.restart(2, 0, 1);
    expect(() => spec.send({ ...acknowledge(sent), round: 0 })).toThrow("was not in term 2");
  });

  it("does not acknowledge what one write skipped", () => {
    const spec = cluster(5);
    elect(spec, 0, [1, 2]);
    spec.clientRequest(0, [5]);
    const sent = append(spec, 0, 2, 1);
    deliver(spec, sent);
    spec.timeout(3);
    elect(spec, 3, [1, 4]);
    spec.clientRequest(3, [6]);
    deliver(spec, append(spec, 3, 2, 1));
    persist(spec, 2);
    expect(() => spec.send(acknowledge(sent))).toThrow("1 of leader 0 have been on the disk");
  });

  it("acknowledges what came to the disk with a newer term", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    spec.clientRequest(0, [5]);
    const sent = append(spec, 0, 2, 1);
    deliver(spec, sent);
    spec.timeout(2);
    persist(spec, 2);
    spec.send(acknowledge(sent));
  });

  it("counts an older write for what it has of a newer leader's log", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    spec.clientRequest(0, [5]);
    deliver(spec, append(spec, 0, 1, 1));
    persist(spec, 1);
    spec.clientRequest(0, [6]);
    const sent = append(spec, 0, 1, 1);
    deliver(spec, sent);
    spec.write(1);
    expect(() => spec.send(acknowledge(sent))).toThrow("2 of leader 0 have been on the disk");
    spec.send({ ...acknowledge(sent), outcome: { kind: "accepted", matched: 2, verified: 3 } });
    spec.sync(1);
    spec.send(acknowledge(sent));
  });
});

describe("loseEntries and stopAbstaining", () => {
  it("happens while the member is down", () => {
    const spec = cluster(3);
    spec.restart(0, 0, 1);
    expect(() => spec.loseEntries(0, 2)).toThrow("cannot keep 2");
    spec.loseEntries(0, 0);
    expect(memberAt(spec, 0)).toMatchObject({ log: [], commitIndex: 0, abstains: true });
    expect(memberAt(spec, 0).disk).toMatchObject({ log: [], abstains: true });
    spec.write(0);
    expect(() => spec.loseEntries(0, 0)).toThrow("is at work");
  });

  it("may bring back what was removed behind the rest, and nothing that never was there", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    spec.clientRequest(0, [5, 6]);
    persist(spec, 0);
    spec.timeout(2);
    elect(spec, 2, [1]);
    spec.clientRequest(2, [7]);
    deliver(spec, append(spec, 2, 0, 1));
    persist(spec, 0);
    spec.restart(0, 0, 1);
    const removed = [
      { term: 2, value: 5 },
      { term: 2, value: 6 },
    ];
    expect(() => spec.loseEntries(0, 2, removed)).toThrow("never had this entry 3 of term 2");
    expect(() => spec.loseEntries(0, 1, removed.slice(1))).toThrow("never had this entry 2");
    expect(() => spec.loseEntries(0, 1, [{ term: 3, value: 5 }])).toThrow("never had this entry 2");
    spec.loseEntries(0, 1, removed);
    expect(memberAt(spec, 0).log.map(({ value }) => value)).toEqual([0, 5, 6]);
    expect(memberAt(spec, 0)).toMatchObject({ abstains: true, commitIndex: 1 });
  });

  it("ends with an entry of a newer leader, committed and on disk", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    spec.clientRequest(0, [5]);
    persist(spec, 0);
    replicate(spec, 0, 1);
    replicate(spec, 0, 2);
    spec.advanceCommit(0, 2);
    spec.restart(2, 0, 1);
    spec.loseEntries(2, 1);
    replicate(spec, 0, 2);
    expect(() => spec.stopAbstaining(2)).toThrow("lost entries in term 2");
    elect(spec, 1, [0]);
    deliver(spec, append(spec, 1, 2, 1));
    persist(spec, 2);
    expect(() => spec.stopAbstaining(2)).toThrow("none of term 3 is both");
    spec.clientRequest(1, [6]);
    persist(spec, 1);
    replicate(spec, 1, 2);
    expect(() => spec.stopAbstaining(2)).toThrow("1 are said to be committed");
    spec.advanceCommit(1, 3);
    deliver(spec, append(spec, 1, 2, 1));
    spec.stopAbstaining(2);
    expect(memberAt(spec, 2)).toMatchObject({ abstains: false, disk: { abstains: true } });
    expect(() => spec.stopAbstaining(2)).toThrow("does not abstain");
    persist(spec, 2);
    elect(spec, 2, [0]);
  });

  it("needs the entries on disk, not in memory", () => {
    const spec = cluster(3);
    spec.restart(2, 0, 1);
    spec.loseEntries(2, 0);
    elect(spec, 0, [1]);
    spec.clientRequest(0, [5]);
    persist(spec, 0);
    replicate(spec, 0, 1);
    spec.advanceCommit(0, 2);
    deliver(spec, append(spec, 0, 2, 0));
    expect(() => spec.stopAbstaining(2)).toThrow("has 0 of the leader's entries on disk");
    persist(spec, 2);
    spec.stopAbstaining(2);
  });
});
