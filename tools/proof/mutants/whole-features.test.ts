/** The planted bugs of features in whole members apply. */
import { describe, expect, it } from "vitest";
import { patchSources } from "../plant.ts";
import { wholeFeaturesMutants } from "./whole-features.ts";

describe("planted bugs of features in whole members", () => {
  it.each(wholeFeaturesMutants.map((mutant) => [mutant.name, mutant] as const))(
    "%s",
    (_, mutant) => {
      for (const [path, text] of patchSources(mutant.patches)) expect(text, path).not.toBe("");
      for (const { search, replace } of mutant.patches) expect(replace).not.toBe(search);
    },
  );
});
