/** One seed from beginning to end: a world is drawn, goes through its faults, and is healed. */
import type { Entry } from "../../core/index.ts";
import { Checker } from "../checker/index.ts";
import type { CoreObserver } from "../observer.ts";
import { createRandom } from "../random.ts";
import { createEvaluations, type Evaluations, Violation } from "../violation.ts";
import { createAims } from "./aims.ts";
import type { FeatureName } from "./features.ts";
import { expect, type MemberEvaluations } from "./invariants.ts";
import { type Recovered, runLiveness } from "./liveness.ts";
import type { Load } from "./load.ts";
import { Nemesis } from "./nemesis.ts";
import { Operator } from "./operator.ts";
import { drawMembersOptions, type FaultKind, type MembersOptions } from "./options.ts";
import { createStoreLoad } from "./store-load.ts";
import { describeTrace } from "./trace.ts";
import { type Beginning, streams, World } from "./world.ts";

export interface MembersSettings {
  /** Inputs to cores in the first phase, at most. Default 6,000. */
  readonly steps?: number;
  /** Drawn unless given. */
  readonly memberCount?: number;
  /** Exactly these kinds of faults; drawn unless given. */
  readonly faults?: readonly FaultKind[];
  /** Exactly these features; drawn unless given, and none with another load than the own one. */
  readonly features?: readonly FeatureName[];
  /** Of the features that are drawn, those that may be; all unless given. */
  readonly featuresAmong?: readonly FeatureName[];
  /** Bytes of one command at most; 2,048 unless given. */
  readonly commandBytesMax?: number;
  /** What runs and is asked; the world's own store unless given. */
  readonly load?: (options: MembersOptions) => Load<unknown, unknown>;
  /** Invariants of the cores that are counted only. */
  readonly off?: ReadonlySet<string>;
  /** Listeners besides the cores' invariants, made for each world. */
  readonly observers?: readonly ((beginning: Beginning) => CoreObserver)[];
}

export interface MembersOperations {
  readonly ok: number;
  readonly failed: number;
  readonly unknown: number;
  /** Entries that were committed. */
  readonly committed: number;
}

export interface MembersRun {
  readonly seed: number;
  readonly options: MembersOptions;
  /** Inputs to cores, each checked. */
  readonly steps: number;
  /** Ticks that did nothing but count, checked as well. */
  readonly idleTicks: number;
  readonly simulatedMs: number;
  /** Of all that happened: equal seeds give equal hashes. */
  readonly hash: number;
  /** Of the cores' invariants, and of those of whole members. */
  readonly evaluations: Evaluations;
  readonly memberEvaluations: MemberEvaluations;
  /** Injected faults by kind. */
  readonly faults: Readonly<Record<string, number>>;
  readonly operations: MembersOperations;
  /** By code and outcome. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Null when a check failed. */
  readonly recovered: Recovered | null;
  /** Null: everything held. */
  readonly failure: MembersFailure | null;
}

export interface MembersFailure {
  /** The invariant that broke; `crash` for any other exception. */
  readonly invariant: string;
  readonly message: string;
  /** The last events in fixed columns. */
  readonly trace: string;
  readonly error: unknown;
}

export const stepsDefault = 6000;

const commandBytesDefault = 2048;

/** Never throws for what the members do. */
export function runMembers(seed: number, settings: MembersSettings = {}): MembersRun {
  const random = createRandom(seed, streams.options);
  const randoms = {
    features: createRandom(seed, streams.features),
    leases: createRandom(seed, streams.leases),
    aims: createRandom(seed, streams.aims),
  };
  const options = drawMembersOptions(random, randoms, {
    steps: settings.steps ?? stepsDefault,
    memberCount: settings.memberCount ?? null,
    faults: settings.faults ?? null,
    features: settings.features ?? (settings.load === undefined ? null : []),
    featuresAmong: settings.featuresAmong ?? null,
    commandBytesMax: settings.commandBytesMax ?? commandBytesDefault,
  });
  const evaluations = createEvaluations(settings.off);
  const load = settings.load?.(options) ?? ownLoad(options);
  const world = new World(seed, options, load, (beginning) => [
    new Checker({ ...beginning, evaluations }),
    ...(settings.observers ?? []).map((create) => create(beginning)),
  ]);
  let failure: MembersFailure | null = null;
  let recovered: Recovered | null = null;
  try {
    runFaults(world);
    checkConnections(world);
    recovered = runLiveness(world, createRandom(seed, streams.liveness));
    checkConnections(world);
    judge(world, world.committed);
  } catch (error) {
    failure = describeFailure(world, world.failure ?? error);
  }
  return {
    seed,
    options,
    steps: world.steps,
    idleTicks: world.idleTicks,
    simulatedMs: world.nowMs,
    hash: world.trace.hash,
    evaluations,
    memberEvaluations: world.evaluations,
    faults: world.hosts.faults.byKind,
    operations: countOperations(world),
    refusals: world.refusals,
    recovered,
    failure,
  };
}

function ownLoad(options: MembersOptions): Load<unknown, unknown> {
  // A load is opaque to the world: it hands back only what it was given.
  const takesSnapshots = options.features.snapshots !== null;
  return createStoreLoad({ ...options.clients, takesSnapshots }) as unknown as Load<
    unknown,
    unknown
  >;
}

function runFaults(world: World): void {
  const { options, hosts } = world;
  for (const member of world.members) member.start();
  for (const client of world.clients) client.run();
  const nemesis = new Nemesis(world, createRandom(world.seed, streams.nemesis));
  const operator = new Operator(world, createRandom(world.seed, streams.operator));
  const aims = createAims(world, createRandom(world.seed, streams.aimed));
  nemesis.run();
  operator.run();
  aims?.run();
  const isOver = () => world.failure !== null || world.steps >= options.stepsMax;
  hosts.timeline.runUntilThat(isOver, options.faultsMs);
  nemesis.end();
  operator.end();
  aims?.end();
  if (world.failure !== null) throw world.failure;
}

/** V8: what waits for a connection is within the transport's limits, whatever its peer does. */
function checkConnections({ evaluations, options, hosts }: World): void {
  const { queueBytesMax = 0, forwardQueueBytesMax = 0 } = options.transportLimits;
  const bytesMax = Math.max(queueBytesMax, forwardQueueBytesMax);
  const { queuedBytesMost } = hosts.network;
  expect(evaluations, "V8", queuedBytesMost <= bytesMax, () => {
    return `${queuedBytesMost} bytes waited for one connection, ${bytesMax} at most`;
  });
}

/** What the clients saw, against the log that all agree on. */
function judge(world: World, log: readonly Entry[]): void {
  const { load, recorder } = world;
  const committed = log
    .filter(({ kind }) => kind === "command")
    .map(({ index, data, term }) => ({ index, command: load.decode(data, index, term) }));
  const count = (invariant: "H" | "L3") => {
    world.evaluations[invariant]++;
  };
  const verdict = load.judge({ history: recorder.history, committed, count });
  if (verdict !== null) throw new Violation(verdict.invariant, verdict.message);
}

function countOperations({ recorder, members }: World): MembersOperations {
  const counts = { ok: 0, fail: 0, info: 0 };
  for (const { outcome } of recorder.history) counts[outcome.kind]++;
  const committed = Math.max(0, ...members.map(({ appliedMax }) => appliedMax));
  return { ok: counts.ok, failed: counts.fail, unknown: counts.info, committed };
}

function describeFailure(world: World, error: unknown): MembersFailure {
  return {
    invariant: error instanceof Violation ? error.invariant : "crash",
    message: error instanceof Error ? error.message : String(error),
    trace: describeTrace(world.trace),
    error,
  };
}
