/**
 * Directed graphs on few nodes, without loops, as bit masks: which member hears which. Two graphs
 * are of one class if some renumbering of the nodes makes them the same.
 */
import { assert } from "../../base/index.ts";

/** Nodes that a mask has room for: 25 bits, and 120 renumberings. */
export const digraphNodesMax = 5;

/** Whether the graph has the edge from node `from` to node `to`; nodes count from 0. */
export function hasEdge(graph: number, nodes: number, from: number, to: number): boolean {
  return (graph & edgeBit(nodes, from, to)) !== 0;
}

/** The mask of a graph with this edge alone. */
export function edgeBit(nodes: number, from: number, to: number): number {
  return 1 << (from * nodes + to);
}

/** Every order of 0 … `count` - 1, the identity first. */
export function permutations(count: number): readonly (readonly number[])[] {
  let orders: number[][] = [[]];
  for (let length = 0; length < count; length++) {
    orders = orders.flatMap((order) => {
      const rest = Array.from({ length: count }, (_, item) => item).filter(
        (item) => !order.includes(item),
      );
      return rest.map((item) => [...order, item]);
    });
  }
  return orders;
}

/** Gives the smallest mask in a graph's class. Makes tables once; then fast. */
export function createDigraphCanonizer(nodes: number): (graph: number) => number {
  assert(nodes >= 1 && nodes <= digraphNodesMax, "digraphs: 1 to 5 nodes");
  const rowMask = (1 << nodes) - 1;
  const tables = permutations(nodes).map((order) => renumberingTable(order));
  return (graph) => {
    let least = graph;
    for (const table of tables) {
      let image = 0;
      for (let row = 0, rest = graph; rest !== 0; row += rowMask + 1, rest >>>= nodes) {
        image |= table[row + (rest & rowMask)] as number; // a table has each row of each node
      }
      if (image < least) least = image;
    }
    return least;
  };
}

/** For each node and each set of nodes it has edges to: the mask of these edges renumbered. */
function renumberingTable(order: readonly number[]): Int32Array {
  const nodes = order.length;
  const table = new Int32Array(nodes << nodes);
  for (const [from, newFrom] of order.entries()) {
    for (let targets = 0; targets < 1 << nodes; targets++) {
      let image = 0;
      for (const [to, newTo] of order.entries()) {
        if ((targets & (1 << to)) !== 0) image |= edgeBit(nodes, newFrom, newTo);
      }
      table[(from << nodes) + targets] = image;
    }
  }
  return table;
}

/**
 * One graph of each class on 1 to 5 nodes, the smallest mask of each, in rising order: 1, 3, 16,
 * 218 and 9,608 of them (OEIS A000273). Bit `from * nodes + to` is the edge `from` to `to`.
 */
export function digraphClasses(nodes: number): readonly number[] {
  const canonize = createDigraphCanonizer(nodes);
  const edges: number[] = [];
  for (let from = 0; from < nodes; from++) {
    for (let to = 0; to < nodes; to++) if (from !== to) edges.push(edgeBit(nodes, from, to));
  }
  // Every graph but the empty one is a smaller one and an edge: classes grow from classes.
  const classes = new Set([0]);
  for (const graph of classes) {
    for (const edge of edges) if ((graph & edge) === 0) classes.add(canonize(graph | edge));
  }
  return [...classes].sort((a, b) => a - b);
}
