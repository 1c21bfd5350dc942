import { describe, expect, it } from "vitest";
import { createVirtualClock } from "./virtual-clock.ts";

describe("virtual clock", () => {
  it("runs timers by time, then by the order they were set", () => {
    const clock = createVirtualClock();
    const ran: string[] = [];
    for (const [name, ms] of [
      ["c", 20],
      ["a", 10],
      ["b", 10],
      ["d", 20],
      ["z", 31],
    ] as const) {
      clock.after(ms, () => ran.push(`${name}@${clock.nowMs()}`));
    }
    clock.advance(30);
    expect(ran).toEqual(["a@10", "b@10", "c@20", "d@20"]);
    expect(clock.nowMs()).toBe(30);
    expect(clock.pendingCount()).toBe(1);
  });

  it("runs what was deferred after the timers of the turn", () => {
    const clock = createVirtualClock();
    const ran: string[] = [];
    clock.after(5, () => {
      clock.defer(() => ran.push("deferred"));
      clock.after(0, () => ran.push("next turn"));
    });
    clock.after(5, () => ran.push("same turn"));
    clock.advance(5);
    expect(ran).toEqual(["same turn", "deferred", "next turn"]);
  });

  it("does not run what was cancelled, and cancelling twice is nothing", () => {
    const clock = createVirtualClock();
    const timer = clock.after(1, () => expect.unreachable("it was cancelled"));
    timer.cancel();
    timer.cancel();
    clock.advance(10);
    expect(clock.pendingCount()).toBe(0);
    expect(clock.nextTimerMs()).toBeNull();
  });

  it("stops at the condition, or at the limit", () => {
    const clock = createVirtualClock({ startMs: 100 });
    let count = 0;
    const again = (): void => {
      count += 1;
      clock.after(10, again);
    };
    again();
    expect(clock.advanceUntil(() => count === 4, 1000)).toBe(true);
    expect(clock.nowMs()).toBe(130);
    expect(clock.advanceUntil(() => false, 25)).toBe(false);
    expect(clock.nowMs()).toBe(155);
  });

  it("keeps thousands of timers in order", () => {
    const clock = createVirtualClock();
    const ran: number[] = [];
    for (let i = 0; i < 5000; i++) {
      const delayMs = (i * 7919) % 1009;
      const timer = clock.after(delayMs, () => ran.push(delayMs));
      if (i % 3 === 0) timer.cancel();
    }
    clock.advance(2000);
    expect(ran).toHaveLength(3333);
    expect(ran).toEqual([...ran].sort((a, b) => a - b));
  });
});
