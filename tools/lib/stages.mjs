/**
 * The stages behind `npm test` and `npm run check`: each runs one program, shows what people need
 * to see, and yields a tally. Dependency-free; the programs are there after the install.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "../build.mjs";
import { programs, root } from "./programs.mjs";
import { describeMs, run } from "./run.mjs";
import { addTally, countReport, describeTally, emptyTally } from "./tally.mjs";

/** @typedef {import("./tally.mjs").Tally} Tally */
/** @typedef {{ name: string, run: () => Promise<Tally> }} Stage */

const checkLimitMs = 3 * 60_000;
const unitLimitMs = 8 * 60_000;
const systemLimitMs = 12 * 60_000;
const packLimitMs = 10 * 60_000;

/** @type {Stage} */
export const buildStage = {
  name: "build",
  run: async () => ((await build()) ? passed() : failed()),
};

/** Format, lint, types, layers: each reads only. @type {readonly Stage[]} */
export const checkStages = [
  programStage("types", [...programs.tsc, "-p", "tsconfig.json"], checkLimitMs),
  programStage(
    "types of the pure rooms",
    [...programs.tsc, "-p", "packages/raft/tsconfig.pure.json"],
    checkLimitMs,
  ),
  programStage("format and lint", [...programs.biome, "check", "."], checkLimitMs),
  programStage("tidy", [...programs.tsx, "tools/tidy.ts"], checkLimitMs),
];

/** The packed packages in an empty project. @type {Stage} */
export const packStage = programStage("packages", ["tools/pack-test.mjs"], packLimitMs);

/**
 * A project of Vitest.
 *
 * @param {"unit" | "system"} project
 * @param {readonly string[]} [filters] passed on to Vitest; with some, a project without a match is
 * fine
 * @returns {Stage}
 */
export function vitestStage(project, filters = []) {
  return { name: `${project} tests`, run: () => runVitest(project, filters) };
}

/**
 * Runs stages one after the other, each with its title, duration and count; a broken build ends it.
 *
 * @param {readonly Stage[]} stages
 * @returns {Promise<Tally>} the sum
 */
export async function runStages(stages) {
  let sum = emptyTally;
  /** @type {string[]} */
  const summary = [];
  for (const stage of stages) {
    process.stdout.write(`\n== ${stage.name}\n`);
    const startMs = performance.now();
    const tally = await stage.run();
    sum = addTally(sum, tally);
    const took = describeMs(performance.now() - startMs);
    const line = `${tally.failed > 0 ? "FAILED" : "ok    "} ${stage.name} (${took})`;
    process.stdout.write(`${line}: ${describeTally(tally)}\n`);
    summary.push(line);
    if (stage === buildStage && tally.failed > 0) break;
  }
  process.stdout.write(`\n${summary.join("\n")}\n`);
  return sum;
}

/**
 * @param {string} name
 * @param {readonly string[]} args of `node`
 * @param {number} limitMs
 * @returns {Stage}
 */
function programStage(name, args, limitMs) {
  return {
    name,
    async run() {
      const result = await run(process.execPath, args, { cwd: root, limitMs, output: "aloud" });
      if (result.timedOut) describeTimeout(name, limitMs);
      return result.code === 0 ? passed() : failed();
    },
  };
}

/**
 * @param {"unit" | "system"} project
 * @param {readonly string[]} filters
 */
async function runVitest(project, filters) {
  const folder = mkdtempSync(join(tmpdir(), "quorate-tests-"));
  const report = join(folder, "report.json");
  try {
    const args = ["run", "--project", project, "--reporter=default", "--reporter=json"];
    if (filters.length > 0) args.push("--passWithNoTests");
    const limitMs = project === "unit" ? unitLimitMs : systemLimitMs;
    const result = await run(
      process.execPath,
      [...programs.vitest, ...args, `--outputFile.json=${report}`, ...filters],
      { cwd: root, limitMs, output: "aloud" },
    );
    if (result.timedOut) describeTimeout(`${project} tests`, limitMs);
    const tally = countReport(readIfThere(report), result.code);
    const isEmpty = tally.passed + tally.failed === 0;
    if (!isEmpty || filters.length > 0) return tally;
    process.stdout.write(`No ${project} test ran.\n`);
    return { ...tally, failed: 1 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} file */
function readIfThere(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null; // Vitest ended before it wrote one; counted as a failure
  }
}

/**
 * @param {string} name
 * @param {number} limitMs
 */
function describeTimeout(name, limitMs) {
  process.stdout.write(`Stopped: ${name} took longer than ${describeMs(limitMs)}.\n`);
}

function passed() {
  return { ...emptyTally, passed: 1 };
}

function failed() {
  return { ...emptyTally, failed: 1 };
}
