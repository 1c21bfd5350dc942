import { describe, expect, it } from "vitest";
import { createRandom } from "../random.ts";
import { BitSet, EventList, SeenSituations } from "./search-state.ts";

describe("EventList", () => {
  it("gives back in reverse order what it lost", () => {
    // Calls of 0, 1, 2, then their returns in the order 1, 0, 2.
    const list = new EventList(3, [1, 2, 3, 5, 4, 6]);
    const nodes = (): number[] => {
      const found: number[] = [];
      for (let node = list.next[0] ?? 0; node !== 0; node = list.next[node] ?? 0) found.push(node);
      return found;
    };
    expect(list.operationOf(list.firstReturn())).toBe(1);
    list.lift(1);
    list.lift(0);
    expect(nodes()).toEqual([3, 6]);
    expect(list.operationOf(list.firstReturn())).toBe(2);
    list.unlift(0);
    expect(nodes()).toEqual([1, 3, 4, 6]);
    list.unlift(1);
    expect(nodes()).toEqual([1, 2, 3, 5, 4, 6]);
  });
});

/** A set of these bits; its hash is always 7, so that all collide. */
function setOf(size: number, bits: readonly number[]): BitSet {
  const set = new BitSet(size);
  for (const bit of bits) set.flip(bit);
  set.hash = 7;
  return set;
}

describe("SeenSituations", () => {
  it("covers just those with equal known operations, equal state and no fewer unknown ones", () => {
    const seen = new SeenSituations<string>((a, b) => a === b);
    const add = (known: readonly number[], unknown: readonly number[], state: string): boolean =>
      seen.add(setOf(100, known), setOf(70, unknown), state, 1);
    expect(add([3, 40, 99], [1, 69], "a")).toBe(true);
    expect(add([3, 40, 99], [1, 69], "a")).toBe(false);
    expect(add([3, 40, 99], [1, 33, 69], "a")).toBe(false);
    expect(add([3, 40, 99], [1], "a")).toBe(true);
    expect(add([3, 40, 99], [2, 69], "a")).toBe(true);
    expect(add([3, 40, 99], [1, 69], "b")).toBe(true);
    expect(add([3, 40], [1, 69], "a")).toBe(true);
    expect(add([3, 41, 99], [1, 69], "a")).toBe(true);
  });

  it("keeps full words as well as empty ones", () => {
    const seen = new SeenSituations<string>((a, b) => a === b);
    const firsts = (count: number): BitSet => setOf(96, [...new Array(count).keys()]);
    for (const count of [0, 31, 32, 33, 64, 96]) {
      expect(seen.add(firsts(count), firsts(32), "", 1)).toBe(true);
      expect(seen.add(firsts(count), firsts(31), "", 1)).toBe(true);
      expect(seen.add(firsts(count), firsts(33), "", 1)).toBe(false);
    }
  });

  it("grows, and agrees with a list of all that was added", () => {
    const random = createRandom(1, 1);
    const seen = new SeenSituations<number>((a, b) => a === b);
    const added: { known: BitSet; unknown: BitSet; state: number }[] = [];
    const isEqual = (a: BitSet, b: BitSet): boolean =>
      a.words.every((word, at) => word === b.words[at]);
    const isWithin = (a: BitSet, b: BitSet): boolean =>
      a.words.every((word, at) => (word & ~(b.words[at] ?? 0)) === 0);
    for (let turn = 0; turn < 2_000; turn++) {
      const known = new BitSet(40);
      const unknown = new BitSet(40);
      for (let bit = 30; bit < 35; bit++) {
        if (random.chance(0.5)) known.flip(bit);
        if (random.chance(0.5)) unknown.flip(bit);
      }
      const state = random.below(4);
      const isCovered = added.some((other) => {
        const isSame = isEqual(other.known, known) && other.state === state;
        return isSame && isWithin(other.unknown, unknown);
      });
      expect(seen.add(known, unknown, state, state)).toBe(!isCovered);
      if (!isCovered) added.push({ known, unknown, state });
    }
    expect(added.length).toBeGreaterThan(100);
  });
});
