/**
 * The yardstick of the checkers' own tests: tries every order of a handful of operations. Shares
 * nothing with the checkers but the types.
 */
import type { History, Operation } from "../history.ts";
import type { SequentialModel } from "../sequential-model.ts";

/** Whether some order of all that is known and any part of what is unknown explains the history. */
export function isLinearizableByBruteForce<State, Input, Result>(
  history: History<Input, Result>,
  model: SequentialModel<State, Input, Result>,
): boolean {
  const used = history.map(({ outcome }) => outcome.kind === "fail");
  const canGoOn = (state: State): boolean => {
    if (history.every(({ outcome }, at) => used[at] || outcome.kind === "info")) return true;
    for (const [at, operation] of history.entries()) {
      if (used[at] || !isFirst(operation, history, used)) continue;
      const { input, outcome } = operation;
      const result = model.answer(state, input);
      if (outcome.kind === "ok" && !model.sameResult(result, outcome.result)) continue;
      used[at] = true;
      if (canGoOn(model.next(state, input))) return true;
      used[at] = false;
    }
    return false;
  };
  return canGoOn(model.initial);
}

/** Whether none of those that are left certainly returned before it was called. */
function isFirst(
  operation: Operation<unknown, unknown>,
  history: History<unknown, unknown>,
  used: readonly boolean[],
): boolean {
  for (const [at, { outcome, returnedAt }] of history.entries()) {
    const isPast = outcome.kind === "ok" && returnedAt !== null && returnedAt < operation.calledAt;
    if (isPast && !used[at]) return false;
  }
  return true;
}
