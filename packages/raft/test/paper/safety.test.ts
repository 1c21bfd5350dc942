/** Section 5.4, and section 8 with the dissertation's 6.4: safety and reads. */
import { describe, expect } from "vitest";
import {
  append,
  appliedAt,
  choose,
  createLab,
  deliver,
  drop,
  elect,
  memberOf,
  partition,
  placeMember,
  proposeAt,
  raftOf,
  readAt,
  receive,
  requestVote,
  settle,
  termsOf,
  tick,
  timeOut,
} from "../lab/index.ts";
import { paper } from "./paper.ts";

const names = ["n1", "n2", "n3"];
const five = ["n1", "n2", "n3", "n4", "n5"];

function led() {
  const lab = createLab(names);
  elect(lab, "n1");
  return lab;
}

describe("safety", () => {
  paper("5.4.1-up-to-date", () => {
    for (const [last, isGranted] of [
      [[2, 3], true],
      [[2, 4], true],
      [[3, 1], true],
      [[2, 2], false],
      [[1, 9], false],
    ] as const) {
      const lab = createLab(names, { terms: [1, 2, 2] });
      receive(lab, requestVote("n2", "n1", 5, last));
      expect(lab.network[0]).toMatchObject({ refused: isGranted ? null : "log-behind" });
    }
  });

  paper("5.4.1-completeness", () => {
    const lab = led();
    partition(lab, ["n1", "n2"]);
    proposeAt(lab, "n1", "a");
    settle(lab);
    expect(raftOf(lab, "n1").commit).toBe(3);
    partition(lab, ["n2", "n3"]);
    for (let i = 0; i < 5; i++) {
      tick(lab, "n2", 10); // has not heard of a leader for long
      receive(lab, requestVote("n3", "n2", 10 + i, [2, 2]));
      expect(lab.network.at(-1)).toMatchObject({ refused: "log-behind" });
    }
  });

  paper("5.4.2-own-term", () => {
    const lab = createLab(five, { settings: { preVote: false } });
    for (const name of five.slice(0, 3)) placeMember(lab, name, five, { terms: [1, 2, 2] });
    timeOut(lab, "n1");
    settle(lab, (message) => message.kind !== "append-entries");
    drop(lab);
    for (const name of ["n2", "n3"]) receive(lab, append("n1", name, 3, { prev: [2, 3] }));
    settle(lab, choose({ to: "n1" }));
    expect(raftOf(lab, "n1").leadership?.peers.get(raftOf(lab, "n2").id)?.matched).toBe(3);
    expect(raftOf(lab, "n1").commit).toBe(1); // three of five have it, of an old term
    settle(lab);
    expect(raftOf(lab, "n1").commit).toBe(4); // the no-op takes it with it
  });

  paper("5.4.3-state-machine", () => {
    const lab = led();
    proposeAt(lab, "n1", "a");
    settle(lab);
    const conflicting = append("n3", "n2", 5, { prev: [2, 2], terms: [4] });
    expect(() => receive(lab, conflicting)).toThrow(/what is committed is never removed/);
    const unknown = append("n1", "n3", 5, { prev: [4, 3] });
    expect(() => receive(lab, unknown)).toThrow(/a leader's log has every committed entry/);
  });

  paper("8-no-op", () => {
    const lab = createLab(names);
    for (const name of names) placeMember(lab, name, names, { terms: [1, 1, 1], commit: 1 });
    elect(lab, "n2");
    expect(termsOf(lab, "n2")).toEqual([1, 1, 1, 2]);
    expect(raftOf(lab, "n2").log.entries.at(-1)).toMatchObject({ kind: "no-op" });
    expect(names.map((name) => raftOf(lab, name).commit)).toEqual([4, 4, 4]);
    expect(appliedAt(lab, "n3")).toEqual(["1/2", "1/3"]);
  });
});

describe("linearizable reads", () => {
  paper("8-reads", () => {
    const lab = led();
    readAt(lab, "n1", 1);
    deliver(lab);
    expect(memberOf(lab, "n1").answers).toEqual([]);
    deliver(lab, choose({ from: "n3" }));
    expect(memberOf(lab, "n1").answers).toEqual([{ kind: "read-answered", ids: [1], index: 2 }]);
  });

  paper("6.4-read-index", () => {
    const lab = led();
    proposeAt(lab, "n1", "a");
    readAt(lab, "n1", 1); // registered before "a" is committed
    settle(lab);
    proposeAt(lab, "n1", "b");
    settle(lab);
    readAt(lab, "n1", 2);
    settle(lab);
    expect(memberOf(lab, "n1").answers).toMatchObject([{ index: 2 }, { index: 4 }]);
  });

  paper("6.4-own-term", () => {
    const lab = createLab(names, { settings: { preVote: false } });
    for (const name of names) placeMember(lab, name, names, { terms: [1, 1, 1], commit: 1 });
    timeOut(lab, "n1");
    deliver(lab);
    deliver(lab);
    readAt(lab, "n1", 1);
    expect(raftOf(lab, "n1").commit).toBe(1);
    settle(lab);
    expect(memberOf(lab, "n1").answers).toMatchObject([{ index: 4 }]);
  });

  paper("6.4-fresh-round", () => {
    const lab = led();
    tick(lab, "n1");
    deliver(lab);
    readAt(lab, "n1", 1);
    deliver(lab, choose({ kind: "append-entries-response" })); // to the round before
    expect(memberOf(lab, "n1").answers).toEqual([]);
    settle(lab);
    expect(memberOf(lab, "n1").answers).toHaveLength(1);
  });

  paper("6.4-batch", () => {
    const lab = led();
    const ids = Array.from({ length: 100 }, (_, i) => i);
    readAt(lab, "n1", ...ids);
    readAt(lab, "n2", ...ids);
    expect(lab.network.map(({ kind }) => kind)).toEqual([
      "append-entries",
      "append-entries",
      "read-index",
    ]);
    settle(lab);
    expect(memberOf(lab, "n1").answers.flatMap((answer) => answer.ids)).toEqual(ids);
    expect(memberOf(lab, "n2").answers).toEqual([{ kind: "read-answered", ids, index: 2 }]);
  });

  paper("6.4-follower", () => {
    const lab = led();
    proposeAt(lab, "n1", "a");
    deliver(lab);
    deliver(lab); // committed at the leader, which n2 does not know yet
    expect(raftOf(lab, "n2").commit).toBe(2);
    readAt(lab, "n2", 1);
    settle(lab, choose({ to: "n1" }));
    settle(lab);
    expect(memberOf(lab, "n2").answers).toMatchObject([{ ids: [1], index: 3 }]);
  });

  paper("6.4-settles", () => {
    const lab = led();
    readAt(lab, "n1", 1);
    readAt(lab, "n2", 2);
    deliver(lab, choose({ kind: "read-index" }));
    drop(lab);
    receive(lab, append("n3", "n1", 9, { prev: [2, 2] }));
    settle(lab);
    expect(memberOf(lab, "n1").answers).toMatchObject([{ ids: [1], failed: "leader-changed" }]);
    expect(memberOf(lab, "n2").answers).toMatchObject([{ ids: [2], failed: "leader-changed" }]);
    tick(lab, "n3", 20);
    readAt(lab, "n3", 3);
    expect(memberOf(lab, "n3").answers).toMatchObject([{ ids: [3], failed: "no-leader" }]);
  });
});
