/**
 * Traps of snapshots (F9, H9 to H12, H14, H15, G5, and what they add to C8 and D13) as far as they
 * are the core's: what it does with a position, an index and a term. Files are the storage's, bytes
 * on their way the node's: `docs/traps.md`.
 */
import { describe, expect, it } from "vitest";
import { logIndex } from "../../src/base/index.ts";
import type { Effect, InstallSnapshot, SnapshotRefused } from "../../src/core/index.ts";
import {
  add,
  append,
  appliedAt,
  changeAt,
  compact,
  crash,
  createLab,
  deliver,
  drop,
  elect,
  feed,
  giveSnapshot,
  type Lab,
  memberOf,
  membersAt,
  persist,
  placeMember,
  proposeAt,
  raftOf,
  receive,
  receiveSnapshot,
  report,
  restart,
  setDisk,
  settle,
  snapshotOf,
  sourceOf,
  takeOffer,
  takeSnapshot,
  termsOf,
  tick,
  transfer,
} from "../lab/index.ts";
import { ledBy1, run, three, twoTimeouts } from "./cluster.ts";

/** n1 leads, and has dropped what n3 lacks; n3 was offered a snapshot of 5. */
function offered(settings = {}): Lab {
  const lab = createLab(three, { settings });
  elect(lab, "n1");
  crash(lab, "n3");
  proposeAt(lab, "n1", "a", "b", "c");
  settle(lab);
  takeSnapshot(lab, "n1");
  compact(lab, "n1");
  restart(lab, "n3");
  run(lab, 1);
  expect(lab.offers).toMatchObject([{ peer: "n3", position: { index: 5 } }]);
  return lab;
}

/** More is committed, and the leader's log follows as closely as it may. */
function goOn(lab: Lab, ...commands: readonly string[]): void {
  proposeAt(lab, "n1", ...commands);
  settle(lab);
  takeSnapshot(lab, "n1");
  compact(lab, "n1");
}

function told(lab: Lab, name: string): Effect[] {
  const effects: Effect[] = [];
  lab.onEffect = (member, effect) => {
    if (member.id === name) effects.push(effect);
  };
  return effects;
}

function refusals(effects: readonly Effect[]): SnapshotRefused["why"][] {
  return effects.flatMap((effect) => (effect.kind === "snapshot-refused" ? [effect.why] : []));
}

function installs(effects: readonly Effect[]): InstallSnapshot[] {
  return effects.filter((effect) => effect.kind === "install-snapshot");
}

function progressOf(lab: Lab, peer: string) {
  return raftOf(lab, "n1").leadership?.peers.get(raftOf(lab, peer).id);
}

describe("what a snapshot brings", () => {
  it("F9: its members are those of its position, older and newer ones are told apart", () => {
    const lab = ledBy1(three, ["n4", "n5"]);
    changeAt(lab, "n1", add("n4", "learner"));
    settle(lab);
    run(lab, 2);
    const at = raftOf(lab, "n1").configurationIndex;
    proposeAt(lab, "n1", "a");
    settle(lab);
    const snapshot = takeSnapshot(lab, "n1");
    expect(snapshot.position.index).toBe(at + 1);
    expect(snapshot.configurationIndex).toBe(at);
    expect(raftOf(lab, "n1").snapshot).toMatchObject({ configurationIndex: at });
    // An entry behind it in a log that stays is the newer one, and stays in force.
    changeAt(lab, "n1", add("n5", "learner"));
    settle(lab);
    const before = membersAt(lab, "n2");
    crash(lab, "n2");
    memberOf(lab, "n2").image.commit = logIndex(1);
    restart(lab, "n2");
    expect(raftOf(lab, "n2").commit).toBe(1);
    giveSnapshot(lab, "n2", snapshot, 2);
    expect(membersAt(lab, "n2")).toBe(before);
    expect(raftOf(lab, "n2").committedConfigurationIndex).toBe(at);
    // One that does not know what is committed here, or calls it newer than it is, is not ours.
    const effects = told(lab, "n3");
    const { commit } = raftOf(lab, "n3");
    const later = snapshotOf([1, 2, 2, 2, 2, 2, 2].slice(0, commit + 2), three);
    giveSnapshot(lab, "n3", later, 3);
    giveSnapshot(lab, "n3", { ...later, configurationIndex: logIndex(at) }, 3);
    expect(refusals(effects)).toEqual(["conflict", "conflict"]);
    expect(membersAt(lab, "n3")).toBe(before);
  });

  it("F9: a configuration that was not committed goes with the log that had it", () => {
    const lab = createLab(three);
    elect(lab, "n1");
    drop(lab);
    changeAt(lab, "n1", add("n4", "learner"));
    drop(lab);
    expect(membersAt(lab, "n1")).toBe("voters=n1,n2,n3 learners=n4");
    giveSnapshot(lab, "n1", snapshotOf([1, 1, 3, 3, 3, 3], three), 4);
    expect(membersAt(lab, "n1")).toBe("voters=n1,n2,n3");
  });

  it("H9: entries that match stay, and stay acknowledged", () => {
    const lab = createLab(three);
    placeMember(lab, "n3", three, { terms: [1, 1, 1, 2, 2], commit: 2 });
    setDisk(lab, "n3", "slow");
    const effects = told(lab, "n3");
    giveSnapshot(lab, "n3", snapshotOf([1, 1, 1], three), 2);
    expect(installs(effects)).toMatchObject([{ replacesLog: false }]);
    expect(raftOf(lab, "n3").durableIndex).toBe(5);
    crash(lab, "n3");
    restart(lab, "n3");
    expect(termsOf(lab, "n3")).toEqual([1, 1, 1, 2, 2]);
    giveSnapshot(lab, "n3", snapshotOf([1, 1, 1], three), 2);
    expect(memberOf(lab, "n3").image.entries).toHaveLength(5);
  });

  it("H10: entries that do not match go, on disk and in what is on its way there", () => {
    const lab = createLab(three);
    setDisk(lab, "n3", "slow");
    receive(lab, append("n1", "n3", 2, { prev: [1, 1], terms: [2, 2, 2, 2, 2] }));
    giveSnapshot(lab, "n3", snapshotOf([1, 3, 3, 3], three), 4);
    expect(termsOf(lab, "n3")).toEqual([]);
    receive(lab, append("n2", "n3", 4, { prev: [3, 4] }));
    persist(lab, "n3", 2); // the entries, and the term
    const accepted = lab.network.filter((message) => message.kind === "append-entries-response");
    expect(accepted.at(-1)?.outcome).toMatchObject({ kind: "accepted", matched: 1 });
    expect(raftOf(lab, "n3").durableIndex).toBe(1);
    persist(lab, "n3");
    expect(memberOf(lab, "n3").image).toMatchObject({ base: { term: 3, index: 4 }, entries: [] });
    crash(lab, "n3");
    restart(lab, "n3");
    expect(raftOf(lab, "n3")).toMatchObject({ commit: 4, durableIndex: 4 });
  });

  it("H11: what contradicts what is committed is refused, and said to be so", () => {
    const lab = createLab(three, { terms: [1, 1, 2, 2], commit: 3 });
    const effects = told(lab, "n2");
    giveSnapshot(lab, "n2", snapshotOf([1, 1, 3], three), 5);
    expect(refusals(effects)).toEqual(["conflict"]);
    tick(lab, "n2");
    takeSnapshot(lab, "n2");
    compact(lab, "n2");
    giveSnapshot(lab, "n2", snapshotOf([1, 1, 3], three), 5);
    // Nor what the leader's log contradicts, which has all that is committed.
    receive(lab, append("n1", "n2", 6, { prev: [2, 4], terms: [6] }));
    giveSnapshot(lab, "n2", snapshotOf([1, 1, 2, 5], three), 6);
    expect(refusals(effects)).toEqual(["conflict", "conflict", "conflict"]);
    expect(raftOf(lab, "n2").log).toMatchObject({ base: { index: 3 }, entries: [{}, {}] });
    const led = ledBy1(three);
    const byLeader = told(led, "n1");
    giveSnapshot(led, "n1", snapshotOf([1, 1, 1, 1], three), 2);
    expect(refusals(byLeader)).toEqual(["conflict"]);
    expect(termsOf(led, "n1")).toEqual([1, 2]);
  });

  it("C8: what is committed in the base stays, whoever asks for what", () => {
    const lab = createLab(three, { terms: [1, 1, 1] });
    tick(lab, "n2");
    takeSnapshot(lab, "n2");
    compact(lab, "n2");
    const forged = append("n1", "n2", 3, { prev: [1, 2], terms: [2, 3] });
    expect(() => receive(lab, forged)).toThrow(/every committed entry/);
    crash(lab, "n2");
    restart(lab, "n2");
    expect(raftOf(lab, "n2")).toMatchObject({ commit: 3, applied: 3 });
    expect(() => restart(lab, "n2", { loseFrom: 3 })).not.toThrow();
    expect(raftOf(lab, "n2").commit).toBe(3);
  });

  it("D13: nothing is applied or read behind a snapshot before its state is there", () => {
    const lab = offered();
    memberOf(lab, "n3").machine = "hung";
    transfer(lab, "n3");
    run(lab, 2);
    expect(raftOf(lab, "n3")).toMatchObject({ commit: 5, applied: 1 });
    goOn(lab, "d");
    run(lab, 2);
    expect(raftOf(lab, "n3")).toMatchObject({ commit: 6, applied: 1, applying: 5 });
    expect(() => takeSnapshot(lab, "n3")).toThrow(/what was applied/);
    feed(lab, "n3", { kind: "applied", index: logIndex(5) });
    expect(raftOf(lab, "n3").applying).toBe(6);
  });
});

describe("a snapshot that is needed", () => {
  it("H12: a leader with nothing but a base still says so, and goes on", () => {
    const lab = ledBy1(three);
    crash(lab, "n3");
    goOn(lab, "a");
    expect(raftOf(lab, "n1").log.entries).toEqual([]);
    restart(lab, "n3");
    run(lab, 2); // nobody proposes anything
    transfer(lab, "n3");
    run(lab, 2);
    expect(appliedAt(lab, "n3")).toEqual(["a"]);
    expect(progressOf(lab, "n3")).toMatchObject({ mode: "replicate", matched: 3 });
    // A new leader knows nothing of its peers, and has nothing below its base.
    crash(lab, "n2");
    placeMember(lab, "n2", three, { terms: [1], term: 2 });
    elect(lab, "n3");
    run(lab, 2);
    expect(lab.offers).toMatchObject([{ peer: "n2", leader: "n3" }]);
  });

  it("H14: it is installed between what was asked for before and after, one at a time", () => {
    const lab = createLab(three);
    setDisk(lab, "n3", "slow");
    memberOf(lab, "n3").machine = "hung";
    receive(lab, append("n1", "n3", 2, { prev: [1, 1], terms: [2, 2] }));
    const effects = told(lab, "n3");
    giveSnapshot(lab, "n3", snapshotOf([1, 3, 3], three), 4);
    giveSnapshot(lab, "n3", snapshotOf([1, 3, 3, 3], three), 5);
    receive(lab, append("n2", "n3", 5, { prev: [3, 4], terms: [5], commit: 5 }));
    expect(memberOf(lab, "n3").writing.map((what) => ("unit" in what ? what.unit : 0))).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
    expect(memberOf(lab, "n3").writing.map(({ kind }) => kind)).toEqual([
      ...["persist", "persist", "install-snapshot", "persist", "install-snapshot", "persist"],
    ]);
    expect(effects.filter(({ kind }) => kind === "apply")).toEqual([]);
    feed(lab, "n3", { kind: "applied", index: logIndex(1) }); // of what it had before
    feed(lab, "n3", { kind: "applied", index: logIndex(3) }); // the first one
    expect(effects.filter(({ kind }) => kind === "apply")).toEqual([]);
    for (let crashes = 0; crashes <= 6; crashes++) {
      const copy = createLab(three);
      setDisk(copy, "n3", "slow");
      receive(copy, append("n1", "n3", 2, { prev: [1, 1], terms: [2, 2] }));
      giveSnapshot(copy, "n3", snapshotOf([1, 3, 3], three), 4);
      giveSnapshot(copy, "n3", snapshotOf([1, 3, 3, 3], three), 5);
      receive(copy, append("n2", "n3", 5, { prev: [3, 4], terms: [5], commit: 5 }));
      persist(copy, "n3", crashes);
      crash(copy, "n3");
      restart(copy, "n3");
      const { log, commit } = raftOf(copy, "n3");
      const ends = [1, 3, 3, 3, 3, 4, 5];
      expect(log.base.index + log.entries.length).toBe(ends[crashes]);
      expect(commit).toBeGreaterThanOrEqual(log.base.index);
    }
  });

  it("H15: the log behind it stays until it has arrived, and it is brought once", () => {
    const lab = offered();
    for (const command of ["d", "e", "f"]) goOn(lab, command);
    expect(raftOf(lab, "n1").snapshot?.position.index).toBe(8);
    expect(raftOf(lab, "n1").log.base.index).toBe(5);
    const offer = takeOffer(lab, "n3");
    // The one that was offered is what is brought, however much newer ones there are by now.
    receiveSnapshot(lab, offer, snapshotOf([1, 2, 2, 2, 2], three));
    report(lab, offer, "snapshot-sent");
    goOn(lab, "g");
    expect(raftOf(lab, "n1").log.base.index).toBe(5);
    run(lab, 2);
    expect(lab.offers).toEqual([]);
    expect(progressOf(lab, "n3")).toMatchObject({ mode: "replicate", matched: 9 });
    expect(compact(lab, "n1").index).toBe(9);
  });

  it("H15: a report that is lost, or early, or wrong, does not begin it again at once", () => {
    const lab = offered({ snapshotTicks: 50 });
    const offer = takeOffer(lab, "n3");
    for (let i = 0; i < 10; i++) {
      report(lab, offer, "snapshot-moving");
      run(lab, 20);
    }
    expect(lab.offers).toEqual([]);
    run(lab, 49); // no sign for 50 ticks: it is asked what it has
    expect(lab.offers).toHaveLength(1);
    // It failed: with the next heartbeat, not in circles.
    report(lab, takeOffer(lab, "n3"), "snapshot-failed");
    settle(lab);
    expect(lab.offers).toEqual([]);
    run(lab, 1);
    expect(lab.offers).toHaveLength(1);
    // It is there, and nobody says so: its own answer does.
    receiveSnapshot(lab, offer, sourceOf(lab, takeOffer(lab, "n3")));
    run(lab, 2);
    expect(progressOf(lab, "n3")).toMatchObject({ mode: "replicate", matched: 5 });
    // Said to be there, and it is not: what it answers to the next heartbeat counts.
    crash(lab, "n3");
    placeMember(lab, "n3", three, { terms: [1], term: 2 });
    run(lab, 3);
    report(lab, takeOffer(lab, "n3"), "snapshot-sent");
    expect(lab.offers).toEqual([]);
    run(lab, 1);
    expect(lab.offers).toHaveLength(1);
  });

  it("G5: a follower that is away keeps nothing, one that gets a snapshot what follows it", () => {
    const lab = offered({ snapshotTicks: 50 });
    takeOffer(lab, "n3");
    goOn(lab, "d");
    expect(raftOf(lab, "n1").log.base.index).toBe(5);
    crash(lab, "n3");
    for (let i = 0; i < twoTimeouts + 20; i++) {
      tick(lab, "n1");
      tick(lab, "n2");
      settle(lab);
    }
    goOn(lab, "e");
    expect(raftOf(lab, "n1").log.entries).toEqual([]);
    // One whose entries are on their way is asked before it is given up.
    proposeAt(lab, "n1", "f");
    deliver(lab);
    deliver(lab);
    expect(progressOf(lab, "n2")).toMatchObject({ mode: "replicate" });
    // The host may not wait: what it gives up is not kept.
    restart(lab, "n3");
    run(lab, 2);
    const offer = takeOffer(lab, "n3");
    goOn(lab, "g");
    report(lab, offer, "snapshot-failed");
    goOn(lab, "h");
    expect(raftOf(lab, "n1").log.entries).toEqual([]);
    run(lab, 2);
    expect(lab.offers).toMatchObject([{ position: raftOf(lab, "n1").log.base }]);
  });
});
