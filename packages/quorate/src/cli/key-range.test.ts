import { describe, expect, it } from "vitest";
import { createKeyRange, endOfPrefix } from "./key-range.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("createKeyRange", () => {
  it("names a key, a range, a prefix, all after a key", () => {
    const none = new Uint8Array();
    const zero = Uint8Array.of(0);
    expect(createKeyRange("a", undefined, {})).toEqual({ key: bytes("a"), rangeEnd: none });
    expect(createKeyRange("a", "c", {})).toEqual({ key: bytes("a"), rangeEnd: bytes("c") });
    expect(createKeyRange("a", undefined, { prefix: true })).toEqual({
      key: bytes("a"),
      rangeEnd: bytes("b"),
    });
    expect(createKeyRange("a", undefined, { fromKey: true })).toEqual({
      key: bytes("a"),
      rangeEnd: zero,
    });
    expect(createKeyRange("", undefined, { prefix: true })).toEqual({ key: zero, rangeEnd: zero });
    expect(createKeyRange("", undefined, { fromKey: true })).toEqual({ key: zero, rangeEnd: zero });
  });

  it("refuses what contradicts itself", () => {
    expect(() => createKeyRange("a", "b", { prefix: true })).toThrow("--prefix and RANGE_END");
    expect(() => createKeyRange("a", "b", { fromKey: true })).toThrow("--from-key and RANGE_END");
    expect(() => createKeyRange("a", undefined, { prefix: true, fromKey: true })).toThrow(
      "--prefix and --from-key exclude each other",
    );
  });
});

describe("endOfPrefix", () => {
  it("carries over the greatest byte", () => {
    expect(endOfPrefix(Uint8Array.of(1, 0xff, 0xff))).toEqual(Uint8Array.of(2));
    expect(endOfPrefix(Uint8Array.of(0xff))).toEqual(Uint8Array.of(0));
  });
});
