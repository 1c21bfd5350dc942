/**
 * A user's own machines as the load of a world. Every state is compared as text: so members that
 * differ are found whatever the state consists of, and the difference can be shown.
 */
import { assert, logIndex, QuorateError, term } from "../../base/index.ts";
import {
  createMachineSet,
  type DirectMachine,
  type MachineDeclarations,
} from "../../machine/index.ts";
import { checkByRevision, type History } from "../histories/index.ts";
import type { Random } from "../random.ts";
import { Violation } from "../violation.ts";
import { describeDifference, describeValue } from "./describe-value.ts";
import type { Ask, Load, LoadHistory, LoadMachines, LoadVerdict } from "./load.ts";
import { digest } from "./store.ts";

/** What a client does, as the user's workload says it. */
export interface DeclaredStep {
  readonly machine: string;
  readonly command?: string;
  readonly argument?: unknown;
  readonly read?: (state: never) => unknown;
}

/** A step that a client took, or a command of the log. */
export interface DeclaredInput {
  readonly step: DeclaredStep;
  /** Of a write that was sent: its entry's data. */
  data: Uint8Array | null;
  /** Where it stands in the log; null while nobody has looked. */
  readonly place: { readonly index: number; readonly term: number } | null;
}

/** `thrown`: the error that a caller gets in place of a value. */
export type DeclaredResult =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "thrown"; readonly message: string };

export interface DeclaredParts {
  readonly machines: MachineDeclarations;
  readonly next: (random: Random) => DeclaredStep;
  /** By name: what is said of the states of all machines of a member, by machine. */
  readonly invariants: ReadonlyMap<string, (states: Record<string, unknown>) => unknown>;
  /** What is said of all that the clients saw; null: nothing is asked. */
  readonly history: ((history: History<DeclaredInput, DeclaredResult>) => unknown) | null;
}

export type DeclaredLoad = Load<DeclaredInput, DeclaredResult>;

/** Indexes whose states are kept as texts, to show a difference. */
const textsMax = 256;

export function createDeclaredLoad(parts: DeclaredParts): DeclaredLoad {
  /** By index: the state as the first member had it. */
  const texts = new Map<number, string>();
  return {
    createMachines: () => new DeclaredMachines(parts, texts),
    next: (random) => nextAsk(parts, random),
    decode: (data, index, entryTerm) => ({
      step: { machine: "" },
      data,
      place: { index, term: entryTerm },
    }),
    describeInput: describeIdentity,
    describeResult: describeValue,
    judge: (history) => judge(parts, texts, history),
  };
}

function nextAsk(parts: DeclaredParts, random: Random): Ask<DeclaredInput> {
  const step = parts.next(random);
  return {
    kind: step.read === undefined ? "write" : "read",
    input: { step, data: null, place: null },
  };
}

/** For people. */
export function describeStep({ machine, command, argument, read }: DeclaredStep): string {
  if (read !== undefined) return `read ${machine}`;
  const what = argument === undefined ? "" : describeValue(argument);
  return `${machine}.${command ?? "propose"}(${what})`;
}

/** Equal bytes are equal commands. */
function describeIdentity({ step, data }: DeclaredInput): string {
  return data === null ? describeStep(step) : data.join(" ");
}

class DeclaredMachines implements LoadMachines<DeclaredInput, DeclaredResult> {
  readonly #parts: DeclaredParts;
  readonly #set: ReturnType<typeof createMachineSet>;
  readonly #texts: Map<number, string>;
  readonly #directs = new Map<string, DirectMachine>();
  #index = 0;
  #states: Record<string, unknown> = {};
  #text = "";

  constructor(parts: DeclaredParts, texts: Map<number, string>) {
    this.#parts = parts;
    this.#set = createMachineSet(parts.machines);
    this.#texts = texts;
    for (const name of this.#set.names) this.#directs.set(name, this.#set.direct(name));
  }

  /** The state as `hash` saw it. */
  get text(): string {
    return this.#text;
  }

  knows(data: Uint8Array): boolean {
    return this.#set.knows(data);
  }

  describe(data: Uint8Array): string {
    return this.#set.describe(data);
  }

  stamp(data: Uint8Array, timeMs: number): Uint8Array {
    return this.#set.stamp(data, timeMs);
  }

  get sessionTimeMs(): number {
    return this.#set.sessionTimeMs;
  }

  apply(data: Uint8Array, index: number, entryTerm: number): unknown {
    this.#index = index;
    // A result is always wanted: all members' results can be compared then.
    return this.#set.apply(data, logIndex(index), term(entryTerm), true);
  }

  encode(input: DeclaredInput, wallMs: number): Uint8Array {
    const { machine, command, argument } = input.step;
    const payload = this.#set.direct(machine).encode(command ?? null, argument, wallMs);
    input.data = this.#set.encode(machine, payload);
    return input.data;
  }

  result(raw: unknown, { step }: DeclaredInput): DeclaredResult {
    const direct = this.#set.direct(step.machine);
    return settle(() => direct.unwrap(step.command ?? null, raw));
  }

  answer({ step }: DeclaredInput): DeclaredResult {
    const { machine, read } = step;
    assert(read !== undefined, "a read is asked");
    return settle(() => this.#set.direct(machine).read(read));
  }

  hash(): number {
    this.#look();
    const text = this.#text;
    let hash = text.length;
    for (let at = 0; at < text.length; at++) hash = digest(hash, text.charCodeAt(at));
    if (!this.#texts.has(this.#index)) this.#texts.set(this.#index, text);
    this.#texts.delete(this.#index - textsMax);
    return hash;
  }

  check(): void {
    for (const [name, holds] of this.#parts.invariants) {
      const problem = problemOf(() => holds(this.#states));
      if (problem === null) continue;
      const state = describeValue(this.#states);
      const place = `after index ${this.#index}`;
      throw new Violation(name, `does not hold ${place}${problem}; the state is ${state}`);
    }
  }

  describeDifference(): string {
    const others = this.#texts.get(this.#index);
    return others === undefined ? "" : describeDifference(this.#text, others);
  }

  #look(): void {
    const states: Record<string, unknown> = {};
    for (const [name, direct] of this.#directs) states[name] = direct.read((state) => state);
    this.#states = states;
    this.#text = describeValue(states);
  }
}

function settle(act: () => unknown): DeclaredResult {
  try {
    return { kind: "value", value: act() };
  } catch (error) {
    if (!(error instanceof QuorateError)) throw error;
    return { kind: "thrown", message: error.message };
  }
}

/** Null: it holds. A text says more than a plain no. */
function problemOf(ask: () => unknown): string | null {
  const said = ask();
  if (typeof said === "string") return `: ${said}`;
  return said === false ? "" : null;
}

/**
 * The whole history against fresh machines that are given the committed log once more, then the
 * user's own opinion of it.
 */
function judge(
  parts: DeclaredParts,
  texts: ReadonlyMap<number, string>,
  { history, committed, count }: LoadHistory<DeclaredInput, DeclaredResult>,
): LoadVerdict | null {
  count("H");
  const machines = new DeclaredMachines(parts, new Map());
  const said = replay(machines, committed, texts);
  if (said !== null) return said;
  const verdict = checkAgain(parts, history, committed);
  if (verdict !== null) return verdict;
  const problem = parts.history === null ? null : problemOf(() => parts.history?.(history));
  return problem === null ? null : { invariant: "history", message: `does not hold${problem}` };
}

/** Machines that do the same another time are as the members are. */
function replay(
  machines: DeclaredMachines,
  committed: LoadHistory<DeclaredInput, DeclaredResult>["committed"],
  texts: ReadonlyMap<number, string>,
): LoadVerdict | null {
  for (const { index, command } of committed) {
    assert(command.data !== null && command.place !== null, "a committed command is in the log");
    machines.apply(command.data, index, command.place.term);
    const expected = texts.get(index);
    if (expected === undefined) continue;
    machines.hash();
    const { text } = machines;
    if (text === expected) continue;
    const what = `the same commands, replayed later, make another state at index ${index}`;
    return { invariant: "D5", message: `${what}: ${describeDifference(text, expected)}` };
  }
  return null;
}

function checkAgain(
  parts: DeclaredParts,
  history: History<DeclaredInput, DeclaredResult>,
  committed: LoadHistory<DeclaredInput, DeclaredResult>["committed"],
): LoadVerdict | null {
  const machines = new DeclaredMachines(parts, new Map());
  const steps = new Map<number, DeclaredInput>();
  for (const { outcome, input } of history) {
    if (outcome.kind === "ok" && outcome.revision !== null && input.data !== null) {
      steps.set(outcome.revision, input);
    }
  }
  const verdict = checkByRevision<DeclaredInput, DeclaredResult>({
    history,
    committed,
    replica: {
      apply: (input) => {
        if (input.place === null) return machines.answer(input);
        const { index } = input.place;
        const raw = machines.apply(input.data ?? new Uint8Array(), index, input.place.term);
        const asked = steps.get(index);
        return asked === undefined ? { kind: "value", value: null } : machines.result(raw, asked);
      },
    },
    sameResult: (a, b) => describeValue(a) === describeValue(b),
    describeInput: describeIdentity,
    describeResult: describeValue,
  });
  if (verdict.kind === "ok") return null;
  const who = verdict.operations.map((id) => history[id]).filter((one) => one !== undefined);
  const asked = who.map(({ client, input }) => `client ${client}: ${describeStep(input.step)}`);
  // Bytes mean nothing to people.
  const what = verdict.message.replace(/, [\d ]+\)/, ")");
  return { invariant: verdict.invariant, message: `${what} [${asked.join("; ")}]` };
}
