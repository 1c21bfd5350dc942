import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Deadline, DeadlineQueue } from "./deadlines.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("deadlines", () => {
  it("come never early, and late by at most a thirty-second or 16 ms, on few timers", () => {
    const queue = new DeadlineQueue();
    const late: number[] = [];
    const waits = Array.from({ length: 5_000 }, (_, i) => 1 + ((i * 7_919) % 100_000));
    for (const waitMs of waits) {
      const dueMs = performance.now() + waitMs;
      const allowedMs = Math.max(16, waitMs / 32) + 1;
      queue.add(waitMs, () => late.push((performance.now() - dueMs) / allowedMs));
    }
    expect(vi.getTimerCount()).toBeLessThan(900);
    vi.advanceTimersByTime(110_000);
    expect(late).toHaveLength(waits.length);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...late)).toBeLessThanOrEqual(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("that are removed never come, also if another one removes them when it comes", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { maxLength: 30 }), fc.array(fc.nat(29)), (waits, gone) => {
        const queue = new DeadlineQueue();
        const came: number[] = [];
        const all = waits.map((waitMs, i) => queue.add(waitMs + 1, () => came.push(i)));
        for (const i of gone) {
          const deadline = all[i];
          if (deadline !== undefined) queue.remove(deadline);
        }
        vi.advanceTimersByTime(100);
        const expected = waits.map((_, i) => i).filter((i) => !gone.includes(i));
        expect(came.sort((a, b) => a - b)).toEqual(expected);
      }),
    );
    const queue = new DeadlineQueue();
    const came: string[] = [];
    const others: Deadline[] = [];
    for (const name of ["a", "b", "c"]) {
      others.push(
        queue.add(10, () => {
          came.push(name);
          for (const other of others) queue.remove(other);
        }),
      );
    }
    vi.advanceTimersByTime(100);
    expect(came).toHaveLength(1);
  });

  it("beyond what a timer can wait do not come at once", () => {
    const queue = new DeadlineQueue();
    const onDue = vi.fn();
    queue.add(1e12, onDue);
    vi.advanceTimersByTime(1_000_000);
    expect(onDue).not.toHaveBeenCalled();
    queue.clear();
    expect(vi.getTimerCount()).toBe(0);
  });
});
