import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StoreInvariantError } from "./assert.ts";
import type { KeyHistory } from "./key-history.ts";
import { tombstone } from "./key-history.ts";
import { chunkKeysMax, KeyIndex } from "./key-index.ts";
import type { KeySpan } from "./key-name.ts";

const history = (name: string): KeyHistory => ({
  name,
  newest: tombstone(new Uint8Array(0), 2),
  older: null,
});

function names(index: KeyIndex, span: KeySpan, max = Number.POSITIVE_INFINITY): string[] {
  const result: string[] = [];
  index.scan(span, (each) => result.push(each.name) < max);
  return result;
}

const everything: KeySpan = { single: false, from: "", to: null };
const number = (value: number) => value.toString(36).padStart(6, "0");
const count = chunkKeysMax * 5 + 3;
const ascending = Array.from({ length: count }, (_, at) => number(at));
/** 7 has no factor in common with the count, so every position comes once. */
const scattered = ascending.map((_, at) => number((at * 7) % count));

describe("KeyIndex", () => {
  it.each([
    ["ascending", ascending],
    ["descending", [...ascending].reverse()],
    ["scattered", scattered],
  ])("orders keys that come %s, over many chunks", (_title, order) => {
    const index = new KeyIndex();
    for (const name of order) index.insert(history(name));
    expect(index.size).toBe(count);
    expect(names(index, everything)).toEqual(ascending);
    for (let at = 0; at < count; at += 97) {
      const from = number(at);
      expect(index.find(from)?.name).toBe(from);
      expect(names(index, { single: false, from, to: null }, 3)).toEqual(
        ascending.slice(at, at + 3),
      );
      expect(names(index, { single: false, from, to: number(at + 600) })).toEqual(
        ascending.slice(at, at + 600),
      );
    }
  });

  it("scans as a sorted array does", () => {
    // Few characters and short names: prefixes, neighbours and the ends of the byte range meet.
    const name = fc.string({ unit: fc.constantFrom("\0", "a", "b", "\x7f", "\x80", "\xff") });
    fc.assert(
      fc.property(
        fc.uniqueArray(name, { maxLength: 60 }),
        fc.array(fc.tuple(name, fc.option(name), fc.boolean()), { maxLength: 20 }),
        (keys, spans) => {
          const index = new KeyIndex();
          for (const key of keys) index.insert(history(key));
          const sorted = [...keys].sort((a, b) => (a < b ? -1 : 1));
          for (const [from, to, single] of spans) {
            const expected = sorted.filter((key) =>
              single ? key === from : key >= from && (to === null || key < to),
            );
            expect(names(index, { single, from, to })).toEqual(expected);
            expect(names(index, { single, from, to }, 2)).toEqual(expected.slice(0, 2));
          }
        },
      ),
    );
  });

  it("is empty at first, and refuses a key twice", () => {
    const index = new KeyIndex();
    expect(names(index, everything)).toEqual([]);
    expect(index.find("a")).toBeUndefined();
    index.insert(history("a"));
    expect(() => index.insert(history("a"))).toThrow(StoreInvariantError);
  });
});
