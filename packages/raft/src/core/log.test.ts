/** The log against an array, and its searches against scanning. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { logIndex, term } from "../base/index.ts";
import {
  appendToLog,
  createLog,
  type Entry,
  entriesBetween,
  entriesWithin,
  entryOverheadBytes,
  type Log,
  type LogPosition,
  lastIndex,
  lastPosition,
  lastPossibleMatch,
  termAt,
  truncateLog,
} from "./index.ts";

function entry(index: number, ofTerm: number, bytes = 0): Entry {
  const data = new Uint8Array(bytes);
  return { index: logIndex(index), term: term(ofTerm), kind: "command", data };
}

function logOf(terms: readonly number[]): Log {
  return createLog(terms.map((value, i) => entry(i + 1, value)));
}

const ascending = fc
  .array(fc.nat(2), { maxLength: 20 })
  .map((steps) => steps.map((_, i) => 1 + steps.slice(0, i + 1).reduce((sum, by) => sum + by, 0)));

function scan(log: Log, position: LogPosition): LogPosition {
  for (let index = Math.min(position.index, lastIndex(log)); index > 0; index--) {
    const found = termAt(log, logIndex(index));
    if (found !== undefined && found <= position.term)
      return { index: logIndex(index), term: found };
  }
  return { index: logIndex(0), term: term(0) };
}

describe("the log", () => {
  it("finds the last possible match like a scan", () => {
    fc.assert(
      fc.property(ascending, fc.nat(25), fc.nat(45), (terms, index, ofTerm) => {
        const position = { index: logIndex(index), term: term(ofTerm) };
        const log = logOf(terms);
        expect(lastPossibleMatch(log, position)).toEqual(scan(log, position));
      }),
    );
  });

  it("C12: is an array under appends and truncations", () => {
    const change = fc.record({ keep: fc.nat(12), add: fc.nat(4) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
        const log = createLog([]);
        let model: Entry[] = [];
        for (const [i, { keep, add }] of changes.entries()) {
          const end = Math.min(keep, model.length);
          truncateLog(log, logIndex(end + 1));
          model = model.slice(0, end);
          const added = Array.from({ length: add }, (_, k) => entry(end + 1 + k, i + 1));
          appendToLog(log, added);
          model.push(...added);
          expect(log.entries).toEqual(model);
          expect(lastIndex(log)).toBe(model.length);
          expect(lastPosition(log).term).toBe(model.at(-1)?.term ?? 0);
          expect(termAt(log, logIndex(model.length + 1))).toBeUndefined();
        }
      }),
    );
  });

  it("refuses gaps and falling terms", () => {
    expect(() => appendToLog(logOf([1, 2]), [entry(4, 2)])).toThrow(/no gaps: 4 after 2/);
    expect(() => appendToLog(logOf([1, 2]), [entry(2, 2)])).toThrow(/no gaps/);
    expect(() => appendToLog(logOf([1, 2]), [entry(3, 1)])).toThrow(/terms never decrease/);
    expect(() => truncateLog(logOf([1]), logIndex(0))).toThrow(/the base stays/);
    expect(() => entriesBetween(logOf([1]), logIndex(0), logIndex(1))).toThrow(/below the first/);
  });

  it("cuts by bytes, one entry at least", () => {
    const log = createLog([entry(1, 1, 68), entry(2, 1, 68), entry(3, 1, 500), entry(4, 1, 0)]);
    const take = (from: number, through: number, bytes: number) =>
      entriesWithin(log, logIndex(from), logIndex(through), bytes).map(({ index }) => index);
    expect(entryOverheadBytes).toBe(32);
    expect(take(1, 4, 200)).toEqual([1, 2]);
    expect(take(1, 4, 199)).toEqual([1]);
    expect(take(3, 4, 1)).toEqual([3]);
    expect(take(1, 2, 10_000)).toEqual([1, 2]);
    expect(take(5, 9, 10_000)).toEqual([]);
  });
});
