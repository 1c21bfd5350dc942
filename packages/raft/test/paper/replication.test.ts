/** Sections 5.3 and 5.5, and the dissertation on disks, batches and pipelines. */
import { describe, expect } from "vitest";
import {
  append,
  appliedAt,
  choose,
  crash,
  createLab,
  deliver,
  drop,
  elect,
  feed,
  memberOf,
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
} from "../lab/index.ts";
import { paper } from "./paper.ts";

const names = ["n1", "n2", "n3"];

function led(settings = {}) {
  const lab = createLab(names, { settings });
  elect(lab, "n1");
  return lab;
}

describe("at the leader", () => {
  paper("5.3-append-first", () => {
    const lab = led();
    expect(proposeAt(lab, "n1", "a", "b")).toEqual({ kind: "appended", first: 3, term: 2 });
    expect(termsOf(lab, "n1")).toEqual([1, 2, 2, 2]);
    expect(lab.network.map(({ to }) => to)).toEqual(["n2", "n3"]);
    expect(lab.network[0]).toMatchObject({ prev: { index: 2, term: 2 }, entries: [{}, {}] });
  });

  paper("5.3-append-only", () => {
    const lab = createLab(names);
    placeMember(lab, "n1", names, { terms: [1, 3, 3, 3], commit: 1 });
    placeMember(lab, "n2", names, { terms: [1, 2, 2, 2, 2], commit: 1, term: 3 });
    const before = [...raftOf(lab, "n1").log.entries];
    elect(lab, "n1");
    proposeAt(lab, "n1", "a");
    settle(lab);
    expect(raftOf(lab, "n1").log.entries.slice(0, before.length)).toEqual(before);
  });

  paper("5.3-majority-commit", () => {
    const lab = createLab(["n1", "n2", "n3", "n4", "n5"]);
    elect(lab, "n1");
    proposeAt(lab, "n1", "a");
    deliver(lab, choose({ kind: "append-entries" }));
    deliver(lab, choose({ from: "n2" }));
    expect(raftOf(lab, "n1").commit).toBe(2);
    deliver(lab, choose({ from: "n4" }));
    expect(raftOf(lab, "n1").commit).toBe(3);
    expect(appliedAt(lab, "n1")).toEqual(["a"]);
  });

  paper("5.3-back-up", () => {
    const lab = createLab(names);
    placeMember(lab, "n1", names, { terms: [1, 1, 2, 4, 4, 6], commit: 1 });
    placeMember(lab, "n2", names, { terms: [1, 1, 2, 3, 3, 5, 5], commit: 1, term: 6 });
    elect(lab, "n1");
    expect(termsOf(lab, "n2")).toEqual([1, 1, 2, 4, 4, 6, 7]);
  });

  paper("5.3-hints", () => {
    const lab = createLab(names);
    const tail = (term: number) => Array.from({ length: 100 }, () => term);
    placeMember(lab, "n1", names, { terms: [1, ...tail(2), ...tail(5)], commit: 1 });
    placeMember(lab, "n2", names, { terms: [1, ...tail(3), ...tail(4)], commit: 1, term: 5 });
    placeMember(lab, "n3", names, { terms: [1, ...tail(2)], commit: 1, term: 5 });
    let conflicts = 0;
    lab.onLeave = (message) => {
      if (message.kind !== "append-entries-response") return;
      if (message.outcome.kind === "conflict") conflicts++;
    };
    elect(lab, "n1");
    expect(termsOf(lab, "n2")).toEqual(termsOf(lab, "n1"));
    expect(termsOf(lab, "n3")).toEqual(termsOf(lab, "n1"));
    expect(conflicts).toBeLessThanOrEqual(3); // n2: one a term at most; n3: one
  });

  paper("5.3-retry", () => {
    const lab = led();
    proposeAt(lab, "n1", "a");
    for (let i = 0; i < 50; i++) {
      drop(lab, choose({ to: "n3" }));
      settle(lab, (message) => message.to !== "n3");
      tick(lab, "n1");
    }
    expect(appliedAt(lab, "n3")).toEqual([]);
    settle(lab);
    tick(lab, "n1");
    settle(lab);
    expect(appliedAt(lab, "n3")).toEqual(["a"]);
  });

  paper(
    "5.3-retry",
    () => {
      const lab = led({ inflightMessagesMax: 2 });
      const peer = raftOf(lab, "n2").id;
      for (const command of ["a", "b", "c"]) proposeAt(lab, "n1", command);
      drop(lab);
      feed(lab, "n1", { kind: "peer-unreachable", peer });
      expect(raftOf(lab, "n1").leadership?.peers.get(peer)).toMatchObject({
        mode: "probe",
        next: 3,
        inflight: [],
      });
      expect(lab.network).toEqual([]); // nothing is thrown after it
      feed(lab, "n1", { kind: "peer-reachable", peer });
      expect(lab.network).toMatchObject([{ to: "n2", entries: [{}, {}, {}] }]);
      settle(lab);
      expect(appliedAt(lab, "n2")).toEqual(["a", "b", "c"]);
    },
    "at once when the connection is back",
  );
});

describe("at the follower", () => {
  paper("5.3-followers-learn", () => {
    const lab = led();
    proposeAt(lab, "n1", "a");
    deliver(lab);
    expect(raftOf(lab, "n2").commit).toBe(2);
    deliver(lab); // the answers: the leader commits and says so at once, without a heartbeat
    deliver(lab);
    expect(appliedAt(lab, "n2")).toEqual(["a"]);
    expect(appliedAt(lab, "n3")).toEqual(["a"]);
  });

  paper("5.3-consistency", () => {
    for (const prev of [
      [2, 4],
      [1, 3],
      [3, 3],
    ] as const) {
      const lab = createLab(names);
      placeMember(lab, "n1", names, { terms: [1, 2, 2], term: 3 });
      receive(lab, append("n2", "n1", 3, { prev, terms: [3], commit: 4 }));
      expect(lab.network[0]).toMatchObject({
        outcome: { kind: "conflict", prev: { index: prev[1] } },
      });
      expect(termsOf(lab, "n1")).toEqual([1, 2, 2]);
      expect(raftOf(lab, "n1").commit).toBe(1);
    }
  });

  paper("5.3-conflict", () => {
    const lab = createLab(names);
    placeMember(lab, "n1", names, { terms: [1, 2, 2, 2, 3], term: 3 });
    receive(lab, append("n2", "n1", 4, { prev: [1, 1], terms: [2, 4] }));
    expect(termsOf(lab, "n1")).toEqual([1, 2, 4]);
    expect(memberOf(lab, "n1").image.entries.map(({ term }) => term)).toEqual([1, 2, 4]);
  });

  paper("5.3-match-stays", () => {
    const lab = createLab(names);
    receive(lab, append("n2", "n1", 2, { prev: [1, 1], terms: [2, 2, 2, 2] }));
    receive(lab, append("n2", "n1", 2, { prev: [1, 1], terms: [2, 2] }));
    receive(lab, append("n2", "n1", 2, { prev: [2, 2] }));
    expect(termsOf(lab, "n1")).toEqual([1, 2, 2, 2, 2]);
    expect(memberOf(lab, "n1").image.entries).toHaveLength(5);
  });

  paper("5.3-commit-bound", () => {
    const lab = createLab(names);
    placeMember(lab, "n1", names, { terms: [1, 2, 2, 2, 2], term: 3 });
    receive(lab, append("n2", "n1", 3, { prev: [2, 2], commit: 5 }));
    expect(raftOf(lab, "n1").commit).toBe(2);
    receive(lab, append("n2", "n1", 3, { prev: [2, 2], terms: [3], commit: 5 }));
    expect(raftOf(lab, "n1").commit).toBe(3);
  });

  paper("5.3-log-matching", () => {
    const lab = createLab(["n1", "n2", "n3", "n4"]);
    placeMember(lab, "n1", ["n1", "n2", "n3", "n4"], { terms: [1, 2, 2, 5, 5] });
    placeMember(lab, "n2", ["n1", "n2", "n3", "n4"], { terms: [1, 2, 3, 3, 3, 3], term: 5 });
    placeMember(lab, "n3", ["n1", "n2", "n3", "n4"], { terms: [1], term: 5 });
    placeMember(lab, "n4", ["n1", "n2", "n3", "n4"], { terms: [1, 2, 2, 4], term: 5 });
    elect(lab, "n1");
    const logs = ["n1", "n2", "n3", "n4"].map((name) => raftOf(lab, name).log.entries);
    for (const log of logs) expect(log.slice(1)).toEqual(logs[0]?.slice(1));
  });

  paper("5.5-idempotent", () => {
    const lab = led();
    proposeAt(lab, "n1", "a");
    tick(lab, "n1");
    proposeAt(lab, "n1", "b", "c");
    for (let i = 0; lab.network.length > 0 && i < 100; i++) {
      for (const message of deliver(lab).reverse()) receive(lab, message); // each twice, and late
    }
    settle(lab);
    tick(lab, "n1");
    settle(lab);
    for (const name of names) expect(appliedAt(lab, name)).toEqual(["a", "b", "c"]);
  });

  paper("5.5-crash", () => {
    const lab = led();
    crash(lab, "n3");
    for (const command of ["a", "b", "c"]) {
      proposeAt(lab, "n1", command);
      tick(lab, "n1");
      settle(lab);
    }
    expect(appliedAt(lab, "n1")).toEqual(["a", "b", "c"]);
    restart(lab, "n3");
    for (let i = 0; i < 3; i++) {
      tick(lab, "n1");
      settle(lab);
    }
    expect(appliedAt(lab, "n3")).toEqual(["a", "b", "c"]);
  });
});

describe("disks, batches and pipelines", () => {
  paper("10.2.1-parallel-disk", () => {
    const lab = led();
    setDisk(lab, "n1", "slow");
    proposeAt(lab, "n1", "a");
    expect(memberOf(lab, "n1").writing).toHaveLength(1);
    expect(lab.network.map(({ kind, to }) => `${kind} ${to}`)).toEqual([
      "append-entries n2",
      "append-entries n3",
    ]);
  });

  paper("10.2.1-own-disk", () => {
    const lab = led();
    setDisk(lab, "n1", "slow");
    proposeAt(lab, "n1", "a");
    settle(lab, (message) => message.to !== "n3" && message.from !== "n3");
    expect(raftOf(lab, "n1").commit).toBe(2); // n2 alone is no majority
    persist(lab, "n1");
    expect(raftOf(lab, "n1").commit).toBe(3);
    settle(lab);
    proposeAt(lab, "n1", "b");
    settle(lab);
    expect(raftOf(lab, "n1")).toMatchObject({ commit: 4, durableIndex: 3 }); // n2 and n3 are one
    expect(appliedAt(lab, "n1")).toEqual(["a", "b"]);
    const alone = createLab(["n1"]);
    setDisk(alone, "n1", "slow");
    tick(alone, "n1");
    persist(alone, "n1", 1);
    expect(raftOf(alone, "n1")).toMatchObject({ role: "leader", commit: 1 });
    persist(alone, "n1", 1);
    expect(raftOf(alone, "n1").commit).toBe(2);
  });

  paper("10.2.2-batch", () => {
    const lab = led({ inflightMessagesMax: 1 });
    for (const command of ["a", "b", "c", "d"]) proposeAt(lab, "n1", command);
    const lengths: number[] = [];
    lab.onLeave = (message) => {
      if (message.kind !== "append-entries" || message.to !== "n2") return;
      if (message.entries.length > 0) lengths.push(message.entries.length);
    };
    settle(lab);
    expect(lengths).toEqual([3]);
  });

  paper("10.2.2-pipeline", () => {
    const lab = led({ inflightMessagesMax: 4 });
    for (let i = 0; i < 9; i++) proposeAt(lab, "n1", `c${i}`);
    const sent = lab.network.filter(choose({ to: "n2" }));
    expect(
      sent.map((message) => message.kind === "append-entries" && message.entries.length),
    ).toEqual([1, 1, 1, 1]);
    settle(lab);
    expect(appliedAt(lab, "n2")).toHaveLength(9);
  });
});
