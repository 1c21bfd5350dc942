/** Runs seeds in this process, each in the world that it draws. */
import {
  type CoresFailure,
  type CoresSettings,
  type ObserverFactory,
  runCores,
} from "../../packages/raft/src/sim/cores/index.ts";
import { type FeatureName, runMembers } from "../../packages/raft/src/sim/members/index.ts";
import { createRefinement, type Refinement } from "../../packages/raft/src/sim/refinement/index.ts";
import { runSessions } from "../../packages/raft/src/sim/sessions/index.ts";
import { addCounts, type Counts, type SeedFailure, type Summary, worldOf } from "./summary.ts";

export type WorldName = "cores" | "members" | "sessions";

export interface SeedOptions {
  readonly world: WorldName | "both";
  /** Checks that only count: invariants by name, or `refinement`. */
  readonly off: ReadonlySet<string>;
  /** Of bare cores, before healing. */
  readonly actions: number | undefined;
  /** Features of whole members that may be drawn; all unless given. */
  readonly featuresAmong?: readonly FeatureName[];
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
  const run = runIn(world, seed, options);
  const total = worldOf(summary, world);
  total.seeds++;
  total.steps += run.steps;
  total.idleTicks += run.idleTicks;
  total.simulatedMs += run.simulatedMs;
  addCounts(total.evaluations, run.evaluations);
  addCounts(total.faults, run.faults);
  addCounts(total.operations, run.operations);
  if (run.failure === null) return { world, failure: null, hash: run.hash };
  const { invariant, message, trace } = run.failure;
  summary.failures.push({ seed, world, invariant, message });
  return { world, failure: { seed, world, invariant, message, trace }, hash: run.hash };
}

function runIn(world: WorldName, seed: number, options: SeedOptions): SeedRun {
  if (world === "cores") return runCoresSeed(seed, options);
  return world === "members" ? runMembersSeed(seed, options) : runSessionsSeed(seed);
}

interface SeedRun {
  readonly steps: number;
  readonly idleTicks: number;
  readonly simulatedMs: number;
  readonly evaluations: Counts;
  readonly faults: Counts;
  readonly operations: Counts;
  readonly failure: Pick<CoresFailure, "invariant" | "message" | "trace"> | null;
  readonly hash: number;
}

/** What listens besides the invariants; each has the name by which it is switched off. */
function createObservers(
  { off }: SeedOptions,
  count: (refined: Refinement) => void,
): readonly ObserverFactory[] {
  if (off.has("refinement")) return [];
  return [
    ({ entries, ...beginning }) => {
      const refinement = createRefinement({ ...beginning, log: entries });
      count(refinement);
      return refinement;
    },
  ];
}

export function coresSettings(
  options: SeedOptions,
  count: (refined: Refinement) => void = () => undefined,
): CoresSettings {
  return {
    ...(options.actions === undefined ? {} : { actions: options.actions }),
    off: options.off,
    observers: createObservers(options, count),
  };
}

function runCoresSeed(seed: number, options: SeedOptions): SeedRun {
  let refinement: Refinement | null = null;
  const run = runCores(
    seed,
    coresSettings(options, (one) => {
      refinement = one;
    }),
  );
  return {
    ...run,
    simulatedMs: 0,
    evaluations: { ...run.evaluations.counts, ...refinedBy(refinement) },
    faults: { ...run.faults },
    operations: { ...run.operations },
  };
}

function runMembersSeed(seed: number, options: SeedOptions): SeedRun {
  let refinement: Refinement | null = null;
  const run = runMembers(seed, {
    off: options.off,
    ...(options.featuresAmong === undefined ? {} : { featuresAmong: options.featuresAmong }),
    observers: createObservers(options, (one) => {
      refinement = one;
    }),
  });
  return {
    ...run,
    evaluations: {
      ...withoutChanges(run.evaluations.counts),
      ...run.memberEvaluations,
      ...refinedBy(refinement),
    },
    faults: { ...run.faults },
    operations: { ...run.operations },
  };
}

/** Not one of `both`: what it finds the unit tests find as well; here bugs are hunted. */
function runSessionsSeed(seed: number): SeedRun {
  const run = runSessions(seed);
  return { ...run, idleTicks: 0, simulatedMs: 0, evaluations: {}, hash: run.steps };
}

/** Of a command's option; what is no world is all of them. */
export function worldNamed(name: string): SeedOptions["world"] {
  const known = ["cores", "members", "sessions"] as const;
  return known.find((world) => world === name) ?? "both";
}

/**
 * Members of that world do not change, and priorities are not waited for: what only that puts to
 * the test is not expected of it.
 */
function withoutChanges(counts: Counts): Counts {
  const expected = Object.entries(counts).filter(([id]) => !ofChanges.has(id));
  return Object.fromEntries(expected);
}

const ofChanges: ReadonlySet<string> = new Set(["C1", "C2", "C4", "C6", "C8", "V9"]);

/** Steps that the second Raft explained. */
function refinedBy(refinement: Refinement | null): Counts {
  return refinement === null ? {} : { refinement: refinement.steps };
}
