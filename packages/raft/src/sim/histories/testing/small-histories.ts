/** Every history of a few operations, one after the other. */
import type { History, Operation, OperationKind, OperationOutcome } from "../history.ts";

/** What an operation can be: what was asked, and how it ended. */
export interface OperationShape<Input, Result> {
  readonly kind: OperationKind;
  readonly input: Input;
  readonly outcome: OperationOutcome<Result>;
}

/**
 * Calls `visit` with each history of `count` operations of these shapes, in each order of calls and
 * returns in which at most `clientsMax` operations are under way at once; operations of unknown
 * outcome never return and keep no client busy. The history is valid until `visit` returns. How
 * many there were.
 */
export function forEachSmallHistory<Input, Result>(
  shapes: readonly OperationShape<Input, Result>[],
  count: number,
  clientsMax: number,
  visit: (history: History<Input, Result>) => void,
): number {
  const history: Operation<Input, Result>[] = [];
  let visited = 0;
  const extend = (event: number, openCount: number): void => {
    if (history.length === count && openCount === 0) {
      visited++;
      visit(history);
      return;
    }
    for (const [id, operation] of history.entries()) {
      if (operation.returnedAt !== null || operation.outcome.kind === "info") continue;
      history[id] = { ...operation, returnedAt: event };
      extend(event + 1, openCount - 1);
      history[id] = operation;
    }
    if (history.length === count || openCount === clientsMax) return;
    const id = history.length;
    const times = { calledAt: event, returnedAt: null, calledMs: 0, returnedMs: null };
    for (const shape of shapes) {
      history.push({ id, client: id, ...times, ...shape });
      extend(event + 1, openCount + (shape.outcome.kind === "info" ? 0 : 1));
      history.pop();
    }
  };
  extend(0, 0);
  return visited;
}
