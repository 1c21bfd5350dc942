/**
 * `npm run sim`: simulated clusters by the seed.
 *
 *   npm run sim -- --seeds 500              seeds 1 to 500
 *   npm run sim -- --seeds 1e6 --minutes 5  as many as start within five minutes
 *   npm run sim -- --seed 42                one seed; if it fails: its trace and a short list of
 *                                           actions that fails as well
 *   npm run sim -- --replay FILE            such a list again
 *   npm run sim -- --mutant NAME            with a bug planted (see `npm run mutants -- --list`)
 *
 * Also: `--seed S --seeds N` (from S on), `--fresh` (from a seed that this commit has for itself),
 * `--world cores|members`, `--off NAME,NAME` (checks that only count), `--workers N`, `--json`,
 * `--no-ledger`. The last line is JSON.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { obey, readCommand, UsageError } from "./command.ts";
import { addToLedger, type SimulationEntry, stamp } from "./ledger.ts";
import { mutants } from "./mutants/index.ts";
import { bundle } from "./plant.ts";
import { type PoolResult, runPool } from "./pool.ts";
import { neverEvaluated, totalOf } from "./summary.ts";

const command = {
  name: "npm run sim --",
  does: "simulated clusters by the seed",
  options: {
    seeds: { type: "string", value: "N", does: "how many; 100 unless one is given with --seed" },
    seed: { type: "string", value: "S", does: "one seed and all of it, or the first of --seeds" },
    fresh: { type: "boolean", default: false, does: "begin at a seed that this commit has alone" },
    minutes: { type: "string", default: "60", value: "M", does: "no seed starts later" },
    world: {
      type: "string",
      default: "both",
      value: "NAME",
      does: "cores, members, both; or sessions",
    },
    mutant: { type: "string", value: "NAME", does: "with this bug planted" },
    off: { type: "string", default: "", value: "NAMES", does: "checks that only count" },
    actions: { type: "string", value: "N", does: "actions of the first phase" },
    workers: { type: "string", default: `${cpus().length}`, value: "N", does: "processes" },
    replay: { type: "string", value: "FILE", does: "a short list of actions again" },
    "fail-fast": { type: "boolean", default: false, does: "stop at the first failure" },
    ledger: { type: "boolean", default: true, does: "write it down; --no-ledger does not" },
    json: { type: "boolean", default: false, does: "print the last line only" },
  },
} as const;

const values = readCommand(command);

const seedsDefault = 100;

function firstSeed(): number {
  if (values.seed !== undefined) return wholeNumber("seed", values.seed);
  if (!values.fresh) return 1;
  return Number.parseInt(stamp().commit.slice(0, 10), 16) || 1;
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new UsageError(`--${name} is "${text}"; it must be a whole number`);
}

async function main(): Promise<void> {
  const isOne = values.seed !== undefined && values.seeds === undefined;
  if (isOne || values.replay !== undefined) {
    process.exitCode = await tellOne();
    return;
  }
  finish(await runSeeds(wholeNumber("seeds", values.seeds ?? `${seedsDefault}`)));
}

/** One seed or file in a process of its own, which tells all of it; returns its exit code. */
async function tellOne(): Promise<number> {
  const planted = values.mutant === undefined ? "" : ` --mutant ${values.mutant}`;
  const args = [
    ...(values.replay === undefined ? [] : ["--replay", values.replay]),
    ...["--seed", String(firstSeed()), "--world", values.world, "--off", values.off],
    ...(values.actions === undefined ? [] : ["--actions", values.actions]),
    ...(planted === "" ? [] : ["--again", planted]),
  ];
  return await withPlanted("one-seed.ts", (file) => {
    const source = fileURLToPath(new URL("one-seed.ts", import.meta.url));
    const script = file === null ? ["--import", "tsx", source] : [file];
    const { status } = spawnSync(process.execPath, [...script, ...args], { stdio: "inherit" });
    return status ?? 1;
  });
}

/** Bundles `entry` with the bug that is asked for, for as long as `use` takes; null: no bug. */
async function withPlanted<Result>(
  entry: string,
  use: (file: string | null) => Result | Promise<Result>,
): Promise<Result> {
  if (values.mutant === undefined) return await use(null);
  const folder = mkdtempSync(join(tmpdir(), "quorate-sim-"));
  try {
    const file = join(folder, "planted.mjs");
    await bundle(entry, file, patchesOf(values.mutant));
    return await use(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function runSeeds(seeds: number): Promise<PoolResult> {
  return withPlanted("child.ts", (file) =>
    runPool({
      first: firstSeed(),
      seeds,
      workers: wholeNumber("workers", values.workers),
      seconds: Number(values.minutes) * 60,
      world: values.world,
      off: values.off,
      actions: values.actions,
      failFast: values["fail-fast"],
      bundle: file,
      onFailure: ({ seed, world, message }) => {
        const planted = values.mutant === undefined ? "" : ` --mutant ${values.mutant}`;
        const again = `npm run sim -- --seed ${seed} --world ${world}${planted}`;
        process.stdout.write(`seed ${seed} (${world}): ${message}\n  again: ${again}\n`);
      },
    }),
  );
}

function patchesOf(name: string): (typeof mutants)[number]["patches"] {
  const mutant = mutants.find((one) => one.name === name);
  if (mutant !== undefined) return mutant.patches;
  throw new UsageError(`No mutant is called "${name}"; npm run mutants -- --list names them`);
}

function finish(result: PoolResult): void {
  const { summary, hash, wallSeconds } = result;
  const untested =
    summary.failures.length === 0 && values.off === "" ? neverEvaluated(summary) : [];
  const isEnough = totalOf(summary, "seeds") >= seedsDefault;
  if (isEnough && untested.length > 0) {
    process.stdout.write(`Never put to the test: ${untested.join(", ")}\n`);
  }
  const isGood = summary.failures.length === 0 && (!isEnough || untested.length === 0);
  if (values.ledger && values.mutant === undefined && values.off === "") write(result);
  if (!values.json) describe(result);
  const line = {
    seeds: totalOf(summary, "seeds"),
    steps: totalOf(summary, "steps"),
    idleTicks: totalOf(summary, "idleTicks"),
    violations: summary.failures.length,
    wallSeconds: round(wallSeconds),
    stepsPerCpuSecond: Math.round(totalOf(summary, "steps") / summary.cpuSeconds),
    hash,
    worlds: summary.worlds,
    neverEvaluated: untested,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  process.exitCode = isGood ? 0 : 1;
}

function describe({ summary, wallSeconds }: PoolResult): void {
  for (const [name, world] of Object.entries(summary.worlds)) {
    const faults = Object.entries(world.faults).map(([fault, count]) => `${fault} ${count}`);
    process.stdout.write(
      `${name}: ${world.seeds} seeds, ${world.steps} checked steps, ${faults.join(", ")}\n`,
    );
  }
  process.stdout.write(`${summary.failures.length} violations in ${round(wallSeconds)} s\n`);
}

function write({ summary }: PoolResult): void {
  const entries = Object.entries(summary.worlds).map(
    ([world, sums]): SimulationEntry => ({
      kind: "simulation",
      ...stamp(),
      world,
      firstSeed: firstSeed(),
      seeds: sums.seeds,
      steps: sums.steps,
      idleTicks: sums.idleTicks,
      simulatedMs: Math.round(sums.simulatedMs),
      violations: summary.failures.filter((failure) => failure.world === world).length,
      stepsPerCpuSecond: Math.round(totalOf(summary, "steps") / summary.cpuSeconds),
      evaluations: sums.evaluations,
      faults: sums.faults,
      operations: sums.operations,
    }),
  );
  addToLedger(entries);
}

function round(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}

await obey(command, main);
