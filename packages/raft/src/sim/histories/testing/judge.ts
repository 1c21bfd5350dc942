/** Both checkers on one history, and the step from a verdict of one to a claim for the other. */
import {
  type CommittedCommand,
  checkByRevision,
  type RevisionVerdict,
} from "../check-by-revision.ts";
import type { History, Operation } from "../history.ts";
import { replicaOf, type SequentialModel } from "../sequential-model.ts";

export function judgeByRevision<State, Input, Result>(
  history: History<Input, Result>,
  committed: readonly CommittedCommand<Input>[],
  model: SequentialModel<State, Input, Result>,
): RevisionVerdict {
  return checkByRevision({
    history,
    committed,
    replica: replicaOf(model),
    sameResult: (a, b) => model.sameResult(a, b),
    describeInput: (input) => model.describeInput(input),
    describeResult: (result) => model.describeResult(result),
  });
}

/** A history, and a log, as a service would tell them that did things in this order. */
export function claimOrder<Input, Result>(
  history: History<Input, Result>,
  order: readonly number[],
): { history: History<Input, Result>; committed: CommittedCommand<Input>[] } {
  const committed: CommittedCommand<Input>[] = [];
  const revisions = new Map<number, number>();
  for (const id of order) {
    const operation = history[id];
    if (operation?.kind === "write") {
      committed.push({ index: committed.length + 1, command: operation.input });
    }
    revisions.set(id, committed.length);
  }
  const claim = (operation: Operation<Input, Result>): Operation<Input, Result> => {
    const { outcome, id } = operation;
    if (outcome.kind !== "ok") return operation;
    return { ...operation, outcome: { ...outcome, revision: revisions.get(id) ?? 0 } };
  };
  return { history: history.map(claim), committed };
}

/** The operations of one order or of none, as a history of their own. */
export function partOf<Input, Result>(
  history: History<Input, Result>,
  order: readonly number[],
): { part: History<Input, Result>; order: number[] } {
  const ids = order.toSorted((a, b) => a - b);
  const part = ids.flatMap((id, place) => {
    const operation = history[id];
    return operation === undefined ? [] : [{ ...operation, id: place }];
  });
  return { part, order: order.map((id) => ids.indexOf(id)) };
}
