/**
 * No trap without its test, no test without its trap, a bug to plant
 * for each, and the table in `docs/traps.md` is up to date.
 */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { patchSources } from "../../../../tools/proof/plant.ts";
import { bugs } from "./bugs.ts";
import { findTrapTests, root, testsOf, trapIdsIn } from "./trap-tests.ts";
import { type Trap, traps } from "./traps.ts";

function describeTests({ note }: Trap, files: readonly string[]): string {
  const words = files.map((file) => `\`${file}\``).join(", ");
  return note === "" ? words : `${words}. ${note}`;
}

function renderTable(found: ReadonlyMap<string, readonly string[]>): string {
  const rows = [...traps].map(
    ([id, trap]) => `| ${id} | ${trap.sentence} | ${describeTests(trap, found.get(id) ?? [])} |`,
  );
  return [
    "# Traps and their tests",
    "",
    "What production Raft libraries fell into, in our own words, and the files whose tests carry",
    "the id in their names. Each test fails when its bug is put in: `npm run traps`. Written by",
    "`npx vitest run --project unit packages/raft/test/traps/catalogue.test.ts -u`.",
    "",
    "A: terms and votes. B: PreVote and CheckQuorum. C: log and commitment. D: reads and leases.",
    "E: transfer. F: membership. G: memory and flow. H: storage. I: machines and clients.",
    "",
    "| id | what went wrong elsewhere | tested in |",
    "|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

describe("the catalogue of traps", () => {
  const found = findTrapTests();
  const ids = [...traps.keys()];

  it("has all of them", () => {
    expect(ids).toHaveLength(116);
  });

  it("names no trap that no test is named after", () => {
    expect(ids.filter((id) => !found.has(id))).toEqual([]);
  });

  it("knows every trap that a test names", () => {
    const known: readonly string[] = ids;
    expect([...found.keys()].filter((id) => !known.includes(id))).toEqual([]);
  });

  it("has a bug to plant for each, or the reason why there is none", () => {
    const planted = new Set<string>(bugs.map(({ trap }) => trap));
    expect(ids.filter((id) => !planted.has(id))).toEqual([]);
    expect([...planted].filter((id) => !traps.has(id))).toEqual([]);
  });

  it.each(bugs.map((bug) => [`${bug.trap} ${bug.bug}`, bug] as const))("%s", (_name, { plan }) => {
    if (plan.kind === "no-patch") return expect(plan.reason).not.toBe("");
    for (const [path, text] of patchSources(plan.patches)) expect(text, path).not.toBe("");
    for (const { search, replace } of plan.patches) expect(replace).not.toBe(search);
  });

  it("finds ids in titles, and nothing else", () => {
    const text = 'it("B1, B4: x"); it(\n  "C2: y"); it("S13: z"); it("A1 w"); call("no", "D1: v");';
    expect(trapIdsIn(text)).toEqual(["B1", "B4", "C2"]);
    expect(testsOf("B4").test("votes B1, B4: x")).toBe(true);
    expect(testsOf("B4").test("votes B41: x")).toBe(false);
  });

  it("is written down", async () => {
    await expect(renderTable(found)).toMatchFileSnapshot(join(root, "docs/traps.md"));
  });
});
