/** A fixed set of seeds; `main.ts` runs others. A failure says how to see it again. */
import { afterAll, describe, expect, it } from "vitest";
import { addToSummary, createSummary, neverEvaluated, runWalk } from "./walk.ts";

const ranges = 10;
const seedsPerRange = 250;

describe("a random walk of 1 to 5 members", () => {
  const summary = createSummary();

  for (let range = 0; range < ranges; range++) {
    const first = range * seedsPerRange + 1;
    const last = first + seedsPerRange - 1;
    it(`holds every invariant after every step, seeds ${first} to ${last}`, () => {
      for (let seed = first; seed <= last; seed++) {
        const result = runWalk(seed);
        addToSummary(summary, result);
        const { failure } = result;
        if (failure !== null) expect.fail(`${failure.message}\n${failure.trace}`);
      }
    });
  }

  it("is the same walk when the seed is the same", () => {
    const hashes = new Set<number>();
    for (let seed = 1; seed <= 30; seed++) {
      const { hash, steps } = runWalk(seed);
      const again = runWalk(seed);
      expect({ hash: again.hash, steps: again.steps }).toEqual({ hash, steps });
      hashes.add(hash);
    }
    expect(hashes.size).toBe(30);
  });

  afterAll(() => {
    // A selection of the tests (`-t`) proves less, and may.
    if (summary.seeds === ranges * seedsPerRange) expect(neverEvaluated(summary)).toEqual([]);
  });
});
