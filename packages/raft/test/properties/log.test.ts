/** The log against a twin that is an array of terms and looks at every place, one by one. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LogIndex, logIndex, type Term, term } from "../../src/base/index.ts";
import {
  appendToLog,
  createLog,
  type Entry,
  entriesBetween,
  entriesWithin,
  entryBytes,
  isUpToDate,
  type Log,
  type LogPosition,
  lastIndex,
  lastPosition,
  lastPossibleMatch,
  termAt,
  truncateLog,
} from "../../src/core/index.ts";

/** Entry k is at k - 1. */
type Twin = Entry[];

function entryAt(index: number, entryTerm: number, size: number): Entry {
  return {
    index: logIndex(index),
    term: term(entryTerm),
    kind: "command",
    data: new Uint8Array(size),
  };
}

/** Steps between terms, mostly none, and sizes: entries of a log that may exist. */
const growth = fc.array(
  fc.record({
    rise: fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 1, max: 3 })),
    size: fc.integer({ min: 0, max: 40 }),
  }),
  { maxLength: 12 },
);

type Growth = readonly { readonly rise: number; readonly size: number }[];

function grow(after: Entry | undefined, steps: Growth): Entry[] {
  let last: { readonly index: number; readonly term: number } = after ?? { index: 0, term: 1 };
  return steps.map(({ rise, size }) => {
    const entry = entryAt(last.index + 1, last.term + rise, size);
    last = entry;
    return entry;
  });
}

const logs = growth.map((steps) => grow(undefined, steps));
const positions: fc.Arbitrary<LogPosition> = fc.record({
  index: fc.integer({ min: 0, max: 16 }).map(logIndex),
  term: fc.integer({ min: 0, max: 20 }).map(term),
});

function expectEqual(log: Log, twin: Twin): void {
  const last = twin.at(-1);
  expect(lastIndex(log)).toBe(twin.length);
  expect(lastPosition(log)).toEqual({ index: last?.index ?? 0, term: last?.term ?? 0 });
  for (let index = 0; index <= twin.length + 2; index++) {
    const expected = index === 0 ? 0 : twin.find((entry) => entry.index === index)?.term;
    expect(termAt(log, logIndex(index))).toBe(expected);
  }
}

describe("the log", () => {
  it("is what was appended and not removed", () => {
    const change = fc.oneof(
      growth.map((steps) => ({ kind: "append" as const, steps })),
      fc.integer({ min: 1, max: 20 }).map((from) => ({ kind: "truncate" as const, from })),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
        const log = createLog([]);
        let twin: Twin = [];
        for (const step of changes) {
          if (step.kind === "append") {
            const entries = grow(twin.at(-1), step.steps);
            appendToLog(log, entries);
            twin.push(...entries);
          } else {
            truncateLog(log, logIndex(step.from));
            twin = twin.filter((entry) => entry.index < step.from);
          }
          expectEqual(log, twin);
        }
      }),
    );
  });

  it("refuses gaps and falling terms, and keeps what it had", () => {
    fc.assert(
      fc.property(
        logs,
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 0, max: 9 }),
        (twin, index, at) => {
          const log = createLog(twin);
          const last = twin.at(-1);
          const isNext = index === twin.length + 1 && at >= (last?.term ?? 0);
          const entry = entryAt(index, at, 0);
          if (isNext) expect(() => appendToLog(log, [entry])).not.toThrow();
          else expect(() => appendToLog(log, [entry])).toThrow();
          expectEqual(log, isNext ? [...twin, entry] : twin);
        },
      ),
    );
  });

  it("gives entries by place", () => {
    const place = fc.integer({ min: 1, max: 14 });
    fc.assert(
      fc.property(logs, place, place, (twin, from, through) => {
        fc.pre(from <= through + 1);
        const between = entriesBetween(createLog(twin), logIndex(from), logIndex(through));
        expect(between).toEqual(
          twin.filter((entry) => entry.index >= from && entry.index <= through),
        );
      }),
    );
  });

  it("gives as many entries as the bytes hold, one at least", () => {
    const place = fc.integer({ min: 1, max: 14 });
    const bytes = fc.integer({ min: 0, max: 400 });
    fc.assert(
      fc.property(logs, place, place, bytes, (twin, from, through, bytesMax) => {
        const expected: Entry[] = [];
        let sum = 0;
        for (const entry of twin) {
          if (entry.index < from || entry.index > through) continue;
          sum += entryBytes(entry);
          if (sum > bytesMax && expected.length > 0) break;
          expected.push(entry);
        }
        const within = entriesWithin(createLog(twin), logIndex(from), logIndex(through), bytesMax);
        expect(within).toEqual(expected);
      }),
    );
  });

  it("finds the last place that may match", () => {
    fc.assert(
      fc.property(logs, positions, (twin, position) => {
        let expected: LogPosition = { index: logIndex(0), term: term(0) };
        for (const entry of twin) {
          if (entry.index > position.index || entry.term > position.term) break;
          expected = { index: entry.index, term: entry.term };
        }
        expect(lastPossibleMatch(createLog(twin), position)).toEqual(expected);
      }),
    );
  });

  it("never skips a place where two logs agree", () => {
    fc.assert(
      fc.property(logs, growth, growth, (common, mine, theirs) => {
        // After the common part the terms differ: one side's are odd, the other's even.
        const split = (steps: Growth, parity: number): Entry[] =>
          grow(common.at(-1), steps).map((entry) =>
            entryAt(entry.index, 2 * entry.term + parity, entry.data.length),
          );
        const doubled = common.map((entry) => entryAt(entry.index, 2 * entry.term, 0));
        const follower = createLog([...doubled, ...split(mine, 1)]);
        const leader = createLog([...doubled, ...split(theirs, 2)]);
        const prev = lastPosition(leader);
        const hint = lastPossibleMatch(follower, prev);
        expect(hint.index).toBeGreaterThanOrEqual(Math.min(common.length, prev.index));
        const next = lastPossibleMatch(leader, hint);
        expect(next.index).toBeGreaterThanOrEqual(common.length);
      }),
    );
  });

  it("orders logs by last term, then length", () => {
    fc.assert(
      fc.property(positions, positions, (a, b) => {
        const rank = (at: { readonly index: LogIndex; readonly term: Term }): number =>
          at.term * 1_000 + at.index;
        expect(isUpToDate(a, b)).toBe(rank(a) >= rank(b));
      }),
    );
  });
});
