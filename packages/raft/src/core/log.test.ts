/** The log against an array, and its searches against scanning. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { logIndex, term } from "../base/index.ts";
import {
  appendToLog,
  createLog,
  dropThrough,
  type Entry,
  entriesBetween,
  entriesWithin,
  entryOverheadBytes,
  isBelowBase,
  type Log,
  type LogPosition,
  lastIndex,
  lastPosition,
  lastPossibleMatch,
  replaceLog,
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

  it("is the same behind a base, as far as it is there", () => {
    fc.assert(
      fc.property(ascending, fc.nat(20), fc.nat(25), fc.nat(45), (terms, drop, index, ofTerm) => {
        const whole = logOf(terms);
        const log = logOf(terms);
        const through = logIndex(Math.min(drop, terms.length));
        dropThrough(log, through);
        expect(lastPosition(log)).toEqual(lastPosition(whole));
        expect(log.entries).toEqual(entriesBetween(whole, logIndex(through + 1), lastIndex(whole)));
        for (let at = 0; at <= terms.length + 1; at++) {
          const known = at < through ? undefined : termAt(whole, logIndex(at));
          expect(termAt(log, logIndex(at))).toBe(known);
        }
        const position = { index: logIndex(index), term: term(ofTerm) };
        const shared = lastPossibleMatch(whole, position);
        // Below the base exactly where the whole log has nothing from there on in common, either.
        expect(isBelowBase(log, position)).toBe(shared.index < through);
        if (shared.index < through) expect(() => lastPossibleMatch(log, position)).toThrow();
        else expect(lastPossibleMatch(log, position)).toEqual(shared);
      }),
    );
  });

  it("keeps its base under truncation, and is replaced as a whole", () => {
    const log = logOf([1, 1, 2, 3]);
    dropThrough(log, logIndex(2));
    expect(() => truncateLog(log, logIndex(2))).toThrow(/the base stays/);
    expect(() => dropThrough(log, logIndex(1))).toThrow(/never goes back/);
    expect(() => dropThrough(log, logIndex(9))).toThrow(/no such entry/);
    expect(() => entriesWithin(log, logIndex(2), logIndex(4), 100)).toThrow(/below the first/);
    truncateLog(log, logIndex(3));
    expect(lastPosition(log)).toEqual({ index: 2, term: 1 });
    appendToLog(log, [entry(3, 4)]);
    replaceLog(log, { index: logIndex(9), term: term(5) });
    expect(lastPosition(log)).toEqual({ index: 9, term: 5 });
    expect(() => appendToLog(log, [entry(10, 4)])).toThrow(/never decrease/);
    appendToLog(log, [entry(10, 5)]);
    expect(termAt(log, logIndex(9))).toBe(5);
  });
});
