/**
 * No rule without a test, no test without a rule, and the table in `docs/paper-matrix.md` is up to
 * date.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { rules } from "./rules.ts";
import { sections } from "./sections.ts";

const folder = new URL("./", import.meta.url);
const table = fileURLToPath(new URL("../../../../docs/paper-matrix.md", import.meta.url));

/** The files that test each rule. */
function findTests(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith(".test.ts")) continue;
    const text = readFileSync(new URL(file, folder), "utf8");
    for (const [, id] of text.matchAll(/^ {0,2}paper\(\s*"([^"]+)"/gm)) {
      const files = found.get(id ?? "") ?? [];
      found.set(id ?? "", files.includes(file) ? files : [...files, file]);
    }
  }
  return found;
}

function renderTable(found: ReadonlyMap<string, readonly string[]>): string {
  const rows = [...rules].map(([id, { source, sentence }]) => {
    const files = (found.get(id) ?? []).map((file) => `\`${file}\``).join(", ");
    return `| \`${id}\` | ${source} | ${sentence} | ${files} |`;
  });
  return [
    "# Rules of Raft and their tests",
    "",
    "Each rule of the Raft paper (extended version) and of Ongaro's dissertation that the core has",
    "to keep, in our own words, and the files in `packages/raft/test/paper` that test it.",
    "A rule without a test fails the tests. Written by",
    "`npx vitest run --project unit packages/raft/test/paper/matrix.test.ts -u`.",
    "",
    "| rule | source | what it says | tests |",
    "|---|---|---|---|",
    ...rows,
    "",
    "## The dissertation's chapters 3 to 6",
    "",
    "Every section, and the rules that stand for it.",
    "",
    "| section | title | rules | remark |",
    "|---|---|---|---|",
    ...Object.entries(sections).map(([number, { title, rules: ids, note }]) => {
      return `| ${number} | ${title} | ${ids.map((id) => `\`${id}\``).join(", ")} | ${note} |`;
    }),
    "",
  ].join("\n");
}

describe("the paper's matrix", () => {
  const found = findTests();

  it("leaves no rule uncovered", () => {
    expect([...rules.keys()].filter((id) => !found.has(id))).toEqual([]);
  });

  it("knows every rule that a test names", () => {
    expect([...found.keys()].filter((id) => !rules.has(id))).toEqual([]);
  });

  it("has rules, or a reason, for every section of the dissertation's chapters 3 to 6", () => {
    for (const [number, { rules: ids, note }] of Object.entries(sections)) {
      expect(ids.length > 0 || note !== "", number).toBe(true);
    }
    const placed = new Set<string>(Object.values(sections).flatMap(({ rules: ids }) => ids));
    const later = /^(9|10)[.]/; // the chapters on evaluation and implementation
    expect([...rules.keys()].filter((id) => !placed.has(id) && !later.test(id))).toEqual([]);
  });

  it("is written down", async () => {
    await expect(renderTable(found)).toMatchFileSnapshot(table);
  });
});
