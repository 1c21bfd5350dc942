/** Time, links and reads by lease that may be tried in a random world. Used by it alone. */
import {
  carefully,
  exchange,
  openRound,
  type Proposal,
  someLeader,
  somePeer,
  someServer,
  standAlone,
} from "./random-proposals.ts";
import type { Walk } from "./random-worlds.ts";

/** Time goes on for all; each clock is 0 to 2 ahead of it, and that changes. */
function passTime(walk: Walk): void {
  const { specification, attempt, random, ahead } = walk;
  const by = random.between(2, 3);
  for (const server of specification.members.keys()) {
    const before = ahead[server] ?? 0;
    const now = random.chance(0.3) ? random.between(0, 2) : before;
    ahead[server] = now;
    attempt("advanceClock", () => specification.advanceClock(server, by + now - before));
  }
  if (random.chance(0.01)) attempt("advanceClock", () => specification.advanceClock(0, -1));
}

function loseLink(walk: Walk): void {
  const server = someServer(walk);
  const { specification, attempt } = walk;
  attempt("loseLink", () => specification.loseLink(server, somePeer(walk, server)));
}

/** A round that asks most for their promise. */
function ask(walk: Walk): void {
  const server = someLeader(walk);
  openRound(walk, server);
  for (const peer of walk.specification.members.keys()) {
    if (peer !== server && walk.random.chance(0.7)) exchange(walk, server, peer);
  }
}

/** Who waited for its promise to run out stands at once; the leader does not hear of it. */
function standAtExpiry(walk: Walk): void {
  const { members } = walk.specification;
  for (const [server, { role, clock, promisedUntil }] of members.entries()) {
    const isNow = promisedUntil > 0 && clock >= promisedUntil && clock < promisedUntil + 4;
    if (role === "leader" || !isNow || walk.random.chance(0.5)) continue;
    walk.isolated = someLeader(walk);
    standAlone(walk, server);
    read(walk);
    return;
  }
}

function read(walk: Walk): void {
  const { members } = walk.specification;
  const leaders = [...members.keys()].filter((server) => members[server]?.role === "leader");
  const server = leaders[walk.random.below(Math.max(1, leaders.length))] ?? someServer(walk);
  walk.leaseRead(server, `lease ${walk.nextRead++}`);
}

export const leaseProposals: readonly Proposal[] = [
  { weight: 6, propose: passTime },
  { weight: 0.5, propose: loseLink },
  { weight: 3, propose: carefully(ask) },
  { weight: 2, propose: ask },
  { weight: 20, propose: read },
  { weight: 6, propose: carefully(standAtExpiry) },
];
