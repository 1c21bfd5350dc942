/**
 * The second phase of a seed: all faults stop, a majority at least runs, its network delivers; the
 * rest stays down for good. Within a bounded number of ticks there must be one leader and equal
 * logs, and a new write and a follower's read must complete.
 */
import { noIndex } from "../../base/index.ts";
import { isLearner, isVoter, lastIndex, type MemberChange } from "../../core/index.ts";
import type { Random } from "../random.ts";
import { check } from "../violation.ts";
import { perform } from "./actions.ts";
import { abstaining, createRestart } from "./draw.ts";
import {
  ask,
  change,
  completeUnit,
  crash,
  feed,
  finishApply,
  offer,
  report,
  take,
} from "./events.ts";
import { clockOf, isWakeDue, wake } from "./leadership.ts";
import { pumpMax } from "./limits.ts";
import { checkBrokenLink, checkPriority, healDisk, tickMs } from "./liveness-leadership.ts";
import { healNetwork, look, remove } from "./network.ts";
import {
  drop,
  performTransfer,
  restoreMachine,
  saveSnapshot,
  tellSaved,
} from "./snapshot-actions.ts";
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
  const { snapshots, settings } = world.options;
  // Who was offered a snapshot that got lost is asked anew after so long.
  const waits = snapshots === undefined ? 0 : settings.snapshotTicks;
  const ticksMax = leaderTimeoutsMax * timeout + waits;
  const { evaluations } = world.checker.ledger;
  const termBefore = newestTerm(core);
  const run = { world, core, random, ticks: 0 };
  const elected = elapseUntil(run, ticksMax, () => findLeader(world, core) !== null);
  check(evaluations, "V1", elected, () => `no leader ${ticksMax} ticks after healing`);
  const timeouts = run.ticks / timeout;
  if (!isHeldOff(world)) switchOff(run);
  const equal = elapseUntil(run, ticksMax, () => isConverged(world, core));
  check(evaluations, "V3", equal, () => `no agreement ${2 * ticksMax} ticks after healing`);
  if (world.options.leadership !== undefined) checkLeading(run, ticksMax);
  checkWork(run, ticksMax);
  if (world.options.membership !== undefined) checkChange(run, ticksMax);
  checkSettled(run);
  const leader = findLeader(world, core);
  const members = leader === null ? core : membersUnder(world, leader, core);
  checkEnd(world, members);
  const newTerms = newestTerm(members) - termBefore;
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
 * nothing. Where nothing holds a removed member off, somebody has switched it off.
 */
function drawCore(world: World): Host[] {
  const { membership, outage: first } = world.options;
  const missing = new Set(abstaining(world));
  const outage = new Set<number>();
  for (const at of membership?.outage ?? first) {
    missing.add(at);
    if (!world.checker.canSpare(missing)) break;
    outage.add(at);
  }
  return world.hosts.filter(
    ({ at }) => !outage.has(at) && (isHeldOff(world) || !world.checker.isOutside(at)),
  );
}

/** Whether a removed member that has not heard of it leaves a leader alone. @thesis §4.2.3 */
function isHeldOff({ options: { settings } }: World): boolean {
  return settings.preVote || settings.checkQuorum;
}

/** Of who runs, those that the leader knows nothing of end. */
function switchOff({ world, core }: Run): void {
  const leader = findLeader(world, core);
  const members = leader === null ? core : membersUnder(world, leader, core);
  for (const host of core) {
    if (members.includes(host) || host.raft === null) continue;
    crash(world, host, { keptUnits: host.pending.length, keptEntries: null });
    note(world, "switch-off", host, null);
  }
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
    healDisk(world, host);
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

/** All connections of a member end and are made again, where there is somebody. */
function reconnect({ world, core }: Run, host: Host): void {
  for (const peer of world.hosts) {
    if (peer === host) continue;
    feed(world, host, { kind: "peer-unreachable", peer: peer.id });
    if (core.includes(peer)) feed(world, host, { kind: "peer-reachable", peer: peer.id });
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
    world.skippedMs += tickMs(world.options);
    for (const host of core) {
      if (host.raft === null) continue;
      feed(world, host, { kind: "tick", nowMs: clockOf(world, host), jitter: random.unit() });
      note(world, "tick", host, null);
      flush(world, host);
      if (isWakeDue(world, host)) {
        wake(world, host, random.unit());
        note(world, "wake", host, null);
        flush(world, host);
      }
      pump(run);
    }
  }
  return isDone();
}

/** Delivers until nothing moves any more. */
function pump(run: Run): void {
  const { world, random } = run;
  const { network } = world;
  const { evaluations } = world.checker.ledger;
  for (let count = 0; network.busy.length + world.transfers.length > 0; count++) {
    check(evaluations, "V2", count < pumpMax, () => "messages without end");
    if (network.busy.length === 0) {
      bringSnapshot(run);
      continue;
    }
    const link = network.busy[random.below(network.busy.length)] ?? 0;
    const message = look(network, link, 0);
    remove(network, link, 0);
    if (network.isCut[link] === true) continue;
    const host = message === null ? undefined : world.byId.get(message.to);
    if (message === null || host === undefined || host.raft === null) continue;
    feed(world, host, { kind: "receive", message });
    note(world, "deliver", host, message);
    flush(world, host);
  }
}

/** The oldest that is on its way arrives where somebody is. */
function bringSnapshot({ world }: Run): void {
  const [transfer] = world.transfers;
  const action = { slot: 0, fate: "arrives", tells: true, takes: false } as const;
  const happened = performTransfer(world, { kind: "transfer", ...action });
  if (transfer === undefined || happened === null) return;
  note(world, "transfer", happened.host, happened.subject);
  for (const at of [transfer.to, transfer.from]) {
    const host = world.hosts[at];
    if (host !== undefined && host.raft !== null) flush(world, host);
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
    else if (!flushSnapshots(world, host)) return;
    note(world, "flush", host, null);
  }
}

/** One thing of snapshots that there is to do; false: there is none. */
function flushSnapshots(world: World, host: Host): boolean {
  const { raft } = host;
  if (raft === null || world.options.snapshots === undefined) return false;
  const done =
    restoreMachine(world, host) ??
    saveSnapshot(world, host, raft, true) ??
    tellSaved(world, host) ??
    drop(world, host, raft);
  return done !== undefined;
}

function newestTerm(core: readonly Host[]): number {
  return Math.max(...core.map(({ raft }) => raft?.hardState.term ?? 0));
}

/** The one that leads the highest term, if all its members follow it. */
function findLeader(world: World, core: readonly Host[]): Host | null {
  let leader: Host | null = null;
  let term = 0;
  for (const host of core) {
    const { raft } = host;
    if (raft?.role !== "leader" || raft.hardState.term < term) continue;
    leader = host;
    term = raft.hardState.term;
  }
  if (leader === null) return null;
  for (const { raft } of membersUnder(world, leader, core)) {
    if (raft?.hardState.term !== term || raft?.leader !== leader.id) return null;
  }
  return leader;
}

/** Who belongs to the leader's configuration. */
function membersUnder(world: World, { raft }: Host, core: readonly Host[]): readonly Host[] {
  if (world.options.membership === undefined) return core;
  if (raft === null) return [];
  const { configuration } = raft;
  return core.filter(({ id }) => isVoter(configuration, id) || isLearner(configuration, id));
}

function isConverged(world: World, core: readonly Host[]): boolean {
  const host = findLeader(world, core);
  const leader = host?.raft;
  if (host === null || leader === undefined || leader === null) return false;
  if (leader.configuration.outgoing !== null) return false;
  const last = lastIndex(leader.log);
  return membersUnder(world, host, core).every(
    ({ at, id, raft }) =>
      raft !== null &&
      raft.commit === last &&
      raft.applied === last &&
      lastIndex(raft.log) === last &&
      world.checker.image(at).log.length === last &&
      (!raft.hardState.mustCatchUp || !isVoter(leader.configuration, id)),
  );
}

/** What only worlds of `LeadershipOptions` put to the test; then all agree again. */
function checkLeading(run: Run, ticksMax: number): void {
  const { world, core, random } = run;
  const calm = {
    world,
    core,
    random,
    elapseUntil: (ticks: number, isDone: () => boolean) => elapseUntil(run, ticks, isDone),
    findLeader: () => findLeader(world, core),
    flush: (host: Host) => flush(world, host),
    note: (action: string, host: Host) => note(world, action, host, null),
  };
  checkBrokenLink(calm);
  pump(run);
  checkPriority(calm);
  const equal = elapseUntil(run, ticksMax, () => isConverged(world, core));
  const { evaluations } = world.checker.ledger;
  check(evaluations, "V3", equal, () => `no agreement after links broke and leaders changed`);
}

/** Not in the middle of a handover, which takes no work. */
function awaitTakers({ world, core, ...rest }: Run, ticksMax: number): void {
  if (world.options.leadership === undefined) return;
  const takes = (): boolean => findLeader(world, core)?.raft?.leadership?.transfer === null;
  elapseUntil({ world, core, ...rest }, ticksMax, takes);
}

/** A fresh write at the leader and a fresh read at another member complete. */
function checkWork(run: Run, ticksMax: number): void {
  const { world, core } = run;
  const { evaluations, counts, members: records } = world.checker.ledger;
  awaitTakers(run, ticksMax);
  const leader = findLeader(world, core);
  const members = leader === null ? [] : membersUnder(world, leader, core);
  const reader = members.find((host) => host !== leader) ?? leader;
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
      records[reader.at]?.reads.has(id) === false &&
      isConverged(world, core),
  );
  check(evaluations, "V2", done, () => `write or read not done in ${ticksMax} ticks`);
}

/** The members can be changed: an address, and a learner where there is somebody to join. */
function checkChange(run: Run, ticksMax: number): void {
  const { world, core } = run;
  const { evaluations, counts } = world.checker.ledger;
  for (const create of [createMove, createJoin]) {
    awaitTakers(run, ticksMax);
    const leader = findLeader(world, core);
    check(evaluations, "V2", leader !== null, () => "no leader to change members with");
    const step = leader === null ? null : create(leader, core);
    if (leader === null || step === null) continue;
    const { changes } = counts;
    const isBegun = change(world, leader, [step]);
    check(evaluations, "V2", isBegun, () => `${leader.id} refuses to ${step.kind} ${step.id}`);
    note(world, "change", leader, `${step.kind} ${step.id}`);
    flush(world, leader);
    pump(run);
    const isDone = (): boolean => counts.changes > changes && isConverged(world, core);
    const done = elapseUntil(run, ticksMax, isDone);
    check(evaluations, "V2", done, () => `${step.kind} ${step.id} not done in ${ticksMax} ticks`);
  }
}

function createMove({ id }: Host): MemberChange {
  return { kind: "update-address", id, address: `${id}:moved` };
}

/** Null: nobody is left that never belonged to the cluster. */
function createJoin({ raft }: Host, core: readonly Host[]): MemberChange | null {
  const removed = new Set(raft?.configuration.removed);
  const isNew = (host: Host): boolean =>
    host.raft?.configurationIndex === noIndex && !removed.has(host.id);
  const id = core.find(isNew)?.id;
  return id === undefined ? null : { kind: "add", id, address: `${id}:1`, as: "learner" };
}

/** Reads whose question or answer got lost end with the news that the connection did. */
function checkSettled(run: Run): void {
  const { world, core } = run;
  const { evaluations, members } = world.checker.ledger;
  for (const host of core) if (host.raft !== null) reconnect(run, host);
  pump(run);
  for (const host of core) {
    const open = members[host.at]?.reads.size ?? 0;
    check(evaluations, "R", open === 0, () => `${open} reads of ${host.id} hang`);
  }
}

/** The logs of all members in full, and every acknowledged write in all of them. */
function checkEnd(world: World, members: readonly Host[]): void {
  const { evaluations, canon, acknowledged, members: records } = world.checker.ledger;
  for (const { at, id, raft } of members) {
    if (raft !== null) world.checker.audit(at, raft);
    const { log } = world.checker.image(at);
    for (const [i, past] of canon.entries()) {
      const isSame = records[at]?.seen.log[i] === past && log[i] === past;
      check(evaluations, "S6", isSame, () => `${id} ends with another entry ${i + 1}`);
    }
  }
  for (const past of acknowledged) {
    const { index } = past.entry;
    check(evaluations, "W", canon[index - 1] === past, () => `acknowledged ${index} is gone`);
  }
}
