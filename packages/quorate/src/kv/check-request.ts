/**
 * The checks of single requests before they are proposed or read: what can be told without the
 * store. Null means fine. The server calls them; a request that is in the log has passed them.
 *
 * @etcd server/etcdserver/api/v3rpc/key.go
 */
import type { DeleteRangeRequest, PutRequest, RangeRequest } from "../proto/index.ts";
import { type KvError, kvErrors } from "./errors.ts";

/** Refuses an empty key. */
export function checkRange(request: RangeRequest): KvError | null {
  return request.key.length === 0 ? kvErrors.emptyKey : null;
}

/** Refuses an empty key, and a value or lease beside the wish to keep the old one. */
export function checkPut(request: PutRequest): KvError | null {
  if (request.key.length === 0) return kvErrors.emptyKey;
  if (request.ignoreValue && request.value.length > 0) return kvErrors.valueProvided;
  if (request.ignoreLease && request.lease !== 0n) return kvErrors.leaseProvided;
  return null;
}

/** Refuses an empty key. */
export function checkDeleteRange(request: DeleteRangeRequest): KvError | null {
  return request.key.length === 0 ? kvErrors.emptyKey : null;
}
