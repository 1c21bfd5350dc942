/** Room: what a member takes over, what it says of it, and what its leader does then. */
import { describe, expect, it } from "vitest";
import {
  append,
  choose,
  crash,
  createLab,
  deliver,
  drop,
  elect,
  feed,
  type Lab,
  memberOf,
  persist,
  proposeAt,
  raftOf,
  receive,
  setDisk,
  settle,
  tick,
  timeOut,
} from "../../test/lab/index.ts";
import { logIndex, nodeId } from "../base/index.ts";
import { backlogBytes, defaultSettings, describeBadSettings, lastIndex } from "./index.ts";
import { createProgress, recordFullness } from "./progress.ts";

const names = ["n1", "n2", "n3"];
/** With its share of bookkeeping 100 bytes. */
const text = "x".repeat(68);
const settings = { backlogBytesMax: 1000, inflightBytesMax: 500, appendBytesMax: 200 };

function lead(changes: Partial<typeof settings> = {}): Lab {
  const lab = createLab(names, { settings: { ...settings, ...changes } });
  elect(lab, "n1");
  return lab;
}

function progressOf(lab: Lab, name: string) {
  const progress = raftOf(lab, "n1").leadership?.peers.get(nodeId(name));
  if (progress === undefined) throw new Error(`n1 does not send to ${name}`);
  return progress;
}

/** Proposes one after the other; each reaches everybody that it can. */
function write(lab: Lab, count: number): void {
  for (let i = 0; i < count; i++) {
    proposeAt(lab, "n1", text);
    settle(lab);
  }
}

/** Its machine has caught up, at least with what it was given. */
function applyAt(lab: Lab, name: string): void {
  const member = memberOf(lab, name);
  member.machine = "fast";
  feed(lab, name, { kind: "applied", index: logIndex(member.applied.length) });
}

describe("a follower whose disk stands still", () => {
  it("holds no more than its bound, while the others go on", () => {
    const lab = lead();
    setDisk(lab, "n2", "slow");
    let most = 0;
    lab.onEffect = (member) => {
      if (member.id === "n2") most = Math.max(most, backlogBytes(member.raft));
    };
    write(lab, 100);
    expect(raftOf(lab, "n1").commit).toBe(lastIndex(raftOf(lab, "n1").log));
    expect(raftOf(lab, "n3").commit).toBe(raftOf(lab, "n1").commit);
    expect(most).toBeGreaterThan(settings.backlogBytesMax / 2);
    expect(most).toBeLessThanOrEqual(settings.backlogBytesMax);
    expect(progressOf(lab, "n2")).toMatchObject({ isFull: true });
    expect(progressOf(lab, "n3")).toMatchObject({ isFull: false, inflight: [] });
  });

  it("gets heartbeats and nothing else, and does not stand for election", () => {
    const lab = lead();
    setDisk(lab, "n2", "slow");
    write(lab, 20);
    for (let i = 0; i < 30; i++) {
      proposeAt(lab, "n1", text);
      tick(lab, "n1");
      tick(lab, "n2");
      for (const message of deliver(lab, choose({ from: "n1", to: "n2" }))) {
        expect(message).toMatchObject({ kind: "append-entries", entries: [] });
      }
      settle(lab);
    }
    expect(raftOf(lab, "n2")).toMatchObject({ role: "follower", leader: "n1" });
  });

  it("says itself when there is room again, and gets the rest without a heartbeat", () => {
    const lab = lead();
    setDisk(lab, "n2", "slow");
    write(lab, 50);
    expect(progressOf(lab, "n2").isFull).toBe(true);
    for (let i = 0; i < 100 && persist(lab, "n2") > 0; i++) settle(lab);
    expect(raftOf(lab, "n2").durableIndex).toBe(lastIndex(raftOf(lab, "n1").log));
    expect(progressOf(lab, "n2")).toMatchObject({ isFull: false, inflight: [] });
  });

  it("is heard with the next heartbeat where what it said was lost", () => {
    const lab = lead();
    setDisk(lab, "n2", "slow");
    write(lab, 50);
    while (persist(lab, "n2") > 0) drop(lab, choose({ from: "n2" }));
    expect(progressOf(lab, "n2").isFull).toBe(true);
    setDisk(lab, "n2", "fast");
    tick(lab, "n1");
    settle(lab);
    expect(progressOf(lab, "n2").isFull).toBe(false);
    expect(raftOf(lab, "n2").durableIndex).toBe(lastIndex(raftOf(lab, "n1").log));
  });

  it("takes no more from a leader that does not listen", () => {
    const lab = lead();
    setDisk(lab, "n2", "slow");
    const { log, hardState } = raftOf(lab, "n2");
    for (let i = 0; i < 60; i++) {
      const last = lastIndex(log);
      const prevTerm = log.entries[last - 1]?.term ?? 0;
      const prev = [prevTerm, last] as const;
      const terms = [hardState.term, hardState.term, hardState.term];
      receive(lab, append("n1", "n2", hardState.term, { prev, terms, sequence: 10 + i }));
      expect(backlogBytes(raftOf(lab, "n2"))).toBeLessThanOrEqual(settings.backlogBytesMax);
    }
    const answers = drop(lab, choose({ from: "n2", to: "n1" }));
    expect(answers.at(-1)).toMatchObject({ isFull: true, outcome: { kind: "accepted" } });
  });

  it("takes one append of any size when it has nothing", () => {
    const lab = lead({ backlogBytesMax: 150, inflightBytesMax: 50, appendBytesMax: 50 });
    proposeAt(lab, "n1", "x".repeat(5000));
    settle(lab);
    expect(raftOf(lab, "n2").durableIndex).toBe(lastIndex(raftOf(lab, "n1").log));
  });
});

describe("a follower whose machines stand still", () => {
  it("holds no more than its bound, and goes on when they do", () => {
    const lab = lead();
    memberOf(lab, "n2").machine = "hung";
    write(lab, 100);
    expect(backlogBytes(raftOf(lab, "n2"))).toBeLessThanOrEqual(settings.backlogBytesMax);
    expect(progressOf(lab, "n2").isFull).toBe(true);
    for (let i = 0; i < 20; i++) {
      applyAt(lab, "n2");
      settle(lab);
    }
    expect(raftOf(lab, "n2").applied).toBe(raftOf(lab, "n1").commit);
    expect(progressOf(lab, "n2").isFull).toBe(false);
  });

  it("does not count what only waits to be committed: nobody could commit it then", () => {
    const lab = lead({ backlogBytesMax: 300 });
    const isHeldBack = choose({ kind: "append-entries-response" });
    for (let i = 0; i < 10; i++) {
      proposeAt(lab, "n1", text);
      settle(lab, (message) => !isHeldBack(message));
      drop(lab);
    }
    expect(raftOf(lab, "n2").commit).toBeLessThan(raftOf(lab, "n2").durableIndex);
    tick(lab, "n1", 2);
    settle(lab);
    expect(raftOf(lab, "n1").commit).toBe(lastIndex(raftOf(lab, "n1").log));
  });
});

describe("a leader", () => {
  it("refuses what its own disk cannot keep up with, though the others commit", () => {
    const lab = lead();
    setDisk(lab, "n1", "slow");
    for (let i = 0; i < 50; i++) {
      proposeAt(lab, "n1", text);
      settle(lab);
    }
    expect(raftOf(lab, "n1").leadership?.uncommittedBytes).toBe(0);
    expect(backlogBytes(raftOf(lab, "n1"))).toBeLessThanOrEqual(settings.backlogBytesMax);
    expect(proposeAt(lab, "n1", text)).toEqual({ kind: "refused", why: "overloaded" });
    setDisk(lab, "n1", "fast");
    expect(proposeAt(lab, "n1", text)).toMatchObject({ kind: "appended" });
  });

  it("opens its term though it inherits more than it may hold, and drains it", () => {
    const terms = Array.from({ length: 40 }, () => 1);
    const own = { n1: { uncommittedBytesMax: 200 } };
    const lab = createLab(names, { settings, own, terms, commit: 1 });
    timeOut(lab, "n1");
    settle(lab, (message) => message.kind !== "append-entries");
    expect(raftOf(lab, "n1").role).toBe("leader");
    expect(proposeAt(lab, "n1", text)).toEqual({ kind: "refused", why: "overloaded" });
    settle(lab);
    expect(raftOf(lab, "n1").commit).toBe(41);
    expect(proposeAt(lab, "n1", text)).toMatchObject({ kind: "appended" });
  });

  it("asks a peer that does not answer with a window of entries at most", () => {
    const lab = lead();
    write(lab, 30);
    crash(lab, "n3");
    feed(lab, "n1", { kind: "peer-unreachable", peer: nodeId("n3") });
    proposeAt(lab, "n1", text, text, text, text);
    let bytes = 0;
    let count = 0;
    lab.onLeave = (message) => {
      if (message.kind !== "append-entries" || message.to !== "n3") return;
      count++;
      for (const { data } of message.entries) bytes += data.length + 32;
    };
    for (let i = 0; i < 50; i++) {
      tick(lab, "n1");
      settle(lab);
    }
    expect(count).toBe(50); // one message a heartbeat
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(settings.inflightBytesMax + settings.appendBytesMax);
  });

  it("forgets that a peer was full when its connection ends", () => {
    const lab = lead();
    setDisk(lab, "n2", "slow");
    write(lab, 30);
    expect(progressOf(lab, "n2").isFull).toBe(true);
    feed(lab, "n1", { kind: "peer-unreachable", peer: nodeId("n2") });
    expect(progressOf(lab, "n2").isFull).toBe(false);
  });
});

describe("a process that is short of memory", () => {
  it("goes on with one append at a time", () => {
    const lab = lead();
    for (const name of names) feed(lab, name, { kind: "memory", isTight: true });
    for (const name of names) setDisk(lab, name, "slow");
    expect(proposeAt(lab, "n1", text)).toMatchObject({ kind: "appended" });
    expect(proposeAt(lab, "n1", text)).toMatchObject({ kind: "appended" });
    expect(proposeAt(lab, "n1", text)).toEqual({ kind: "refused", why: "overloaded" });
    for (const name of names) setDisk(lab, name, "fast");
    settle(lab);
    for (let i = 0; i < 20; i++) {
      expect(proposeAt(lab, "n1", text)).toMatchObject({ kind: "appended" });
      settle(lab);
    }
    expect(raftOf(lab, "n3").commit).toBe(lastIndex(raftOf(lab, "n1").log));
    feed(lab, "n1", { kind: "memory", isTight: false });
    expect(proposeAt(lab, "n1", text, text, text, text)).toMatchObject({ kind: "appended" });
  });
});

describe("what a leader believes of a peer's room", () => {
  it("goes by the newest append that was answered", () => {
    const progress = createProgress(logIndex(2), 0);
    const hear = (sequence: number, isFull: boolean): boolean => {
      recordFullness(progress, sequence, isFull);
      return progress.isFull;
    };
    expect(hear(5, true)).toBe(true);
    expect(hear(4, false)).toBe(true); // overtaken
    expect(hear(5, false)).toBe(false); // there is room again
    expect(hear(5, true)).toBe(false); // waited for the disk
    expect(hear(6, true)).toBe(true);
    expect(hear(7, false)).toBe(false);
  });
});

describe("settings", () => {
  it("refuse a backlog that what is on its way would not fit into", () => {
    const bad = { ...defaultSettings, backlogBytesMax: 2 * defaultSettings.inflightBytesMax - 1 };
    expect(describeBadSettings(bad)).toMatch(/must be at least twice inflightBytesMax \(8388608\)/);
    expect(describeBadSettings({ ...bad, backlogBytesMax: bad.backlogBytesMax + 1 })).toBeNull();
    expect(describeBadSettings(defaultSettings)).toBeNull();
  });
});
