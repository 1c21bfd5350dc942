/** The planted bugs of snapshots apply. */
import { describe, expect, it } from "vitest";
import { patchSources } from "../plant.ts";
import { mutants } from "./index.ts";
import { snapshotsMutants } from "./snapshots.ts";

describe("planted bugs of snapshots", () => {
  it("have names of their own", () => {
    const names = mutants.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(snapshotsMutants.map((mutant) => [mutant.name, mutant] as const))("%s", (_, mutant) => {
    for (const [path, text] of patchSources(mutant.patches)) expect(text, path).not.toBe("");
    for (const { search, replace } of mutant.patches) expect(replace).not.toBe(search);
  });
});
