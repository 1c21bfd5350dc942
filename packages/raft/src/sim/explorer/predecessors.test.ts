import { describe, expect, it } from "vitest";
import { createMemoryBlockStore } from "./block-store.ts";
import { Predecessors } from "./predecessors.ts";

/** Two initial states; then state n comes from (n - 2) / 2 by action n mod 60,000. */
function createTree(count: number): Predecessors {
  const predecessors = new Predecessors(createMemoryBlockStore());
  predecessors.appendInitial(0);
  predecessors.appendInitial(1);
  for (let n = 2; n < count; n++) predecessors.append(Math.floor((n - 2) / 2), n % 60_000);
  return predecessors;
}

function expectedPath(ordinal: number): { initial: number; actions: number[] } {
  const actions: number[] = [];
  let at = ordinal;
  for (; at >= 2; at = Math.floor((at - 2) / 2)) actions.unshift(at % 60_000);
  return { initial: at, actions };
}

describe("Predecessors", () => {
  const count = 65_536 * 3 + 1000;

  it("walks back to an initial state over several blocks", () => {
    const predecessors = createTree(count);
    for (const ordinal of [0, 1, 2, 3, 65_535, 65_536, 131_071, 131_072, 196_608, count - 1]) {
      expect(predecessors.pathTo(ordinal)).toEqual(expectedPath(ordinal));
    }
  });

  it.each([1, 65_535, 65_536, 65_537, count])("takes %i records back from its blocks", (size) => {
    const predecessors = createTree(size);
    const other = new Predecessors(createMemoryBlockStore());
    for (const block of predecessors.blocks()) other.addBlock(block);
    expect(other.count).toBe(predecessors.count);
    other.append(0, 17);
    expect(other.pathTo(other.count - 1)).toEqual({ initial: 0, actions: [17] });
    const last = predecessors.count - 1;
    expect(other.pathTo(last)).toEqual(expectedPath(last));
  });
});
