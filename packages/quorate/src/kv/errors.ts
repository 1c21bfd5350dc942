/**
 * The refusals of the store as values, with etcd's exact codes and texts: clients match both. They
 * say that nothing was changed. Made by the checks and by the store; the server maps them to gRPC.
 */

/** The gRPC code's name. */
export type KvErrorCode = "InvalidArgument" | "NotFound" | "OutOfRange";

/** A refused request; nothing was applied. `text` is the whole message clients see. */
export interface KvError {
  readonly kind: "kv-error";
  readonly code: KvErrorCode;
  readonly text: string;
}

function kvError(code: KvErrorCode, fact: string): KvError {
  return Object.freeze({ kind: "kv-error", code, text: `etcdserver: ${fact}` });
}

/** Every refusal this room makes. @etcd api/v3rpc/rpctypes/error.go */
export const kvErrors: {
  readonly emptyKey: KvError;
  readonly keyNotFound: KvError;
  readonly valueProvided: KvError;
  readonly leaseProvided: KvError;
  readonly tooManyOps: KvError;
  readonly duplicateKey: KvError;
  readonly leaseNotFound: KvError;
  readonly compacted: KvError;
  readonly futureRevision: KvError;
} = {
  emptyKey: kvError("InvalidArgument", "key is not provided"),
  keyNotFound: kvError("InvalidArgument", "key not found"),
  valueProvided: kvError("InvalidArgument", "value is provided"),
  leaseProvided: kvError("InvalidArgument", "lease is provided"),
  tooManyOps: kvError("InvalidArgument", "too many operations in txn request"),
  duplicateKey: kvError("InvalidArgument", "duplicate key given in txn request"),
  leaseNotFound: kvError("NotFound", "requested lease not found"),
  compacted: kvError("OutOfRange", "mvcc: required revision has been compacted"),
  futureRevision: kvError("OutOfRange", "mvcc: required revision is a future revision"),
};
