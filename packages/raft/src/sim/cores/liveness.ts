/**
 * The second phase of a seed: all faults stop, a majority at least runs, its network delivers; the
 * rest stays down for good. Within a bounded number of ticks there must be one leader and equal
 * logs, and a new write and a follower's read must complete.
 */
import type { Random } from "../random.ts";
import { check } from "../violation.ts";
import { perform } from "./actions.ts";
import { abstaining, createRestart } from "./draw.ts";
import { ask, completeUnit, crash, feed, finishApply, offer, report, take } from "./events.ts";
import { pumpMax } from "./limits.ts";
import { healNetwork, look, remove } from "./network.ts";
import { record, type Subject } from "./trace.ts";
import type { Host, World } from "./world.ts";

/**
 * Longest election timeouts until there must be a leader, and as many again until all logs are
 * equal.
 */
const leaderTimeoutsMax = 10;
/** Terms that may begin until there is a leader for good. */
const newTermsMax = 16;

/** What the second phase saw, for people. */
export interface Recovered {
  /** Longest election timeouts until there was a leader. */
  readonly timeouts: number;
  readonly newTerms: number;
}

export function runLiveness(world: World, random: Random): Recovered {
  const core = heal(world, random);
  const timeout = 2 * world.options.settings.electionTicks;
  const ticksMax = leaderTimeoutsMax * timeout;
  const { evaluations } = world.checker.ledger;
  const termBefore = newestTerm(core);
  const run = { world, core, random, ticks: 0 };
  const elected = elapseUntil(run, ticksMax, () => findLeader(core) !== null);
  check(evaluations, "V1", elected, () => `no leader ${ticksMax} ticks after healing`);
  const timeouts = run.ticks / timeout;
  const equal = elapseUntil(run, ticksMax, () => isConverged(world, core));
  check(evaluations, "V3", equal, () => `no agreement ${2 * ticksMax} ticks after healing`);
  checkWork(run, ticksMax);
  checkSettled(run);
  checkEnd(world, core);
  const newTerms = newestTerm(core) - termBefore;
  check(evaluations, "V4", newTerms <= newTermsMax, () => `${newTerms} new terms after healing`);
  return { timeouts, newTerms };
}

interface Run {
  readonly world: World;
  /** The members that run. */
  readonly core: readonly Host[];
  readonly random: Random;
  ticks: number;
}

/**
 * At most a minority stays down or abstains: with more, standing still is right, and proves
 * nothing.
 */
function drawCore(world: World): Host[] {
  const budget = (world.hosts.length - 1) >> 1;
  const missing = new Set(abstaining(world));
  const outage = new Set<number>();
  for (const at of world.options.outage) {
    missing.add(at);
    if (missing.size > budget) break;
    outage.add(at);
  }
  return world.hosts.filter(({ at }) => !outage.has(at));
}

function heal(world: World, random: Random): Host[] {
  const core = drawCore(world);
  for (const host of world.hosts) {
    if (core.includes(host) || host.raft === null) continue;
    const keptUnits = random.between(0, host.pending.length);
    crash(world, host, { keptUnits, keptEntries: null });
    note(world, "outage", host, null);
  }
  healNetwork(world.network);
  for (const host of core) {
    host.stalledUntil = 0;
    if (host.raft === null) perform(world, createRestart(world, host, random, random, false));
    note(world, "heal", host, null);
    flush(world, host);
  }
  const run = { world, core, random, ticks: 0 };
  for (const host of core) tellReachable(run, host);
  pump(run);
  return core;
}

/**
 * A member that abstains must know that it can reach the others. Only such a member is told: at a
 * leader the news would also resume what heartbeats alone must resume.
 */
function tellReachable({ world, core }: Run, host: Host): void {
  if (host.raft?.hardState.mustCatchUp !== true) return;
  for (const peer of core) {
    if (peer !== host) feed(world, host, { kind: "peer-reachable", peer: peer.id });
  }
  note(world, "reachable", host, null);
  flush(world, host);
}

/** All connections of a member end and are made again. */
function reconnect({ world, core }: Run, host: Host): void {
  for (const peer of core) {
    if (peer === host) continue;
    feed(world, host, { kind: "peer-unreachable", peer: peer.id });
    feed(world, host, { kind: "peer-reachable", peer: peer.id });
  }
  note(world, "reconnect", host, null);
  flush(world, host);
}

function note(world: World, action: string, host: Host, subject: Subject): void {
  world.actionsDone++;
  record(world.trace, world, action, host, subject);
}

/** One tick of everybody at a time, each seen by all before the next. */
function elapseUntil(run: Run, ticksMax: number, isDone: () => boolean): boolean {
  const { world, core, random } = run;
  for (let elapsed = 0; elapsed < ticksMax; elapsed++) {
    if (isDone()) return true;
    run.ticks++;
    for (const host of core) {
      feed(world, host, { kind: "tick", nowMs: world.actionsDone, jitter: random.unit() });
      note(world, "tick", host, null);
      flush(world, host);
      pump(run);
    }
  }
  return isDone();
}

/** Delivers until nothing moves any more. */
function pump({ world, random }: Run): void {
  const { network } = world;
  const { evaluations } = world.checker.ledger;
  for (let count = 0; network.busy.length > 0; count++) {
    check(evaluations, "V2", count < pumpMax, () => "messages without end");
    const link = network.busy[random.below(network.busy.length)] ?? 0;
    const message = look(network, link, 0);
    remove(network, link, 0);
    const host = message === null ? undefined : world.byId.get(message.to);
    if (message === null || host === undefined || host.raft === null) continue;
    feed(world, host, { kind: "receive", message });
    note(world, "deliver", host, message);
    flush(world, host);
  }
}

/** The member's disk and machines do all they are asked. */
function flush(world: World, host: Host): void {
  const { evaluations } = world.checker.ledger;
  for (let count = 0; ; count++) {
    check(evaluations, "V2", count < pumpMax, () => `${host.id} is never done`);
    if (host.isDirty) take(world, host);
    else if (host.pending.length > 0) completeUnit(world, host);
    else if (host.reported < host.durableUnit) report(world, host);
    else if (host.applying !== null) finishApply(world, host, host.applying.length);
    else return;
    note(world, "flush", host, null);
  }
}

function newestTerm(core: readonly Host[]): number {
  return Math.max(...core.map(({ raft }) => raft?.hardState.term ?? 0));
}

/** The one that leads the highest term and has committed in it, if everybody follows it. */
function findLeader(core: readonly Host[]): Host | null {
  let leader: Host | null = null;
  for (const host of core) if (host.raft?.role === "leader") leader = host;
  const term = leader?.raft?.hardState.term;
  for (const { raft } of core) {
    if (raft?.hardState.term !== term || raft?.leader !== leader?.id) return null;
  }
  return leader;
}

function isConverged(world: World, core: readonly Host[]): boolean {
  const leader = findLeader(core)?.raft;
  if (leader === undefined || leader === null) return false;
  const last = leader.log.entries.length;
  return core.every(
    ({ at, raft }) =>
      raft !== null &&
      raft.commit === last &&
      raft.applied === last &&
      raft.log.entries.length === last &&
      world.checker.image(at).log.length === last &&
      !raft.hardState.mustCatchUp,
  );
}

/** A fresh write at the leader and a fresh read at another member complete. */
function checkWork(run: Run, ticksMax: number): void {
  const { world, core } = run;
  const { evaluations, counts, members } = world.checker.ledger;
  const leader = findLeader(core);
  const reader = core.find((host) => host !== leader) ?? leader;
  check(evaluations, "V2", leader !== null && reader !== null, () => "no leader to work with");
  if (leader === null || reader === null) return;
  const { writes } = counts;
  check(evaluations, "V2", offer(world, leader, 1), () => `${leader.id} refuses a write`);
  note(world, "propose", leader, null);
  flush(world, leader);
  const id = ask(world, reader);
  note(world, "read", reader, id);
  flush(world, reader);
  pump(run);
  const done = elapseUntil(
    run,
    ticksMax,
    () =>
      counts.writes > writes &&
      members[reader.at]?.reads.has(id) === false &&
      isConverged(world, core),
  );
  check(evaluations, "V2", done, () => `write or read not done in ${ticksMax} ticks`);
}

/** Reads whose question or answer got lost end with the news that the connection did. */
function checkSettled(run: Run): void {
  const { world, core } = run;
  const { evaluations, members } = world.checker.ledger;
  for (const host of core) reconnect(run, host);
  pump(run);
  for (const host of core) {
    const open = members[host.at]?.reads.size ?? 0;
    check(evaluations, "R", open === 0, () => `${open} reads of ${host.id} hang`);
  }
}

/** All logs in full, and every acknowledged write in all of them. */
function checkEnd(world: World, core: readonly Host[]): void {
  const { evaluations, canon, acknowledged, members } = world.checker.ledger;
  for (const { at, id, raft } of core) {
    if (raft !== null) world.checker.audit(at, raft);
    const { log } = world.checker.image(at);
    for (const [i, past] of canon.entries()) {
      const isSame = members[at]?.seen.log[i] === past && log[i] === past;
      check(evaluations, "S6", isSame, () => `${id} ends with another entry ${i + 1}`);
    }
  }
  for (const past of acknowledged) {
    const { index } = past.entry;
    check(evaluations, "W", canon[index - 1] === past, () => `acknowledged ${index} is gone`);
  }
}
