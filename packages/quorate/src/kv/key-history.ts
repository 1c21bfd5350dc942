/**
 * All kept versions of one key, oldest first. A version is a `KeyValue` as clients see it, never
 * changed once made, so answers share it; a tombstone is one with version 0 and nothing but key and
 * modRevision, just what a DELETE event shows. A version numbered 1 opens a generation and a
 * tombstone closes it, so generations need no structure of their own.
 */
import type { KeyValue } from "../proto/index.ts";

/** @invariant `older` ascends in modRevision and `newest` is not below its last. */
export interface KeyHistory {
  readonly name: string;
  newest: KeyValue;
  /** Null while there was only one version: most keys of most stores. */
  older: KeyValue[] | null;
}

/** Whether this version says that the key is deleted. */
export function isTombstone(version: KeyValue): boolean {
  return version.version === 0;
}

const noBytes = new Uint8Array(0);

/** The version that says "deleted in `revision`". */
export function tombstone(key: Uint8Array, revision: number): KeyValue {
  return { key, createRevision: 0, modRevision: revision, version: 0, value: noBytes, lease: 0n };
}

/** The key's version as of `revision`, or undefined if it did not exist then. */
export function liveAt(history: KeyHistory, revision: number): KeyValue | undefined {
  const version =
    history.newest.modRevision <= revision ? history.newest : olderAt(history.older, revision);
  return version === undefined || isTombstone(version) ? undefined : version;
}

/** The last of `older` that is not above `revision`. */
function olderAt(older: readonly KeyValue[] | null, revision: number): KeyValue | undefined {
  if (older === null) return undefined;
  let low = 0;
  let high = older.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const version = older[middle];
    if (version !== undefined && version.modRevision <= revision) low = middle + 1;
    else high = middle;
  }
  return older[low - 1];
}
