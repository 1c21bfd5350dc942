/**
 * The simulator for a program's own machines: members as they are, on simulated machines, networks
 * and disks that fail, with clients that do what the program's clients do. One seed decides
 * everything, so what it finds can be seen again.
 */
import type { HandlesOf, MachineDeclarations } from "../machine/index.ts";
import type { History } from "./histories/index.ts";
import {
  createDeclaredLoad,
  type DeclaredInput,
  type DeclaredLoad,
  type DeclaredResult,
  type DeclaredStep,
  describeStep,
  type FaultKind,
  faultKinds,
  type Load,
  type MembersRun,
  runMembers,
} from "./members/index.ts";
import type { Random } from "./random.ts";

/** Names of a machine's commands. */
type CommandOf<Handle> = Exclude<keyof Handle & string, "read" | "propose">;

/** A command of one machine with its argument; a command without one leaves it out. */
type CommandStep<Name, Handle> = {
  [Command in CommandOf<Handle>]: Handle[Command] extends (
    argument: infer Argument,
    ...rest: never
  ) => unknown
    ? undefined extends Argument
      ? { readonly machine: Name; readonly command: Command; readonly argument?: Argument }
      : { readonly machine: Name; readonly command: Command; readonly argument: Argument }
    : never;
}[CommandOf<Handle>];

/** What a read is given: the state of a typed machine, a raw machine itself. */
type StateOf<Handle> = Handle extends { read(read: (state: infer State) => unknown): unknown }
  ? State
  : never;

interface ReadStep<Name, Handle> {
  readonly machine: Name;
  /** Answered linearizably. Looks at the state and changes nothing. */
  readonly read: (state: StateOf<Handle>) => unknown;
}

/** A command of a raw machine: its bytes. */
type RawStep<Name, Handle> = Handle extends {
  propose(command: Uint8Array): unknown;
}
  ? { readonly machine: Name; readonly argument: Uint8Array }
  : never;

/** What a client does next: a command, or a read. */
export type SimulatedStep<Machines extends MachineDeclarations> = {
  [Name in keyof Machines & string]:
    | CommandStep<Name, HandlesOf<Machines>[Name]>
    | RawStep<Name, HandlesOf<Machines>[Name]>
    | ReadStep<Name, HandlesOf<Machines>[Name]>;
}[keyof Machines & string];

/** The states of a member's machines, by their names. */
export type SimulatedStates<Machines extends MachineDeclarations> = {
  readonly [Name in keyof Machines & string]: StateOf<HandlesOf<Machines>[Name]>;
};

/** What a client did and what it was told. */
export interface SimulatedOperation {
  readonly client: number;
  /** The step as text, such as `bank.move({from: "ann", to: "bob", amount: 3})`. */
  readonly step: string;
  /** `applied` with what it returned, or what it threw; else nobody knows, or certainly not. */
  readonly outcome: "applied" | "not-applied" | "unknown";
  readonly result?: unknown;
  readonly error?: string;
}

export interface SimulateOptions<Machines extends MachineDeclarations> {
  /** As for `start`. Made anew for each start of each member. */
  readonly machines: Machines;
  /**
   * What a client does next; called again and again. All its chance must come from `random`, or a
   * seed does not say what happens.
   */
  readonly workload: (random: Random) => SimulatedStep<Machines>;
  /**
   * What must hold of every member after every command, by name. False, or a text that says why
   * not: it does not hold. What is thrown ends the simulation, too.
   */
  readonly invariants?: Readonly<
    Record<string, (states: SimulatedStates<Machines>) => boolean | string>
  >;
  /** What must hold, at the end of a seed, of everything that clients did and were told. */
  readonly history?: (operations: readonly SimulatedOperation[]) => boolean | string;
  /** The first seed; 1 unless given. */
  readonly seed?: number;
  /** How many seeds, one after the other; 100 unless given. Ends at the first that fails. */
  readonly seeds?: number;
  /** 1 to 5; drawn for each seed unless given. */
  readonly members?: number;
  /** The kinds of faults that each seed has, and no others; drawn for each seed unless given. */
  readonly faults?: readonly FaultKind[];
  /** Inputs to the members' cores before the faults end, at most; 2,000 a seed unless given. */
  readonly steps?: number;
}

/** What was simulated, and the first failure. */
export interface SimulationReport {
  /** Seeds that were run. */
  readonly seeds: number;
  /** Inputs to the members' cores, each checked. */
  readonly steps: number;
  readonly simulatedMs: number;
  /** Operations with a result, certainly without effect, and of unknown outcome. */
  readonly operations: { readonly ok: number; readonly failed: number; readonly unknown: number };
  /** How often each kind of fault struck. */
  readonly faults: Readonly<Record<string, number>>;
  /** Null: everything held. */
  readonly failure: SimulationFailure | null;
}

export interface SimulationFailure {
  readonly seed: number;
  /** The name of your invariant, or one of the library's (`D7`: members' states differ …). */
  readonly invariant: string;
  /** What is wrong, and how to see it again. */
  readonly message: string;
  /** Kinds of faults that it takes, as far as could be found out. */
  readonly faults: readonly FaultKind[];
  /** The same seed ends in the same way; if not, something reads time or chance from outside. */
  readonly isRepeatable: boolean;
  /** The last events in fixed columns. */
  readonly trace: string;
}

const seedsDefault = 100;
const stepsDefault = 2000;
/** Bytes; longer commands are refused, as by the limit of that name in production. */
const commandBytesMax = 1024 * 1024;

/**
 * Runs a program's machines through seeds, each another cluster with other faults, and reports the
 * first seed in which something does not hold. Besides your invariants it checks that the members'
 * states are equal after each command and after each restart, that every client's results fit one
 * order of all commands, and that nothing acknowledged is lost. Runs at once, without promises or
 * timers, and throws nothing that the machines do; `assertSimulation` makes a failure an error.
 *
 *     const report = simulate({
 *       machines: { bank },
 *       workload: (random) => ({
 *         machine: "bank",
 *         command: "deposit",
 *         argument: { to: "ann", amount: random.between(1, 9) },
 *       }),
 *       invariants: {
 *         "no account is overdrawn": ({ bank }) =>
 *           Object.values(bank.balance).every((amount) => amount >= 0),
 *       },
 *     });
 */
export function simulate<Machines extends MachineDeclarations>(
  options: SimulateOptions<Machines>,
): SimulationReport {
  const sum = createSum();
  const first = options.seed ?? 1;
  const seeds = options.seeds ?? seedsDefault;
  for (let seed = first; seed < first + seeds; seed++) {
    const run = runSeed(options, seed);
    addRun(sum, run);
    const isChanged = seed === first && run.failure === null && !isSame(options, run);
    if (isChanged) return { ...sum, failure: unrepeatable(run) };
    if (run.failure !== null) return { ...sum, failure: describeFailure(options, run) };
  }
  return { ...sum, failure: null };
}

/** @throws Error with the message and the trace of the report's failure, if it has one */
export function assertSimulation(report: SimulationReport): void {
  const { failure } = report;
  if (failure !== null) throw new Error(`${failure.message}\n\n${failure.trace}`);
}

// --- one seed ------------------------------------------------------------------------------------

function runSeed<Machines extends MachineDeclarations>(
  options: SimulateOptions<Machines>,
  seed: number,
  faults: readonly FaultKind[] | undefined = options.faults,
): MembersRun {
  return runMembers(seed, {
    steps: options.steps ?? stepsDefault,
    commandBytesMax,
    ...(options.members === undefined ? {} : { memberCount: options.members }),
    ...(faults === undefined ? {} : { faults }),
    // A load is opaque to the world: it hands back only what it was given.
    load: () => createLoad(options) as unknown as Load<unknown, unknown>,
  });
}

function createLoad<Machines extends MachineDeclarations>(
  options: SimulateOptions<Machines>,
): DeclaredLoad {
  const { machines, workload, invariants = {}, history } = options;
  const checks = new Map<string, (states: Record<string, unknown>) => unknown>();
  for (const [name, holds] of Object.entries(invariants)) {
    // The states are those of exactly these machines.
    checks.set(name, (states) => holds(states as SimulatedStates<Machines>));
  }
  return createDeclaredLoad({
    machines,
    next: (random) => workload(random) as DeclaredStep, // one of the kinds of steps
    invariants: checks,
    history: history === undefined ? null : (all) => history(describeHistory(all)),
  });
}

function describeHistory(
  history: History<DeclaredInput, DeclaredResult>,
): readonly SimulatedOperation[] {
  return history.map(({ client, input, outcome }) => {
    const operation = { client, step: describeStep(input.step) };
    if (outcome.kind === "fail") return { ...operation, outcome: "not-applied" };
    if (outcome.kind === "info") return { ...operation, outcome: "unknown" };
    const { result } = outcome;
    return result.kind === "value"
      ? { ...operation, outcome: "applied", result: result.value }
      : { ...operation, outcome: "applied", error: result.message };
  });
}

/** A seed that is run twice does the same twice. */
function isSame<Machines extends MachineDeclarations>(
  options: SimulateOptions<Machines>,
  run: MembersRun,
): boolean {
  const again = runSeed(options, run.seed);
  return again.hash === run.hash && again.failure?.message === run.failure?.message;
}

// --- what is told --------------------------------------------------------------------------------

interface Sum {
  seeds: number;
  steps: number;
  simulatedMs: number;
  readonly operations: { ok: number; failed: number; unknown: number };
  readonly faults: Record<string, number>;
}

function createSum(): Sum {
  const operations = { ok: 0, failed: 0, unknown: 0 };
  return { seeds: 0, steps: 0, simulatedMs: 0, operations, faults: {} };
}

function addRun(sum: Sum, run: MembersRun): void {
  sum.seeds++;
  sum.steps += run.steps;
  sum.simulatedMs += run.simulatedMs;
  sum.operations.ok += run.operations.ok;
  sum.operations.failed += run.operations.failed;
  sum.operations.unknown += run.operations.unknown;
  for (const [kind, count] of Object.entries(run.faults)) {
    sum.faults[kind] = (sum.faults[kind] ?? 0) + count;
  }
}

function describeFailure<Machines extends MachineDeclarations>(
  options: SimulateOptions<Machines>,
  found: MembersRun,
): SimulationFailure {
  const isRepeatable = isSame(options, found);
  const run = leaveOutFaults(options, found);
  const faults = presentFaults(run);
  const { invariant = "", message = "", trace = "" } = run.failure ?? {};
  const what = message.startsWith(`${invariant}: `) ? message : `${invariant}: ${message}`;
  const often = isRepeatable
    ? ""
    : "\nThe same seed does not end in the same way twice: a machine or the workload reads time, " +
      "randomness or something else from outside, or members share something.";
  const kinds = faults.length === 0 ? "without any fault" : `with faults: ${faults.join(", ")}`;
  const named = faults.map((kind) => `"${kind}"`).join(", ");
  const again = `simulate({ …, seed: ${run.seed}, seeds: 1, faults: [${named}] })`;
  const where = `Seed ${run.seed}, ${run.options.memberCount} members, ${kinds}`;
  return {
    seed: run.seed,
    invariant,
    message: `${where}: ${what}${often}\nSee it again: ${again}`,
    faults,
    isRepeatable,
    trace,
  };
}

function presentFaults({ options }: MembersRun): FaultKind[] {
  return faultKinds.filter((kind) => options.rates[kind] > 0);
}

/** Tries to do without each kind of fault. */
function leaveOutFaults<Machines extends MachineDeclarations>(
  options: SimulateOptions<Machines>,
  found: MembersRun,
): MembersRun {
  let smallest = found;
  for (const kind of presentFaults(found)) {
    const fewer = presentFaults(smallest).filter((one) => one !== kind);
    const run = runSeed(options, found.seed, fewer);
    if (run.failure?.invariant === found.failure?.invariant) smallest = run;
  }
  return smallest;
}

function unrepeatable(run: MembersRun): SimulationFailure {
  return {
    seed: run.seed,
    invariant: "D8",
    message:
      `Seed ${run.seed} does something else each time it is run: a machine or the workload reads ` +
      "time, randomness or something else from outside, or members share something. " +
      "Take chance from the workload's `random` " +
      "and the command's `context.random`, time from `context.now`.",
    faults: presentFaults(run),
    isRepeatable: false,
    trace: "",
  };
}
