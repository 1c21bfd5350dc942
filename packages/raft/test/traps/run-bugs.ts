/**
 * `npm run traps`: plants each bug of `bugs.ts`, one at a time, and runs the tests of its trap:
 * they must fail. Exits with 1 if one does not, or if a bug cannot be planted any more.
 *
 *   npm run traps              all of them
 *   npm run traps -- C2 D      these, or those that begin so
 *
 * The last line is JSON. The shipping sources are not touched: the bug is in what the tests load.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startVitest, type TestModule, type Vitest } from "vitest/node";
import type { Patch } from "../../../../tools/proof/mutants/mutant.ts";
import { patchSources } from "../../../../tools/proof/plant.ts";
import { bugs, type TrapBug } from "./bugs.ts";
import { findTrapTests, root, testsOf } from "./trap-tests.ts";

/** Milliseconds for the tests of one trap; a test that hangs has noticed the bug, too. */
const limitMs = 120_000;

/** `broken`: no test ran, or none of that name: the patch is no program. */
type VerdictKind = "passed" | "failed" | "hangs" | "broken";

interface Verdict {
  readonly kind: VerdictKind;
  /** The first line of what the first failing test said. */
  readonly message: string;
}

/** Gives the tests the patched text of a file in place of the file. */
function planting(patches: readonly Patch[]) {
  const texts = patchSources(patches);
  return {
    name: "planting",
    enforce: "pre" as const,
    load: (id: string): string | null => texts.get(id.split("?")[0] ?? "") ?? null,
  };
}

async function runTests(
  files: readonly string[],
  pattern: RegExp,
  patches: readonly Patch[],
): Promise<Verdict> {
  const vitest = await startVitest(
    "test",
    files.map((file) => join(root, file)),
    {
      config: false,
      root,
      watch: false,
      reporters: [{}],
      testNamePattern: pattern,
      testTimeout: 60_000,
      pool: "forks",
    },
    { plugins: [planting(patches)] },
  );
  try {
    return judge(vitest);
  } finally {
    process.exitCode = 0; // the runner's own failures are reported at the end
    await vitest.close();
  }
}

function judge(vitest: Vitest): Verdict {
  const modules: TestModule[] = vitest.state.getTestModules();
  const results = modules.flatMap((module) =>
    [...module.children.allTests()].map((test) => test.result()),
  );
  const ran = results.filter(({ state }) => state === "passed" || state === "failed");
  const failed = ran.find(({ state }) => state === "failed");
  const message = failed?.errors?.[0]?.message.split("\n")[0] ?? "";
  if (modules.some((module) => module.errors().length > 0) || ran.length === 0) {
    return { kind: "broken", message };
  }
  return { kind: failed === undefined ? "passed" : "failed", message };
}

async function withinLimit(run: Promise<Verdict>): Promise<Verdict> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<Verdict>((resolve) => {
    timer = setTimeout(() => resolve({ kind: "hangs", message: "" }), limitMs);
  });
  const verdict = await Promise.race([run, limit]);
  clearTimeout(timer);
  return verdict;
}

const { positionals } = parseArgs({ allowPositionals: true });
const found = findTrapTests();

function isChosen({ trap }: TrapBug): boolean {
  return (
    positionals.length === 0 ||
    positionals.some((name) => (name.length === 1 ? trap.startsWith(name) : trap === name))
  );
}

/** Without any bug the tests pass: else their failing says nothing. */
async function control(chosen: readonly TrapBug[]): Promise<void> {
  const files = new Set(chosen.flatMap(({ trap }) => found.get(trap) ?? []));
  const verdict = await runTests([...files], /(^| )[A-I]\d{1,2}(, [A-I]\d{1,2})*: /, []);
  if (verdict.kind === "passed") return;
  throw new Error(`Without any bug the tests of the traps: ${verdict.kind}, ${verdict.message}`);
}

async function main(): Promise<void> {
  const chosen = bugs.filter(isChosen);
  await control(chosen);
  const missed: string[] = [];
  let bit = 0;
  let withoutPatch = 0;
  for (const { trap, bug, plan } of chosen) {
    if (plan.kind === "no-patch") {
      withoutPatch++;
      process.stdout.write(`${trap.padEnd(4)} no patch  ${plan.reason}\n`);
      continue;
    }
    const run = runTests(found.get(trap) ?? [], testsOf(trap), plan.patches);
    const { kind, message } = await withinLimit(run);
    if (kind === "failed" || kind === "hangs") bit++;
    else missed.push(`${trap}: ${bug} (${kind})`);
    const word = kind === "passed" ? "MISSED" : kind === "failed" ? "bites" : kind;
    process.stdout.write(`${trap.padEnd(4)} ${word.padEnd(8)}  ${bug}\n`);
    if (message !== "") process.stdout.write(`${" ".repeat(15)}${message.slice(0, 140)}\n`);
  }
  process.stdout.write(`${JSON.stringify({ total: chosen.length, bit, withoutPatch, missed })}\n`);
  process.exit(missed.length > 0 ? 1 : 0); // also past a run that hangs
}

await main();
