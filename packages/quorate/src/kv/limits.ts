/**
 * The limits of requests to the store. How large a request may be in bytes is the server's limit.
 */

export interface KvLimits {
  /** Compares or operations of a branch in a transaction, at most; nested ones get the rest. */
  readonly txnOpsMax: number;
}

/** etcd's defaults: `--max-txn-ops` 128: one transaction holds up all others while applied. */
export const defaultKvLimits: KvLimits = { txnOpsMax: 128 };
