/**
 * What a machine should do when one operation comes after the other: the yardstick of both history
 * checkers. Written by hand, naive, and apart from the machine under test. `models/` has some.
 */

/**
 * A deterministic machine as functions over immutable states.
 *
 * With `partition`, operations of different partitions never touch each other, and a state is that
 * of one partition; each begins with `initial`.
 */
export interface SequentialModel<State, Input, Result> {
  readonly name: string;
  readonly initial: State;
  /** The result that a client sees when `input` is applied to `state`. */
  answer(state: State, input: Input): Result;
  /** The state after it: `state` itself if nothing changes. Never changes `state`. */
  next(state: State, input: Input): State;
  sameResult(a: Result, b: Result): boolean;
  /** A 32-bit number, equal for equal states; cheap, for it is asked at each step of a search. */
  hash(state: State): number;
  sameState(a: State, b: State): boolean;
  /** Equal texts: the same command. For people, too. */
  describeInput(input: Input): string;
  describeResult(result: Result): string;
  partition?(input: Input): string;
  /**
   * True only if no operations whatsoever lead from `state` to one in which `input` is answered
   * with `result`. Without it a search is right all the same; with it, it gives up on most states
   * at once where states only grow.
   */
  isBeyond?(state: State, input: Input, result: Result): boolean;
}

/** A machine that changes as it goes: a user's own, or one made of a model by `replicaOf`. */
export interface Replica<Input, Result> {
  /** Applies a write, or answers a read, which must not change anything. */
  apply(input: Input): Result;
}

/** The model as a machine at its initial state. */
export function replicaOf<State, Input, Result>(
  model: SequentialModel<State, Input, Result>,
): Replica<Input, Result> {
  const states = new Map<string, State>();
  return {
    apply: (input) => {
      const partition = model.partition?.(input) ?? "";
      const known = states.get(partition);
      const state = known === undefined ? model.initial : known;
      const result = model.answer(state, input);
      states.set(partition, model.next(state, input));
      return result;
    },
  };
}
