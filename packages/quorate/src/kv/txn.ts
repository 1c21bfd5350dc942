/**
 * Txn: compares, then the operations of one branch as one unit: all in one revision, or refused as
 * a whole before anything is changed.
 */
import type { ResponseOp, TxnRequest, TxnResponse } from "../proto/index.ts";
import { innerHeader, type TxnAnswer } from "./answers.ts";
import { assert } from "./assert.ts";
import { writeDeleteRange } from "./delete-range.ts";
import type { KvError } from "./errors.ts";
import { writePut } from "./put.ts";
import { readRange } from "./range.ts";
import type { Store } from "./store.ts";
import { checkPlan, type PlannedOp, planTxn, type TxnPlan } from "./txn-plan.ts";

/**
 * Applies a checked transaction. Its revision is the store's next if it changes anything, else the
 * current one. Unless `wanted`, nothing is read and the answer has no responses. A read-only
 * transaction changes nothing and may be called outside of the log's order.
 *
 * @etcd server/etcdserver/apply.go
 */
export function txn(store: Store, request: TxnRequest, wanted: boolean): TxnAnswer | KvError {
  const plan = planTxn(store, request);
  const refusal = checkPlan(store, plan);
  if (refusal !== null) return refusal;
  const run: Run = { store, revision: store.revision + 1, wanted };
  const response = runPlan(run, plan);
  return { kind: "txn", revision: store.revision, response };
}

interface Run {
  readonly store: Store;
  /** Of everything that this transaction writes. */
  readonly revision: number;
  readonly wanted: boolean;
}

function runPlan(run: Run, plan: TxnPlan): TxnResponse {
  const responses: ResponseOp[] = [];
  for (const op of plan.ops) {
    const response = runOp(run, op);
    if (response !== null) responses.push(response);
  }
  return { header: null, succeeded: plan.succeeded, responses };
}

/** Null if the answer is not wanted. */
function runOp(run: Run, op: PlannedOp): ResponseOp | null {
  const { store, revision, wanted } = run;
  switch (op.kind) {
    case "range":
      return wanted
        ? withHeader(store, { kind: op.kind, response: readRange(store, op.request) })
        : null;
    case "put": {
      const response = writePut(store, op.request, revision, wanted);
      return wanted ? withHeader(store, { kind: op.kind, response }) : null;
    }
    case "delete-range": {
      const response = writeDeleteRange(store, op.request, revision, wanted);
      return wanted ? withHeader(store, { kind: op.kind, response }) : null;
    }
    case "txn":
      return wantedTxn(run, op.plan);
    case "none":
      assert(false, "txn: a plan with an empty operation is refused before it runs");
      return null;
    default:
      return op satisfies never;
  }
}

/** A nested answer's header is there and empty: the revision stands in the outermost one. @etcd */
function wantedTxn(run: Run, plan: TxnPlan): ResponseOp | null {
  const response = runPlan(run, plan);
  response.header = innerHeader(0);
  return run.wanted ? { kind: "txn", response } : null;
}

/** The revision as of this operation: the transaction's own once it has changed something. */
function withHeader(store: Store, op: ResponseOp): ResponseOp {
  op.response.header = innerHeader(store.revision);
  return op;
}
