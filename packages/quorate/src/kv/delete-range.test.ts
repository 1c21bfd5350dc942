import { describe, expect, it } from "vitest";
import {
  bytes,
  deleteRangeRequest,
  putRequest,
  rangeRequest,
  text,
} from "../../test/support/kv-requests.ts";
import { createStore, deleteRange, put, range, type Store } from "./index.ts";

function storeOf(keys: string): Store {
  const store = createStore();
  for (const key of keys) put(store, putRequest(key, key), false);
  return store;
}

const everything = rangeRequest("\0", { rangeEnd: bytes("\0") });

function keysOf(store: Store): string {
  const result = range(store, everything);
  if (result.kind === "kv-error") throw new Error(result.text);
  return result.response.kvs.map((kv) => text(kv.key)).join("");
}

describe("deleteRange", () => {
  it.each<[string, string, string, number, string]>([
    ["one key", "b", "", 1, "acd"],
    ["a missing key", "x", "", 0, "abcd"],
    ["half-open", "b", "d", 2, "ad"],
    ["from a key on", "c", "\0", 2, "ab"],
    ["everything", "\0", "\0", 4, ""],
    ["nothing between key and key", "b", "b", 0, "abcd"],
    ["nothing below the key", "c", "a", 0, "abcd"],
  ])("%s", (_title, key, rangeEnd, deleted, left) => {
    const store = storeOf("dcba");
    const answer = deleteRange(store, deleteRangeRequest(key, rangeEnd), true);
    const revision = deleted > 0 ? 6 : 5;
    const response = { header: null, deleted, prevKvs: [] };
    expect(answer).toEqual({ kind: "delete-range", revision, response });
    expect(keysOf(store)).toBe(left);
  });

  it("answers with the previous key-values, ascending, only if asked for and wanted", () => {
    const request = deleteRangeRequest("a", "c", { prevKv: true });
    const { response } = deleteRange(storeOf("bac"), request, true);
    expect(response.prevKvs.map((kv) => [text(kv.value), kv.modRevision])).toEqual([
      ["a", 3],
      ["b", 2],
    ]);
    expect(deleteRange(storeOf("bac"), request, false).response.prevKvs).toEqual([]);
  });

  it("makes one revision with one tombstone a key, ascending", () => {
    const store = storeOf("cba");
    deleteRange(store, deleteRangeRequest("a", "c"), true);
    const changes: unknown[] = [];
    store.log.visitFrom(5, (version) => changes.push(version));
    const none = { createRevision: 0, modRevision: 5, version: 0, value: bytes(""), lease: 0n };
    expect(changes).toEqual([
      { key: bytes("a"), ...none },
      { key: bytes("b"), ...none },
    ]);
    expect(deleteRange(store, deleteRangeRequest("a", "c"), true)).toMatchObject({ revision: 5 });
  });
});
