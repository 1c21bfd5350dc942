/**
 * The checks of a transaction before it is proposed, in etcd's order: how many operations, each by
 * itself, nested ones with what is left of the budget, then keys written twice. Both branches are
 * checked, whatever the compares will say.
 *
 * @etcd server/etcdserver/api/v3rpc/key.go
 */
import type { RequestOp, TxnRequest } from "../proto/index.ts";
import { checkDeleteRange, checkPut, checkRange } from "./check-request.ts";
import { type KvError, kvErrors } from "./errors.ts";
import { IntervalSet } from "./interval-set.ts";
import { isOpenEnd, keyName, keySpan } from "./key-name.ts";
import type { KvLimits } from "./limits.ts";

/** Null if the transaction may be proposed. */
export function checkTxn(request: TxnRequest, limits: KvLimits): KvError | null {
  const refusal = checkOps(request, limits.txnOpsMax);
  if (refusal !== null) return refusal;
  const isFine = writesOf(request.success) !== null && writesOf(request.failure) !== null;
  return isFine ? null : kvErrors.duplicateKey;
}

/** Whether it changes nothing for sure and needs no proposal: all its operations are ranges. */
export function isReadOnly(request: TxnRequest): boolean {
  return bothBranches(request).every((op) => op.kind === "range");
}

/** Whether it may be answered from local state: read-only, and every range is serializable. */
export function isSerializable(request: TxnRequest): boolean {
  return bothBranches(request).every((op) => op.kind === "range" && op.request.serializable);
}

function bothBranches(request: TxnRequest): RequestOp[] {
  return [...request.success, ...request.failure];
}

/** The depth of nesting is bounded by the budget: each level takes at least one. */
function checkOps(request: TxnRequest, opsMax: number): KvError | null {
  const { compare, success, failure } = request;
  const opCount = Math.max(compare.length, success.length, failure.length);
  if (opCount > opsMax) return kvErrors.tooManyOps;
  if (compare.some((each) => each.key.length === 0)) return kvErrors.emptyKey;
  for (const op of bothBranches(request)) {
    const refusal = checkOp(op, opsMax - opCount);
    if (refusal !== null) return refusal;
  }
  return null;
}

function checkOp(op: RequestOp, nestedOpsMax: number): KvError | null {
  switch (op.kind) {
    case "range":
      return checkRange(op.request);
    case "put":
      return checkPut(op.request);
    case "delete-range":
      return checkDeleteRange(op.request);
    case "txn":
      return checkOps(op.request, nestedOpsMax);
    case "none":
      return kvErrors.keyNotFound;
    default:
      return op satisfies never;
  }
}

/** What a branch may write, its nested transactions included. */
interface Writes {
  puts: Set<string>;
  deletes: IntervalSet;
}

/**
 * What a branch may write, or null if it may write a key twice: two puts of a key, or a put in a
 * range that it deletes. As in etcd the direct deletes count before all puts, a nested delete only
 * before the puts that follow (nested ones, then direct ones), and one branch of a nested
 * transaction never stands against the other.
 */
function writesOf(ops: readonly RequestOp[]): Writes | null {
  const writes: Writes = { puts: new Set(), deletes: directDeletes(ops) };
  for (const op of ops) {
    if (op.kind !== "txn") continue;
    const success = writesOf(op.request.success);
    const failure = writesOf(op.request.failure);
    if (success === null || failure === null) return null;
    if (collides(writes, success.puts) || collides(writes, failure.puts)) return null;
    join(writes, success);
    join(writes, failure);
  }
  for (const op of ops) {
    if (op.kind !== "put") continue;
    const name = keyName(op.request.key);
    if (writes.puts.has(name) || writes.deletes.has(name)) return null;
    writes.puts.add(name);
  }
  return writes;
}

/** An open-ended delete stands against no put: etcd takes its "\0" for an end below every key. */
function directDeletes(ops: readonly RequestOp[]): IntervalSet {
  const deletes = new IntervalSet();
  for (const op of ops) {
    if (op.kind !== "delete-range" || isOpenEnd(op.request.rangeEnd)) continue;
    deletes.addSpan(keySpan(op.request.key, op.request.rangeEnd));
  }
  return deletes;
}

function collides(writes: Writes, puts: ReadonlySet<string>): boolean {
  if (writes.puts.size === 0 && writes.deletes.size === 0) return false;
  for (const name of puts) if (writes.puts.has(name) || writes.deletes.has(name)) return true;
  return false;
}

/** Adds the smaller to the larger, so that deep nesting does not copy everything at each level. */
function join(writes: Writes, nested: Writes): void {
  const isSmaller = nested.puts.size <= writes.puts.size;
  const [puts, otherPuts] = isSmaller ? [writes.puts, nested.puts] : [nested.puts, writes.puts];
  for (const name of otherPuts) puts.add(name);
  writes.puts = puts;
  const isLess = nested.deletes.size <= writes.deletes.size;
  const [deletes, otherDeletes] = isLess
    ? [writes.deletes, nested.deletes]
    : [nested.deletes, writes.deletes];
  deletes.addAll(otherDeletes);
  writes.deletes = deletes;
}
