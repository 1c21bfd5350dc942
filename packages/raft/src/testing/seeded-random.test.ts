import { describe, expect, it } from "vitest";
import { createRandomOfState, createSeededRandom } from "./seeded-random.ts";

describe("seeded random", () => {
  it("is xoshiro128** (the reference's first numbers from the state 1, 2, 3, 4)", () => {
    const random = createRandomOfState([1, 2, 3, 4]);
    const first = Array.from({ length: 10 }, () => random.u32());
    expect(first).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597,
      4258142804,
    ]);
  });

  it("repeats with the seed and differs with another", () => {
    const draw = (seed: number): string[] => {
      const random = createSeededRandom(seed);
      return Array.from({ length: 20 }, () => `${random.id64()} ${random.fraction()}`);
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(draw(1)).not.toEqual(draw(2 ** 32 + 1));
  });

  it("draws evenly, inside its limits", () => {
    const random = createSeededRandom(7);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) {
      const drawn = random.below(10);
      counts[drawn] = (counts[drawn] ?? 0) + 1;
      const fraction = random.fraction();
      if (!(fraction >= 0 && fraction < 1)) expect.unreachable(`a fraction of ${fraction}`);
    }
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
    expect(random.id64()).toMatch(/^[0-9a-f]{16}$/);
    expect(random.fork().u32()).not.toBe(random.fork().u32());
  });
});
