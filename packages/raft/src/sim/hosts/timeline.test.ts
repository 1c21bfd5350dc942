import { describe, expect, it } from "vitest";
import { createRandom } from "../random.ts";
import { type EventOwner, Timeline, type TimelineEvent } from "./timeline.ts";

function owner(): EventOwner & { state: EventOwner["state"]; held: TimelineEvent[] } {
  const held: TimelineEvent[] = [];
  return { state: "running", held, hold: (event) => held.push(event) };
}

describe("the timeline", () => {
  it("runs by instant, and at one instant in the order of adding, as a sorted list would", () => {
    const timeline = new Timeline();
    const random = createRandom(7, 1);
    const ran: number[] = [];
    const expected: { atMs: number; id: number }[] = [];
    let id = 0;
    const add = (atMs: number, mayAdd: boolean): void => {
      const own = id++;
      expected.push({ atMs: Math.max(atMs, timeline.nowMs), id: own });
      timeline.at(atMs, () => {
        ran.push(own);
        if (mayAdd && random.chance(0.6)) add(timeline.nowMs + random.below(3) - 1, true);
      });
    };
    for (let i = 0; i < 500; i++) add(random.below(50), true);
    while (timeline.runNext());
    expected.sort((a, b) => a.atMs - b.atMs || a.id - b.id);
    expect(ran).toEqual(expected.map((one) => one.id));
    expect(timeline.eventCount).toBe(ran.length);
    expect(timeline.pendingCount).toBe(0);
  });

  it("stands exactly where it was told to stop, and cancelled events do not run", () => {
    const timeline = new Timeline();
    const ran: string[] = [];
    timeline.at(10, () => ran.push("10"));
    timeline.at(10.5, () => ran.push("10.5"));
    timeline.at(5, () => ran.push("5")).cancel();
    expect(timeline.pendingCount).toBe(2);
    timeline.runUntil(10);
    expect([ran, timeline.nowMs, timeline.nextMs()]).toEqual([["10"], 10, 10.5]);
    expect(timeline.runUntilThat(() => ran.length === 2, 100)).toBe(true);
    expect(timeline.nowMs).toBe(10.5);
    expect(timeline.runUntilThat(() => false, 100)).toBe(false);
    expect(timeline.nowMs).toBe(110.5);
    expect(() => timeline.runUntil(1)).toThrow("time does not go back");
  });

  it("loses events of the dead and hands those of the paused to their owner", () => {
    const timeline = new Timeline();
    const one = owner();
    const ran: string[] = [];
    timeline.add(1, () => ran.push("running"), one, Number.NaN);
    timeline.runUntil(1);
    one.state = "paused";
    timeline.add(2, () => ran.push("held"), one, Number.NaN);
    timeline.runUntil(3);
    expect([ran, one.held.length]).toEqual([["running"], 1]);
    one.state = "dead";
    timeline.add(4, () => ran.push("dead"), one, Number.NaN);
    timeline.runUntil(5);
    expect(ran).toEqual(["running"]);
  });

  it("runs hundreds of thousands of events a second", () => {
    const timeline = new Timeline();
    const random = createRandom(1, 1);
    const again = (): void => {
      timeline.after(random.unit() * 10, again);
    };
    for (let i = 0; i < 100; i++) again();
    const startMs = performance.now();
    while (timeline.eventCount < 300_000) timeline.runNext();
    const perSecond = (timeline.eventCount / (performance.now() - startMs)) * 1000;
    // A tenth of what is usual, so that a busy machine does not fail it.
    expect(perSecond).toBeGreaterThan(200_000);
  });
});
