/** Dissertation 6.4.1: using clocks to reduce messaging for read-only queries. */
import { describe, expect } from "vitest";
import type { Message } from "../../src/core/index.ts";
import {
  createLab,
  elect,
  type Lab,
  leaseReadAt,
  memberOf,
  pass,
  raftOf,
  receive,
  requestVote,
  settle,
  tick,
  transferAt,
} from "../lab/index.ts";
import { paper } from "./paper.ts";

const names = ["n1", "n2", "n3"];

/** n1 leads, and everybody has just answered a round that n1 sent at 100 ms after the election. */
function led(settings = {}): Lab {
  const lab = createLab(names, { settings: { leaseReads: true, ...settings } });
  elect(lab, "n1");
  for (const name of names) tick(lab, name);
  settle(lab);
  return lab;
}

/** Whether a lease answers a read at n1, so long after its last tick. */
function isAnswered(lab: Lab, id: number, afterMs: number): boolean {
  leaseReadAt(lab, "n1", id, afterMs);
  return memberOf(lab, "n1").answers.some(({ ids }) => ids.includes(id));
}

function answerTo(lab: Lab, message: Message) {
  lab.network = [];
  receive(lab, message);
  return lab.network[0];
}

describe("lease reads", () => {
  paper("6.4.1-lease", () => {
    const lab = led();
    expect(isAnswered(lab, 1, 0)).toBe(true);
    expect(memberOf(lab, "n1").answers).toMatchObject([{ ids: [1], index: 2 }]);
    expect(lab.network).toEqual([]);
    const without = led({ leaseReads: false });
    expect(isAnswered(without, 1, 0)).toBe(false);
    settle(without);
    expect(memberOf(without, "n1").answers).toMatchObject([{ ids: [1], index: 2 }]);
  });

  paper("6.4.1-sending-time", () => {
    const lab = led();
    tick(lab, "n1"); // a round is sent
    pass(lab, "n1", 400);
    settle(lab); // and answered 400 ms later
    expect(isAnswered(lab, 1, 0)).toBe(true);
    expect(isAnswered(lab, 2, 91)).toBe(false);
  });

  paper("6.4.1-drift", () => {
    for (const [leaseDriftPermille, lastMs] of [
      [1, 499],
      [10, 490],
      [100, 409],
    ] as const) {
      const lab = led({ leaseDriftPermille });
      expect(isAnswered(lab, 1, lastMs)).toBe(true);
      expect(isAnswered(lab, 2, lastMs + 1)).toBe(false);
    }
  });

  paper("6.4.1-promise", () => {
    const lab = led();
    const ask = (pre: boolean) => answerTo(lab, requestVote("n3", "n2", 3, [2, 2], pre));
    raftOf(lab, "n2").leaderContactTick = null; // stickiness is something else
    tick(lab, "n2", 5);
    expect(ask(true)).toMatchObject({ refused: "leader-alive" });
    expect(ask(false)).toMatchObject({ refused: "leader-alive", term: 2 });
    tick(lab, "n2");
    expect(ask(true)).toMatchObject({ refused: null });
    expect(ask(false)).toMatchObject({ refused: null });
  });

  paper("6.4.1-transfer", () => {
    const lab = led();
    expect(isAnswered(lab, 1, 0)).toBe(true);
    transferAt(lab, "n1", "n2");
    expect(isAnswered(lab, 2, 0)).toBe(false);
    settle(lab);
    expect(raftOf(lab, "n2").role).toBe("leader");
  });
});
