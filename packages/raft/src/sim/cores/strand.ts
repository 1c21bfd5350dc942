/**
 * A leader is cut off, alone or with a minority, and goes on appending: some of it is on disk, some
 * on its way there, nothing is committed. The others elect a leader, commit, write snapshots and
 * drop their logs. So what was cut off has a tail that contradicts the log, and gets a snapshot
 * instead of entries; its disk may be slow then, or its power fail.
 */
import { drawChanges } from "./changes.ts";
import { createCrash } from "./draw.ts";
import {
  advance,
  areMajority,
  compact,
  cutOff,
  elect,
  followersOf,
  heal,
  leaderOf,
  leads,
  type Plan,
  propose,
  type Stage,
  tick,
  wait,
  work,
} from "./plan-steps.ts";
import type { Host } from "./world.ts";

export function* strand(stage: Stage): Plan {
  const { world, random } = stage;
  const leader = leaderOf(world, world.hosts);
  if (leader?.raft == null) return;
  const followers = followersOf(stage, leader);
  const companions = random.chance(0.3) ? random.below((followers.length + 1) >> 1) : 0;
  const stranded = [leader, ...followers.slice(0, companions)];
  const others = followers.slice(companions);
  if (!areMajority(leader, others)) return;
  const { term } = leader.raft.hardState;
  yield cutOff(world, stranded);
  yield* appendInVain(stage, leader, stranded);
  const next = yield* elect(stage, others, term);
  if (next !== null) {
    for (let rest = random.below(6); rest > 0; rest--) yield propose(stage, next);
    yield* change(stage, next);
    yield* work(stage, others, 60);
    yield* compact(stage, others);
  }
  yield heal;
  const last = stranded[random.below(stranded.length)];
  if (next !== null && last !== undefined) yield* meet(stage, next, last, others);
}

function* appendInVain(stage: Stage, leader: Host, stranded: readonly Host[]): Plan {
  const { random } = stage;
  for (let rest = random.between(1, 8); rest > 0; rest--) {
    yield propose(stage, leader);
    yield* work(stage, stranded, random.below(4));
  }
}

/** The leader brings a snapshot to who was cut off. */
function* meet(stage: Stage, leader: Host, host: Host, others: readonly Host[]): Plan {
  const { random } = stage;
  const resting = random.chance(0.7) ? host : null;
  // Perhaps the snapshot is the first that it hears of the new term.
  if (random.chance(0.3)) {
    yield { kind: "offer", at: leader.at, peer: host.at };
    yield* bring(stage, leader, host);
  }
  const isInstalling = (): boolean => host.restoring.length > 0;
  const isOver = (): boolean => isInstalling() || !leads(leader);
  yield* wait(stage, [host, ...others], [leader], isOver, resting);
  if (!isInstalling()) return;
  const { faults } = stage.world.options;
  if (faults.crash > 0 && random.chance(0.3)) {
    yield* work(stage, [host], random.below(6));
    if (host.raft !== null) yield createCrash(stage.world, host, random);
  } else yield* goOn(stage, leader, host, others, resting);
}

/** The transfers to it arrive, before any message does. */
function* bring({ world }: Stage, leader: Host, host: Host): Plan {
  const slot = world.transfers.findIndex(({ from, to }) => from === leader.at && to === host.at);
  if (slot >= 0) yield { kind: "transfer", slot, fate: "arrives", tells: false, takes: true };
}

/**
 * The log grows behind the snapshot, which is not on disk yet; the machines have its state sooner,
 * apply some of what follows, and are written down.
 */
function* goOn(
  stage: Stage,
  leader: Host,
  host: Host,
  others: readonly Host[],
  resting: Host | null,
): Plan {
  const { random } = stage;
  for (let rest = random.between(1, 3); rest > 0; rest--) {
    for (let count = random.below(5); count > 0; count--) yield propose(stage, leader);
    yield* change(stage, leader);
    yield* work(stage, others, 60);
    for (let steps = random.between(5, 40); steps > 0; steps--) {
      if (random.chance(0.5)) yield { kind: "snapshot", at: host.at };
      yield advance(stage, [leader, host], resting) ?? tick(stage, leader);
    }
  }
  yield* work(stage, [host, ...others], 40);
}

/** Of the members, where they change: one that the leader does not refuse, if it is soon found. */
function* change({ world, random }: Stage, leader: Host): Plan {
  if (world.options.membership === undefined || random.chance(0.2)) return;
  for (let tries = 0; tries < 4 && leads(leader); tries++) {
    const before = leader.raft?.configurationIndex;
    const changes = drawChanges(world, leader, random);
    if (changes !== null) yield { kind: "change", at: leader.at, changes, takes: true };
    if (leader.raft?.configurationIndex !== before) return;
  }
}
