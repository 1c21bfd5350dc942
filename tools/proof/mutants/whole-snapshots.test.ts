/** The planted bugs of snapshots in whole members apply. */
import { describe, expect, it } from "vitest";
import { patchSources } from "../plant.ts";
import { wholeSnapshotsMutants } from "./whole-snapshots.ts";

describe("planted bugs of snapshots in whole members", () => {
  it.each(wholeSnapshotsMutants.map((mutant) => [mutant.name, mutant] as const))(
    "%s",
    (_, mutant) => {
      for (const [path, text] of patchSources(mutant.patches)) expect(text, path).not.toBe("");
      for (const { search, replace } of mutant.patches) expect(replace).not.toBe(search);
    },
  );
});
