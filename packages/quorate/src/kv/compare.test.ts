import { describe, expect, it } from "vitest";
import { bytes, compareRequest, putRequest } from "../../test/support/kv-requests.ts";
import type { Compare } from "../proto/index.ts";
import { holdAll, holds } from "./compare.ts";
import { createStore, put } from "./index.ts";

/** a: create 2, mod 3, version 2, value "m". b: create and mod 4, version 1, value "n". */
const store = createStore();
put(store, putRequest("a", "l"), false);
put(store, putRequest("a", "m"), false);
put(store, putRequest("b", "n"), false);

const results = ["EQUAL", "GREATER", "LESS", "NOT_EQUAL"] as const;

describe("compare", () => {
  it.each<[string, string, Partial<Compare>, string]>([
    ["version equal", "a", { version: 2 }, "EQUAL"],
    ["version above", "a", { version: 1 }, "GREATER NOT_EQUAL"],
    ["version below", "a", { version: 3 }, "LESS NOT_EQUAL"],
    ["create", "a", { target: "CREATE", createRevision: 2 }, "EQUAL"],
    ["mod", "a", { target: "MOD", modRevision: 2 }, "GREATER NOT_EQUAL"],
    ["lease equal", "a", { target: "LEASE" }, "EQUAL"],
    ["lease below", "a", { target: "LEASE", lease: 1n }, "LESS NOT_EQUAL"],
    ["lease above", "a", { target: "LEASE", lease: -1n }, "GREATER NOT_EQUAL"],
    ["value equal", "a", { target: "VALUE", value: bytes("m") }, "EQUAL"],
    ["value above its prefix", "a", { target: "VALUE" }, "GREATER NOT_EQUAL"],
    ["value below a longer one", "a", { target: "VALUE", value: bytes("ma") }, "LESS NOT_EQUAL"],
    ["value by unsigned bytes", "a", { target: "VALUE", value: bytes("\xff") }, "LESS NOT_EQUAL"],
    [
      "another target's field does not count",
      "a",
      { target: "MOD", version: 3 },
      "GREATER NOT_EQUAL",
    ],
    ["a missing key is at 0", "x", {}, "EQUAL"],
    ["a missing key, create", "x", { target: "CREATE", createRevision: 1 }, "LESS NOT_EQUAL"],
    ["a missing key, lease", "x", { target: "LEASE" }, "EQUAL"],
    ["a missing key has no value", "x", { target: "VALUE" }, ""],
    ["a missing key has no value to differ", "x", { target: "VALUE", value: bytes("y") }, ""],
    ["a range holds for every key", "a", { rangeEnd: bytes("c"), version: 0 }, "GREATER NOT_EQUAL"],
    ["a range where one differs", "a", { rangeEnd: bytes("c"), version: 1 }, ""],
    [
      "an open range",
      "a",
      { rangeEnd: bytes("\0"), target: "VALUE", value: bytes("z") },
      "LESS NOT_EQUAL",
    ],
    ["an empty range is at 0", "x", { rangeEnd: bytes("z") }, "EQUAL"],
    ["an empty range has no value", "x", { rangeEnd: bytes("z"), target: "VALUE" }, ""],
    [
      "an end below the key is an empty range",
      "b",
      { rangeEnd: bytes("a"), version: 1 },
      "LESS NOT_EQUAL",
    ],
  ])("%s", (_title, key, options, expected) => {
    const held = results.filter((result) =>
      holds(store, compareRequest(key, { ...options, result })),
    );
    expect(held.join(" ")).toBe(expected);
  });

  it("all must hold; none at all do", () => {
    const yes = compareRequest("a", { version: 2 });
    const no = compareRequest("a", { version: 3 });
    expect(holdAll(store, [])).toBe(true);
    expect(holdAll(store, [yes, yes])).toBe(true);
    expect(holdAll(store, [yes, no])).toBe(false);
  });
});
