/** Ties a test to a rule of `rules.ts`. */
import { expect, it } from "vitest";
import { type RuleId, rules } from "./rules.ts";

/**
 * A test named by its rule; it fails if it asserts nothing. `detail` where a rule has several
 * tests.
 */
export function paper(id: RuleId, run: () => void, detail = ""): void {
  const sentence = rules.get(id)?.sentence ?? "";
  it(`${id}: ${sentence}${detail === "" ? "" : ` (${detail})`}`, () => {
    run();
    expect.hasAssertions();
  });
}
