import { describe, expect, it } from "vitest";
import { DeterministicRandom } from "./deterministic-random.ts";

function firstNumbers(index: number, term: number, count: number): number[] {
  const random = new DeterministicRandom();
  random.seed(index, term);
  return Array.from({ length: count }, () => random.next());
}

describe("DeterministicRandom", () => {
  it("gives these numbers for ever: another value would change states on replay", () => {
    const words = (index: number, term: number) =>
      firstNumbers(index, term, 3).map((one) => (one * 2 ** 32).toString(16));
    expect(words(1, 1)).toEqual(["620482da", "fea63703", "d35b5ea8"]);
    expect(words(2 ** 40 + 5, 7)).toEqual(["2a07e059", "d377155e", "dd43c30a"]);
  });

  it("differs from one place in the log to the next", () => {
    const seen = new Set<number>();
    for (let index = 1; index <= 1_000; index++) {
      for (const one of firstNumbers(index, 1, 4)) seen.add(one);
    }
    expect(firstNumbers(5, 1, 4)).not.toEqual(firstNumbers(5, 2, 4));
    expect(firstNumbers(5, 1, 4)).not.toEqual(firstNumbers(5 + 2 ** 32, 1, 4));
    expect(seen.size).toBeGreaterThan(3_990);
  });

  it("is spread evenly over [0, 1)", () => {
    const buckets = new Array<number>(10).fill(0);
    for (let index = 1; index <= 10_000; index++) {
      for (const one of firstNumbers(index, 3, 1)) {
        expect(one >= 0 && one < 1).toBe(true);
        const bucket = Math.floor(one * 10);
        buckets[bucket] = (buckets[bucket] ?? 0) + 1;
      }
    }
    for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});
