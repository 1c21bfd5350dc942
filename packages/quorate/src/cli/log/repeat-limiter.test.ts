import type { Logger } from "@quorate/raft";
import { beforeEach, describe, expect, it } from "vitest";
import { noColours } from "../output/colours.ts";
import { formatJsonLine } from "./log-line.ts";
import { limitRepeats } from "./repeat-limiter.ts";

let written: [level: string, fields: object, text: string][];
let due: (() => void)[];
let logger: Logger;

beforeEach(() => {
  written = [];
  due = [];
  const take = (level: string) => (fields: object, text: string) => {
    written.push([level, fields, text]);
  };
  const sink = {
    debug: take("debug"),
    info: take("info"),
    warn: take("warn"),
    error: take("error"),
  };
  logger = limitRepeats(sink, (delayMs, callback) => {
    expect(delayMs).toBe(10_000);
    due.push(callback);
  });
});

describe("limitRepeats", () => {
  it("writes the first at once and the rest as one line", () => {
    for (let at = 0; at < 144; at++) logger.warn({ at }, "cannot reach b");
    logger.info({}, "another");
    expect(written).toEqual([
      ["warn", { at: 0 }, "cannot reach b"],
      ["info", {}, "another"],
    ]);
    for (const callback of due.splice(0)) callback();
    expect(written.slice(2)).toEqual([["warn", { at: 143 }, "cannot reach b (x143 in 10 s)"]]);
  });

  it("begins anew after the window, and says nothing of what came once", () => {
    logger.error({}, "once");
    for (const callback of due.splice(0)) callback();
    logger.error({}, "once");
    expect(written.map(([, , text]) => text)).toEqual(["once", "once"]);
  });

  it("keeps levels apart", () => {
    logger.info({}, "same");
    logger.warn({}, "same");
    expect(written.map(([level]) => level)).toEqual(["info", "warn"]);
  });

  it("watches a bounded number of texts", () => {
    for (let at = 0; at < 1_500; at++) logger.debug({}, `text ${at}`);
    logger.debug({}, "text 1400");
    expect(written).toHaveLength(1_501);
    expect(due).toHaveLength(1_000);
  });
});

describe("formatJsonLine", () => {
  it("shows time, level and text of our lines, and others as they are", () => {
    const line = '{"level":"warn","ts":"2026-01-02T03:04:05.006Z","msg":"hot"}';
    expect(formatJsonLine(line, noColours)).toMatch(/^\d\d:\d\d:05\.006 WARN {2}hot$/);
    for (const other of ["plain", "{}", "null", '{"level":"x","ts":"","msg":""}']) {
      expect(formatJsonLine(other, noColours)).toBe(other);
    }
  });
});
