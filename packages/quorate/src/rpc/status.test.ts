import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeStatusMessage, encodeStatusMessage, status, statusNameOf } from "./status.ts";

describe("status messages", () => {
  it.each([
    ["etcdserver: key not found", "etcdserver: key not found"],
    ["100%", "100%25"],
    ["a\nb", "a%0Ab"],
    ["ü", "%C3%BC"],
    ["", ""],
  ])("%j travels as %j", (message, encoded) => {
    expect(encodeStatusMessage(message)).toBe(encoded);
    expect(decodeStatusMessage(encoded)).toBe(message);
  });

  it("any text comes back", () => {
    const text = fc.string({ unit: "binary" });
    fc.assert(
      fc.property(text, (message) => {
        const encoded = encodeStatusMessage(message);
        expect(encoded).toMatch(/^[\x20-\x7e]*$/);
        expect(decodeStatusMessage(encoded)).toBe(message);
      }),
    );
  });

  it("leaves alone what is not well-formed", () => {
    expect(decodeStatusMessage("50% of %zz %4")).toBe("50% of %zz %4");
  });
});

it("codes have names", () => {
  expect(status("unavailable", "x")).toEqual({ code: 14, message: "x" });
  expect(statusNameOf(16)).toBe("unauthenticated");
  expect(statusNameOf(99)).toBe("unknown");
});
