/**
 * The safety bugs of the other Raft libraries in JavaScript, one test for each that concerns the
 * core.
 *
 * Tested here, by library and number in our list of its bugs:
 *
 * - liferaft: 1 term and vote never stored; 2 two votes in one term; 3 an empty log beats every
 *   log; 4 concurrent commands take one index; 5 log matching by index only; 6 a late append
 *   truncates; 7 old terms committed by counting; 8 applied twice; 10 one entry a heartbeat; 11
 *   leads without a majority
 * - antietcd: 1 stale reads; 2 the lease forgets the leader; 3 a split vote restarts at once; 4
 *   votes not stored; 7 a failed write stays in memory
 * - raft-core: 1 waiters by index only (and in the node); 2 the no-op comes after the role; 5 a
 *   truncated configuration stays; 7 the whole tail is sent again; 8 no CheckQuorum
 * - zmq-raft: 1 a repeated request is answered early; 3 an old append kills the peer; 5 truncates
 *   always; 6 reads without a majority
 * - consensus.raft: a commit index beyond the log after a crash
 * - tinyraftplus: half is a quorum; votes forgotten; late appends trim; old terms counted; reads
 *   before the no-op; concurrent appends
 * - skiff: votes by index only; answers before storing; unbounded commit; any term
 * - gaggle: majority of 3 is 3; heartbeats commit what differs; the last conflict, not the first
 * - raft.js: the majority index sorts numbers as text (and in `commitment.test.ts`)
 * - unrdf consensus: votes of an old election count
 *
 * Elsewhere:
 *
 * | bugs | where |
 * |---|---|
 * | liferaft 9; antietcd 5, 6; zmq-raft 2, 4 (sync, checksums, write errors) | storage |
 * | raft-core 9 (listens everywhere, identity from a header) | transport |
 * | antietcd 8, raft-core 6 (static members, changes that overlap) | `membership.test.ts` |
 * | raft-core 3 (a late snapshot over a newer state) | `snapshots.test.ts` |
 * | raft-core 4 (snapshots of more than a chunk) | `node/snapshots/snapshot-fetch.test.ts` |
 * | zmq-raft 7 (old log files stay) | `storage/wal/compaction.test.ts` |
 * | zmq-raft 8 (installation) | the package has no dependencies and no install script |
 * | zmq-raft 9 (security in clear text) | nowhere: peers speak without TLS (operating.md) |
 */
import { describe, expect, it } from "vitest";
import { encodeConfiguration, majority, propose, step, takeEffects } from "../../src/core/index.ts";
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
  memberOf,
  partition,
  persist,
  placeMember,
  proposeAt,
  raftOf,
  readAt,
  receive,
  requestVote,
  restart,
  setDisk,
  settle,
  termsOf,
  tick,
  timeOut,
} from "../lab/index.ts";

const names = ["n1", "n2", "n3"];

function led(settings = {}) {
  const lab = createLab(names, { settings });
  elect(lab, "n1");
  return lab;
}

describe("liferaft", () => {
  it("1 (also antietcd 4, tinyraftplus): no second vote in a term after a restart", () => {
    const lab = createLab(names);
    receive(lab, requestVote("n2", "n1", 7, [1, 1]));
    crash(lab, "n1");
    restart(lab, "n1");
    receive(lab, requestVote("n3", "n1", 7, [1, 1]));
    expect(lab.network).toMatchObject([{ refused: null }, { refused: "voted-for-other" }]);
  });

  it("2: two requests in one turn, one vote", () => {
    const lab = createLab(names);
    const { raft } = memberOf(lab, "n1");
    step(raft, { kind: "receive", message: requestVote("n2", "n1", 2, [1, 1]) });
    step(raft, { kind: "receive", message: requestVote("n3", "n1", 2, [1, 1]) });
    const sent = takeEffects(raft).flatMap((effect) => (effect.kind === "send" ? [effect] : []));
    expect(sent.map((send) => send.message)).toMatchObject([
      { to: "n2", refused: null },
      { to: "n3", refused: "voted-for-other" },
    ]);
  });

  it("3: an empty log loses to every log, whatever its term", () => {
    const lab = led();
    proposeAt(lab, "n1", "a", "b");
    settle(lab);
    tick(lab, "n2", 10);
    for (const last of [
      [0, 0],
      [1, 1],
    ] as const) {
      receive(lab, requestVote("n3", "n2", 50, last));
      expect(lab.network.at(-1)).toMatchObject({ refused: "log-behind" });
    }
  });

  it("4 (also tinyraftplus): 64 commands at once get 64 indexes, and all are applied", () => {
    const lab = led();
    const { raft } = memberOf(lab, "n1");
    const firsts = new Set<number>();
    for (let i = 0; i < 64; i++) {
      const result = propose(raft, [new TextEncoder().encode(`c${i}`)]);
      if (result.kind === "appended") firsts.add(result.first);
    }
    expect(firsts.size).toBe(64);
    tick(lab, "n1");
    settle(lab);
    for (const name of names) expect(new Set(appliedAt(lab, name)).size).toBe(64);
  });

  it("5: log matching compares the term of the entry before", () => {
    const lab = createLab(names);
    placeMember(lab, "n1", names, { terms: [1, 1], commit: 1, term: 4 });
    receive(lab, append("n2", "n1", 4, { prev: [4, 2], commit: 2 }));
    expect(lab.network[0]).toMatchObject({ outcome: { kind: "conflict" } });
    expect(raftOf(lab, "n1").commit).toBe(1);
  });

  it("6 (also zmq-raft 5, tinyraftplus): a late append removes no acknowledged entry", () => {
    const lab = led();
    proposeAt(lab, "n1", "a");
    const late = lab.network.filter(choose({ to: "n2" }));
    settle(lab);
    proposeAt(lab, "n1", "b", "c");
    settle(lab, choose({ to: "n2" }));
    for (const message of late) receive(lab, message);
    expect(termsOf(lab, "n2")).toEqual([1, 2, 2, 2, 2]);
    expect(memberOf(lab, "n2").image.entries).toHaveLength(5);
  });

  it("7 (also skiff, tinyraftplus): an old term's entry is not committed by counting", () => {
    const lab = createLab(names, { settings: { preVote: false } });
    for (const name of names) placeMember(lab, name, names, { terms: [1, 1], commit: 1 });
    timeOut(lab, "n1");
    settle(lab, (message) => message.kind !== "append-entries");
    drop(lab);
    for (const name of ["n2", "n3"]) receive(lab, append("n1", name, 2, { prev: [1, 2] }));
    settle(lab, choose({ to: "n1" }));
    expect(raftOf(lab, "n1").commit).toBe(1);
  });

  it("8: every command is applied once, though every answer comes twice", () => {
    const lab = led();
    const commands = Array.from({ length: 30 }, (_, i) => `c${i}`);
    for (const command of commands) proposeAt(lab, "n1", command);
    for (let i = 0; i < 100 && lab.network.length > 0; i++) {
      for (const message of deliver(lab)) receive(lab, message);
    }
    expect(appliedAt(lab, "n1")).toEqual(commands);
  });

  it("10: a follower 200 entries behind is level within two heartbeats", () => {
    const lab = led();
    crash(lab, "n3");
    for (let i = 0; i < 200; i++) proposeAt(lab, "n1", `c${i}`);
    settle(lab);
    restart(lab, "n3");
    for (let i = 0; i < 2; i++) {
      tick(lab, "n1");
      settle(lab);
    }
    expect(appliedAt(lab, "n3")).toHaveLength(200);
  });

  it("11 (also raft-core 8): a leader without a majority steps down", () => {
    const lab = led();
    partition(lab);
    tick(lab, "n1", 10);
    expect(raftOf(lab, "n1").role).toBe("follower");
  });
});

describe("antietcd", () => {
  it("1 (also zmq-raft 6): a leader that was cut off answers no read", () => {
    const lab = led();
    partition(lab, ["n2", "n3"]);
    readAt(lab, "n1", 1);
    tick(lab, "n1", 9);
    expect(memberOf(lab, "n1").answers).toEqual([]);
    tick(lab, "n1");
    expect(memberOf(lab, "n1").answers).toMatchObject([{ failed: "leader-changed" }]);
  });

  it("2: with one of three down the leader stays, because it counts itself", () => {
    const lab = led();
    crash(lab, "n3");
    for (let i = 0; i < 600; i++) {
      tick(lab, "n1");
      tick(lab, "n2");
      settle(lab);
    }
    expect(raftOf(lab, "n1")).toMatchObject({ role: "leader", hardState: { term: 2 } });
  });

  it("3: refusals that can still be outvoted do not end a campaign", () => {
    const lab = createLab(["n1", "n2", "n3", "n4", "n5"], { settings: { preVote: false } });
    receive(lab, requestVote("n3", "n2", 2, [1, 1]));
    drop(lab);
    timeOut(lab, "n1");
    deliver(lab, choose({ to: "n2" }));
    deliver(lab, choose({ from: "n2" }));
    expect(raftOf(lab, "n1")).toMatchObject({ role: "candidate", hardState: { term: 2 } });
    settle(lab);
    expect(raftOf(lab, "n1").role).toBe("leader");
  });

  it("7: a refused command leaves no trace", () => {
    const lab = led({ uncommittedBytesMax: 50 });
    partition(lab);
    proposeAt(lab, "n1", "a");
    const before = termsOf(lab, "n1");
    expect(proposeAt(lab, "n1", "b", "c")).toEqual({ kind: "refused", why: "overloaded" });
    expect(proposeAt(lab, "n2", "d")).toEqual({ kind: "refused", why: "not-leader" });
    expect(termsOf(lab, "n1")).toEqual(before);
    expect(termsOf(lab, "n2")).toEqual([1, 2]);
  });
});

describe("raft-core", () => {
  it("1: a command's index may be another's in the end; its term tells", () => {
    const lab = led();
    partition(lab, ["n2", "n3"]);
    const mine = proposeAt(lab, "n1", "mine");
    tick(lab, "n3", 10);
    timeOut(lab, "n2");
    settle(lab);
    proposeAt(lab, "n2", "theirs");
    settle(lab);
    lab.cut.clear();
    for (let i = 0; i < 3; i++) {
      tick(lab, "n2");
      settle(lab);
    }
    expect(mine).toEqual({ kind: "appended", first: 3, term: 2 });
    expect(memberOf(lab, "n1").applied[2]).toMatchObject({ index: 3, term: 3 });
    expect(appliedAt(lab, "n1")).toEqual(["theirs"]);
  });

  it("2: the no-op owns its index before anybody sees the role", () => {
    const lab = createLab(["n1"]);
    const { raft } = memberOf(lab, "n1");
    step(raft, { kind: "tick", nowMs: 0, jitter: 0 });
    const [write] = takeEffects(raft).flatMap((effect) =>
      effect.kind === "persist" ? [effect] : [],
    );
    if (write !== undefined) step(raft, { kind: "persisted", unit: write.unit });
    // Leader, and nobody was told: a command in this very moment comes after the no-op.
    expect(raft.role).toBe("leader");
    expect(propose(raft, [new Uint8Array(1)])).toEqual({ kind: "appended", first: 3, term: 2 });
    expect(raft.log.entries.map((entry) => entry.kind)).toEqual([
      "configuration",
      "no-op",
      "command",
    ]);
  });

  it("5: a truncated configuration is no longer in force", () => {
    const lab = createLab(names);
    const four = [...names, "n4"];
    const request = append("n2", "n1", 2, { prev: [1, 1], terms: [2] });
    if (request.kind !== "append-entries") throw new Error("append makes appends");
    receive(lab, { ...request, entries: [entryOf(2, 2, four)] });
    expect(raftOf(lab, "n1").configuration.voters).toHaveLength(4);
    receive(lab, append("n3", "n1", 3, { prev: [1, 1], terms: [3] }));
    expect(raftOf(lab, "n1").configuration.voters).toHaveLength(3);
    expect(encodeConfiguration(raftOf(lab, "n1").configuration)).toEqual(
      raftOf(lab, "n1").log.entries[0]?.data,
    );
    expect(raftOf(lab, "n1").configurationIndex).toBe(1);
  });

  it("7: each entry is sent to each peer once", () => {
    const lab = led();
    let sent = 0;
    lab.onLeave = (message) => {
      if (message.kind === "append-entries") sent += message.entries.length;
    };
    for (let i = 0; i < 64; i++) proposeAt(lab, "n1", `c${i}`);
    settle(lab);
    expect(sent).toBe(2 * 64);
  });
});

describe("zmq-raft and consensus.raft", () => {
  it("1: a repeated request for a vote waits for the disk like the first", () => {
    const lab = createLab(names);
    setDisk(lab, "n1", "slow");
    for (let i = 0; i < 3; i++) receive(lab, requestVote("n2", "n1", 2, [1, 1]));
    expect(lab.network).toEqual([]);
    persist(lab, "n1");
    expect(lab.network).toHaveLength(3);
  });

  it("3: an append from below the commit index harms nobody", () => {
    const lab = led();
    proposeAt(lab, "n1", "a", "b", "c");
    const old = lab.network.filter(choose({ to: "n2" }));
    settle(lab);
    for (const message of old) receive(lab, message);
    receive(lab, append("n1", "n2", 2, { prev: [0, 0] }));
    expect(lab.network).toMatchObject([
      { outcome: { kind: "accepted", matched: 5 } },
      { outcome: { kind: "accepted", matched: 5 } },
    ]);
  });

  it("consensus.raft: no unit names a commit index above the entries on disk with it", () => {
    // The lab asserts it with every write; here at a leader that commits without its own disk.
    const lab = led();
    setDisk(lab, "n1", "slow");
    for (const command of ["a", "b", "c"]) {
      proposeAt(lab, "n1", command);
      settle(lab);
    }
    expect(raftOf(lab, "n1")).toMatchObject({ commit: 5, durableIndex: 2 });
    persist(lab, "n1", 2);
    crash(lab, "n1");
    const { commit, entries } = memberOf(lab, "n1").image;
    expect(commit).toBeLessThanOrEqual(entries.length);
    restart(lab, "n1");
    expect(termsOf(lab, "n1")).toEqual([1, 2, 2, 2]);
  });
});

describe("tinyraftplus, skiff, gaggle, raft.js, unrdf", () => {
  it("tinyraftplus, gaggle: a majority is n/2+1, in odd and even clusters", () => {
    expect([1, 2, 3, 4, 5, 6, 7].map(majority)).toEqual([1, 2, 2, 3, 3, 4, 4]);
    const lab = createLab(["n1", "n2", "n3", "n4"]);
    partition(lab, ["n1", "n2"], ["n3", "n4"]);
    for (let i = 0; i < 60; i++) {
      for (const name of lab.members.keys()) tick(lab, name);
      settle(lab);
    }
    for (const name of lab.members.keys()) expect(raftOf(lab, name).role).not.toBe("leader");
  });

  it("tinyraftplus: a read right after the election waits for the no-op", () => {
    const lab = createLab(names);
    for (const name of names) placeMember(lab, name, names, { terms: [1, 1], commit: 1 });
    timeOut(lab, "n1");
    settle(lab, (message) => message.kind !== "append-entries");
    readAt(lab, "n1", 1);
    settle(lab);
    expect(memberOf(lab, "n1").answers).toMatchObject([{ index: 3 }]);
  });

  it("skiff: an old leader's longer log does not win", () => {
    const lab = createLab(names, { terms: [1, 3] });
    receive(lab, requestVote("n2", "n1", 9, [2, 50]));
    expect(lab.network[0]).toMatchObject({ refused: "log-behind" });
  });

  it("skiff: the commit index is bounded by what the append verified", () => {
    const lab = createLab(names);
    placeMember(lab, "n1", names, { terms: [1, 2, 2], term: 3 });
    receive(lab, append("n2", "n1", 3, { prev: [1, 1], commit: 3 }));
    expect(raftOf(lab, "n1").commit).toBe(1);
  });

  it("gaggle: a heartbeat does not commit entries that differ from the leader's", () => {
    const lab = createLab(names);
    placeMember(lab, "n1", names, { terms: [1, 2, 2], term: 3 });
    receive(lab, append("n2", "n1", 3, { prev: [0, 0], commit: 3 }));
    expect(raftOf(lab, "n1").commit).toBe(1);
    receive(lab, append("n2", "n1", 3, { prev: [3, 3], commit: 3 }));
    expect(raftOf(lab, "n1").commit).toBe(1);
  });

  it("gaggle: the first conflict counts, also right after the beginning", () => {
    const lab = createLab(names);
    placeMember(lab, "n1", names, { terms: [1, 2, 2, 2], term: 4 });
    receive(lab, append("n2", "n1", 4, { prev: [1, 1], terms: [3, 4] }));
    expect(termsOf(lab, "n1")).toEqual([1, 3, 4]);
  });

  it("raft.js: matched 9, 10 and 100 commit 10", () => {
    const lab = led();
    for (let i = 0; i < 98; i++) proposeAt(lab, "n1", `c${i}`);
    drop(lab);
    const { leadership } = raftOf(lab, "n1");
    for (const [name, matched] of [
      ["n2", 9],
      ["n3", 10],
    ] as const) {
      receive(
        lab,
        append("n1", name, 2, { prev: [2, 2], terms: Array(matched - 2).fill(2), sequence: 9 }),
      );
    }
    settle(lab, choose({ to: "n1" }));
    expect([...(leadership?.peers.values() ?? [])].map(({ matched }) => matched)).toEqual([9, 10]);
    expect(raftOf(lab, "n1")).toMatchObject({ durableIndex: 100, commit: 10 });
  });

  it("unrdf consensus: votes of an older election do not count in a newer term", () => {
    const lab = createLab(names, { settings: { preVote: false } });
    timeOut(lab, "n1");
    deliver(lab, choose({ to: "n2" }));
    const votes = drop(lab);
    timeOut(lab, "n1");
    for (const vote of votes) if (vote.to === "n1") receive(lab, vote);
    expect(raftOf(lab, "n1")).toMatchObject({ role: "candidate", hardState: { term: 3 } });
  });
});
