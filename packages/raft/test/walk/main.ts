/**
 * Runs seeds from the command line: `--seed S` (the first, default 1), `--seeds N` (how many,
 * default 1), `--steps N` (per seed, before healing), `--seconds N` (starts no seed after that),
 * `--fail-fast`. One line a failure, one JSON line at the end; a single seed that fails also prints
 * its last steps.
 */
import { parseArgs } from "node:util";
import { stepsDefault } from "./limits.ts";
import { addToSummary, createSummary, neverEvaluated, runWalk } from "./walk.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    steps: { type: "string", default: String(stepsDefault) },
    seconds: { type: "string", default: "3600" },
    "fail-fast": { type: "boolean", default: false },
  },
});

function main(): void {
  const first = Number(values.seed);
  const count = Number(values.seeds);
  const summary = createSummary();
  const started = performance.now();
  let failures = 0;
  for (let seed = first; seed < first + count; seed++) {
    if (performance.now() - started > Number(values.seconds) * 1000) break;
    const result = runWalk(seed, Number(values.steps));
    addToSummary(summary, result);
    if (count === 1)
      process.stdout.write(`${JSON.stringify(result.options)}\nhash ${result.hash}\n`);
    if (result.failure === null) continue;
    failures++;
    process.stdout.write(`${result.failure.message}\n`);
    if (count === 1) process.stdout.write(`${result.failure.trace}\n`);
    if (count === 1 && result.failure.error instanceof Error) {
      process.stdout.write(`${result.failure.error.stack}\n`);
    }
    if (values["fail-fast"]) break;
  }
  const seconds = (performance.now() - started) / 1000;
  const line = {
    seeds: summary.seeds,
    failures,
    steps: summary.steps,
    stepsPerSecond: Math.round(summary.steps / seconds),
    ...summary.tally,
    evaluations: summary.evaluations,
    neverEvaluated: neverEvaluated(summary),
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  process.exitCode = failures > 0 ? 1 : 0;
}

main();
