import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IntervalSet } from "./interval-set.ts";

/** All names of up to two characters over three bytes: small enough to ask for each. */
const characters = ["\0", "a", "\xff"];
const universe = ["", ...characters, ...characters.flatMap((a) => characters.map((b) => a + b))];
const name = fc.constantFrom(...universe);

type Step =
  | { kind: "add"; start: string; end: string | null }
  | { kind: "point"; name: string }
  | { kind: "delete"; name: string };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("add" as const), start: name, end: fc.option(name) }),
  fc.record({ kind: fc.constant("point" as const), name }),
  fc.record({ kind: fc.constant("delete" as const), name }),
);

function run(steps: readonly Step[]): { set: IntervalSet; model: Set<string> } {
  const set = new IntervalSet();
  const model = new Set<string>();
  for (const each of steps) {
    if (each.kind === "add") {
      set.add(each.start, each.end);
      const { start, end } = each;
      for (const one of universe) if (one >= start && (end === null || one < end)) model.add(one);
    } else if (each.kind === "point") {
      set.addSpan({ single: true, from: each.name, to: null });
      model.add(each.name);
    } else {
      set.delete(each.name);
      model.delete(each.name);
    }
  }
  return { set, model };
}

const members = (set: IntervalSet) => universe.filter((one) => set.has(one));

describe("IntervalSet", () => {
  it("holds what a plain set of all names holds", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), fc.array(step, { maxLength: 12 }), (a, b) => {
        const one = run(a);
        const other = run(b);
        expect(members(one.set)).toEqual(universe.filter((each) => one.model.has(each)));
        one.set.addAll(other.set);
        expect(members(one.set)).toEqual(
          universe.filter((each) => one.model.has(each) || other.model.has(each)),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it("keeps touching intervals as one and empty ones not at all", () => {
    const set = new IntervalSet();
    set.add("b", "c");
    set.add("d", "e");
    set.add("x", "x");
    set.add("z", "y");
    expect(set.size).toBe(2);
    set.add("c", "d");
    expect(set.size).toBe(1);
    set.add("a", null);
    expect(set.size).toBe(1);
    set.delete("m");
    expect(set.size).toBe(2);
  });
});
