/**
 * All situations that a graph is put to, each distinct one once: those that are the same up to
 * renaming members are one. Also their names, by which exceptions are listed.
 */
import {
  automorphisms,
  completeDigraph,
  type Digraph,
  digraphName,
  memberLetter,
} from "./digraph.ts";
import { linkedTo, type Situation, type Skew } from "./theory.ts";

/**
 * `all`: every leader and none, every skew. `few`: leaders are none, the member with most links
 * and the one with the fewest; logs are equal, the member with most links is stale, or the leader
 * is ahead.
 */
export type Variety = "all" | "few";

/** In a fixed order. */
export function situationsOf(graph: Digraph, variety: Variety, hasNews: boolean): Situation[] {
  const seen = new Set<string>();
  const symmetries = automorphisms(graph);
  const distinct: Situation[] = [];
  for (const places of variety === "all" ? every(graph) : few(graph)) {
    if (seen.has(placesKey(places))) continue;
    distinct.push({ graph, ...places, hasNews });
    for (const renaming of symmetries) {
      seen.add(placesKey(rename(places, (at) => renaming[at] ?? at)));
    }
  }
  return distinct;
}

/** Who is what in a graph. */
interface Places {
  readonly leader: number | null;
  readonly skew: Skew;
}

function rename(places: Places, renamed: (at: number) => number): Places {
  const { leader, skew } = places;
  return {
    leader: leader === null ? null : renamed(leader),
    skew: skew.kind === "equal" ? skew : { kind: skew.kind, at: renamed(skew.at) },
  };
}

function every(graph: Digraph): Places[] {
  const situations: Places[] = [];
  const members = Array.from({ length: graph.members }, (_, at) => at);
  for (const leader of [null, ...members]) {
    situations.push({ leader, skew: { kind: "equal" } });
    for (const at of members) {
      if (at !== leader) situations.push({ leader, skew: { kind: "stale", at } });
    }
    for (const at of members) {
      if (at === (leader ?? at)) situations.push({ leader, skew: { kind: "ahead", at } });
    }
  }
  return situations;
}

function few(graph: Digraph): Places[] {
  const byLinks = Array.from({ length: graph.members }, (_, at) => at).sort(
    (a, b) => linkedTo(graph, b).length - linkedTo(graph, a).length || a - b,
  );
  const most = byLinks[0] ?? 0;
  const fewest = byLinks.at(-1) ?? 0;
  const situations: Places[] = [];
  for (const leader of [null, most, fewest]) {
    const ahead = leader ?? fewest;
    const skews: Skew[] = [{ kind: "equal" }, { kind: "ahead", at: ahead }];
    if (leader !== most) skews.push({ kind: "stale", at: most });
    for (const skew of skews) situations.push({ leader, skew });
  }
  return situations;
}

function placesKey(places: Places): string {
  const { leader, skew } = places;
  const who = leader === null ? "-" : memberLetter(leader);
  return skew.kind === "equal" ? `${who} equal` : `${who} ${skew.kind}:${memberLetter(skew.at)}`;
}

/** Such as `4/0a36 a stale:b`: graph, who leads (`-`: nobody), whose log differs and how. */
export function situationName(situation: Situation): string {
  return `${digraphName(situation.graph)} ${placesKey(situation)}`;
}

const namePattern = /^([1-5])\/([0-9a-f]{1,7}) ([-a-e]) (?:equal|(stale|ahead):([a-e]))$/;

/** The situation of this name, or null: there is none. */
export function parseSituation(name: string, hasNews: boolean): Situation | null {
  const [, members, mask, who, kind, whose] = namePattern.exec(name) ?? [];
  if (members === undefined || mask === undefined || who === undefined) return null;
  const graph = { members: Number(members), mask: Number.parseInt(mask, 16) };
  const leader = who === "-" ? null : who.charCodeAt(0) - 97;
  const at = whose === undefined ? 0 : whose.charCodeAt(0) - 97;
  if ((graph.mask & ~completeDigraph(graph.members).mask) !== 0) return null;
  if (Math.max(leader ?? 0, at) >= graph.members) return null;
  if (kind === "ahead") {
    return leader === null || leader === at ? { graph, leader, skew: { kind, at }, hasNews } : null;
  }
  if (kind !== "stale") return { graph, leader, skew: { kind: "equal" }, hasNews };
  return leader === at ? null : { graph, leader, skew: { kind, at }, hasNews };
}
