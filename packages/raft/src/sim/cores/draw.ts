/** What happens next, drawn by the weights of the seed: the first phase, with faults. */
import { noIndex } from "../../base/index.ts";
import type { Random } from "../random.ts";
import { type Action, perform } from "./actions.ts";
import { drawChanges } from "./changes.ts";
import { createSnapshotChoices } from "./draw-snapshots.ts";
import { isWakeDue, mayMiss } from "./leadership.ts";
import { ancientMax } from "./network.ts";
import type { CoresOptions } from "./options.ts";
import { createPlanChoice } from "./plans.ts";
import { record } from "./trace.ts";
import { type Host, isAwake, type World } from "./world.ts";

/** Independent streams: one more draw of one of them does not change the others. */
export interface Draws {
  /** What happens. */
  readonly actions: Random;
  /** What goes wrong. */
  readonly faults: Random;
  /** Timers and boots of the hosts. */
  readonly hosts: Random;
  /** What is planned. */
  readonly plans: Random;
}

export interface Choice {
  readonly weight: number;
  /** Null: the member that was drawn cannot do this now. */
  draw(world: World, draws: Draws): Action | null;
}

export interface Choices {
  readonly all: readonly Choice[];
  readonly weight: number;
}

/** What can happen in a world of these options. */
export function createChoices(options: CoresOptions): Choices {
  const { weights, faults, membership, snapshots, leadership, flow, plans } = options;
  const all: Choice[] = [
    { weight: weights.tick, draw: drawTick },
    { weight: weights.deliver, draw: drawDeliver },
    { weight: weights.disk, draw: drawDisk },
    { weight: weights.report, draw: drawReport },
    { weight: weights.apply, draw: drawApply },
    { weight: 10, draw: drawTake },
    { weight: weights.propose, draw: drawPropose },
    { weight: weights.read, draw: drawRead },
    { weight: faults.partition * 0.1, draw: drawCut },
    { weight: faults.crash * 0.1, draw: drawCrash },
    { weight: faults.crash > 0 ? 1 : 0, draw: drawRestart },
    { weight: faults.stall * 0.2, draw: drawStall },
    { weight: faults.connectionNews, draw: drawNews },
    { weight: faults.ancient > 0 ? 2 : 0, draw: drawAncient },
    { weight: membership?.weight ?? 0, draw: drawChange },
    ...(snapshots === undefined ? [] : createSnapshotChoices(snapshots)),
    { weight: leadership?.transfer ?? 0, draw: drawTransfer },
    { weight: leadership?.health ?? 0, draw: drawHealth },
    { weight: leadership?.gone ?? 0, draw: drawGone },
    { weight: (leadership?.gone ?? 0) > 0 ? 10 : 0, draw: drawWake },
    { weight: leadership?.leaseRead ?? 0, draw: drawLeaseRead },
    { weight: flow?.memory ?? 0, draw: drawMemory },
  ];
  const some = all.filter((choice) => choice.weight > 0);
  const weight = some.reduce((sum, choice) => sum + choice.weight, 0);
  if (plans === undefined) return { all: some, weight };
  const planned = createPlanChoice(options, plans, weight);
  return { all: [...some, planned], weight: weight + planned.weight };
}

/** Draws in vain until an action passes without anything: all may be stalled. */
const drawsMax = 100;

/** Draws until something happens, and adds it to `done`. */
export function runDrawn(world: World, choices: Choices, draws: Draws, done: Action[]): void {
  world.actionsDone++;
  for (let count = 0; count < drawsMax; count++) {
    const action = drawAction(world, choices, draws);
    if (action === null) continue;
    done.push(action);
    const happened = perform(world, action);
    if (happened !== null) {
      record(world.trace, world, action.kind, happened.host, happened.subject);
      return;
    }
    done.pop();
  }
  done.push({ kind: "pass" });
}

function drawAction(world: World, choices: Choices, draws: Draws): Action | null {
  let dice = draws.actions.unit() * choices.weight;
  for (const choice of choices.all) {
    dice -= choice.weight;
    if (dice < 0) return choice.draw(world, draws);
  }
  return null;
}

export function drawTakes(world: World, { actions }: Draws): boolean {
  return !actions.chance(world.options.batching);
}

/** A member that is up and not stalled, or null if the one drawn is not. */
export function drawAwake(world: World, { actions }: Draws): Host | null {
  const host = world.hosts[actions.below(world.hosts.length)];
  if (host === undefined || !isAwake(world, host)) return null;
  // Who has not heard of the cluster has little to do.
  const isIdle = host.raft?.configurationIndex === noIndex;
  return isIdle && !actions.chance(0.15) ? null : host;
}

function drawTick(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  if (host === null) return null;
  if (!draws.actions.chance((world.options.tickRates[host.at] ?? 1) / 1.5)) return null;
  const jitter = draws.hosts.unit();
  return { kind: "tick", at: host.at, jitter, takes: drawTakes(world, draws) };
}

function drawDeliver(world: World, draws: Draws): Action | null {
  const { network, options } = world;
  const random = draws.faults;
  const link = network.busy[random.below(network.busy.length)];
  const queue = link === undefined ? undefined : network.queues[link];
  if (link === undefined || queue === undefined) return null;
  const { faults } = options;
  const isDown = network.isDown[link % network.memberCount] ?? false;
  const isLost = isDown || network.isCut[link] === true;
  if (isLost && faults.cutKeeps) return null;
  const overtakes = queue.length > 1 && random.chance(faults.reordering);
  const place = overtakes ? random.below(queue.length) : 0;
  const doubles = !isLost && random.chance(faults.duplication);
  const loses = isLost || (!doubles && random.chance(faults.loss));
  const keep = random.chance(faults.ancient) ? random.below(ancientMax) : null;
  const fate = loses ? "lost" : doubles ? "doubles" : "arrives";
  return { kind: "deliver", link, place, fate, keep, takes: drawTakes(world, draws) };
}

function drawAncient(world: World, draws: Draws): Action | null {
  const slot = draws.faults.below(world.network.ancient.length);
  return { kind: "ancient", slot, takes: drawTakes(world, draws) };
}

function drawDisk(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  if (host === null || host.pending.length === 0) return null;
  const reports = draws.actions.chance(world.options.promptReports);
  return { kind: "disk", at: host.at, reports, takes: reports && drawTakes(world, draws) };
}

function drawReport(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  if (host === null || host.reported === host.durableUnit) return null;
  return { kind: "report", at: host.at, takes: drawTakes(world, draws) };
}

function drawApply(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  if (host === null || host.applying === null) return null;
  const count = draws.actions.between(1, host.applying.length);
  return { kind: "apply", at: host.at, count, takes: drawTakes(world, draws) };
}

function drawTake(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  return host?.isDirty === true ? { kind: "take", at: host.at } : null;
}

function drawPropose(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  if (host?.raft?.role !== "leader") return null;
  const count = draws.actions.between(1, 3);
  return { kind: "propose", at: host.at, count, takes: drawTakes(world, draws) };
}

function drawChange(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  if (host?.raft?.role !== "leader") return null;
  const changes = drawChanges(world, host, draws.actions);
  if (changes === null) return null;
  return { kind: "change", at: host.at, changes, takes: drawTakes(world, draws) };
}

function drawRead(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  return host === null ? null : { kind: "read", at: host.at, takes: drawTakes(world, draws) };
}

function drawTransfer(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  if (host?.raft?.role !== "leader") return null;
  const { actions } = draws;
  const to = actions.chance(0.4) ? null : actions.below(world.hosts.length);
  return { kind: "hand-over", at: host.at, to, takes: drawTakes(world, draws) };
}

function drawHealth(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  if (host?.raft === null || host?.raft === undefined) return null;
  const isHealthy = !host.raft.isDiskHealthy || draws.faults.chance(0.3);
  return { kind: "disk-health", at: host.at, isHealthy, takes: drawTakes(world, draws) };
}

/** Mostly of the leader that it knows, where its host may say so. */
function drawGone(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  const leader = host?.raft?.leader ?? null;
  const other = world.hosts[draws.faults.below(world.hosts.length)];
  const isOther = leader === null || draws.faults.chance(0.2);
  const peer = isOther ? other : world.byId.get(leader);
  if (host === null || peer === undefined || !mayMiss(world, host, peer)) return null;
  const jitter = draws.hosts.unit();
  return {
    kind: "leader-gone",
    at: host.at,
    peer: peer.at,
    jitter,
    takes: drawTakes(world, draws),
  };
}

function drawWake(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  if (host === null || !isWakeDue(world, host)) return null;
  return { kind: "wake", at: host.at, jitter: draws.hosts.unit(), takes: drawTakes(world, draws) };
}

/** Who does not lead asks its leader; now and then. */
function drawLeaseRead(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  if (host?.raft?.role !== "leader" && !draws.actions.chance(0.1)) return null;
  if (host === null) return null;
  return { kind: "lease-read", at: host.at, takes: drawTakes(world, draws) };
}

function drawMemory(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  if (host === null) return null;
  const isTight = draws.faults.chance(0.5);
  return { kind: "memory", at: host.at, isTight, takes: drawTakes(world, draws) };
}

function drawStall(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  if (host === null) return null;
  return { kind: "stall", at: host.at, actions: draws.faults.between(10, 400) };
}

/** True or not: connections end and begin for reasons of their own. */
function drawNews(world: World, draws: Draws): Action | null {
  const host = drawAwake(world, draws);
  const peer = draws.faults.below(world.hosts.length);
  if (host === null || peer === host.at) return null;
  const kind = draws.faults.chance(0.5) ? "peer-unreachable" : "peer-reachable";
  return { kind, at: host.at, peer, takes: drawTakes(world, draws) };
}

/**
 * A process crash leaves what was written, a power loss some of it. With amnesia acknowledged
 * entries go, too: on at most as many disks at once as a majority can do without, in each
 * configuration that may decide, and never the first entry.
 */
function drawCrash(world: World, { faults }: Draws): Action | null {
  const host = world.hosts[faults.below(world.hosts.length)];
  if (host === undefined || host.raft === null) return null;
  return createCrash(world, host, faults);
}

export function createCrash(world: World, host: Host, faults: Random): Action {
  const pending = host.pending.length;
  const isPowerLoss = faults.chance(0.5);
  const keptUnits = isPowerLoss || faults.chance(0.3) ? faults.between(0, pending) : pending;
  const last = world.checker.image(host.at).log.length;
  const isSpared = last > 0 && world.checker.canSpare([...abstaining(world), host.at]);
  const forgets = isSpared && faults.chance(world.options.faults.amnesia);
  const keptMin = faults.chance(0.6) ? Math.max(1, last - 6) : 1;
  const keptEntries = forgets ? faults.between(keptMin, last) : null;
  return { kind: "crash", at: host.at, keptUnits, keptEntries };
}

/** Members whose disk may lack what they acknowledged. */
export function abstaining(world: World): number[] {
  const isLacking = ({ at }: Host): boolean => world.checker.image(at).mustCatchUp;
  return world.hosts.filter(isLacking).map(({ at }) => at);
}

function drawRestart(world: World, draws: Draws): Action | null {
  const host = world.hosts[draws.faults.below(world.hosts.length)];
  if (host === undefined || host.raft !== null) return null;
  return createRestart(world, host, draws.faults, draws.hosts, drawTakes(world, draws));
}

/** The stored commit index is a hint that nobody synced: an older one may come back. */
export function createRestart(
  world: World,
  host: Host,
  faults: Random,
  hosts: Random,
  takes: boolean,
): Action {
  const known = world.checker.image(host.at).commit;
  const commit = faults.chance(0.7) ? known : Math.min(known, faults.between(1, known));
  const boot = hosts.below(2 ** 31);
  return { kind: "restart", at: host.at, boot, jitter: hosts.unit(), commit, takes };
}

/** Cuts one direction, one pair, one group or the leader off, or heals everything. */
function drawCut(world: World, { faults }: Draws): Action {
  const count = world.hosts.length;
  const dice = faults.below(6);
  if (dice < 2) return { kind: "cut", links: [] };
  const cut = new Set<number>();
  for (const [link, isCut] of world.network.isCut.entries()) if (isCut) cut.add(link);
  const a = faults.below(count);
  const b = faults.below(count);
  if (dice < 4) {
    cut.add(a * count + b);
    if (dice === 3) cut.add(b * count + a);
  } else {
    const leader = findLeader(world);
    const isAimed = leader !== undefined && (dice === 5 || isChanging(leader));
    const group = isAimed ? 1 << leader.at : faults.below(1 << count);
    cutGroup(cut, count, group, faults.chance(0.7));
  }
  return { kind: "cut", links: [...cut].sort((x, y) => x - y) };
}

function findLeader({ hosts }: World): Host | undefined {
  const leads = (host: Host): boolean => host.raft?.role === "leader";
  return hosts.find((host) => leads(host) && isChanging(host)) ?? hosts.find(leads);
}

/** Alone with its newest configuration, the leader loses it. */
function isChanging({ raft }: Host): boolean {
  return raft !== null && raft.configurationIndex > raft.commit;
}

function cutGroup(cut: Set<number>, count: number, group: number, bothWays: boolean): void {
  for (let from = 0; from < count; from++) {
    for (let to = 0; to < count; to++) {
      const leaves = ((group >> from) & 1) === 1 && ((group >> to) & 1) === 0;
      if (!leaves) continue;
      cut.add(from * count + to);
      if (bothWays) cut.add(to * count + from);
    }
  }
}
