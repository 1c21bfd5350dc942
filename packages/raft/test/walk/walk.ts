/** One seed from beginning to end: a world is drawn, walked, healed and brought to rest. */
import { createChoices, runAction, totalWeight } from "./actions.ts";
import { stepsDefault } from "./limits.ts";
import { runLiveness } from "./liveness.ts";
import { drawOptions, type WalkOptions } from "./options.ts";
import { createRandom } from "./random.ts";
import { describeTrace } from "./trace.ts";
import { type Evaluations, invariantIds, noEvaluations } from "./violation.ts";
import { createWorld, type Tally, type World } from "./world.ts";

export interface WalkResult {
  readonly seed: number;
  readonly options: WalkOptions;
  readonly steps: number;
  /** Of all steps: equal seeds give equal hashes. */
  readonly hash: number;
  readonly evaluations: Evaluations;
  readonly tally: Tally;
  /** Null: every invariant held. */
  readonly failure: WalkFailure | null;
}

export interface WalkFailure {
  /** One line: the seed, what broke, and how to see it again. */
  readonly message: string;
  /** The last steps in fixed columns. */
  readonly trace: string;
  readonly error: unknown;
}

/** Never throws for what the members do. */
export function runWalk(seed: number, stepsMax: number = stepsDefault): WalkResult {
  const options = drawOptions(createRandom(seed, 1), stepsMax);
  const world = createWorld(seed, options);
  let failure: WalkFailure | null = null;
  try {
    walk(world);
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    const steps = stepsMax === stepsDefault ? "" : ` --steps ${stepsMax}`;
    const replay = `npx tsx packages/raft/test/walk/main.ts --seed ${seed}${steps}`;
    failure = {
      message: `seed ${seed}, step ${world.step}: ${what}; replay: ${replay}`,
      trace: describeTrace(world.trace),
      error,
    };
  }
  const { step, trace, ledger, tally } = world;
  tally.commits = ledger.canon.length;
  const { evaluations } = ledger;
  return { seed, options, steps: step, hash: trace.hash, evaluations, tally, failure };
}

function walk(world: World): void {
  const choices = createChoices(world);
  const weights = totalWeight(choices);
  while (world.step < world.options.stepsMax) runAction(world, choices, weights);
  runLiveness(world);
}

/** Sums over many seeds. */
export interface Summary {
  seeds: number;
  steps: number;
  readonly evaluations: Evaluations;
  readonly tally: Record<keyof Tally, number>;
}

export function createSummary(): Summary {
  return {
    seeds: 0,
    steps: 0,
    evaluations: noEvaluations(),
    tally: {
      elections: 0,
      commits: 0,
      writes: 0,
      readsAnswered: 0,
      readsFailed: 0,
      crashes: 0,
      losses: 0,
      delivered: 0,
    },
  };
}

export function addToSummary(summary: Summary, result: WalkResult): void {
  summary.seeds++;
  summary.steps += result.steps;
  for (const id of invariantIds) summary.evaluations[id] += result.evaluations[id];
  const names = Object.keys(summary.tally) as (keyof Tally)[]; // made of exactly these keys
  for (const name of names) summary.tally[name] += result.tally[name];
}

/**
 * Invariants that nothing put to the test: a set of walks that leaves one out proves nothing of it.
 */
export function neverEvaluated(summary: Summary): string[] {
  return invariantIds.filter((id) => summary.evaluations[id] === 0);
}
