/** Reads that write nothing to the log. @paper §8; @thesis §6.4 */
import {
  checkStillLeads,
  configurationOf,
  describeConfiguration,
  isQuorum,
} from "./configurations.ts";
import type { Server } from "./specification.ts";
import { ledNow, lifeOf, memberOf, refuse, type World } from "./world.ts";

/** @thesis §6.4 step 3 */
export function startRound(world: World, server: Server): void {
  const led = ledNow(world, server, "§6.4, the leader sends rounds of heartbeats");
  led.round += 1;
  led.openedAt.set(led.round, memberOf(world, server).clock);
  lifeOf(world, server).isFresh = false;
}

/** What was committed by now, by anybody, lies up to there. @thesis §6.4 */
export function readIndexOf(world: World, server: Server): number {
  const { log, commitIndex, currentTerm } = memberOf(world, server);
  const first = log.findIndex(({ term }) => term === currentTerm) + 1;
  if (first > 0) return Math.max(commitIndex, first);
  refuse(`§6.4, a leader begins with an entry of its term; there is none of ${currentTerm}.`);
}

/**
 * Before the first entry of its own term a leader does not know what older terms committed, but
 * where: all of it lies before that entry. @thesis §6.4 steps 1 and 2
 */
export function registerRead(world: World, server: Server, read: string): void {
  const led = ledNow(world, server, "§6.4, the leader notes its commit index");
  checkStillLeads(world, server, "§6, a leader that was removed takes no reads");
  const index = readIndexOf(world, server);
  const life = lifeOf(world, server);
  life.isFresh = false;
  life.reads.set(read, { index, round: led.round });
  world.readsRegistered.add(read);
}

/** @thesis §6.4 step 3 */
export function confirmRead(world: World, server: Server, read: string): number {
  const led = ledNow(world, server, "§6.4, the leader confirms reads");
  const life = lifeOf(world, server);
  const pending = life.reads.get(read) ?? refuse(`§6.4, no read ${read} is registered.`);
  const answered = new Set([server]);
  for (const [peer, round] of led.answered) if (round > pending.round) answered.add(peer);
  const configuration = configurationOf(world, server);
  if (!isQuorum(configuration, answered)) {
    refuse(
      `§6.4, a majority must have answered a round after ${pending.round} for read ${read}: ` +
        `[${[...answered]}] of ${describeConfiguration(configuration)}.`,
    );
  }
  life.isFresh = false;
  life.reads.delete(read);
  // Asked again, it was confirmed before: that answer may leave late, and is as good.
  const { least, most } = life.confirmedReads.get(read) ?? {
    least: pending.index,
    most: pending.index,
  };
  life.confirmedReads.set(read, {
    least: Math.min(least, pending.index),
    most: Math.max(most, pending.index),
  });
  return pending.index;
}
