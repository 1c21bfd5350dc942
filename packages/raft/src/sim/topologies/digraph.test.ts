import { describe, expect, it } from "vitest";
import {
  automorphisms,
  completeDigraph,
  describeLinks,
  digraphClasses,
  digraphName,
  linkedDigraph,
  withoutEdge,
} from "./digraph.ts";

describe("automorphisms", () => {
  it("puts each graph of four members into exactly one class, by the sizes of the orbits", () => {
    let graphs = 0;
    for (const graph of digraphClasses(4)) graphs += 24 / automorphisms(graph).length;
    expect(graphs).toBe(2 ** 12);
  });

  it("starts with the renaming that renames nobody", () => {
    const chain = linkedDigraph(3, [
      [0, 1],
      [1, 2],
    ]);
    expect(automorphisms(chain)).toEqual([
      [0, 1, 2],
      [2, 1, 0],
    ]);
  });
});

describe("describeLinks", () => {
  it("tells both ways from one way", () => {
    const pair = linkedDigraph(3, [[0, 1]]);
    expect(describeLinks(pair)).toBe("a=b");
    expect(describeLinks(withoutEdge(pair, 1, 0))).toBe("a>b");
    expect(describeLinks({ members: 3, mask: 0 })).toBe("-");
  });
});

describe("digraphName", () => {
  it("is members and mask", () => {
    expect(digraphName(completeDigraph(4))).toBe("4/7bde");
    expect(digraphName(linkedDigraph(5, [[0, 1]]))).toBe("5/0000022");
  });
});
