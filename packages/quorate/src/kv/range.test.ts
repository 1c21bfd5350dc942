import { describe, expect, it } from "vitest";
import {
  bytes,
  deleteRangeRequest,
  putRequest,
  rangeRequest,
  text,
} from "../../test/support/kv-requests.ts";
import type { RangeRequest } from "../proto/index.ts";
import { createStore, deleteRange, kvErrors, put, range, type Store } from "./index.ts";

/** a: versions 1 to 3; b: 1 and 2; c and d: 1. Revisions 2 to 8, in this order: a a b a b c d. */
function exampleStore(): Store {
  const store = createStore();
  const puts = ["a=3", "a=4", "b=2", "a=5", "b=1", "c=9", "d=0"];
  for (const each of puts) put(store, putRequest(each.slice(0, 1), each.slice(2)), false);
  return store;
}

const all = bytes("\0");

function answer(store: Store, key: string, options: Partial<RangeRequest>) {
  const result = range(store, rangeRequest(key, options));
  if (result.kind === "kv-error") throw new Error(result.text);
  const { kvs, more, count } = result.response;
  return `${kvs.map((kv) => `${text(kv.key)}=${text(kv.value)}`).join(" ")} ${more} ${count}`;
}

describe("range: keys", () => {
  it.each<[string, string, string, string]>([
    ["one key", "b", "", "b=1 false 1"],
    ["a missing key", "bb", "", " false 0"],
    ["half-open", "a", "c", "a=5 b=1 false 2"],
    ["a prefix", "b", "c", "b=1 false 1"],
    ["from a key on", "b", "\0", "b=1 c=9 d=0 false 3"],
    ["everything", "\0", "\0", "a=5 b=1 c=9 d=0 false 4"],
    ["an end equal to the key", "b", "b", " false 0"],
    ["an end below the key", "c", "a", " false 0"],
    ["a start that is no key", "aa", "cc", "b=1 c=9 false 2"],
  ])("%s", (_title, key, rangeEnd, expected) => {
    expect(answer(exampleStore(), key, { rangeEnd: bytes(rangeEnd) })).toBe(expected);
  });

  it("orders bytes as unsigned, a prefix first", () => {
    const store = createStore();
    const keys = ["\xff", "\x80", "a", "a\0", "\x7f", "ab", "\x01", "aa"];
    for (const key of keys) put(store, putRequest(key), false);
    const result = range(store, rangeRequest("\0", { rangeEnd: all }));
    if (result.kind === "kv-error") throw new Error(result.text);
    const sorted = ["\x01", "a", "a\0", "aa", "ab", "\x7f", "\x80", "\xff"];
    expect(result.response.kvs.map((kv) => text(kv.key))).toEqual(sorted);
  });

  it("finds a key longer than any argument list", () => {
    const store = createStore();
    const key = "k".repeat(300_000);
    put(store, putRequest(key, "v"), false);
    expect(answer(store, key, {})).toBe(`${key}=v false 1`);
    expect(answer(store, `${key}k`, {})).toBe(" false 0");
  });
});

describe("range: options", () => {
  it.each<[string, Partial<RangeRequest>, string]>([
    ["a limit cuts off", { limit: 2 }, "a=5 b=1 true 4"],
    ["a limit that all fit in", { limit: 4 }, "a=5 b=1 c=9 d=0 false 4"],
    ["a negative limit is none", { limit: -1 }, "a=5 b=1 c=9 d=0 false 4"],
    ["key descending", { sortOrder: "DESCEND", limit: 1 }, "d=0 true 4"],
    ["key ascending", { sortOrder: "ASCEND", limit: 1 }, "a=5 true 4"],
    [
      "version, ties by key",
      { sortTarget: "VERSION", sortOrder: "ASCEND" },
      "c=9 d=0 b=1 a=5 false 4",
    ],
    [
      "version down, ties by key",
      { sortTarget: "VERSION", sortOrder: "DESCEND" },
      "a=5 b=1 c=9 d=0 false 4",
    ],
    ["a target without order ascends", { sortTarget: "VALUE" }, "d=0 b=1 a=5 c=9 false 4"],
    [
      "sorted before it is cut",
      { sortTarget: "VALUE", sortOrder: "ASCEND", limit: 2 },
      "d=0 b=1 true 4",
    ],
    [
      "without an order cut to one more, then sorted",
      { sortTarget: "VALUE", limit: 2 },
      "b=1 a=5 true 4",
    ],
    ["mod revision", { sortTarget: "MOD", sortOrder: "DESCEND" }, "d=0 c=9 b=1 a=5 false 4"],
    ["create revision", { sortTarget: "CREATE", sortOrder: "DESCEND", limit: 1 }, "d=0 true 4"],
    ["min mod", { minModRevision: 6 }, "b=1 c=9 d=0 false 4"],
    ["max mod", { maxModRevision: 6 }, "a=5 b=1 false 4"],
    ["min create", { minCreateRevision: 4 }, "b=1 c=9 d=0 false 4"],
    ["max create", { maxCreateRevision: 4 }, "a=5 b=1 false 4"],
    [
      "filtered, then cut: more is of the filtered",
      { minModRevision: 7, limit: 2 },
      "c=9 d=0 false 4",
    ],
    ["a negative maximum filters all", { maxModRevision: -1 }, " false 4"],
    ["count only", { countOnly: true, limit: 1 }, " false 4"],
    ["keys only", { keysOnly: true, limit: 2 }, "a= b= true 4"],
    [
      "keys only sorts by value first",
      { keysOnly: true, sortTarget: "VALUE", limit: 4 },
      "d= b= a= c= false 4",
    ],
  ])("%s", (_title, options, expected) => {
    expect(answer(exampleStore(), "a", { rangeEnd: all, ...options })).toBe(expected);
  });

  it("keeps all other fields with keys_only, and the stored value", () => {
    const store = exampleStore();
    const result = range(store, rangeRequest("a", { keysOnly: true }));
    expect(result).toMatchObject({
      response: { kvs: [{ createRevision: 2, modRevision: 5, version: 3, lease: 0n }] },
    });
    expect(answer(store, "a", {})).toBe("a=5 false 1");
  });
});

describe("range: revisions", () => {
  it.each<[number, string]>([
    [0, "a=5 b=1 c=9 d=0 false 4"],
    [-1, "a=5 b=1 c=9 d=0 false 4"],
    [-7, "a=5 b=1 c=9 d=0 false 4"],
    [1, " false 0"],
    [2, "a=3 false 1"],
    [3, "a=4 false 1"],
    [4, "a=4 b=2 false 2"],
    [5, "a=5 b=2 false 2"],
    [8, "a=5 b=1 c=9 d=0 false 4"],
  ])("at %i", (revision, expected) => {
    expect(answer(exampleStore(), "a", { rangeEnd: all, revision })).toBe(expected);
  });

  it("answers with the current revision, whatever was asked for", () => {
    expect(range(exampleStore(), rangeRequest("a", { revision: 3 }))).toMatchObject({
      revision: 8,
    });
    expect(range(createStore(), rangeRequest("a"))).toMatchObject({ revision: 1 });
  });

  it("sees a deleted key before its deletion and after its return only", () => {
    const store = exampleStore();
    deleteRange(store, deleteRangeRequest("a"), false);
    put(store, putRequest("a", "new"), false);
    expect([8, 9, 10].map((revision) => answer(store, "a", { revision }))).toEqual([
      "a=5 false 1",
      " false 0",
      "a=new false 1",
    ]);
  });

  it("refuses a future revision, and one below the compacted; that one itself works", () => {
    const store = exampleStore();
    expect(range(store, rangeRequest("a", { revision: 9 }))).toBe(kvErrors.futureRevision);
    store.compactedRevision = 4;
    expect(range(store, rangeRequest("a", { revision: 3 }))).toBe(kvErrors.compacted);
    expect(answer(store, "a", { revision: 4 })).toBe("a=4 false 1");
    expect(answer(store, "a", { revision: -3 })).toBe("a=5 false 1");
  });
});
