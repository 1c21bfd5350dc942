/**
 * Range: reads keys at a revision. Changes nothing; what it costs is the walk over the keys of the
 * range (for `count`), and objects only for what is answered.
 */
import type { KeyValue, RangeRequest, RangeResponse } from "../proto/index.ts";
import type { RangeAnswer } from "./answers.ts";
import { compareBytes } from "./compare-bytes.ts";
import { type KvError, kvErrors } from "./errors.ts";
import { type KeyHistory, liveAt } from "./key-history.ts";
import { type KeySpan, keySpan } from "./key-name.ts";
import type { Store } from "./store.ts";

/**
 * Answers a checked range request outside of a transaction. Refused: a revision above the store's,
 * or below the compacted one; at the compacted one it works. Zero or negative reads the newest.
 *
 * @etcd server/storage/mvcc/kvstore_txn.go
 */
export function range(store: Store, request: RangeRequest): RangeAnswer | KvError {
  if (request.revision > store.revision) return kvErrors.futureRevision;
  if (request.revision > 0 && request.revision < store.compactedRevision) return kvErrors.compacted;
  return { kind: "range", revision: store.revision, response: readRange(store, request) };
}

/** Reads the range at a revision already checked. The answer's key-values are the store's own. */
export function readRange(store: Store, request: RangeRequest): RangeResponse {
  const revision = request.revision > 0 ? request.revision : store.revision;
  const span = keySpan(request.key, request.rangeEnd);
  const found = request.countOnly
    ? collect(store, span, revision, 0)
    : collect(store, span, revision, fetchCountMax(request));
  let kvs = found.kvs;
  if (hasBounds(request)) kvs = kvs.filter((version) => isWithinBounds(request, version));
  sortVersions(kvs, request);
  const more = request.limit > 0 && kvs.length > request.limit;
  if (more) kvs = kvs.slice(0, request.limit);
  if (request.keysOnly) kvs = kvs.map(withoutValue);
  return { header: null, kvs, more, count: found.count };
}

/**
 * How many versions to fetch. One more than the limit shows whether there are more; filtering and
 * sorting need all. A target without an order sorts only what the limit let through: so does etcd.
 *
 * @etcd server/etcdserver/apply.go (3.4 to 3.6)
 */
function fetchCountMax(request: RangeRequest): number {
  if (request.limit <= 0 || hasBounds(request)) return Number.POSITIVE_INFINITY;
  const isKeyOrder = request.sortTarget === "KEY" && request.sortOrder === "ASCEND";
  return request.sortOrder === "NONE" || isKeyOrder ? request.limit + 1 : Number.POSITIVE_INFINITY;
}

function collect(
  store: Store,
  span: KeySpan,
  revision: number,
  fetchMax: number,
): { kvs: KeyValue[]; count: number } {
  const kvs: KeyValue[] = [];
  let count = 0;
  store.keys.scan(span, (history: KeyHistory) => {
    const version = liveAt(history, revision);
    if (version === undefined) return true;
    count += 1;
    if (count <= fetchMax) kvs.push(version);
    return true;
  });
  return { kvs, count };
}

/** Calls `visit` for each key of the span that exists now, ascending, until it returns false. */
export function visitLive(
  store: Store,
  span: KeySpan,
  visit: (version: KeyValue, history: KeyHistory) => boolean,
): void {
  store.keys.scan(span, (history) => {
    const version = liveAt(history, store.revision);
    return version === undefined || visit(version, history);
  });
}

function hasBounds(request: RangeRequest): boolean {
  return (
    request.minModRevision !== 0 ||
    request.maxModRevision !== 0 ||
    request.minCreateRevision !== 0 ||
    request.maxCreateRevision !== 0
  );
}

function isWithinBounds(request: RangeRequest, version: KeyValue): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  if (maxModRevision !== 0 && version.modRevision > maxModRevision) return false;
  if (minModRevision !== 0 && version.modRevision < minModRevision) return false;
  if (maxCreateRevision !== 0 && version.createRevision > maxCreateRevision) return false;
  return minCreateRevision === 0 || version.createRevision >= minCreateRevision;
}

/** Sorts in place; equal ones stay in ascending key order, whatever the direction. */
function sortVersions(kvs: KeyValue[], request: RangeRequest): void {
  const isKeyOrder = request.sortTarget === "KEY" && request.sortOrder !== "DESCEND";
  if (isKeyOrder || kvs.length < 2) return;
  const compare = comparators[request.sortTarget];
  if (request.sortOrder === "DESCEND") kvs.sort((a, b) => compare(b, a));
  else kvs.sort(compare);
}

const comparators: {
  readonly [Target in RangeRequest["sortTarget"]]: (a: KeyValue, b: KeyValue) => number;
} = {
  KEY: (a, b) => compareBytes(a.key, b.key),
  VERSION: (a, b) => a.version - b.version,
  CREATE: (a, b) => a.createRevision - b.createRevision,
  MOD: (a, b) => a.modRevision - b.modRevision,
  VALUE: (a, b) => compareBytes(a.value, b.value),
};

const noBytes = new Uint8Array(0);

function withoutValue(version: KeyValue): KeyValue {
  return { ...version, value: noBytes };
}
