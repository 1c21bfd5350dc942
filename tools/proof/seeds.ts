/** Runs seeds in this process, each in the world that it draws. */
import { type CoresSettings, runCores } from "../../packages/raft/src/sim/cores/index.ts";
import { addCounts, type SeedFailure, type Summary, worldOf } from "./summary.ts";

export type WorldName = "cores" | "members";

export interface SeedOptions {
  readonly world: WorldName | "both";
  /** Checks that only count: invariants by name, or `refinement`. */
  readonly off: ReadonlySet<string>;
  /** Of bare cores, before healing. */
  readonly actions: number | undefined;
}

export interface SeedOutcome {
  readonly world: WorldName;
  readonly failure: (SeedFailure & { readonly trace: string }) | null;
  readonly hash: number;
}

/** One seed in five is a world of whole members: a step there costs several of bare cores. */
const membersEvery = 5;

export function worldOfSeed(seed: number, options: SeedOptions): WorldName {
  if (options.world !== "both") return options.world;
  return seed % membersEvery === 0 ? "members" : "cores";
}

/** Runs the seed and adds it to the summary. Never throws for what members do. */
export function runSeed(seed: number, options: SeedOptions, summary: Summary): SeedOutcome {
  const world = worldOfSeed(seed, options);
  const outcome = runCoresSeed(seed, options, summary);
  if (outcome.failure !== null) {
    const { invariant, message } = outcome.failure;
    summary.failures.push({ seed, world, invariant, message });
  }
  return outcome;
}

export function coresSettings(options: SeedOptions): CoresSettings {
  return {
    ...(options.actions === undefined ? {} : { actions: options.actions }),
    off: options.off,
    observers: [],
  };
}

function runCoresSeed(seed: number, options: SeedOptions, summary: Summary): SeedOutcome {
  const run = runCores(seed, coresSettings(options));
  const total = worldOf(summary, "cores");
  total.seeds++;
  total.steps += run.steps;
  total.idleTicks += run.idleTicks;
  addCounts(total.evaluations, run.evaluations.counts);
  addCounts(total.faults, { ...run.faults });
  addCounts(total.operations, { ...run.operations });
  const { failure } = run;
  if (failure === null) return { world: "cores", failure, hash: run.hash };
  const { invariant, message, trace } = failure;
  return {
    world: "cores",
    failure: { seed, world: "cores", invariant, message, trace },
    hash: run.hash,
  };
}
