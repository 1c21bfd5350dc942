/**
 * What once failed, run again: recordings of bare cores, each a short list of actions, and seeds of
 * whole members. Options are part of a recording; a seed draws another world once what is drawn
 * changes, and is then one more seed. So features that came later than the seeds are left out.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { FeatureName } from "../../packages/raft/src/sim/members/index.ts";
import { replayRecording } from "./reproduce.ts";
import { runSeed, type SeedOptions } from "./seeds.ts";
import { createSummary } from "./summary.ts";

const folder = new URL("corpus/", import.meta.url);
const membersFile = "members.json";

function read(name: string): string {
  return readFileSync(new URL(name, folder), "utf8");
}

interface MemberSeeds {
  /** Those that there were when the seeds were found. */
  readonly features: readonly FeatureName[];
  readonly seeds: readonly number[];
}

const members = JSON.parse(read(membersFile)) as MemberSeeds; // ours

const recordings = readdirSync(folder).filter((name) => name !== membersFile);

describe("recordings of bare cores", () => {
  it("are there", () => expect(recordings).not.toEqual([]));

  it.each(recordings)("%s: everything holds", (name) => {
    const { failure } = replayRecording(read(name));
    expect(failure?.message).toBeUndefined();
  });
});

describe("seeds of whole members", () => {
  const { seeds, features } = members;
  const drawn = { actions: undefined, featuresAmong: features };
  const options: SeedOptions = { world: "members", off: new Set(), ...drawn };

  it("are there, once each and in order", () => {
    expect(seeds).toEqual([...new Set(seeds)].sort((a, b) => a - b));
    expect(seeds.length).toBeGreaterThan(0);
  });

  it.each(seeds)("%i: everything holds", (seed) => {
    const { failure } = runSeed(seed, options, createSummary());
    expect(failure?.message).toBeUndefined();
  });
});
