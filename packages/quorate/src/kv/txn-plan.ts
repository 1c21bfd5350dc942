/**
 * What a transaction will do, fixed before it does anything: the branch of each compare, nested
 * ones included, by the state before; and whether any of its operations would have to be refused.
 */
import type { PutRequest, RequestOp, TxnRequest } from "../proto/index.ts";
import { holdAll } from "./compare.ts";
import { type KvError, kvErrors } from "./errors.ts";
import { IntervalSet } from "./interval-set.ts";
import { keyName, keySpan } from "./key-name.ts";
import { findLive, isKnownLease, needsKey } from "./put.ts";
import type { Store } from "./store.ts";

export interface TxnPlan {
  readonly succeeded: boolean;
  /** The operations of the branch taken. */
  readonly ops: readonly PlannedOp[];
}

export type PlannedOp =
  | Exclude<RequestOp, { kind: "txn" } | { kind: "none" }>
  | { readonly kind: "txn"; readonly plan: TxnPlan }
  | { readonly kind: "none" };

/** Fixes the branches; changes nothing. */
export function planTxn(store: Store, request: TxnRequest): TxnPlan {
  const succeeded = holdAll(store, request.compare);
  const branch = succeeded ? request.success : request.failure;
  const ops = branch.map(
    (op): PlannedOp => (op.kind === "txn" ? { kind: "txn", plan: planTxn(store, op.request) } : op),
  );
  return { succeeded, ops };
}

/**
 * The refusal of the whole transaction, or null. First the puts (a key to keep something of exists
 * by then, what earlier operations do included; then the lease is known), then the ranges'
 * revisions.
 *
 * @etcd server/etcdserver/apply.go
 */
export function checkPlan(store: Store, plan: TxnPlan): KvError | null {
  const changes: Changes = { put: new Set(), deleted: new IntervalSet() };
  return checkPuts(store, plan, changes) ?? checkRanges(store, plan);
}

/** What the operations so far do to keys. A key in both sets is deleted: puts leave `deleted`. */
interface Changes {
  readonly put: Set<string>;
  readonly deleted: IntervalSet;
}

function checkPuts(store: Store, plan: TxnPlan, changes: Changes): KvError | null {
  for (const op of plan.ops) {
    const refusal = checkWrite(store, op, changes);
    if (refusal !== null) return refusal;
  }
  return null;
}

function checkWrite(store: Store, op: PlannedOp, changes: Changes): KvError | null {
  switch (op.kind) {
    case "range":
      return null;
    case "put":
      return checkPutAfter(store, op.request, changes);
    case "delete-range":
      changes.deleted.addSpan(keySpan(op.request.key, op.request.rangeEnd));
      return null;
    case "txn":
      return checkPuts(store, op.plan, changes);
    case "none":
      return kvErrors.keyNotFound;
    default:
      return op satisfies never;
  }
}

function checkPutAfter(store: Store, request: PutRequest, changes: Changes): KvError | null {
  const name = keyName(request.key);
  if (needsKey(request) && !existsAfter(store, name, changes)) return kvErrors.keyNotFound;
  if (!isKnownLease(request.lease)) return kvErrors.leaseNotFound;
  changes.put.add(name);
  changes.deleted.delete(name);
  return null;
}

function existsAfter(store: Store, name: string, changes: Changes): boolean {
  if (changes.deleted.has(name)) return false;
  return changes.put.has(name) || findLive(store, name) !== undefined;
}

/**
 * A range inside a transaction may not ask for the revision the transaction is about to make, and,
 * other than outside, a negative revision below the compacted one (-1 at first) is refused. Both as
 * etcd.
 */
function checkRanges(store: Store, plan: TxnPlan): KvError | null {
  for (const op of plan.ops) {
    const refusal =
      op.kind === "txn"
        ? checkRanges(store, op.plan)
        : op.kind === "range"
          ? checkInnerRevision(store, op.request.revision)
          : null;
    if (refusal !== null) return refusal;
  }
  return null;
}

function checkInnerRevision(store: Store, revision: number): KvError | null {
  if (revision === 0) return null;
  if (revision > store.revision) return kvErrors.futureRevision;
  return revision < store.compactedRevision ? kvErrors.compacted : null;
}
