import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { columnsOf, wrapLines } from "./wrap.ts";

describe("wrapLines", () => {
  it("breaks at blanks and indents what follows", () => {
    expect(wrapLines("one two three four", 9, "  ")).toBe("one two\n  three\n  four");
  });

  it("keeps the indent of an indented line, and blanks inside", () => {
    expect(wrapLines("  one  two three", 12, "    ")).toBe("  one  two\n  three");
  });

  it("keeps long words whole", () => {
    expect(wrapLines("see https://example.org/long yes", 10, " ")).toBe(
      "see\n https://example.org/long\n yes",
    );
  });

  it("loses no word and is as narrow as its words allow", () => {
    const text = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1 });
    fc.assert(
      fc.property(text, fc.integer({ min: 14, max: 40 }), (words, width) => {
        const wrapped = wrapLines(words.join(" "), width, "  ");
        expect(wrapped.split(/\s+/)).toEqual(words);
        for (const line of wrapped.split("\n")) expect(columnsOf(line)).toBeLessThanOrEqual(width);
      }),
    );
  });
});

describe("columnsOf", () => {
  it("counts characters without colours", () => {
    expect(columnsOf("\u001b[32mgrün\u001b[0m")).toBe(4);
    expect(columnsOf("日本")).toBe(2);
  });
});
