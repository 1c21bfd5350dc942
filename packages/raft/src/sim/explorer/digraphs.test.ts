import { describe, expect, it } from "vitest";
import { createDigraphCanonizer, digraphClasses, hasEdge, permutations } from "./digraphs.ts";

describe("digraphClasses", () => {
  // OEIS A000273.
  it.each([
    [1, 1],
    [2, 3],
    [3, 16],
    [4, 218],
    [5, 9_608],
  ])("on %i nodes there are %i", (nodes, count) => {
    expect(digraphClasses(nodes)).toHaveLength(count);
  });

  it("stands for every labelled graph: the classes' sizes add up to all of them", () => {
    const orders = permutations(4);
    let labelled = 0;
    for (const graph of digraphClasses(4)) {
      const images = new Set(orders.map((order) => renumber(graph, 4, order)));
      expect(Math.min(...images)).toBe(graph);
      labelled += images.size;
    }
    expect(labelled).toBe(2 ** 12);
  });

  it("has no loops", () => {
    for (const graph of digraphClasses(3)) {
      for (let node = 0; node < 3; node++) expect(hasEdge(graph, 3, node, node)).toBe(false);
    }
  });

  it("gives one form for all renumberings", () => {
    const canonize = createDigraphCanonizer(3);
    for (let graph = 0; graph < 2 ** 9; graph++) {
      for (const order of permutations(3)) {
        expect(canonize(renumber(graph, 3, order))).toBe(canonize(graph));
      }
    }
  });
});

/** The slow way: edge by edge. */
function renumber(graph: number, nodes: number, order: readonly number[]): number {
  let image = 0;
  for (const [from, newFrom] of order.entries()) {
    for (const [to, newTo] of order.entries()) {
      if (hasEdge(graph, nodes, from, to)) image |= 1 << (newFrom * nodes + newTo);
    }
  }
  return image;
}
