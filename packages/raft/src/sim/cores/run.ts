/**
 * One seed from beginning to end: a world is drawn, goes through its faults, is healed and brought
 * to rest. And the same from a list of actions instead of a seed.
 */
import { createRandom } from "../random.ts";
import { createEvaluations, type Evaluations, Violation } from "../violation.ts";
import { type Action, perform } from "./actions.ts";
import { createChoices, runDrawn } from "./draw.ts";
import { drawFlow } from "./flow.ts";
import { drawLeadership } from "./leadership.ts";
import { actionsDefault } from "./limits.ts";
import { type Recovered, runLiveness } from "./liveness.ts";
import {
  type CoresOptions,
  drawMembership,
  drawOptions,
  drawSnapshots,
  drawSnapshotTicks,
} from "./options.ts";
import { drawPlans } from "./plans.ts";
import { describeTrace, record } from "./trace.ts";
import { createWorld, type FaultCounts, type ObserverFactory, type World } from "./world.ts";

export interface CoresRun {
  readonly seed: number;
  readonly options: CoresOptions;
  /** Everything that was done before healing. */
  readonly actions: readonly Action[];
  /** Inputs to cores, each checked. */
  readonly steps: number;
  /** Ticks that did nothing but count, checked as well. */
  readonly idleTicks: number;
  /** Of all that happened: equal seeds give equal hashes. */
  readonly hash: number;
  readonly evaluations: Evaluations;
  readonly faults: FaultCounts;
  readonly operations: CoresOperations;
  /** Null when a check failed. */
  readonly recovered: Recovered | null;
  /** Null: everything held. */
  readonly failure: CoresFailure | null;
}

export interface CoresOperations {
  readonly elections: number;
  readonly commits: number;
  readonly writes: number;
  readonly readsAnswered: number;
  readonly readsFailed: number;
  /** Changes of the members that were committed before healing, joint configurations left. */
  readonly changes: number;
  /** Of them, changes of who votes. */
  readonly voterChanges: number;
  /** Transfers that were begun, and those that ended with the stint. */
  readonly transfers: number;
  readonly handovers: number;
  /** Reads that a lease answered at once. */
  readonly leaseReads: number;
  /** Elections that a member began because it saw its leader go. */
  readonly failovers: number;
  /** Configurations that went out of force at some member because its log was cut. */
  readonly configurationsUndone: number;
  /** Own snapshots that were on disk before healing, others that took their place there. */
  readonly snapshotsTaken: number;
  readonly snapshotsInstalled: number;
  /** Of these, with the place of the whole log. */
  readonly logsReplaced: number;
  /** Times that a log in memory lost its beginning to a snapshot. */
  readonly compactions: number;
}

export interface CoresFailure {
  /** The invariant that broke; `crash` for any other exception. */
  readonly invariant: string;
  readonly message: string;
  /** The last steps in fixed columns. */
  readonly trace: string;
  readonly error: unknown;
}

export interface CoresSettings {
  readonly actions?: number;
  /** Invariants that are counted only. */
  readonly off?: ReadonlySet<string>;
  /** Whether the members change; else the seed decides. */
  readonly membership?: "never" | "always";
  /** Whether members take snapshots; else the seed decides. */
  readonly snapshots?: "never" | "always";
  /** Whether members hand over, see leaders go and read by leases. Left out: in some seeds. */
  readonly leadership?: "never" | "always";
  /** Whether room is scarce. Left out: in some seeds. */
  readonly flow?: "never" | "always";
  /** Whether something is planned, where it can be. Left out: in some seeds. */
  readonly plans?: "never" | "always";
  /** Listeners besides the invariants. */
  readonly observers?: readonly ObserverFactory[];
}

/** Never throws for what the members do. */
export function runCores(seed: number, settings: CoresSettings = {}): CoresRun {
  const options = drawWorld(seed, settings);
  const done: Action[] = [];
  return runWorld(seed, options, settings, done, (world) => {
    const choices = createChoices(options);
    const draws = {
      actions: createRandom(seed, 2),
      faults: createRandom(seed, 3),
      hosts: createRandom(seed, 4),
      plans: createRandom(seed, 14),
    };
    while (world.actionsDone < options.actions) runDrawn(world, choices, draws, done);
  });
}

function drawWorld(seed: number, settings: CoresSettings): CoresOptions {
  const options = drawOptions(createRandom(seed, 1), settings.actions ?? actionsDefault);
  const changing = { never: 0, drawn: 0.4, always: 1 }[settings.membership ?? "drawn"];
  const membership = drawMembership(createRandom(seed, 6), options.memberCount, changing);
  const leading = { never: 0, drawn: 0.4, always: 1 }[settings.leadership ?? "drawn"];
  const compacting = { never: 0, drawn: 0.4, always: 1 }[settings.snapshots ?? "drawn"];
  const changed = membership === null ? options : { ...options, membership };
  const leadership = drawLeadership(createRandom(seed, 8), changed, leading);
  const led = leadership === null ? changed : { ...changed, leadership };
  const random = createRandom(seed, 11);
  const snapshots = drawSnapshots(random, compacting);
  if (snapshots === null) return withPlans(seed, withFlow(seed, led, settings), settings);
  const snapshotTicks = drawSnapshotTicks(random, options.settings);
  const taking = { ...led, settings: { ...led.settings, snapshotTicks }, snapshots };
  return withPlans(seed, withFlow(seed, taking, settings), settings);
}

function withFlow(seed: number, options: CoresOptions, settings: CoresSettings): CoresOptions {
  const scarce = { never: 0, drawn: 0.3, always: 1 }[settings.flow ?? "drawn"];
  const flow = drawFlow(createRandom(seed, 12), scarce);
  if (flow === null) return options;
  const { backlogBytesMax } = flow;
  return { ...options, settings: { ...options.settings, backlogBytesMax }, flow };
}

function withPlans(seed: number, options: CoresOptions, settings: CoresSettings): CoresOptions {
  const planning = { never: 0, drawn: 0.5, always: 1 }[settings.plans ?? "drawn"];
  const plans = drawPlans(createRandom(seed, 13), options, planning);
  return plans === null ? options : { ...options, plans };
}

/** Does these actions in this world; those that cannot happen are left out. */
export function replayCores(
  seed: number,
  options: CoresOptions,
  actions: readonly Action[],
  settings: CoresSettings = {},
): CoresRun {
  const done: Action[] = [];
  return runWorld(seed, options, settings, done, (world) => {
    for (const action of actions) {
      world.actionsDone++;
      done.push(action);
      const happened = perform(world, action);
      if (happened === null && action.kind !== "pass") done.pop();
      if (happened !== null)
        record(world.trace, world, action.kind, happened.host, happened.subject);
    }
  });
}

function runWorld(
  seed: number,
  options: CoresOptions,
  settings: CoresSettings,
  actions: Action[],
  firstPhase: (world: World) => void,
): CoresRun {
  const evaluations = createEvaluations(settings.off);
  const world = createWorld(options, evaluations, settings.observers ?? []);
  let failure: CoresFailure | null = null;
  let recovered: Recovered | null = null;
  let changesBefore = world.checker.ledger.counts;
  try {
    firstPhase(world);
    changesBefore = { ...world.checker.ledger.counts };
    recovered = runLiveness(world, createRandom(seed, 5));
  } catch (error) {
    recordBroken(world, actions.at(-1));
    failure = describeFailure(world, error);
  }
  const { ledger } = world.checker;
  const { changes, voterChanges, snapshotsTaken, snapshotsInstalled, logsReplaced, compactions } =
    changesBefore;
  const before = { changes, voterChanges, snapshotsTaken, snapshotsInstalled, logsReplaced };
  return {
    seed,
    options,
    actions,
    steps: world.steps,
    idleTicks: world.idleTicks,
    hash: world.trace.hash,
    evaluations,
    faults: world.faults,
    operations: { commits: ledger.canon.length, ...ledger.counts, ...before, compactions },
    recovered,
    failure,
  };
}

/** The action that broke something has no row yet; in the second phase nothing is missing. */
function recordBroken(world: World, action: Action | undefined): void {
  const isFirstPhase = world.actionsDone <= world.options.actions;
  if (action === undefined || !isFirstPhase) return;
  const host = "at" in action ? (world.hosts[action.at] ?? null) : null;
  record(world.trace, world, action.kind, host, JSON.stringify(action));
}

function describeFailure(world: World, error: unknown): CoresFailure {
  return {
    invariant: error instanceof Violation ? error.invariant : "crash",
    message: error instanceof Error ? error.message : String(error),
    trace: describeTrace(world.trace),
    error,
  };
}
