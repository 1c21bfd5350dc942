/** How a model is broken: the shortest way there, in words, and running it again. */
import { assert } from "../../base/index.ts";
import { type Model, ModelViolation } from "./model.ts";
import type { Path } from "./predecessors.ts";

/** One action on the way. */
export interface CounterexampleStep {
  readonly action: number;
  /** What `model.describe` says of it. */
  readonly description: string;
}

/** A way from an initial state to what must not be; plain data, to be kept as JSON. */
export interface Counterexample {
  readonly model: string;
  /** The model's description, with its bounds: actions are numbered by it. */
  readonly description: string;
  /** Which of the initial states it starts from. */
  readonly initial: number;
  /** No shorter way exists. The last one breaks the model; none if an initial state is broken. */
  readonly steps: readonly CounterexampleStep[];
  /** What is wrong. */
  readonly violation: string;
}

/** What `replay` came to. */
export type Replay =
  | { readonly kind: "violation"; readonly counterexample: Counterexample }
  | { readonly kind: "passed"; readonly steps: readonly CounterexampleStep[] }
  | { readonly kind: "impossible"; readonly why: string };

/** Runs the actions of a path again, from its initial state, and describes each. */
export function replay(model: Model, path: Path): Replay {
  const head = { model: model.name, description: model.description, initial: path.initial };
  const steps: CounterexampleStep[] = [];
  let state: Uint8Array | null;
  try {
    state = model.initial()[path.initial]?.slice() ?? null;
  } catch (error) {
    return { kind: "violation", counterexample: { ...head, steps, violation: describe(error) } };
  }
  if (state === null) return { kind: "impossible", why: `no initial state ${path.initial}` };
  for (const action of path.actions) {
    const next = successor(model, state, action);
    if (next === null) {
      return { kind: "impossible", why: `step ${steps.length + 1}: no action ${action} there` };
    }
    steps.push({ action, description: model.describe(state, action) });
    if (next.kind === "violation") {
      return { kind: "violation", counterexample: { ...head, steps, violation: next.violation } };
    }
    ({ state } = next);
  }
  return { kind: "passed", steps };
}

type Successor =
  | { readonly kind: "state"; readonly state: Uint8Array }
  | { readonly kind: "violation"; readonly violation: string };

function successor(model: Model, state: Uint8Array, action: number): Successor | null {
  let found: Successor | null = null;
  try {
    model.expand(state, (candidate, next) => {
      if (candidate === action) found = { kind: "state", state: next.slice() };
    });
  } catch (error) {
    if (found === null && model.failedAction === action) {
      return { kind: "violation", violation: describe(error) };
    }
  }
  return found;
}

/** What a model threw, as a line. */
export function describe(error: unknown): string {
  assert(error instanceof Error, "explorer: models throw errors");
  return error instanceof ModelViolation ? error.message : `${error.name}: ${error.message}`;
}

/** The counterexample as numbered lines. */
export function formatCounterexample(counterexample: Counterexample): string {
  const { steps, violation, initial } = counterexample;
  const start = initial === 0 ? [] : [`starts from initial state ${initial}`];
  const lines = steps.map(({ description }, index) => {
    return `${String(index + 1).padStart(4)}  ${description}`;
  });
  return [...start, ...lines, `${" ".repeat(6)}${violation}`].join("\n");
}
