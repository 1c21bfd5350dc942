/**
 * One process of a run over seeds: every `--step`-th seed from `--first` on. Writes JSON lines:
 * each failure as it comes, the summary at the end.
 */
import { parseArgs } from "node:util";
import { runSeed, type SeedOptions, worldNamed } from "./seeds.ts";
import { createSummary, type SeedFailure, type Summary } from "./summary.ts";

export type ChildLine =
  | { readonly kind: "failure"; readonly failure: SeedFailure }
  /** `hash`: of all seeds that ran, in any order. */
  | { readonly kind: "summary"; readonly summary: Summary; readonly hash: number };

const { values } = parseArgs({
  options: {
    first: { type: "string", default: "1" },
    count: { type: "string", default: "1" },
    step: { type: "string", default: "1" },
    /** No seed starts later. */
    seconds: { type: "string", default: "3600" },
    world: { type: "string", default: "both" },
    off: { type: "string", default: "" },
    actions: { type: "string" },
    "fail-fast": { type: "boolean", default: false },
  },
});

function say(line: ChildLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function main(): void {
  const options: SeedOptions = {
    world: worldNamed(values.world),
    off: new Set(values.off.split(",").filter((name) => name !== "")),
    actions: values.actions === undefined ? undefined : Number(values.actions),
  };
  const summary = createSummary();
  const startedMs = performance.now();
  const step = Number(values.step);
  let hash = 0;
  let seed = Number(values.first);
  for (let count = Number(values.count); count > 0; count--, seed += step) {
    if (performance.now() - startedMs > Number(values.seconds) * 1000) break;
    const outcome = runSeed(seed, options, summary);
    hash = (hash + outcome.hash) >>> 0;
    if (outcome.failure === null) continue;
    const { invariant, message, world } = outcome.failure;
    say({ kind: "failure", failure: { seed, world, invariant, message } });
    if (values["fail-fast"]) break;
  }
  summary.cpuSeconds = process.cpuUsage().user / 1e6;
  say({ kind: "summary", summary, hash });
}

main();
