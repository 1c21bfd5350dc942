import { describe, expect, it } from "vitest";
import { bytes, deleteRangeRequest, putRequest } from "../../test/support/kv-requests.ts";
import { StoreInvariantError } from "./assert.ts";
import { createStore, deleteRange, hashStore, put, type Store } from "./index.ts";
import { tombstone } from "./key-history.ts";
import { keepBytes, recordVersion } from "./store.ts";

function storeOf(...writes: [string, string][]): Store {
  const store = createStore();
  for (const [key, value] of writes) put(store, putRequest(key, value), false);
  return store;
}

describe("store", () => {
  it("counts keys and bytes through puts, overwrites, deletes and returns", () => {
    const store = createStore();
    const figures = () => [store.liveKeyCount, store.sizeBytes, store.sizeInUseBytes];
    const overhead = 64;
    put(store, putRequest("key", "12345"), false);
    expect(figures()).toEqual([1, 8 + overhead, 8 + overhead]);
    put(store, putRequest("key", "1"), false);
    expect(figures()).toEqual([1, 12 + 2 * overhead, 4 + overhead]);
    deleteRange(store, deleteRangeRequest("key"), false);
    expect(figures()).toEqual([0, 15 + 3 * overhead, 0]);
    put(store, putRequest("key", ""), false);
    expect(figures()).toEqual([1, 18 + 4 * overhead, 3 + overhead]);
  });

  it("copies a value that would pin a larger buffer, and keeps one that is most of its own", () => {
    const small = new Uint8Array(100).subarray(20, 90);
    expect(keepBytes(small)).toBe(small);
    const pinning = new Uint8Array(10_000).subarray(20, 90);
    expect(keepBytes(pinning)).toEqual(pinning);
    expect(keepBytes(pinning).buffer.byteLength).toBe(70);
    // Node's pool: 8 KiB shared by many; its `slice` is a view.
    const pooled = Buffer.from("pooled");
    expect(keepBytes(pooled).buffer.byteLength).toBe(6);
  });

  it("refuses a version that skips a revision or goes back, or deletes what never was", () => {
    const store = storeOf(["a", ""], ["a", ""]);
    const history = store.keys.find("a");
    const deletedIn = (revision: number) => tombstone(bytes("a"), revision);
    expect(() => recordVersion(store, "a", history, deletedIn(5))).toThrow(StoreInvariantError);
    expect(() => recordVersion(store, "a", history, deletedIn(2))).toThrow(StoreInvariantError);
    expect(() => recordVersion(store, "b", undefined, deletedIn(4))).toThrow(StoreInvariantError);
  });
});

describe("hashStore", () => {
  it("tells stores apart by every part, and equal ones not", () => {
    const deleted = storeOf(["a", "b"]);
    deleteRange(deleted, deleteRangeRequest("a"), false);
    const compacted = storeOf(["a", "b"]);
    compacted.compactedRevision = 2;
    const stores = [
      storeOf(),
      storeOf(["a", "b"]),
      storeOf(["a", "c"]),
      storeOf(["ab", ""]),
      storeOf(["", "ab"]),
      storeOf(["a", "b"], ["a", "b"]),
      deleted,
      compacted,
    ];
    expect(new Set(stores.map(hashStore)).size).toBe(stores.length);
    expect(hashStore(storeOf(["a", "b"]))).toBe(hashStore(storeOf(["a", "b"])));
  });
});

describe("revision log", () => {
  it("visits from any revision on, over several blocks", () => {
    const store = createStore();
    for (let at = 0; at < 10_000; at++) put(store, putRequest(`k${at % 7}`), false);
    for (const revision of [0, 2, 3, 4_096, 4_098, 8_194, 10_001, 10_002]) {
      const seen: number[] = [];
      store.log.visitFrom(revision, (version) => seen.push(version.modRevision));
      const first = Math.max(2, revision);
      expect(seen.length).toBe(10_001 - first + 1);
      expect(seen[0]).toBe(first > 10_001 ? undefined : first);
    }
  });
});
