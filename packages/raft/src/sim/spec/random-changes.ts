/** Changes of the configuration that may be tried in a random world. Used by it alone. */
import {
  carefully,
  exchange,
  memberAt,
  type Proposal,
  persist,
  someLeader,
  someServer,
} from "./random-proposals.ts";
import type { Walk } from "./random-worlds.ts";
import type { Server, SpecConfiguration } from "./specification.ts";

const serversMax = 7;

function without(list: readonly Server[], others: readonly Server[]): Server[] {
  return list.filter((server) => !others.includes(server));
}

function some(walk: Walk, list: readonly Server[], probability: number): Server[] {
  return list.filter(() => walk.random.chance(probability));
}

function everybody(walk: Walk): Server[] {
  return [...walk.specification.members.keys()];
}

/** The new half alone; who was in the old one only learns from now on, or is gone. */
function leave(walk: Walk, now: SpecConfiguration): SpecConfiguration {
  const going = without(now.outgoing ?? [], [...now.voters, ...now.learners]);
  const staying = some(walk, going, 0.8);
  return {
    voters: now.voters,
    outgoing: null,
    learners: [...now.learners, ...staying],
    removed: [...now.removed, ...without(going, [...staying, ...now.removed])],
  };
}

/** The voters stay. */
function changeLearners(walk: Walk, now: SpecConfiguration): SpecConfiguration {
  const { voters, removed } = now;
  const free = without(everybody(walk), [...voters, ...removed]);
  const learners = [...new Set([...some(walk, now.learners, 0.95), ...some(walk, free, 0.4)])];
  const gone = without(now.learners, learners);
  return { voters, outgoing: null, learners, removed: [...removed, ...gone] };
}

function enter(walk: Walk, now: SpecConfiguration): SpecConfiguration {
  const { random } = walk;
  const free = without(everybody(walk), now.removed);
  const voters = random.chance(0.5)
    ? [...some(walk, now.voters, 0.6), ...some(walk, without(free, now.voters), 0.4)]
    : some(walk, free, 0.5);
  const learners = without(now.learners, voters);
  return { voters, outgoing: now.voters, learners, removed: now.removed };
}

/** As it may come from somebody who knows no rule. */
function spoil(walk: Walk, next: SpecConfiguration): SpecConfiguration {
  const { random } = walk;
  const other = some(walk, everybody(walk), 0.5);
  const spoilt: readonly SpecConfiguration[] = [
    { ...next, outgoing: null },
    { ...next, outgoing: other },
    { ...next, voters: other, learners: without(next.learners, other) },
    { ...next, learners: other },
    { ...next, removed: [] },
    { ...next, removed: other },
    { ...next, learners: [] },
    { ...next, learners: [...next.learners, ...next.removed] },
  ];
  return spoilt[random.below(spoilt.length)] ?? next;
}

function change(walk: Walk): void {
  const { specification, random, attempt } = walk;
  const server = someLeader(walk);
  const now = specification.configurationOf(server);
  const orderly =
    now.outgoing !== null
      ? leave(walk, now)
      : random.chance(0.3)
        ? changeLearners(walk, now)
        : enter(walk, now);
  const next = random.chance(0.2) ? spoil(walk, orderly) : orderly;
  const value = walk.nextValue++;
  const happened = attempt("changeConfiguration", () =>
    specification.changeConfiguration(server, value, next),
  );
  if (happened && random.chance(0.8)) persist(walk, server);
}

/** Exchanges with most of those who have a say. */
function spread(walk: Walk): void {
  const server = someLeader(walk);
  const { voters, outgoing, learners } = walk.specification.configurationOf(server);
  for (const peer of new Set([...voters, ...(outgoing ?? []), ...learners])) {
    if (walk.random.chance(0.8)) exchange(walk, server, peer);
  }
}

function addServer(walk: Walk): void {
  const { specification, attempt, random } = walk;
  if (specification.members.length >= serversMax) return;
  const log = random.chance(0.1) ? memberAt(walk, someServer(walk)).log : [];
  const start = { log, currentTerm: random.between(0, 2), commitIndex: 0 };
  attempt("addServer", () => void specification.addServer(start));
}

export const membershipProposals: readonly Proposal[] = [
  { weight: 5, propose: change },
  { weight: 3, propose: carefully(spread) },
  { weight: 0.05, propose: addServer },
];
