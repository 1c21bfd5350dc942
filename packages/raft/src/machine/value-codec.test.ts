import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FormatError } from "../base/index.ts";
import { decodeValue, encodeValue } from "./value-codec.ts";

const bytesMax = 1 << 20;

function roundTrip(value: unknown): unknown {
  const bytes = encodeValue(value, bytesMax);
  if (bytes === null) throw new Error("it has no bytes");
  return decodeValue(bytes);
}

const hex = (value: unknown) =>
  Array.from(encodeValue(value, bytesMax) ?? [], (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );

const anything = fc.anything({
  withBigInt: true,
  withMap: true,
  withSet: true,
  withNullPrototype: true,
  withUnicodeString: true,
});

describe("values as bytes", () => {
  it("come back as they were", () => {
    fc.assert(
      fc.property(anything, (value) => {
        expect(roundTrip(value)).toStrictEqual(value);
      }),
    );
  });

  it.each([
    [-0],
    [Number.NaN],
    [Number.NEGATIVE_INFINITY],
    [-(2n ** 70n)],
    ["\ufefftext"],
    ["\ud800 alone"],
    [Uint8Array.of(1, 2)],
    [JSON.parse('{"__proto__": 1, "b": [null]}')],
    [new Map([["k", new Set([undefined, true])]])],
  ])("come back too: %o", (value) => {
    expect(roundTrip(value)).toStrictEqual(value);
  });

  it("keep the order of keys", () => {
    expect(Object.keys(Object(roundTrip({ b: 1, a: 2 })))).toEqual(["b", "a"]);
  });

  it("are those of docs/formats.md", () => {
    expect(hex({ ok: true, at: [1, "é"] })).toBe(
      "0d02000000" +
        "06020000006f6b03" +
        "06020000006174" +
        "0a0200000004000000000000f03f0602000000c3a9",
    );
    expect(hex(Number.NaN)).toBe("05");
    expect(hex(-255n)).toBe("08030000002d6666");
  });

  it("are none for what is no data, contains itself, or is too large", () => {
    const cycle: unknown[] = [];
    cycle.push(cycle);
    for (const value of [() => 1, Symbol("s"), new Date(0), { a: new Error("x") }, cycle]) {
      expect(encodeValue(value, bytesMax)).toBeNull();
    }
    expect(encodeValue({ [Symbol("s")]: 1 }, bytesMax)).toBeNull();
    for (const value of ["xxxx", new Uint8Array(4), [1]]) expect(encodeValue(value, 8)).toBeNull();
    expect(encodeValue("xxx", 8)).not.toBeNull();
  });

  it("refuse foreign bytes", () => {
    for (const bytes of [
      [],
      [99],
      [6, 1, 0, 0, 0, 0xff],
      [0, 0],
      [8, 1, 0, 0, 0, 0x7a],
      [13, 1, 0],
    ]) {
      expect(() => decodeValue(Uint8Array.from(bytes))).toThrow(FormatError);
    }
    const nested = new Uint8Array(5000);
    for (let i = 0; i < nested.length; i += 5) nested.set([10, 1], i);
    expect(() => decodeValue(nested)).toThrow("levels deep");
  });
});
