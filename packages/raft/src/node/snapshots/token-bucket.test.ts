import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createVirtualClock } from "../../testing/virtual-clock.ts";
import { TokenBucket } from "./token-bucket.ts";

describe("TokenBucket", () => {
  it("never lets more than the rate and one burst pass, and loses nothing", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000_000 }),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 100_000 }), fc.nat(200)), {
          minLength: 1,
          maxLength: 30,
        }),
        (rate, requests) => {
          const clock = createVirtualClock({ startMs: 12_345.678 });
          const bucket = new TokenBucket(clock, rate);
          const served: { readonly bytes: number; readonly atMs: number }[] = [];
          for (const [bytes, pauseMs] of requests) {
            bucket.take(bytes, () => served.push({ bytes, atMs: clock.nowMs() }));
            clock.advance(pauseMs);
          }
          clock.advanceUntil(() => served.length === requests.length, 1e12);
          expect(served.map(({ bytes }) => bytes)).toEqual(requests.map(([bytes]) => bytes));
          for (let from = 0; from < served.length; from++) {
            let sum = 0;
            for (const { bytes, atMs } of served.slice(from)) {
              // What came before it in this span had to be paid for; it may overdraw itself.
              const spanMs = atMs - (served[from]?.atMs ?? 0);
              expect(sum).toBeLessThanOrEqual((rate / 1000) * (spanMs + 50) + 1);
              sum += bytes;
            }
          }
          expect(clock.pendingCount()).toBe(0);
        },
      ),
    );
  });

  it("forgets who takes itself out, and leaves no timer behind", () => {
    const clock = createVirtualClock();
    const bucket = new TokenBucket(clock, 1000);
    const served: string[] = [];
    bucket.take(1000, () => served.push("a"));
    const b = bucket.take(1000, () => served.push("b"));
    bucket.take(1, () => served.push("c"));
    b.cancel();
    clock.advance(1000);
    expect(served).toEqual(["a", "c"]);
    bucket.take(5000, () => served.push("d"));
    bucket.take(1, () => served.push("e")).cancel();
    expect(clock.pendingCount()).toBe(0);
  });

  it("serves one who asks inside the call of another", () => {
    const clock = createVirtualClock();
    const bucket = new TokenBucket(clock, 1_000_000);
    const served: number[] = [];
    const ask = (left: number): void => {
      bucket.take(10, () => {
        served.push(left);
        if (left > 0) ask(left - 1);
      });
    };
    ask(5);
    expect(served).toEqual([5, 4, 3, 2, 1, 0]);
  });
});
