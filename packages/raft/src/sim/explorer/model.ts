/**
 * What the explorer explores: a finite world, given as bytes. A model decodes a state, does what
 * can be done in it, and hands the canonical bytes of what comes out back.
 */

/** Some state that breaks what must always hold, with what is wrong with it. */
export class ModelViolation extends Error {
  override readonly name = "ModelViolation";
}

export interface Model {
  readonly name: string;
  /** One line for people: what is in it, with its bounds. */
  readonly description: string;
  /** Interesting situations; each must be reached, or the run proves nothing of them. */
  readonly probes: readonly string[];
  /** How often each probe was seen by `expand` in this process; same order as `probes`. */
  readonly probeHits: Float64Array;
  /** Canonical bytes of the initial states. */
  initial(): readonly Uint8Array[];
  /**
   * Calls `emit` for each thing that can happen in `state`, in a fixed order: `action` numbers it
   * (0, 1, 2 …; with `state` it names the step again), `next` are the canonical bytes after it,
   * valid until `emit` returns. Checks every state that it makes.
   *
   * @throws ModelViolation by the action that breaks an invariant, after setting `failedAction`
   */
  expand(state: Uint8Array, emit: (action: number, next: Uint8Array) => void): void;
  /** The action that was under way when `expand` threw. */
  readonly failedAction: number;
  /** The action as a line for people; `state` is the one that `expand` was given. */
  describe(state: Uint8Array, action: number): string;
}
