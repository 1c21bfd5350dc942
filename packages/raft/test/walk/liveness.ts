/**
 * The second phase of a seed: all faults stop, everybody restarts, the network delivers. Within a
 * bounded number of ticks there must be one leader and equal logs, and a new write and a follower's
 * read must complete.
 */

import { drawCommit } from "./actions.ts";
import { auditLog } from "./check-log.ts";
import {
  ask,
  completeUnit,
  feed,
  finishApply,
  offer,
  report,
  restart,
  take,
  tick,
} from "./events.ts";
import { pumpMax } from "./limits.ts";
import type { Member } from "./member.ts";
import { healNetwork, receive } from "./network.ts";
import { record } from "./trace.ts";
import { check } from "./violation.ts";
import type { World } from "./world.ts";

/**
 * Longest election timeouts until there must be a leader, and as many again until all logs are
 * equal.
 */
const leaderTimeoutsMax = 10;

export function runLiveness(world: World): void {
  heal(world);
  const timeout = 2 * world.options.settings.electionTicks;
  const ticksMax = leaderTimeoutsMax * timeout;
  const { evaluations } = world.ledger;
  const elected = elapseUntil(world, ticksMax, () => findLeader(world) !== null);
  check(evaluations, "V1", elected, () => `no leader ${ticksMax} ticks after healing`);
  const equal = elapseUntil(world, ticksMax, () => isConverged(world));
  check(evaluations, "V3", equal, () => `no agreement ${2 * ticksMax} ticks after healing`);
  checkWork(world, ticksMax);
  checkSettled(world);
  checkEnd(world);
}

function heal(world: World): void {
  healNetwork(world.network);
  for (const member of world.members) {
    member.stalledUntil = 0;
    if (member.raft === null) restart(world, member, drawCommit(world, member));
    note(world, "heal", member);
    flush(world, member);
  }
  for (const member of world.members) tellReachable(world, member);
  pump(world);
}

/**
 * A member that abstains must know that it can reach the others. Only such a member is told: at a
 * leader the news would also resume what heartbeats alone must resume.
 */
function tellReachable(world: World, member: Member): void {
  if (member.raft?.hardState.mustCatchUp !== true) return;
  for (const peer of world.members) {
    if (peer !== member) feed(world, member, { kind: "peer-reachable", peer: peer.id });
  }
  note(world, "reachable", member);
  flush(world, member);
}

/** All connections of a member end and are made again. */
function reconnect(world: World, member: Member): void {
  for (const peer of world.members) {
    if (peer === member) continue;
    feed(world, member, { kind: "peer-unreachable", peer: peer.id });
    feed(world, member, { kind: "peer-reachable", peer: peer.id });
  }
  note(world, "reconnect", member);
  flush(world, member);
}

function note(world: World, action: string, member: Member): void {
  world.step++;
  record(world.trace, world.step, action, member, null);
}

/** One tick of everybody at a time, each seen by all before the next. */
function elapseUntil(world: World, ticksMax: number, isDone: () => boolean): boolean {
  for (let elapsed = 0; elapsed < ticksMax; elapsed++) {
    if (isDone()) return true;
    for (const member of world.members) {
      tick(world, member);
      note(world, "tick", member);
      flush(world, member);
      pump(world);
    }
  }
  return isDone();
}

/** Delivers until nothing moves any more. */
function pump(world: World): void {
  const { network } = world;
  for (let count = 0; network.busy.length > 0; count++) {
    check(world.ledger.evaluations, "V2", count < pumpMax, () => "messages without end");
    const message = receive(network, world.actions);
    const member = message === null ? undefined : world.byId.get(message.to);
    if (message === null || member === undefined) continue;
    feed(world, member, { kind: "receive", message });
    world.step++;
    record(world.trace, world.step, "deliver", member, message);
    flush(world, member);
  }
}

/** The member's disk and machines do all they are asked. */
function flush(world: World, member: Member): void {
  for (let count = 0; ; count++) {
    check(world.ledger.evaluations, "V2", count < pumpMax, () => `${member.id} is never done`);
    if (member.isDirty) take(world, member);
    else if (member.disk.pending.length > 0) completeUnit(world, member);
    else if (member.reported < member.disk.durableUnit) report(world, member);
    else if (member.applying !== null) finishApply(world, member, member.applying.length);
    else return;
    world.step++;
    record(world.trace, world.step, "flush", member, null);
  }
}

/** The one that leads the highest term and has committed in it, if everybody follows it. */
function findLeader(world: World): Member | null {
  let leader: Member | null = null;
  for (const member of world.members) if (member.raft?.role === "leader") leader = member;
  const term = leader?.raft?.hardState.term;
  for (const { raft } of world.members) {
    if (raft?.hardState.term !== term || raft?.leader !== leader?.id) return null;
  }
  return leader;
}

function isConverged(world: World): boolean {
  const leader = findLeader(world)?.raft;
  if (leader === undefined || leader === null) return false;
  const last = leader.log.entries.length;
  return world.members.every(
    ({ raft, disk }) =>
      raft !== null &&
      raft.commit === last &&
      raft.applied === last &&
      raft.log.entries.length === last &&
      disk.image.log.length === last &&
      !raft.hardState.mustCatchUp,
  );
}

/** A fresh write at the leader and a fresh read at another member complete. */
function checkWork(world: World, ticksMax: number): void {
  const { evaluations } = world.ledger;
  const leader = findLeader(world);
  const reader = world.members.find((member) => member !== leader) ?? leader;
  check(evaluations, "V2", leader !== null && reader !== null, () => "no leader to work with");
  if (leader === null || reader === null) return;
  const writes = world.tally.writes;
  check(evaluations, "V2", offer(world, leader, 1), () => `${leader.id} refuses a write`);
  note(world, "propose", leader);
  flush(world, leader);
  const id = ask(world, reader);
  note(world, "read", reader);
  flush(world, reader);
  pump(world);
  const done = elapseUntil(
    world,
    ticksMax,
    () => world.tally.writes > writes && !reader.reads.has(id) && isConverged(world),
  );
  check(evaluations, "V2", done, () => `write or read not done in ${ticksMax} ticks`);
}

/** Reads whose question or answer got lost end with the news that the connection did. */
function checkSettled(world: World): void {
  for (const member of world.members) reconnect(world, member);
  pump(world);
  for (const member of world.members) {
    const open = member.reads.size;
    check(world.ledger.evaluations, "R", open === 0, () => `${open} reads of ${member.id} hang`);
  }
}

/** All logs in full, and every acknowledged write in all of them. */
function checkEnd(world: World): void {
  const { evaluations, canon, acknowledged } = world.ledger;
  for (const member of world.members) {
    if (member.raft !== null) auditLog(world.ledger, member, member.raft);
    for (const [i, past] of canon.entries()) {
      const isSame = member.seen.log[i] === past && member.disk.image.log[i] === past;
      check(evaluations, "S6", isSame, () => `${member.id} ends with another entry ${i + 1}`);
    }
  }
  for (const past of acknowledged) {
    const { index } = past.entry;
    check(evaluations, "W", canon[index - 1] === past, () => `acknowledged ${index} is gone`);
  }
}
