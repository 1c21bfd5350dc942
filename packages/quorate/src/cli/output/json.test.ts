import { describe, expect, it } from "vitest";
import { base64Of, formatJson, omitEmpty } from "./json.ts";

describe("formatJson", () => {
  it("is JSON, with all digits of 64-bit numbers", () => {
    const value = { id: 18_446_744_073_709_551_615n, list: [1, "ü\n", null, true], none: {} };
    expect(formatJson(value)).toBe(
      '{"id":18446744073709551615,"list":[1,"ü\\n",null,true],"none":{}}',
    );
  });
});

describe("omitEmpty", () => {
  it("leaves out zero and nothing, as Go does", () => {
    const fields = { a: 0, b: 0n, c: "", d: [], e: false, f: null, g: 1, h: {} };
    expect(omitEmpty(fields)).toEqual({ g: 1, h: {} });
  });
});

it("base64 has the standard alphabet and padding", () => {
  expect(base64Of(Uint8Array.of(0xfb, 0xff, 0xfe, 0x61))).toBe("+//+YQ==");
});
