import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { argumentDepthMax, jsonCodec, UnencodableError } from "./codec.ts";

function faultOf(value: unknown): UnencodableError | null {
  try {
    jsonCodec.encode(value);
    return null;
  } catch (error) {
    if (error instanceof UnencodableError) return error;
    throw error;
  }
}

describe("jsonCodec", () => {
  it("carries whatever JSON carries", () => {
    const property = fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      const decoded = jsonCodec.decode(jsonCodec.encode(value));
      expect(decoded).toEqual(JSON.parse(JSON.stringify(value)));
    });
    fc.assert(property);
  });

  it("takes what is made without a prototype, and a property that is undefined as left out", () => {
    const bare: Record<string, unknown> = Object.create(null);
    bare["a"] = { b: undefined, c: 1 };
    expect(jsonCodec.decode(jsonCodec.encode(bare))).toEqual({ a: { c: 1 } });
  });

  it("refuses what JSON would lose, and says where", () => {
    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    class Money {
      cents = 1;
    }
    const refusals: readonly (readonly [unknown, string, RegExp])[] = [
      [() => 0, "argument", /is a function/],
      [{ call: () => 0 }, "argument.call", /is a function/],
      [{ items: [0, { price: Number.NaN }] }, "argument.items[1].price", /is NaN/],
      [[Number.POSITIVE_INFINITY], "argument[0]", /is Infinity/],
      [{ n: 5n }, "argument.n", /is a bigint/],
      [{ s: Symbol("s") }, "argument.s", /is a symbol/],
      [{ [Symbol("s")]: 1 }, "argument", /symbol as key/],
      [[undefined], "argument[0]", /is undefined/],
      [new Array(1), "argument[0]", /is undefined/],
      [{ "odd key": new Date(0) }, 'argument["odd key"]', /is a Date/],
      [{ m: new Map() }, "argument.m", /is a Map/],
      [{ s: new Set() }, "argument.s", /is a Set/],
      [{ b: new Uint8Array(1) }, "argument.b", /is a Uint8Array/],
      [new Money(), "argument", /is a Money/],
    ];
    for (const [value, path, problem] of refusals) {
      const fault = faultOf(value);
      expect(fault?.path).toBe(path);
      expect(fault?.message).toMatch(problem);
    }
    expect(faultOf(cyclic)?.message).toMatch(/contains itself/);
  });

  it("takes its depth and no more", () => {
    let value: unknown = 1;
    for (let i = 0; i < argumentDepthMax; i++) value = [value];
    expect(faultOf(value)).toBeNull();
    expect(faultOf([value])?.message).toMatch(/more than 200 levels/);
  });
});
