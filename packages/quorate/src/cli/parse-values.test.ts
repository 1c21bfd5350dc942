import { InvalidArgumentError } from "commander";
import { describe, expect, it } from "vitest";
import { createNumberParser, parseDurationMs, parseList } from "./parse-values.ts";

describe("parseDurationMs", () => {
  it.each([
    ["5s", 5_000],
    ["500ms", 500],
    ["1m", 60_000],
    ["0.5s", 500],
    ["250", 250],
  ])("reads %s as %i ms", (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  it.each(["", "s", "5x", "-1s", "0", "2h", "61m", "1e3", "5 s"])("refuses %j", (text) => {
    expect(() => parseDurationMs(text)).toThrow(InvalidArgumentError);
  });
});

describe("createNumberParser", () => {
  const parse = createNumberParser(1, 7);

  it("takes what is in the range", () => {
    expect([parse("1"), parse("7")]).toEqual([1, 7]);
  });

  it.each(["0", "8", "", "3.5", "-1", "0x3", "9".repeat(20)])("refuses %j", (text) => {
    expect(() => parse(text)).toThrow("Write a whole number from 1 to 7.");
  });
});

describe("parseList", () => {
  it("splits at commas and trims", () => {
    expect(parseList("a, b,c")).toEqual(["a", "b", "c"]);
  });

  it.each(["", "a,,b", "a,"])("refuses %j", (text) => {
    expect(() => parseList(text)).toThrow(InvalidArgumentError);
  });
});
