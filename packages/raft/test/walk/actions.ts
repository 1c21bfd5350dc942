/** The safety phase: at every step one of the things that can happen, by weight. */
import { type LogIndex, logIndex } from "../../src/base/index.ts";
import {
  ask,
  completeUnit,
  crash,
  feed,
  finishApply,
  offer,
  report,
  restart,
  take,
  tick,
} from "./events.ts";
import type { Member } from "./member.ts";
import { changePartition, receive } from "./network.ts";
import { record, type Subject } from "./trace.ts";
import type { World } from "./world.ts";

/** Does it if it can be done now; says to whom, and with what, or null: nothing happened. */
type Action = (world: World) => readonly [Member | null, Subject] | null;

interface Choice {
  readonly name: string;
  readonly weight: number;
  readonly run: Action;
}

export type Choices = readonly Choice[];

/** What can happen in this world, by the options' weights. */
export function createChoices(world: World): Choices {
  const { weights, faults } = world.options;
  const all: Choice[] = [
    { name: "tick", weight: weights.tick, run: runTick },
    { name: "deliver", weight: weights.deliver, run: runDeliver },
    { name: "disk", weight: weights.disk, run: runDisk },
    { name: "report", weight: weights.report, run: runReport },
    { name: "apply", weight: weights.apply, run: runApply },
    { name: "take", weight: 10, run: runTake },
    { name: "propose", weight: weights.propose, run: runPropose },
    { name: "read", weight: weights.read, run: runRead },
    { name: "partition", weight: faults.partition * 0.1, run: runPartition },
    { name: "crash", weight: faults.crash * 0.1, run: runCrash },
    { name: "restart", weight: faults.crash > 0 ? 1 : 0, run: runRestart },
    { name: "stall", weight: faults.stall * 0.2, run: runStall },
    { name: "unreachable", weight: faults.connectionNews * 0.5, run: runUnreachable },
    { name: "reachable", weight: faults.connectionNews * 0.5, run: runReachable },
    { name: "ancient", weight: faults.ancient > 0 ? 2 : 0, run: runAncient },
  ];
  return all.filter((choice) => choice.weight > 0);
}

/** Draws in vain until a step passes without anything: all may be stalled. */
const drawsMax = 100;

/** Draws until something happens. */
export function runAction(world: World, choices: Choices, weightTotal: number): void {
  for (let draws = 0; draws < drawsMax; draws++) {
    let dice = world.actions.unit() * weightTotal;
    for (const choice of choices) {
      dice -= choice.weight;
      if (dice >= 0) continue;
      const done = choice.run(world);
      if (done === null) break;
      world.step++;
      record(world.trace, world.step, choice.name, done[0], done[1]);
      return;
    }
  }
  world.step++;
}

export function totalWeight(choices: Choices): number {
  return choices.reduce((sum, choice) => sum + choice.weight, 0);
}

/** A member that is up and not stalled, or null if the one drawn is not. */
function drawAwake(world: World): Member | null {
  const member = world.members[world.actions.below(world.members.length)];
  return member !== undefined && isAwake(world, member) ? member : null;
}

function isAwake(world: World, member: Member): boolean {
  return member.raft !== null && member.stalledUntil <= world.step;
}

/** A turn ends here, or goes on with more inputs. */
function endTurn(world: World, member: Member): void {
  if (!world.actions.chance(world.options.batching)) take(world, member);
}

function runTick(world: World): ReturnType<Action> {
  const member = drawAwake(world);
  if (member === null) return null;
  const rate = world.options.tickRates[member.at] ?? 1;
  if (!world.actions.chance(rate / 1.5)) return null;
  tick(world, member);
  endTurn(world, member);
  return [member, null];
}

function runDeliver(world: World): ReturnType<Action> {
  const message = receive(world.network, world.faults);
  if (message === null) return null;
  const member = world.byId.get(message.to);
  if (member === undefined || member.raft === null) return null;
  // A stalled member's messages wait in its kernel; here they are lost, which is worse.
  if (!isAwake(world, member)) return null;
  feed(world, member, { kind: "receive", message });
  world.tally.delivered++;
  endTurn(world, member);
  return [member, message];
}

function runAncient(world: World): ReturnType<Action> {
  const { ancient } = world.network;
  const message = ancient[world.faults.below(ancient.length)];
  const member = message === undefined ? undefined : world.byId.get(message.to);
  if (message === undefined || member === undefined || !isAwake(world, member)) return null;
  feed(world, member, { kind: "receive", message });
  endTurn(world, member);
  return [member, message];
}

function runDisk(world: World): ReturnType<Action> {
  const member = drawAwake(world);
  if (member === null || member.disk.pending.length === 0) return null;
  completeUnit(world, member);
  if (world.actions.chance(world.options.promptReports)) {
    report(world, member);
    endTurn(world, member);
  }
  return [member, member.disk.durableUnit];
}

function runReport(world: World): ReturnType<Action> {
  const member = drawAwake(world);
  if (member === null || member.reported === member.disk.durableUnit) return null;
  report(world, member);
  endTurn(world, member);
  return [member, member.reported];
}

function runApply(world: World): ReturnType<Action> {
  const member = drawAwake(world);
  if (member === null || member.applying === null) return null;
  const count = world.actions.between(1, member.applying.length);
  finishApply(world, member, count);
  endTurn(world, member);
  return [member, count];
}

function runTake(world: World): ReturnType<Action> {
  const member = drawAwake(world);
  if (member === null || !member.isDirty) return null;
  take(world, member);
  return [member, null];
}

function runPropose(world: World): ReturnType<Action> {
  const member = drawAwake(world);
  if (member?.raft?.role !== "leader") return null;
  const count = world.actions.between(1, 3);
  if (!offer(world, member, count)) return null;
  endTurn(world, member);
  return [member, count];
}

function runRead(world: World): ReturnType<Action> {
  const member = drawAwake(world);
  if (member === null) return null;
  const id = ask(world, member);
  endTurn(world, member);
  return [member, id];
}

function runPartition(world: World): ReturnType<Action> {
  const leader = world.members.find((member) => member.raft?.role === "leader");
  return [null, changePartition(world.network, world.faults, leader?.at ?? null)];
}

/**
 * A process crash leaves what was written, a power loss some of it. With amnesia acknowledged
 * entries go, too: on at most as many disks at once as a majority can do without, (n - 1) / 2, and
 * never the first entry.
 */
function runCrash(world: World): ReturnType<Action> {
  const member = world.members[world.faults.below(world.members.length)];
  if (member === undefined || member.raft === null) return null;
  const { faults } = world;
  const pending = member.disk.pending.length;
  const isPowerLoss = faults.chance(0.5);
  const kept = isPowerLoss || faults.chance(0.3) ? faults.between(0, pending) : pending;
  const abstaining = world.members.filter(
    (other) => other !== member && other.disk.image.mustCatchUp,
  );
  const budget = (world.members.length - 1) >> 1;
  const forgets = abstaining.length < budget && faults.chance(world.options.faults.amnesia);
  const last = member.disk.image.log.length;
  const keptMin = faults.chance(0.6) ? Math.max(1, last - 6) : 1;
  const keptEntries = forgets ? faults.between(keptMin, last) : null;
  crash(world, member, kept, keptEntries);
  return [member, `${kept} of ${pending} units kept, ${keptEntries ?? "all"} entries`];
}

function runRestart(world: World): ReturnType<Action> {
  const member = world.members[world.faults.below(world.members.length)];
  if (member === undefined || member.raft !== null) return null;
  const commit = drawCommit(world, member);
  restart(world, member, commit);
  endTurn(world, member);
  return [member, commit];
}

/** The stored commit index is a hint that nobody synced: an older one may come back. */
export function drawCommit(world: World, member: Member): LogIndex {
  const { commit } = member.disk.image;
  return world.faults.chance(0.7) ? commit : logIndex(world.faults.between(1, commit));
}

function runStall(world: World): ReturnType<Action> {
  const member = drawAwake(world);
  if (member === null) return null;
  const steps = world.faults.between(10, 400);
  member.stalledUntil = world.step + steps;
  return [member, steps];
}

function runUnreachable(world: World): ReturnType<Action> {
  return runNews(world, "peer-unreachable");
}

function runReachable(world: World): ReturnType<Action> {
  return runNews(world, "peer-reachable");
}

/** True or not: connections end and begin for reasons of their own. */
function runNews(world: World, kind: "peer-unreachable" | "peer-reachable"): ReturnType<Action> {
  const member = drawAwake(world);
  const peer = world.members[world.faults.below(world.members.length)];
  if (member === null || peer === undefined || peer === member) return null;
  feed(world, member, { kind, peer: peer.id });
  endTurn(world, member);
  return [member, peer.id];
}
