import { describe, expect, it } from "vitest";
import { FingerprintSet } from "./fingerprint-set.ts";
import { StateHash } from "./state-hash.ts";

/** Counts the states whose fingerprint, or one lane of it, was there before. */
function countCollisions(states: Iterable<Uint8Array>): {
  low: number;
  high: number;
  both: number;
} {
  const hash = new StateHash();
  const [low, high, both] = [new FingerprintSet(), new FingerprintSet(), new FingerprintSet()];
  let count = 0;
  for (const state of states) {
    hash.update(state);
    // A lane alone, spread over both words of the set so that its shards fill evenly.
    low.add(hash.low, Math.imul(hash.low, 0x9e3779b1) >>> 0);
    high.add(hash.high, Math.imul(hash.high, 0x9e3779b1) >>> 0);
    both.add(hash.low, hash.high);
    count++;
  }
  return { low: count - low.count, high: count - high.count, both: count - both.count };
}

/** A million states of 40 bytes that differ in 20 bits, which lie `stride` bits apart. */
function* structuredStates(stride: number): IterableIterator<Uint8Array> {
  const state = new Uint8Array(40);
  for (let number = 0; number < 1_000_000; number++) {
    state.fill(0);
    for (let bit = 0; bit < 20; bit++) {
      if ((number & (1 << bit)) === 0) continue;
      const at = bit * stride;
      state[at >>> 3] = (state[at >>> 3] ?? 0) | (1 << (at & 7));
    }
    yield state;
  }
}

/** Zeros of 100 bytes with two bits set, one bit set, and none; and zeros of other lengths. */
function* sparseStates(): IterableIterator<Uint8Array> {
  const state = new Uint8Array(100);
  const flip = (bit: number): void => {
    state[bit >>> 3] = (state[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
  };
  for (let length = 0; length <= state.length; length++) yield state.subarray(0, length);
  for (let first = 0; first < 800; first++) {
    flip(first);
    yield state;
    for (let second = 0; second < first; second++) {
      flip(second);
      yield state;
      flip(second);
    }
    flip(first);
  }
}

describe("StateHash", () => {
  // n^2 / 2^33 = 116 pairs of a million share 32 bits by chance, give or take 11 (one sigma).
  it.each([1, 16])("keeps a million structured states apart, bits %i apart", (stride) => {
    const { low, high, both } = countCollisions(structuredStates(stride));
    expect(both).toBe(0);
    expect(Math.abs(low - 116)).toBeLessThan(60);
    expect(Math.abs(high - 116)).toBeLessThan(60);
  });

  it("keeps 320,000 sparse states apart", () => {
    const { low, high, both } = countCollisions(sparseStates());
    expect(both).toBe(0);
    expect(low).toBeLessThan(40); // 12 by chance
    expect(high).toBeLessThan(40);
  });

  it("flips half of its bits for each bit of the state", () => {
    const hash = new StateHash();
    for (const length of [1, 4, 7, 32, 101]) {
      const state = new Uint8Array(length).fill(0x5a);
      hash.update(state);
      const { low, high } = hash;
      let flipped = 0;
      for (let bit = 0; bit < length * 8; bit++) {
        const at = bit >>> 3;
        state[at] = (state[at] ?? 0) ^ (1 << (bit & 7));
        hash.update(state);
        state[at] = (state[at] ?? 0) ^ (1 << (bit & 7));
        const count = ones(low ^ hash.low) + ones(high ^ hash.high);
        expect(count).toBeGreaterThan(8);
        expect(count).toBeLessThan(56);
        flipped += count;
      }
      expect(flipped / (length * 8)).toBeGreaterThan(28);
      expect(flipped / (length * 8)).toBeLessThan(36);
    }
  });

  it("depends on content only, not on where the bytes lie", () => {
    const hash = new StateHash();
    const bytes = new Uint8Array(64).map((_, index) => index * 7);
    hash.update(bytes.subarray(3, 30));
    const { low, high } = hash;
    hash.update(bytes.slice(3, 30));
    expect([hash.low, hash.high]).toEqual([low, high]);
  });
});

function ones(word: number): number {
  let count = 0;
  for (let rest = word >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count++;
  return count;
}
