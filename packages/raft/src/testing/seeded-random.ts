/**
 * Chance that can be repeated: xoshiro128** by Blackman and Vigna, seeded through splitmix32. For
 * tests and the simulator; never for secrets.
 */
import { assert } from "../base/index.ts";
import type { Random } from "../ports/index.ts";

export interface SeededRandom extends Random {
  /** 32 random bits as an unsigned number. */
  u32(): number;
  /** Uniform in 0 to `limit` - 1; `limit` is an integer from 1 to 2^32. */
  below(limit: number): number;
  /**
   * An independent generator that continues this one's seed: drawing from it leaves this one alone.
   */
  fork(): SeededRandom;
}

/** The four words of a generator, not all zero. */
export type RandomState = readonly [number, number, number, number];

/** The same seed gives the same numbers on every machine. `seed` is any safe integer. */
export function createSeededRandom(seed: number): SeededRandom {
  assert(Number.isSafeInteger(seed), "a seed is a safe integer");
  let state = (seed ^ Math.floor(seed / 0x1_0000_0000)) | 0;
  const word = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  return createRandomOfState([word(), word(), word(), word()]);
}

/** The bare generator, for those who bring their own seeding. */
export function createRandomOfState(state: RandomState): SeededRandom {
  assert(
    state.some((word) => word !== 0),
    "the state of a generator is not all zero",
  );
  let [a, b, c, d] = state;
  const u32 = (): number => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return result;
  };
  return fromWords(u32);
}

function fromWords(u32: () => number): SeededRandom {
  const fraction = (): number => ((u32() >>> 5) * 0x400_0000 + (u32() >>> 6)) / 0x20_0000_0000_0000;
  const below = (limit: number): number => {
    assert(Number.isInteger(limit) && limit >= 1 && limit <= 0x1_0000_0000, "a limit is 1 to 2^32");
    return Math.floor(fraction() * limit);
  };
  const id64 = (): string => {
    const id = hex(u32()) + hex(u32());
    return id === "0000000000000000" ? id64() : id;
  };
  const fork = (): SeededRandom => createRandomOfState([u32(), u32(), u32(), u32() | 1]);
  return { u32, fraction, below, id64, fork };
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}
