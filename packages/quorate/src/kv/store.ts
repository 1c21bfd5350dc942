/**
 * The multi-version store: what etcd calls mvcc, in memory, pure and deterministic. Equal calls in
 * equal order give equal stores on every member. Here are its data and the one way to change them;
 * `put.ts`, `delete-range.ts` and `txn.ts` decide what is written, `range.ts` reads.
 *
 * Bytes: a version keeps its value as it was given if the value is most of its buffer, and a copy
 * otherwise, so that a small value never pins a large network or log buffer. Callers must not
 * change a request's bytes after handing it over, nor the key-values of an answer: both are shared.
 */
import type { KeyValue } from "../proto/index.ts";
import { assert } from "./assert.ts";
import { isTombstone, type KeyHistory } from "./key-history.ts";
import { KeyIndex } from "./key-index.ts";
import { RevisionLog } from "./revision-log.ts";

/** Made by `createStore`; changed by `put`, `deleteRange` and `txn` only. */
export interface Store {
  /** The newest revision; 1 while nothing was ever written. */
  revision: number;
  /** Reads below this revision are refused; -1 while nothing was compacted. */
  compactedRevision: number;
  readonly keys: KeyIndex;
  readonly log: RevisionLog;
  /** Keys that exist now. */
  liveKeyCount: number;
  /** All kept versions and tombstones. */
  sizeBytes: number;
  /** The newest version of every existing key: what would be left if all history were compacted. */
  sizeInUseBytes: number;
}

/** What a version counts for besides key and value: its numbers and its places in the indexes. */
export const versionOverheadBytes = 64;

/** An empty store at revision 1, as etcd's: the first write makes revision 2. */
export function createStore(): Store {
  return {
    revision: 1,
    compactedRevision: -1,
    keys: new KeyIndex(),
    log: new RevisionLog(),
    liveKeyCount: 0,
    sizeBytes: 0,
    sizeInUseBytes: 0,
  };
}

/**
 * Makes `version` the newest of its key and its revision the store's. `history` is the key's, or
 * undefined for a key never seen.
 *
 * @invariant a revision is written once, by one request: it is the store's next, or the one this
 * request has already opened.
 */
export function recordVersion(
  store: Store,
  name: string,
  history: KeyHistory | undefined,
  version: KeyValue,
): void {
  const revision = version.modRevision;
  assert(
    revision === store.revision + 1 || revision === store.revision,
    "store: a write makes the next revision or adds to the one it opened",
  );
  addVersion(store, name, history, version);
}

/** As `recordVersion`, when a store is read from a snapshot, where revisions may be missing. */
export function addVersion(
  store: Store,
  name: string,
  history: KeyHistory | undefined,
  version: KeyValue,
): void {
  countVersion(store, history?.newest, version);
  if (history === undefined) {
    assert(!isTombstone(version), "store: only a key that exists is deleted");
    store.keys.insert({ name, newest: version, older: null });
  } else {
    if (history.older === null) history.older = [history.newest];
    else history.older.push(history.newest);
    history.newest = version;
  }
  store.log.append(version);
  store.revision = version.modRevision;
}

function countVersion(store: Store, before: KeyValue | undefined, version: KeyValue): void {
  const bytes = versionBytes(version);
  store.sizeBytes += bytes;
  if (before !== undefined && !isTombstone(before)) {
    store.sizeInUseBytes -= versionBytes(before);
    store.liveKeyCount -= 1;
  }
  if (!isTombstone(version)) {
    store.sizeInUseBytes += bytes;
    store.liveKeyCount += 1;
  }
}

function versionBytes(version: KeyValue): number {
  return version.key.length + version.value.length + versionOverheadBytes;
}

/** Bytes of a buffer that a kept view may pin beyond itself: the rest of a small command. */
const pinnedBytesMax = 128;

/** The same bytes, as given or copied: see the head of this file. */
export function keepBytes(bytes: Uint8Array): Uint8Array {
  const pinnedBytes = bytes.buffer.byteLength - bytes.length;
  // Not `slice`: on Node's subclass that is a view.
  return pinnedBytes <= pinnedBytesMax ? bytes : new Uint8Array(bytes);
}
