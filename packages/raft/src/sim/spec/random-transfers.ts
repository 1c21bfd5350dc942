/** Transfers of leadership that may be tried in a random world. Used by it alone. */
import {
  carefully,
  exchange,
  memberAt,
  type Proposal,
  post,
  someLeader,
  somePeer,
} from "./random-proposals.ts";
import type { Walk } from "./random-worlds.ts";

function start(walk: Walk): void {
  const { specification, attempt } = walk;
  const server = someLeader(walk);
  const target = somePeer(walk, server);
  attempt("startTransfer", () => specification.startTransfer(server, target));
  if (walk.isCareful) exchange(walk, server, target);
}

function end(walk: Walk): void {
  const server = someLeader(walk);
  walk.attempt("endTransfer", () => walk.specification.endTransfer(server));
}

/** Mostly to whom it was promised. */
function order(walk: Walk): void {
  const from = someLeader(walk);
  const { currentTerm: term, transferTo } = memberAt(walk, from);
  const to = walk.random.chance(0.8) ? transferTo : somePeer(walk, from);
  if (to !== null && to !== from) post(walk, { kind: "timeout-now", from, to, term });
}

export const transferProposals: readonly Proposal[] = [
  { weight: 0.7, propose: start },
  { weight: 0.7, propose: carefully(start) },
  { weight: 0.3, propose: end },
  { weight: 3, propose: order },
];
