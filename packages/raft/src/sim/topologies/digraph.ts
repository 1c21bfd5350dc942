/**
 * Who reaches whom: a directed graph with its number of members. Graphs as bit masks and their
 * classes are the explorer's; here are the words of connectivity. Nothing here knows of Raft.
 */
import { digraphClasses as classMasks, hasEdge } from "../explorer/index.ts";

/** Edge `a>b`: messages of member `a` reach member `b`. Members are 0, 1, 2 … */
export interface Digraph {
  readonly members: number;
  /** Bit `from * members + to` is the edge `from>to`, as in the explorer's graphs. */
  readonly mask: number;
}

function edgeBit(members: number, from: number, to: number): number {
  return 1 << (from * members + to);
}

/** Whether messages of `from` reach `to`; everybody reaches itself. */
export function reaches(graph: Digraph, from: number, to: number): boolean {
  return from === to || hasEdge(graph.mask, graph.members, from, to);
}

/** Everybody reaches everybody. */
export function completeDigraph(members: number): Digraph {
  let mask = 0;
  for (let from = 0; from < members; from++) {
    for (let to = 0; to < members; to++) if (from !== to) mask |= edgeBit(members, from, to);
  }
  return { members, mask };
}

/** The graph with links in both directions between these pairs and no other. */
export function linkedDigraph(
  members: number,
  pairs: readonly (readonly [number, number])[],
): Digraph {
  let mask = 0;
  for (const [a, b] of pairs) mask |= edgeBit(members, a, b) | edgeBit(members, b, a);
  return { members, mask };
}

/** The graph without an edge. */
export function withoutEdge(graph: Digraph, from: number, to: number): Digraph {
  return { members: graph.members, mask: graph.mask & ~edgeBit(graph.members, from, to) };
}

/** One graph of every class, the same up to renaming members: 16, 218, 9,608 on 3, 4, 5 members. */
export function digraphClasses(members: number): Digraph[] {
  return classMasks(members).map((mask) => ({ members, mask }));
}

/** All orders of 0 … count - 1, the identity first. */
function permutations(count: number): number[][] {
  if (count === 0) return [[]];
  const places = Array.from({ length: count }, (_, at) => count - 1 - at);
  return places.flatMap((place) =>
    permutations(count - 1).map((order) => order.toSpliced(place, 0, count - 1)),
  );
}

/** The renamings that change nothing: `renaming[a]` is the new name of `a`. */
export function automorphisms(graph: Digraph): (readonly number[])[] {
  const { members } = graph;
  return permutations(members).filter((renaming) => {
    for (let from = 0; from < members; from++) {
      for (let to = 0; to < members; to++) {
        const isThere = reaches(graph, renaming[from] ?? from, renaming[to] ?? to);
        if (isThere !== reaches(graph, from, to)) return false;
      }
    }
    return true;
  });
}

/** The name of a graph, such as `4/0a36`: members and mask, in hexadecimal digits. */
export function digraphName(graph: Digraph): string {
  const digits = Math.ceil(graph.members ** 2 / 4);
  return `${graph.members}/${graph.mask.toString(16).padStart(digits, "0")}`;
}

/** The letter of a member: `a`, `b`, `c` … */
export function memberLetter(at: number): string {
  return String.fromCharCode(97 + at);
}

/** The links for people: `a=b` both ways, `a>b` one way; `-` if there is none. */
export function describeLinks(graph: Digraph): string {
  const words: string[] = [];
  for (let a = 0; a < graph.members; a++) {
    for (let b = a + 1; b < graph.members; b++) {
      const there = reaches(graph, a, b);
      const back = reaches(graph, b, a);
      const [left, right] = [memberLetter(a), memberLetter(b)];
      if (there && back) words.push(`${left}=${right}`);
      else if (there) words.push(`${left}>${right}`);
      else if (back) words.push(`${right}>${left}`);
    }
  }
  return words.length === 0 ? "-" : words.join(" ");
}
