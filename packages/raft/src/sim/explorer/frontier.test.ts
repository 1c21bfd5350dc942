import { describe, expect, it } from "vitest";
import { createRandom } from "../random.ts";
import { createMemoryBlockStore } from "./block-store.ts";
import { Frontier } from "./frontier.ts";
import { StateHash } from "./state-hash.ts";

function createFrontier(): Frontier {
  return new Frontier(createMemoryBlockStore(), createMemoryBlockStore());
}

/** States of many sizes, 9 MB in all: more than eight blocks. */
function createStates(): Uint8Array[] {
  const random = createRandom(11, 0);
  const sizes = [0, 1, 127, 128, 129, 16_383, 16_384, 500_000, 1_000_000];
  for (let index = 0; index < 3000; index++) sizes.push(random.below(5000));
  return sizes.map((size, index) => new Uint8Array(size).fill(index));
}

/** A state as a short text; comparing nine megabytes byte by byte takes the runner too long. */
function digest(state: Uint8Array): string {
  const hash = new StateHash();
  hash.update(state);
  return `${state.length}:${hash.high}:${hash.low}`;
}

function takeAll(frontier: Frontier): string[] {
  const states: string[] = [];
  for (let state = frontier.take(); state !== null; state = frontier.take()) {
    states.push(digest(state));
  }
  return states;
}

describe("Frontier", () => {
  it("gives a level back in order, while the next one is filled", () => {
    const frontier = createFrontier();
    const states = createStates();
    for (const state of states) frontier.push(state);
    expect(frontier.take()).toBeNull();
    frontier.turn();
    expect(frontier.nextCount).toBe(0);
    const taken: string[] = [];
    for (let state = frontier.take(); state !== null; state = frontier.take()) {
      taken.push(digest(state));
      frontier.push(state.subarray(0, 1));
    }
    expect(taken).toEqual(states.map(digest));
    expect(frontier.nextCount).toBe(states.length);
    frontier.turn();
    expect(takeAll(frontier)).toEqual(states.map((state) => digest(state.subarray(0, 1))));
    frontier.turn();
    expect(frontier.take()).toBeNull();
  });

  it("goes on from its blocks as if there had been no break", () => {
    const frontier = createFrontier();
    const states = createStates();
    for (const state of states) frontier.push(state);
    frontier.turn();
    for (let index = 0; index < 1500; index++) frontier.push(frontier.take() ?? new Uint8Array());
    const other = createFrontier();
    const last = new Uint8Array([1, 2, 3]);
    let remaining = 0;
    for (const block of frontier.remainingBlocks()) remaining += other.addRemainingBlock(block);
    expect(remaining).toBe(states.length - 1500);
    for (const block of frontier.nextBlocks()) other.addNextBlock(block);
    for (const each of [frontier, other]) {
      expect(takeAll(each)).toEqual(states.slice(1500).map(digest));
      each.push(last);
      expect(each.nextCount).toBe(1501);
      each.turn();
      expect(takeAll(each)).toEqual([...states.slice(0, 1500), last].map(digest));
    }
  });

  it("refuses a state that fits into no block", () => {
    expect(() => createFrontier().push(new Uint8Array(2 ** 20))).toThrow("fits into a block");
  });
});
