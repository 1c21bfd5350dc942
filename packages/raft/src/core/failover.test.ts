/** Fast failover: who stands, who votes for it, and that a leader with a majority stays. */
import { describe, expect, it } from "vitest";
import {
  append,
  createLab,
  cutLink,
  elect,
  feed,
  heal,
  type Lab,
  memberOf,
  raftOf,
  receive,
  requestVote,
  seeGone,
  settle,
  tick,
  wake,
} from "../../test/lab/index.ts";
import { leaders, run } from "../../test/traps/cluster.ts";
import { nodeId } from "../base/index.ts";
import {
  defaultSettings,
  describeBadSettings,
  failoverWakesMax,
  hasLiveLeader,
  type Message,
} from "./index.ts";

const namesOf = (count: number) => Array.from({ length: count }, (_, i) => `n${i + 1}`);

function led(count: number, settings = {}): Lab {
  const lab = createLab(namesOf(count), { settings });
  elect(lab, "n1");
  run(lab, 1);
  return lab;
}

/**
 * Whoever asked to be woken is, the earliest first, until nobody asks; the leader's ticks go on.
 */
function wakeAll(lab: Lab): void {
  for (;;) {
    const asking = [...lab.members.values()].filter(({ isUp, wakeMs }) => isUp && wakeMs !== null);
    const [next] = asking.sort((a, b) => (a.wakeMs ?? 0) - (b.wakeMs ?? 0));
    if (next === undefined) return;
    wake(lab, next.id);
    settle(lab);
    tick(lab, "n1");
    settle(lab);
  }
}

function answerTo(lab: Lab, message: Message) {
  lab.network = [];
  receive(lab, message);
  return lab.network[0];
}

describe("fast failover", () => {
  /** Every set of followers that lose the leader, with every pattern of nobody else being hurt. */
  for (const count of [3, 4, 5]) {
    const followers = namesOf(count).slice(1);
    for (let cut = 1; cut < 2 ** followers.length; cut++) {
      const lost = followers.filter((_, i) => (cut & (1 << i)) !== 0);
      const keeps = (count - lost.length) * 2 > count;
      const what = keeps ? "stays" : "is replaced";
      it(`a leader of ${count} that only ${lost.join(", ")} cannot reach ${what}`, () => {
        const lab = led(count);
        for (const name of lost) cutLink(lab, "n1", name);
        for (const name of lost) seeGone(lab, name, "n1");
        wakeAll(lab);
        if (keeps) {
          expect(leaders(lab)).toEqual(["n1"]);
          for (const name of lab.members.keys()) {
            expect(raftOf(lab, name).hardState.term).toBe(2);
          }
          heal(lab);
          run(lab, 3);
          expect(leaders(lab)).toEqual(["n1"]);
          expect(raftOf(lab, "n1").hardState.term).toBe(2);
        } else if (lost.length * 2 > count) {
          expect(leaders(lab).filter((name) => name !== "n1")).toHaveLength(1);
        } else {
          expect(leaders(lab)).toEqual([]); // four, two and two: nobody has a majority
        }
      });
    }
  }

  it("uses pre-votes where the settings do without", () => {
    const lab = led(3, { preVote: false });
    cutLink(lab, "n1", "n2");
    seeGone(lab, "n2", "n1");
    wakeAll(lab);
    expect(raftOf(lab, "n2").hardState.term).toBe(2);
    expect(leaders(lab)).toEqual(["n1"]);
  });

  it("waives stickiness for pre-votes and votes alike, at who has seen it only", () => {
    const lab = led(3);
    for (const pre of [true, false]) {
      expect(answerTo(lab, requestVote("n2", "n3", 3, [2, 2], pre))).toMatchObject({
        refused: "leader-alive",
      });
    }
    seeGone(lab, "n3", "n1");
    expect(hasLiveLeader(raftOf(lab, "n3"))).toBe(false);
    for (const pre of [true, false]) {
      expect(answerTo(lab, requestVote("n2", "n3", 3, [2, 2], pre))).toMatchObject({
        refused: null,
      });
    }
  });

  it("forgets it by any sign of that leader", () => {
    const signs: readonly ((lab: Lab) => void)[] = [
      (lab) => receive(lab, append("n1", "n3", 2, { prev: [2, 2], round: 9 })),
      (lab) => receive(lab, { ...requestVote("n1", "n3", 2, [2, 2]) }),
      (lab) => feed(lab, "n3", { kind: "peer-reachable", peer: nodeId("n1") }),
    ];
    for (const show of signs) {
      const lab = led(3);
      seeGone(lab, "n3", "n1");
      show(lab);
      expect(hasLiveLeader(raftOf(lab, "n3"))).toBe(true);
      wake(lab, "n3");
      expect(raftOf(lab, "n3").role).toBe("follower");
      expect(memberOf(lab, "n3").wakeMs).toBe(null);
    }
  });

  it("means the leader, and nobody else", () => {
    const lab = led(3);
    seeGone(lab, "n3", "n2");
    seeGone(lab, "n1", "n2");
    expect(memberOf(lab, "n3").wakeMs).toBe(null);
    expect(memberOf(lab, "n1").wakeMs).toBe(null);
    expect(leaders(lab)).toEqual(["n1"]);
  });

  it("asks to be woken after 5 to 30 ms, then twice that, and six times in all", () => {
    for (const [jitter, first] of [
      [0, 5],
      [0.5, 17.5],
      [0.999, 29.975],
    ] as const) {
      const lab = led(3);
      cutLink(lab, "n1", "n3");
      memberOf(lab, "n3").jitter = jitter;
      seeGone(lab, "n3", "n1");
      seeGone(lab, "n3", "n1"); // told again: nothing new
      const delays: number[] = [];
      for (let { wakeMs } = memberOf(lab, "n3"); wakeMs !== null; ) {
        delays.push(wakeMs);
        wake(lab, "n3");
        settle(lab);
        wakeMs = memberOf(lab, "n3").wakeMs;
      }
      expect(delays).toEqual([1, 2, 4, 8, 16, 32].map((factor) => first * factor));
      expect(delays).toHaveLength(failoverWakesMax);
    }
  });

  it("does not stand against one that it has just voted for", () => {
    const lab = led(3);
    seeGone(lab, "n2", "n1");
    seeGone(lab, "n3", "n1");
    receive(lab, requestVote("n2", "n3", 3, [2, 2]));
    wake(lab, "n3");
    expect(raftOf(lab, "n3")).toMatchObject({ role: "follower", hardState: { votedFor: "n2" } });
    expect(memberOf(lab, "n3").wakeMs).not.toBe(null);
  });

  it("leaves members that may not or will not lead where they are", () => {
    const lab = led(3);
    feed(lab, "n3", { kind: "disk-health", isHealthy: false });
    seeGone(lab, "n3", "n1");
    wake(lab, "n3");
    expect(raftOf(lab, "n3").role).toBe("follower");
    expect(answerTo(lab, requestVote("n2", "n3", 3, [2, 2]))).toMatchObject({ refused: null });
  });

  it("has a range of delays that is one", () => {
    const settings = { ...defaultSettings, failoverDelayMsMin: 50 };
    expect(describeBadSettings(settings)).toMatch(/^failoverDelayMsMax is 30/);
  });

  it("asks for the whole range after the first time, whatever its priority is", () => {
    const lab = led(3, { priority: 10 });
    cutLink(lab, "n1", "n2");
    seeGone(lab, "n2", "n1");
    const { jitter } = memberOf(lab, "n2");
    expect(jitter).toBeGreaterThan(0);
    const { failoverDelayMsMin: least, failoverDelayMsMax: most } = defaultSettings;
    expect(memberOf(lab, "n2").wakeMs).toBeCloseTo(least + (jitter * (most - least)) / 10);
    wake(lab, "n2");
    expect(memberOf(lab, "n2").wakeMs).toBeCloseTo(2 * (least + jitter * (most - least)));
  });
});
