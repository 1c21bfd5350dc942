import { describe, expect, it } from "vitest";
import { restart } from "./disk.ts";
import { send } from "./network.ts";
import { acceptEntries } from "./replication.ts";
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
import { change, createWorld, lifeOf, pastOf, type World } from "./world.ts";

describe("clientRequest", () => {
  it("appends entries of the leader's term, for a leader only", () => {
    const spec = cluster(3);
    expect(() => spec.clientRequest(0, [5])).toThrow("server 0 is a follower of term 1");
    elect(spec, 0, [1]);
    spec.clientRequest(0, [5, 6]);
    expect(memberAt(spec, 0).log.slice(1)).toEqual([
      { term: 2, value: 5 },
      { term: 2, value: 6 },
    ]);
    expect(memberAt(spec, 0).disk.log).toHaveLength(1);
  });
});

describe("acceptEntries", () => {
  it("takes over what is new, and again changes nothing", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    spec.clientRequest(0, [5]);
    deliver(spec, append(spec, 0, 1, 1));
    const { log } = memberAt(spec, 1);
    expect(log).toHaveLength(2);
    spec.acceptEntries(1, append(spec, 0, 1, 1));
    expect(memberAt(spec, 1).log).toBe(log);
  });

  it("without the entry before only follows", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    spec.clientRequest(0, [5, 6]);
    const sent = append(spec, 0, 2, 2, 0);
    spec.startPreVote(2);
    deliver(spec, sent);
    expect(memberAt(spec, 2)).toMatchObject({ role: "follower", currentTerm: 2 });
    expect(memberAt(spec, 2).log).toHaveLength(1);
    expect(() => spec.send({ ...acknowledge(sent), round: 0 })).toThrow("currentTerm is stored");
    persist(spec, 2);
    expect(() => spec.send(acknowledge(sent))).toThrow("knows 0 entries");
    spec.send({ ...acknowledge(sent), outcome: { kind: "refused" } });
  });

  it("removes what conflicts, and keeps what an older request does not mention", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    spec.clientRequest(0, [5, 6]);
    const short = { ...append(spec, 0, 1, 1), entries: memberAt(spec, 0).log.slice(1, 2) };
    spec.send(short);
    deliver(spec, append(spec, 0, 1, 1));
    spec.acceptEntries(1, short);
    expect(memberAt(spec, 1).log).toHaveLength(3);
  });

  it("gives way to another leader's log from the first difference on", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    spec.clientRequest(0, [5, 6]);
    spec.timeout(2);
    elect(spec, 2, [1]);
    spec.clientRequest(2, [7]);
    deliver(spec, append(spec, 2, 0, 1));
    expect(memberAt(spec, 0)).toMatchObject({ role: "follower", currentTerm: 3 });
    expect(memberAt(spec, 0).log.map(({ value }) => value)).toEqual([0, 7]);
  });

  it("is refused for older and newer terms", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    const sent = append(spec, 0, 2, 1);
    spec.send(sent);
    expect(() => spec.acceptEntries(2, sent)).toThrow("is of term 2, server 2 is in term 1");
    spec.timeout(2);
    spec.timeout(2);
    expect(() => spec.acceptEntries(2, sent)).toThrow("is of term 2, server 2 is in term 3");
  });
});

describe("countAcknowledgement", () => {
  it("raises the match index, never lowers it", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    const empty = append(spec, 0, 1, 1);
    deliver(spec, empty);
    persist(spec, 1);
    spec.send(acknowledge(empty));
    spec.clientRequest(0, [5]);
    replicate(spec, 0, 1);
    expect(memberAt(spec, 0).matchIndex.get(1)).toBe(2);
    spec.countAcknowledgement(0, acknowledge(empty));
    expect(memberAt(spec, 0).matchIndex.get(1)).toBe(2);
    spec.lowerMatch(0, 1, 1);
    expect(memberAt(spec, 0).matchIndex.get(1)).toBe(1);
    expect(() => spec.lowerMatch(0, 1, 2)).toThrow("only an answer raises");
    expect(() => spec.lowerMatch(0, 0, 0)).toThrow("no peer 0");
  });

  it("is for the leader of that term", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    replicate(spec, 0, 1);
    const answer = acknowledge(append(spec, 0, 1, 1));
    spec.stepDown(0);
    expect(() => spec.countAcknowledgement(0, answer)).toThrow("server 0 is a follower");
    elect(spec, 0, [2]);
    expect(() => spec.countAcknowledgement(0, answer)).toThrow("an answer of term 2 says nothing");
  });
});

describe("advanceCommit", () => {
  it("needs a majority of disks, the own one counted when the entry is on it", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    spec.clientRequest(0, [5]);
    replicate(spec, 0, 1);
    expect(() => spec.advanceCommit(0, 2)).toThrow("disks of [1] of the voters [0,1,2]");
    persist(spec, 0);
    spec.advanceCommit(0, 2);
    expect(memberAt(spec, 0).commitIndex).toBe(2);
    expect(() => spec.advanceCommit(0, 3)).toThrow("entry 3 is not in a log of 2");
    expect(() => spec.advanceCommit(0, 1)).toThrow("commitIndex only grows");
    expect(() => spec.advanceCommit(1, 2)).toThrow("server 1 is a follower");
  });

  it("may do without the leader's disk", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    spec.clientRequest(0, [5]);
    replicate(spec, 0, 1);
    replicate(spec, 0, 2);
    spec.advanceCommit(0, 2);
    expect(memberAt(spec, 0).disk.log).toHaveLength(1);
  });

  it("counts no entries of older terms, and commits them with an own one", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    spec.clientRequest(0, [5]);
    persist(spec, 0);
    spec.stepDown(0);
    elect(spec, 0, [1]);
    replicate(spec, 0, 1);
    expect(() => spec.advanceCommit(0, 2)).toThrow("§5.4.2");
    spec.clientRequest(0, [6]);
    persist(spec, 0);
    replicate(spec, 0, 1);
    spec.advanceCommit(0, 3);
  });

  it("needs three of four", () => {
    const spec = cluster(4);
    elect(spec, 0, [1, 2]);
    spec.clientRequest(0, [5]);
    persist(spec, 0);
    replicate(spec, 0, 1);
    expect(() => spec.advanceCommit(0, 2)).toThrow("of the voters [0,1,2,3]");
    replicate(spec, 0, 3);
    spec.advanceCommit(0, 2);
  });

  it("of a single member needs its disk", () => {
    const spec = cluster(1);
    elect(spec, 0, []);
    spec.clientRequest(0, [5]);
    expect(() => spec.advanceCommit(0, 2)).toThrow("disks of [] of the voters [0]");
    persist(spec, 0);
    spec.advanceCommit(0, 2);
  });
});

describe("learnCommit and apply", () => {
  it("goes no further than the leader said and the log was compared", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    spec.clientRequest(0, [5, 6]);
    persist(spec, 0);
    replicate(spec, 0, 1);
    spec.advanceCommit(0, 2);
    expect(() => spec.learnCommit(1, 2)).toThrow("the leader said 1 is committed, not 2");
    const heartbeat = { ...append(spec, 0, 2, 1), entries: [] };
    deliver(spec, heartbeat);
    expect(() => spec.learnCommit(2, 2)).toThrow("knows 1 entries to be the leader's, not 2");
    deliver(spec, append(spec, 0, 2, 1));
    spec.learnCommit(2, 2);
    expect(() => spec.learnCommit(2, 1)).toThrow("only grows");
    expect(() => spec.learnCommit(0, 2)).toThrow("a leader is told nothing");
    expect(() => spec.apply(2, 3)).toThrow("only committed entries");
    spec.apply(2, 1);
    spec.apply(2, 2);
    expect(() => spec.apply(2, 1)).toThrow("lastApplied only grows");
  });

  it("learns nothing of an older leader in a newer term, nor after a restart", () => {
    const spec = cluster(3);
    elect(spec, 0, [1]);
    spec.clientRequest(0, [5]);
    persist(spec, 0);
    replicate(spec, 0, 1);
    spec.advanceCommit(0, 2);
    deliver(spec, append(spec, 0, 1, 1));
    spec.restart(1, 0, 1);
    expect(() => spec.learnCommit(1, 2)).toThrow("heard from no leader of term 2");
    deliver(spec, append(spec, 0, 1, 1));
    spec.timeout(1);
    expect(() => spec.learnCommit(1, 2)).toThrow("heard from no leader of term 3");
  });
});

describe("two leaders of one term", () => {
  /** Servers 0 and 1 both lead term 2: no guard lets it come to this, so the state is forged. */
  function brokenWorld(): World {
    const world = createWorld({ servers: 3, log: [], currentTerm: 2, commitIndex: 0 });
    for (const server of [0, 1]) {
      const led = { term: 2, log: [], commitIndex: 0, round: 0, answered: new Map() };
      lifeOf(world, server).led.set(2, led);
      pastOf(world, server).termsLed.add(2);
      change(world, server, { role: "leader" });
    }
    return world;
  }

  const none = { kind: "append-entries", term: 2, prevIndex: 0, prevTerm: 0, entries: [] } as const;

  it("are noticed by a leader, also when it leads no more", () => {
    const world = brokenWorld();
    const sent = { ...none, from: 0, to: 1, leaderCommit: 0, round: 0 };
    send(world, sent);
    expect(() => acceptEntries(world, 1, sent)).toThrow("ELECTION SAFETY");
    restart(world, 1, 0, 0);
    expect(() => acceptEntries(world, 1, sent)).toThrow("ELECTION SAFETY");
  });

  it("are noticed by who hears both", () => {
    const world = brokenWorld();
    for (const from of [0, 1]) send(world, { ...none, from, to: 2, leaderCommit: 0, round: 0 });
    acceptEntries(world, 2, { ...none, from: 0, to: 2, leaderCommit: 0, round: 0 });
    const other = { ...none, from: 1, to: 2, leaderCommit: 0, round: 0 };
    expect(() => acceptEntries(world, 2, other)).toThrow("servers 0 and 1 both led term 2");
  });
});
