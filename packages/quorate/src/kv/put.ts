/**
 * Put: writes one key. Always makes a revision, even with the value the key already has.
 */
import type { KeyValue, PutRequest, PutResponse } from "../proto/index.ts";
import type { PutAnswer } from "./answers.ts";
import { assert } from "./assert.ts";
import { type KvError, kvErrors } from "./errors.ts";
import { isTombstone } from "./key-history.ts";
import { keyName } from "./key-name.ts";
import { keepBytes, recordVersion, type Store } from "./store.ts";

/**
 * Applies a checked put outside of a transaction. Refused, with nothing changed: an unknown lease;
 * then, for ignore_value and ignore_lease, a key that does not exist (in a transaction etcd looks
 * in the other order). Unless `wanted`, the answer leaves out the previous key-value.
 *
 * @etcd server/etcdserver/apply.go
 */
export function put(store: Store, request: PutRequest, wanted: boolean): PutAnswer | KvError {
  if (!isKnownLease(request.lease)) return kvErrors.leaseNotFound;
  if (needsKey(request) && findLive(store, keyName(request.key)) === undefined) {
    return kvErrors.keyNotFound;
  }
  const response = writePut(store, request, store.revision + 1, wanted);
  return { kind: "put", revision: store.revision, response };
}

/** Writes a put whose conditions are known to hold, in `revision`. */
export function writePut(
  store: Store,
  request: PutRequest,
  revision: number,
  wanted: boolean,
): PutResponse {
  const name = keyName(request.key);
  const history = store.keys.find(name);
  const newest = history?.newest;
  const before = newest === undefined || isTombstone(newest) ? undefined : newest;
  assert(before !== undefined || !needsKey(request), "put: a key to keep something of exists");
  const version: KeyValue = {
    key: newest === undefined ? new Uint8Array(request.key) : newest.key,
    createRevision: before === undefined ? revision : before.createRevision,
    modRevision: revision,
    version: before === undefined ? 1 : before.version + 1,
    value: before !== undefined && request.ignoreValue ? before.value : keepBytes(request.value),
    lease: before !== undefined && request.ignoreLease ? before.lease : request.lease,
  };
  recordVersion(store, name, history, version);
  return { header: null, prevKv: wanted && request.prevKv && before !== undefined ? before : null };
}

/** Whether the put keeps something of a key that must exist. */
export function needsKey(request: PutRequest): boolean {
  return request.ignoreValue || request.ignoreLease;
}

/** No lease can be granted yet, so only "no lease" is known. */
export function isKnownLease(lease: bigint): boolean {
  return lease === 0n;
}

/** The key's newest version, or undefined if it does not exist now. */
export function findLive(store: Store, name: string): KeyValue | undefined {
  const newest = store.keys.find(name)?.newest;
  return newest === undefined || isTombstone(newest) ? undefined : newest;
}
