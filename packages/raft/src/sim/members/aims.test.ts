/** That aimed strikes hit what they are for, and are there only where they may be. */
import { describe, expect, it } from "vitest";
import { aimKinds } from "./features.ts";
import { runMembers } from "./index.ts";

describe("aimed strikes", () => {
  it("are of all kinds, go on while something is mended, and sound members get over them", () => {
    const sum: Record<string, number> = {};
    for (const seed of [2, 3, 4, 6, 17, 22, 24]) {
      const run = runMembers(seed, { steps: 1500, features: ["snapshots", "aims"] });
      expect([seed, run.failure?.message]).toEqual([seed, undefined]);
      for (const [kind, count] of Object.entries(run.faults)) sum[kind] = (sum[kind] ?? 0) + count;
    }
    const expected = [...aimKinds.map((kind) => `aims.${kind}`), "aims.mending"];
    expect(expected.filter((name) => sum[name] === undefined)).toEqual([]);
  });

  it("are not there where the faults are given, unless they are asked for", () => {
    for (let seed = 1; seed <= 12; seed++) {
      const given = runMembers(seed, { steps: 50, faults: ["kill"] });
      expect(given.options.features.aims).toBeNull();
    }
    const asked = runMembers(1, { steps: 50, faults: [], features: ["aims"] });
    expect(asked.options.features.aims).not.toBeNull();
  });

  it("leave the seeds that do not have them what they were", () => {
    const without = (seed: number) =>
      runMembers(seed, { steps: 400, featuresAmong: ["snapshots", "transfers", "leases"] });
    const seeds = Array.from({ length: 12 }, (_, at) => at + 1);
    let same = 0;
    for (const seed of seeds) {
      const run = runMembers(seed, { steps: 400 });
      if (run.options.features.aims !== null) continue;
      expect(run.hash).toBe(without(seed).hash);
      same++;
    }
    expect(same).toBeGreaterThan(2);
    expect(same).toBeLessThan(seeds.length);
  });
});
