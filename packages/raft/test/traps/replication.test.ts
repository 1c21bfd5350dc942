/** Traps of log replication and commitment (C): `docs/traps.md`. */
import { describe, expect, it } from "vitest";
import { nodeId, persistUnit } from "../../src/base/index.ts";
import { propose, step, takeEffects } from "../../src/core/index.ts";
import { createSeededRandom } from "../../src/testing/index.ts";
import {
  append,
  appliedAt,
  choose,
  crash,
  createLab,
  deliver,
  drop,
  elect,
  entryOf,
  feed,
  memberOf,
  partition,
  persist,
  placeMember,
  proposeAt,
  raftOf,
  receive,
  restart,
  setDisk,
  settle,
  termsOf,
  tick,
  timeOut,
  unitsAt,
} from "../lab/index.ts";
import { NodeWorld } from "../node/node-world.ts";

const names = ["n1", "n2", "n3"];

function led(settings = {}) {
  const lab = createLab(names, { settings });
  elect(lab, "n1");
  return lab;
}

describe("log replication and commitment", () => {
  it("C1: an entry of an earlier term on a majority is not committed by counting", () => {
    const lab = createLab(names, { settings: { preVote: false } });
    placeMember(lab, "n1", names, { terms: [1, 2], term: 3 });
    timeOut(lab, "n1");
    settle(lab, (message) => message.kind !== "append-entries");
    drop(lab);
    receive(lab, append("n1", "n2", 4, { prev: [1, 1], terms: [2] }));
    deliver(lab, choose({ to: "n1" }));
    expect(raftOf(lab, "n1").commit).toBe(1);
  });

  it("C2: a short batch with a high commit index does not commit a divergent longer tail", () => {
    const lab = createLab(names);
    placeMember(lab, "n1", names, { terms: [1, 2, 3, 3, 3], term: 4 });
    // Index 2 is there already, the leader has committed up to 5: of its own log.
    receive(lab, append("n2", "n1", 4, { prev: [1, 1], terms: [2], commit: 5 }));
    expect(raftOf(lab, "n1").commit).toBe(2);
    receive(lab, append("n2", "n1", 4, { prev: [1, 1], commit: 5 }));
    expect(raftOf(lab, "n1").commit).toBe(2);
  });

  it("C3: an acknowledgement is of what was verified, not of the own last index", () => {
    const lab = createLab(names);
    placeMember(lab, "n1", names, { terms: [1, 2, 3, 3, 3], term: 4 });
    receive(lab, append("n2", "n1", 4, { prev: [1, 1], terms: [2], commit: 5 }));
    expect(lab.network.at(-1)).toMatchObject({
      outcome: { kind: "accepted", matched: 2, verified: 2 },
    });
  });

  it("C4: a repeated append with matching entries truncates nothing, not even for a moment", () => {
    const lab = createLab(names);
    receive(lab, append("n2", "n1", 2, { prev: [1, 1], terms: [2, 2, 2], commit: 4 }));
    setDisk(lab, "n1", "slow");
    receive(lab, append("n2", "n1", 2, { prev: [1, 1], terms: [2], commit: 4 }));
    receive(lab, append("n2", "n1", 2, { prev: [1, 1], terms: [2, 2, 2], commit: 4 }));
    expect(memberOf(lab, "n1").writing).toEqual([]);
    receive(lab, append("n2", "n1", 2, { prev: [1, 1], terms: [2, 2, 2, 2], commit: 4 }));
    expect(memberOf(lab, "n1").writing).toMatchObject([
      { truncateFrom: null, entries: [{ index: 5 }] },
    ]);
  });

  it("C5: an append with a gap is never taken over", () => {
    const lab = createLab(names);
    receive(lab, append("n2", "n1", 2, { prev: [2, 4], terms: [2] }));
    expect(termsOf(lab, "n1")).toEqual([1]);
    const request = append("n2", "n1", 2, { prev: [1, 1], terms: [2, 2] });
    if (request.kind !== "append-entries") throw new Error("append makes appends");
    const gap = { ...request, entries: [entryOf(2, 2), entryOf(4, 2)] };
    expect(() => receive(lab, gap)).toThrow(/the log has no gaps/);
    const other = createLab(names);
    const shifted = { ...request, entries: [entryOf(3, 2)] };
    expect(() => receive(other, shifted)).toThrow(/entries follow `prev` without a gap/);
    const above = append("n2", "n3", 2, { prev: [1, 1], terms: [3] });
    expect(() => receive(createLab(names), above)).toThrow(/no entry is above its leader's term/);
  });

  it("C6: a late acknowledgement of an earlier term advances nothing", () => {
    const lab = led();
    proposeAt(lab, "n1", "a", "b");
    deliver(lab, choose({ to: "n2" }));
    const late = drop(lab, choose({ from: "n2" }));
    drop(lab);
    placeMember(lab, "n2", names, { terms: [1, 2], term: 2 }); // lost them
    tick(lab, "n2", 10);
    tick(lab, "n3", 10);
    partition(lab, ["n1", "n3"]);
    receive(lab, append("n3", "n1", 3, { prev: [2, 2] }));
    timeOut(lab, "n1");
    settle(lab);
    expect(raftOf(lab, "n1")).toMatchObject({ role: "leader", hardState: { term: 4 } });
    for (const message of late) receive(lab, message);
    const progress = raftOf(lab, "n1").leadership?.peers.get(raftOf(lab, "n2").id);
    expect(progress).toMatchObject({ matched: 0, ackedRound: 0 });
  });

  it("C8: what is committed is never removed, whoever says so", () => {
    const lab = led();
    proposeAt(lab, "n1", "a");
    settle(lab);
    const conflicting = append("n3", "n2", 9, { prev: [2, 2], terms: [8] });
    expect(() => receive(lab, conflicting)).toThrow(/what is committed is never removed/);
  });

  it("C9: a leader that steps down in the same turn sends nothing in the new term", () => {
    const lab = led();
    const { raft } = memberOf(lab, "n1");
    step(raft, { kind: "tick", nowMs: 0, jitter: 0 });
    expect(propose(raft, [new Uint8Array(1)]).kind).toBe("appended");
    step(raft, { kind: "receive", message: append("n3", "n1", 5, { prev: [2, 2] }) });
    const sent = takeEffects(raft).filter((effect) => effect.kind === "send");
    expect(sent.map((effect) => effect.message.kind)).toEqual(["append-entries-response"]);
  });

  it("C10: a write of a replaced tail vouches for nothing at the same index", () => {
    const lab = createLab(names);
    setDisk(lab, "n1", "slow");
    receive(lab, append("n2", "n1", 2, { prev: [1, 1], terms: [2, 2, 2] }));
    receive(lab, append("n3", "n1", 3, { prev: [1, 1], terms: [3, 3] }));
    persist(lab, "n1", 1);
    expect(raftOf(lab, "n1").durableIndex).toBe(1);
    const toLeader = lab.network.filter(choose({ to: "n3" }));
    expect(toLeader).toEqual([]);
    persist(lab, "n1", 1);
    expect(raftOf(lab, "n1").durableIndex).toBe(3);
  });

  it("C11: completions that arrive out of order are merged, none is lost", () => {
    const lab = led();
    setDisk(lab, "n2", "slow");
    proposeAt(lab, "n1", "a");
    deliver(lab, choose({ to: "n2" }));
    proposeAt(lab, "n1", "b");
    deliver(lab, choose({ to: "n2" }));
    const [first, second] = unitsAt(lab, "n2");
    feed(lab, "n2", { kind: "persisted", unit: second?.unit ?? persistUnit(0) });
    expect(raftOf(lab, "n2").durableIndex).toBe(4);
    const { durableUnit } = raftOf(lab, "n2");
    feed(lab, "n2", { kind: "persisted", unit: first?.unit ?? persistUnit(0) });
    expect(raftOf(lab, "n2")).toMatchObject({ durableIndex: 4, durableUnit });
  });

  it("C12: the log on disk is the log in memory, whatever was removed on the way", () => {
    const random = createSeededRandom(3);
    const lab = createLab(names);
    setDisk(lab, "n1", "slow");
    for (let ofTerm = 2; ofTerm < 300; ofTerm++) {
      const terms = termsOf(lab, "n1");
      const prev = 1 + random.below(terms.length);
      const added = Array.from({ length: random.below(4) }, () => ofTerm);
      const from = ofTerm % 2 === 0 ? "n2" : "n3";
      receive(
        lab,
        append(from, "n1", ofTerm, { prev: [terms[prev - 1] ?? 0, prev], terms: added }),
      );
      persist(lab, "n1", random.below(4));
      const { durableIndex, log } = raftOf(lab, "n1");
      const onDisk = memberOf(lab, "n1").image.entries.slice(0, durableIndex);
      expect(onDisk).toEqual(log.entries.slice(0, durableIndex));
    }
    persist(lab, "n1");
    expect(memberOf(lab, "n1").image.entries).toEqual(raftOf(lab, "n1").log.entries);
    expect(raftOf(lab, "n1").durableIndex).toBe(termsOf(lab, "n1").length);
  });

  it("C13: a single member applies only what is on its disk", () => {
    const lab = createLab(["n1"]);
    tick(lab, "n1");
    setDisk(lab, "n1", "slow");
    proposeAt(lab, "n1", "a");
    expect(appliedAt(lab, "n1")).toEqual([]);
    crash(lab, "n1");
    restart(lab, "n1");
    expect(termsOf(lab, "n1")).toEqual([1, 2]);
    tick(lab, "n1");
    proposeAt(lab, "n1", "b");
    expect(appliedAt(lab, "n1")).toEqual(["b"]);
  });

  it("C14: the leader's write fails after it has sent: the followers keep the entry", () => {
    const lab = led();
    setDisk(lab, "n1", "slow");
    proposeAt(lab, "n1", "a");
    deliver(lab, choose({ to: "n2" }));
    drop(lab);
    crash(lab, "n1"); // a member whose disk fails stops
    tick(lab, "n3", 10);
    timeOut(lab, "n2");
    settle(lab);
    expect(appliedAt(lab, "n2")).toEqual(["a"]);
    expect(appliedAt(lab, "n3")).toEqual(["a"]);
  });

  it("C14: a leader whose own write fails stops, and what it sent is kept by the others", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    const old = world.leader();
    world.settle(world.propose(old.id, "before"));
    world.fault = (id, { kind }) =>
      id === old.id && kind === "sync" ? { kind: "fail", code: "EIO" } : null;
    const answer = world.propose(old.id, "sent");
    const fresh = world.leader(old.id);
    expect(old.events.stopped).toMatchObject([{ error: { code: "STORAGE_FAILED" } }]);
    expect(answer.error).toMatchObject({ code: "STOPPED", outcome: "unknown" });
    world.clock.advance(500);
    expect(fresh.journal.texts).toEqual(["before", "sent"]);
    expect(old.journal.texts).toEqual(["before"]);
  });

  it("C15: an idle cluster repairs a conflicting tail with one-entry batches", () => {
    const lab = createLab(names, {
      settings: { appendBytesMax: 1, inflightBytesMax: 1, inflightMessagesMax: 1 },
    });
    const tail = (term: number) => Array.from({ length: 60 }, () => term);
    placeMember(lab, "n1", names, { terms: [1, ...tail(4)], commit: 1 });
    placeMember(lab, "n2", names, { terms: [1, ...tail(2), ...tail(3)], commit: 1, term: 4 });
    placeMember(lab, "n3", names, { terms: [1, ...tail(4)], commit: 1 });
    let messages = 0;
    lab.onLeave = () => messages++;
    elect(lab, "n1");
    tick(lab, "n1");
    settle(lab);
    expect(termsOf(lab, "n2")).toEqual(termsOf(lab, "n1"));
    expect(messages).toBeLessThan(4 * 61 * 2);
  });

  it("C16: a long tail of many terms is skipped by the term, in both directions", () => {
    const terms = (of: (i: number) => number) => [
      1,
      ...Array.from({ length: 5000 }, (_, i) => of(i)),
    ];
    const lab = createLab(names);
    placeMember(lab, "n1", names, { terms: terms((i) => 2 + 2 * Math.floor(i / 500)), commit: 1 });
    placeMember(lab, "n2", names, {
      terms: terms((i) => 1 + 2 * Math.floor(i / 500)),
      commit: 1,
      term: 20,
    });
    placeMember(lab, "n3", names, { terms: terms((i) => 2 + 2 * Math.floor(i / 500)), commit: 1 });
    let conflicts = 0;
    lab.onLeave = (message) => {
      if (message.kind !== "append-entries-response") return;
      if (message.outcome.kind === "conflict") conflicts++;
    };
    elect(lab, "n1");
    settle(lab);
    expect(termsOf(lab, "n2")).toEqual(termsOf(lab, "n1"));
    expect(conflicts).toBeLessThanOrEqual(20); // one a term, not one an entry
  });

  it("C17: late refusals leave `matched < next`, and stop nothing", () => {
    const lab = createLab(names);
    placeMember(lab, "n1", names, { terms: [1, 2, 2, 4, 4] });
    placeMember(lab, "n2", names, { terms: [1, 2, 3], term: 4 });
    const refusals: Parameters<typeof receive>[1][] = [];
    lab.onLeave = (message) => {
      if (message.kind !== "append-entries-response") return;
      if (message.outcome.kind === "conflict") refusals.push(message);
    };
    elect(lab, "n1");
    expect(refusals.length).toBeGreaterThan(0);
    for (const refusal of [...refusals, ...refusals]) {
      receive(lab, refusal); // the lab checks the state after each step
      proposeAt(lab, "n1", "x");
      receive(lab, refusal);
      settle(lab);
    }
    expect(raftOf(lab, "n1").leadership?.peers.get(raftOf(lab, "n2").id)).toMatchObject({
      mode: "replicate",
      matched: raftOf(lab, "n1").log.entries.length,
    });
  });

  it("C18: a follower that lost acknowledged entries is fed again, and nobody stops", () => {
    const lab = led();
    proposeAt(lab, "n1", "a", "b", "c");
    settle(lab);
    crash(lab, "n2");
    restart(lab, "n2", { mustCatchUp: true, loseFrom: 3 });
    timeOut(lab, "n2");
    expect(raftOf(lab, "n2").role).toBe("follower");
    tick(lab, "n1");
    settle(lab);
    expect(appliedAt(lab, "n2")).toEqual(["a", "b", "c"]);
  });

  it("C18: it votes again only under a leader that was elected without it", () => {
    const lab = led();
    proposeAt(lab, "n1", "a");
    settle(lab);
    crash(lab, "n2");
    restart(lab, "n2", { mustCatchUp: true, loseFrom: 3 });
    for (let i = 0; i < 60; i++) {
      for (const name of names) tick(lab, name);
      settle(lab);
    }
    expect(raftOf(lab, "n2").hardState.mustCatchUp).toBe(false);
    expect(raftOf(lab, "n2").hardState.term).toBeGreaterThan(2);
    expect(names.filter((name) => raftOf(lab, name).role === "leader")).not.toContain("n2");
    expect(appliedAt(lab, "n2")).toEqual(["a"]);
  });

  it("C18: where the others cannot elect without it, a working leader is left alone", () => {
    const lab = createLab(["n1", "n2"]);
    elect(lab, "n1");
    crash(lab, "n2");
    restart(lab, "n2", { mustCatchUp: true });
    for (let i = 0; i < 40; i++) {
      for (const name of ["n1", "n2"]) tick(lab, name);
      settle(lab);
    }
    expect(raftOf(lab, "n1")).toMatchObject({ role: "leader", hardState: { term: 2 } });
    expect(raftOf(lab, "n2").hardState.mustCatchUp).toBe(true);
  });

  it("C18: with a voter down, the one that lost entries takes no working leader away", () => {
    const lab = led();
    proposeAt(lab, "n1", "a");
    settle(lab);
    crash(lab, "n3");
    crash(lab, "n2");
    restart(lab, "n2", { mustCatchUp: true, loseFrom: 3 });
    for (let i = 0; i < 60; i++) {
      for (const name of ["n1", "n2"]) tick(lab, name);
      settle(lab);
    }
    expect(raftOf(lab, "n1")).toMatchObject({ role: "leader", hardState: { term: 2 } });
    expect(raftOf(lab, "n2").hardState.mustCatchUp).toBe(true);
    expect(appliedAt(lab, "n2")).toEqual(["a"]);
    feed(lab, "n2", { kind: "peer-reachable", peer: nodeId("n3") });
    tick(lab, "n2");
    expect(raftOf(lab, "n2").hardState.term).toBe(3);
  });

  it("C19: a peer that hangs holds up nobody else", () => {
    const lab = led();
    lab.cut.add("n1>n2");
    feed(lab, "n1", { kind: "peer-unreachable", peer: nodeId("n2") });
    for (let i = 0; i < 5; i++) {
      proposeAt(lab, "n1", `${i}`);
      tick(lab, "n1");
      settle(lab);
      expect(raftOf(lab, "n1").commit).toBe(3 + i);
    }
    expect(appliedAt(lab, "n3")).toEqual(["0", "1", "2", "3", "4"]);
  });

  it("C19: a member stops though its peers take nothing", () => {
    const world = new NodeWorld().startAll();
    const { id, member } = world.leader();
    world.isolate(id);
    const answer = world.propose(id, "never sent");
    const startedMs = world.clock.nowMs();
    world.stop(id);
    expect(world.clock.nowMs() - startedMs).toBeLessThan(100);
    expect([answer.count, member.isRunning]).toEqual([1, false]);
  });

  it("C20: repeated and empty appends are acknowledged as far as the disk, not the memory", () => {
    const lab = led();
    setDisk(lab, "n2", "slow");
    proposeAt(lab, "n1", "a");
    const [request] = lab.network.filter(choose({ to: "n2" }));
    deliver(lab, choose({ to: "n2" }));
    if (request !== undefined) receive(lab, request);
    tick(lab, "n1");
    deliver(lab, choose({ to: "n2" }));
    for (const answer of lab.network.filter(choose({ from: "n2" }))) {
      expect(answer).toMatchObject({ outcome: { kind: "accepted", matched: 2 } });
    }
    drop(lab, choose({ to: "n3" }));
    settle(lab, choose({ to: "n1" }));
    expect(raftOf(lab, "n1").commit).toBe(2);
  });

  it("C21: a leader that lacks what is committed here ends the member", () => {
    const lab = led();
    proposeAt(lab, "n1", "a");
    settle(lab);
    tick(lab, "n1");
    settle(lab);
    expect(raftOf(lab, "n2").commit).toBe(3);
    // As after two members lost the same end of their disks: n3 leads without index 3.
    const request = append("n3", "n2", 9, { prev: [8, 3], commit: 3 });
    expect(() => receive(lab, request)).toThrow(/a leader's log has every committed entry/);
    const other = append("n3", "n3", 9, { prev: [1, 1], terms: [8, 8] });
    expect(() => receive(lab, other)).toThrow(/what is committed is never removed/);
  });
});
