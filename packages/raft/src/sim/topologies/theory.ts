/**
 * What is to be expected of Raft with PreVote and CheckQuorum when members reach each other only in
 * part, from the graph and the logs alone. The runs are held against this.
 *
 * Two members are *linked* when each reaches the other. A *hub* is linked to a majority, counting
 * itself.
 *
 * 1. Only hubs ever lead anew, and only hubs raise a term: votes and pre-votes are asked and
 *    answered over links. So without a hub terms stand still.
 * 2. Only a hub commits: acknowledgements come over links. A leader that is no hub misses a
 *    majority's answers and steps down within an election timeout (CheckQuorum).
 * 3. A leader that is a hub stays: every majority contains somebody who hears it in time, who then
 *    refuses everybody (PreVote and stickiness), and no term above its own comes to it.
 * 4. Without a leader that is a hub, the others' stickiness ends within two election timeouts. Then
 *    a hub gets elected if it is *electable*: a majority, itself included, is linked to it and has
 *    logs that are not more up to date than its own. If several are, chance picks one.
 * 5. Before it steps down, a leader that is no hub brings those linked to it up to its own log;
 *   with
 *    news of connections also those whom it reaches and who cannot answer, for it sends again what
 *    may be lost. So who is electable is asked after that.
 *
 * What is left is a hub, or several, none of which is electable: the *constrained election* of the
 * paper on Omni-Paxos. Raft never elects anybody then, and nothing is wrong but that: those who
 * could repair the hub's log may not lead, and who may lead is not elected.
 */
import { majority } from "../../core/index.ts";
import { type Digraph, reaches } from "./digraph.ts";

/** How logs differ when the links change. */
export type Skew =
  | { readonly kind: "equal" }
  /** This member misses entries that the others have committed. */
  | { readonly kind: "stale"; readonly at: number }
  /** This member led and appended entries that nobody else has. */
  | { readonly kind: "ahead"; readonly at: number };

/** What a graph is put to. */
export interface Situation {
  readonly graph: Digraph;
  /** Who leads when the links change; null: nobody, all processes have just started. */
  readonly leader: number | null;
  readonly skew: Skew;
  /** Whether hosts tell their core when a connection ends and when one is made. */
  readonly hasNews: boolean;
}

export type Expectation =
  /** The leader stays, in its term. */
  | "stays"
  /** Somebody is elected and stays. */
  | "elects"
  /** There is no hub: no leader, no commit, terms stand still. */
  | "no-hub"
  /** Every hub misses entries that were committed without it. */
  | "constrained-by-stale-hub"
  /** Those that every hub needs have entries of the last leader that were never committed. */
  | "constrained-by-lone-tail";

/** The member itself and whoever it is linked to. */
export function linkedTo(graph: Digraph, at: number): number[] {
  const linked: number[] = [];
  for (let peer = 0; peer < graph.members; peer++) {
    if (reaches(graph, at, peer) && reaches(graph, peer, at)) linked.push(peer);
  }
  return linked;
}

/** Whether the member is linked to a majority, counting itself. */
export function isHub(graph: Digraph, at: number): boolean {
  return linkedTo(graph, at).length >= majority(graph.members);
}

/** All hubs, ascending. */
export function hubs(graph: Digraph): number[] {
  return Array.from({ length: graph.members }, (_, at) => at).filter((at) => isHub(graph, at));
}

/**
 * Whether a majority, the member included, is linked to it and not ahead of it. `ranks` order the
 * logs: a higher one is more up to date.
 */
export function isElectable(graph: Digraph, at: number, ranks: readonly number[]): boolean {
  const own = ranks[at] ?? 0;
  const willing = linkedTo(graph, at).filter((peer) => (ranks[peer] ?? 0) <= own);
  return willing.length >= majority(graph.members);
}

/** How up to date the logs are once a leader that is no hub has done what it can. */
function finalRanks(situation: Situation): number[] {
  const { graph, leader, skew, hasNews } = situation;
  const ranks = new Array<number>(graph.members).fill(1);
  if (skew.kind !== "equal") ranks[skew.at] = skew.kind === "stale" ? 0 : 2;
  if (leader === null) return ranks;
  const isCutOff = (at: number): boolean => skew.kind === "stale" && at === skew.at;
  for (let peer = 0; peer < graph.members; peer++) {
    const isRestored = hasNews && (leader === aheadOf(skew) || isCutOff(peer));
    const isFed = reaches(graph, leader, peer) && (isRestored || reaches(graph, peer, leader));
    if (isFed) ranks[peer] = ranks[leader] ?? 1;
  }
  return ranks;
}

function aheadOf(skew: Skew): number | null {
  return skew.kind === "ahead" ? skew.at : null;
}

/** What Raft does in this situation. */
export function foresee(situation: Situation): Expectation {
  const { graph, leader, skew } = situation;
  if (leader !== null && isHub(graph, leader)) return "stays";
  const able = hubs(graph);
  if (able.length === 0) return "no-hub";
  const ranks = finalRanks(situation);
  if (able.some((at) => isElectable(graph, at, ranks))) return "elects";
  return skew.kind === "stale" ? "constrained-by-stale-hub" : "constrained-by-lone-tail";
}
