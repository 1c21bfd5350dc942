/**
 * The planted bugs themselves: they apply, they are found, and not without the check that finds
 * them.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mutants, slowMutants } from "./mutants/index.ts";
import { applyPatch, bundle, PatchError, patchSources } from "./plant.ts";
import { runPool } from "./pool.ts";
import type { SeedFailure } from "./summary.ts";

describe("planted bugs", () => {
  it("have names of their own", () => {
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
    expect([...slowMutants].filter((name) => mutants.every((one) => one.name !== name))).toEqual(
      [],
    );
  });

  it.each(mutants.map((mutant) => [mutant.name, mutant] as const))("%s applies", (_, mutant) => {
    for (const [path, text] of patchSources(mutant.patches)) {
      expect(text, path).not.toBe("");
    }
    for (const { search, replace } of mutant.patches) expect(replace).not.toBe(search);
  });

  it("are refused when the place is not there, or there twice", () => {
    const patch = { file: "x.ts", search: "one", replace: "two" };
    expect(applyPatch("only one here", patch)).toBe("only two here");
    expect(() => applyPatch("none", { ...patch, search: "some" })).toThrow(PatchError);
    expect(() => applyPatch("one and one", patch)).toThrow(/2 places/);
  });
});

describe("a bug whose check is switched off", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "quorate-mutants-test-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function hunt(name: string, off: string, seeds: number): Promise<readonly SeedFailure[]> {
    const mutant = mutants.find((one) => one.name === name);
    if (mutant === undefined) throw new Error(`no mutant ${name}`);
    const file = join(folder, `${name}.mjs`);
    await bundle("child.ts", file, mutant.patches);
    const found: SeedFailure[] = [];
    await runPool({
      first: 1,
      seeds,
      workers: 1,
      seconds: 60,
      world: mutant.world,
      off,
      actions: undefined,
      failFast: true,
      bundle: file,
      onFailure: (failure) => found.push(failure),
    });
    return found;
  }

  const secondPhase = "V1,V2,V3,V4,V9,R,S6";

  it.each([
    ["read-old-round", "L1,L2,refinement", 100],
    ["probe-never-resumes", secondPhase, 40],
    ["log-check-strict", secondPhase, 20],
  ])("%s survives without %s", async (name, off, seeds) => {
    const [found] = await hunt(name, "", seeds);
    expect(off.split(",")).toContain(found?.invariant);
    expect(await hunt(name, off, seeds)).toEqual([]);
  });
});
