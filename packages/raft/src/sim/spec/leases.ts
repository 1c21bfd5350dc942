/**
 * Reads for which nobody is asked, because a majority has promised not to elect anybody for a
 * while; and what a member sees of time and links by itself. @thesis §6.4.1, §4.2.3
 */
import {
  checkStillLeads,
  configurationOf,
  describeConfiguration,
  isQuorum,
} from "./configurations.ts";
import { checkDelivered } from "./network.ts";
import { readIndexOf } from "./reads.ts";
import type { Server, SpecAppendEntries, SpecAppendEntriesResponse } from "./specification.ts";
import {
  change,
  type Heard,
  type Led,
  ledNow,
  lifeOf,
  memberOf,
  refuse,
  type World,
} from "./world.ts";

export function advanceClock(world: World, server: Server, by: number): void {
  const member = memberOf(world, server);
  if (!(by >= 0)) refuse(`A clock goes forward, not by ${by}.`);
  world.members[server] = { ...member, clock: member.clock + by };
}

export function loseLink(world: World, server: Server, peer: Server): void {
  memberOf(world, peer);
  lifeOf(world, server).lostLinks.add(peer);
}

/** What was heard of the leader that sent this, its round among it. */
function checkHeard(world: World, server: Server, request: SpecAppendEntries): Heard {
  checkDelivered(world, server, request);
  const { currentTerm } = memberOf(world, server);
  const { term, from, round } = request;
  const heard = lifeOf(world, server).heard.get(term);
  if (term === currentTerm && heard?.leader === from && heard.round >= round) return heard;
  refuse(`§6.4.1, server ${server} of term ${currentTerm} did not hear round ${round} of ${from}.`);
}

export function promiseLease(world: World, server: Server, request: SpecAppendEntries): void {
  const heard = checkHeard(world, server, request);
  const { clock, promised, promisedUntil } = memberOf(world, server);
  const { from, round, lease = 0 } = request;
  if (!(lease > 0 && round > 0)) refuse(`§6.4.1, round ${round} of ${from} asks for no promise.`);
  if (round <= heard.releasedRound) {
    refuse(`§6.4.1, server ${server} was given back what it promises for round ${round}.`);
  }
  heard.promises.set(round, Math.max(heard.promises.get(round) ?? 0, lease));
  change(world, server, {
    promised: Math.max(promisedUntil > clock ? promised : 0, lease),
    promisedUntil: Math.max(promisedUntil, clock + lease),
  });
}

/**
 * The leader counts these promises no more. Nor does an older one: it has no lease since this one
 * was elected. What was promised before the start could be for later rounds than this.
 */
export function releaseLease(world: World, server: Server, request: SpecAppendEntries): void {
  const heard = checkHeard(world, server, request);
  const { from, round, release = false } = request;
  if (!release) refuse(`§6.4.1, round ${round} of ${from} gives nothing back.`);
  heard.releasedRound = Math.max(heard.releasedRound, round);
  for (const later of heard.promises.keys()) if (later > round) return;
  change(world, server, { promisedUntil: lifeOf(world, server).formerUntil });
}

/** It counts from when the leader asked, at the latest: the peer began to count later. */
export function notePromise(led: Led, { from, round, promise }: SpecAppendEntriesResponse): void {
  const openedAt = led.openedAt.get(round);
  if (promise === undefined || openedAt === undefined || round < led.leaseFromRound) return;
  led.promises.set(from, Math.max(led.promises.get(from) ?? 0, openedAt + promise));
}

/** @thesis §6.4.1 */
export function leaseRead(world: World, server: Server, read: string): number {
  const led = ledNow(world, server, "§6.4.1, the leader reads by its lease");
  checkStillLeads(world, server, "§6, a leader that was removed takes no reads");
  const { clock, transferTo } = memberOf(world, server);
  if (transferTo !== null) refuse(`§6.4.1, server ${server} hands over: it has no lease.`);
  const bound = new Set([server]);
  for (const [peer, until] of led.promises) if (clock < until - world.clockDrift) bound.add(peer);
  const configuration = configurationOf(world, server);
  if (!isQuorum(configuration, bound)) {
    refuse(
      `§6.4.1, a majority must have promised not to vote: at ${clock} [${[...bound]}] have, of ` +
        `${describeConfiguration(configuration)}.`,
    );
  }
  const index = readIndexOf(world, server);
  const life = lifeOf(world, server);
  life.isFresh = false;
  life.confirmedReads.set(read, { least: index, most: index });
  world.readsRegistered.add(read);
  return index;
}
