import { describe, expect, it } from "vitest";
import {
  bytes,
  deleteRangeRequest,
  putRequest,
  rangeRequest,
} from "../../test/support/kv-requests.ts";
import { createStore, deleteRange, hashStore, kvErrors, put, range } from "./index.ts";

const keyValue = (key: string, value: string, numbers: [number, number, number]) => ({
  key: bytes(key),
  createRevision: numbers[0],
  modRevision: numbers[1],
  version: numbers[2],
  value: bytes(value),
  lease: 0n,
});

describe("put", () => {
  it("makes a revision each time, also with the same value; the first is 2", () => {
    const store = createStore();
    expect(put(store, putRequest("a", "x"), true)).toEqual({
      kind: "put",
      revision: 2,
      response: { header: null, prevKv: null },
    });
    expect(put(store, putRequest("a", "x"), true)).toMatchObject({ revision: 3 });
    expect(range(store, rangeRequest("a"))).toMatchObject({
      response: { kvs: [keyValue("a", "x", [2, 3, 2])] },
    });
  });

  it("starts anew over a deleted key", () => {
    const store = createStore();
    put(store, putRequest("a", "x"), true);
    put(store, putRequest("a", "y"), true);
    deleteRange(store, deleteRangeRequest("a"), true);
    expect(put(store, putRequest("a", "z", { prevKv: true }), true)).toMatchObject({
      revision: 5,
      response: { prevKv: null },
    });
    expect(range(store, rangeRequest("a"))).toMatchObject({
      response: { kvs: [keyValue("a", "z", [5, 5, 1])] },
    });
  });

  it("answers with the previous key-value only if asked for and wanted", () => {
    const store = createStore();
    put(store, putRequest("a", "1"), true);
    const withPrevious = putRequest("a", "2", { prevKv: true });
    expect(put(store, putRequest("a", "2"), true)).toMatchObject({ response: { prevKv: null } });
    expect(put(store, withPrevious, false)).toMatchObject({ response: { prevKv: null } });
    expect(put(store, withPrevious, true)).toMatchObject({
      response: { prevKv: keyValue("a", "2", [2, 4, 3]) },
    });
  });

  it("keeps the value with ignore_value, and takes the new one with ignore_lease", () => {
    const store = createStore();
    put(store, putRequest("a", "kept"), true);
    put(store, putRequest("a", "", { ignoreValue: true }), true);
    expect(range(store, rangeRequest("a"))).toMatchObject({
      response: { kvs: [keyValue("a", "kept", [2, 3, 2])] },
    });
    put(store, putRequest("a", "new", { ignoreLease: true }), true);
    expect(range(store, rangeRequest("a"))).toMatchObject({
      response: { kvs: [keyValue("a", "new", [2, 4, 3])] },
    });
  });

  it.each([
    ["ignore_value on a missing key", { ignoreValue: true }, kvErrors.keyNotFound],
    ["ignore_lease on a missing key", { ignoreLease: true }, kvErrors.keyNotFound],
    ["an unknown lease", { lease: 5n }, kvErrors.leaseNotFound],
    ["a negative lease", { lease: -5n }, kvErrors.leaseNotFound],
    ["both: the lease first", { lease: 5n, ignoreValue: true }, kvErrors.leaseNotFound],
  ])("refuses %s and changes nothing", (_title, options, refusal) => {
    const store = createStore();
    put(store, putRequest("deleted"), true);
    deleteRange(store, deleteRangeRequest("deleted"), true);
    const before = hashStore(store);
    expect(put(store, putRequest("missing", "", options), true)).toBe(refusal);
    expect(put(store, putRequest("deleted", "", options), true)).toBe(refusal);
    expect(hashStore(store)).toBe(before);
    expect(store.revision).toBe(3);
  });
});
