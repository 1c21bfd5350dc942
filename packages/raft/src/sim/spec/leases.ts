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
import { change, type Led, ledNow, lifeOf, memberOf, refuse, type World } from "./world.ts";

export function advanceClock(world: World, server: Server, by: number): void {
  const member = memberOf(world, server);
  if (!(by >= 0)) refuse(`A clock goes forward, not by ${by}.`);
  world.members[server] = { ...member, clock: member.clock + by };
}

export function loseLink(world: World, server: Server, peer: Server): void {
  memberOf(world, peer);
  lifeOf(world, server).lostLinks.add(peer);
}

export function promiseLease(world: World, server: Server, request: SpecAppendEntries): void {
  checkDelivered(world, server, request);
  const { currentTerm, clock, promised, promisedUntil } = memberOf(world, server);
  const { term, from, round, lease = 0 } = request;
  const heard = lifeOf(world, server).heard.get(term);
  if (term !== currentTerm || heard === undefined || heard.leader !== from || heard.round < round) {
    refuse(
      `§6.4.1, server ${server} of term ${currentTerm} did not hear round ${round} of ${from}.`,
    );
  }
  if (!(lease > 0 && round > 0)) refuse(`§6.4.1, round ${round} of ${from} asks for no promise.`);
  heard.promises.set(round, Math.max(heard.promises.get(round) ?? 0, lease));
  change(world, server, {
    promised: Math.max(promisedUntil > clock ? promised : 0, lease),
    promisedUntil: Math.max(promisedUntil, clock + lease),
  });
}

/** It counts from when the leader asked, at the latest: the peer began to count later. */
export function notePromise(led: Led, { from, round, promise }: SpecAppendEntriesResponse): void {
  const openedAt = led.openedAt.get(round);
  if (promise === undefined || openedAt === undefined) return;
  led.promises.set(from, Math.max(led.promises.get(from) ?? 0, openedAt + promise));
}

/** @thesis §6.4.1 */
export function leaseRead(world: World, server: Server, read: string): number {
  const led = ledNow(world, server, "§6.4.1, the leader reads by its lease");
  checkStillLeads(world, server, "§6, a leader that was removed takes no reads");
  if (led.wasHandedOver) refuse(`§6.4.1, server ${server} ordered to depose itself: no lease.`);
  const { clock } = memberOf(world, server);
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
  life.confirmedReads.set(read, index);
  world.readsRegistered.add(read);
  return index;
}
