import { describe, expect, it } from "vitest";
import { logIndex, term } from "../base/index.ts";
import { snapshotEffect } from "./snapshot-effect.ts";

/** Base 4/1, entries 5/1 6/2 7/2, committed to 6. */
const terms = [1, 1, 2, 2];
const log = {
  base: { index: logIndex(4), term: term(1) },
  last: { index: logIndex(7), term: term(2) },
  commit: logIndex(6),
  termAt: (index: number) => {
    const found = terms[index - 4];
    return found === undefined ? undefined : term(found);
  },
};

describe("what a snapshot does to a log", () => {
  const table = [
    ["3/1", "covered"],
    ["3/9", "covered"],
    ["4/1", "covered"],
    ["4/2", "conflict"],
    ["5/1", "keeps-log"],
    ["5/2", "conflict"],
    ["6/2", "keeps-log"],
    ["6/3", "conflict"],
    ["7/2", "keeps-log"],
    ["7/3", "replaces-log"],
    ["8/2", "replaces-log"],
    ["100/3", "replaces-log"],
  ] as const;
  for (const [position, effect] of table) {
    it(`H9, H10, H11: at ${position} it is "${effect}"`, () => {
      const [index, ofTerm] = position.split("/").map(Number);
      const at = { index: logIndex(index ?? 0), term: term(ofTerm ?? 0) };
      expect(snapshotEffect(log, at)).toBe(effect);
    });
  }
});
