/** Steps that plans are made of. */
import { lastIndex } from "../../core/index.ts";
import type { Random } from "../random.ts";
import type { Action } from "./actions.ts";
import { type Host, isAwake, type World } from "./world.ts";

export interface Stage {
  readonly world: World;
  /** The plans' own. */
  readonly random: Random;
}

/** Null: nothing now, but the plan goes on. An action that cannot happen is left out. */
export type Plan<Result = void> = Generator<Action | null, Result, void>;

// --- who -----------------------------------------------------------------------------------------

/** The newest leader of those, or null. */
export function leaderOf(world: World, among: readonly Host[]): Host | null {
  let newest: Host | null = null;
  for (const host of among) {
    if (host.raft?.role !== "leader" || !isAwake(world, host)) continue;
    if (host.raft.hardState.term > (newest?.raft?.hardState.term ?? 0)) newest = host;
  }
  return newest;
}

/** Who votes under this leader and can do something now, in any order; the leader not. */
export function followersOf({ world, random }: Stage, leader: Host): Host[] {
  const rest = (leader.raft?.configuration.voters ?? []).flatMap(({ id }) => {
    const host = world.byId.get(id);
    return host === undefined || host === leader || !isAwake(world, host) ? [] : [host];
  });
  const mixed: Host[] = [];
  while (rest.length > 0) mixed.push(...rest.splice(random.below(rest.length), 1));
  return mixed;
}

export function leads({ raft }: Host): boolean {
  return raft?.role === "leader";
}

/** Whether those can elect a leader of the members that this one knows. */
export function areMajority({ raft }: Host, among: readonly Host[]): boolean {
  const { voters = [] } = raft?.configuration ?? {};
  return 2 * among.length > voters.length;
}

// --- single steps --------------------------------------------------------------------------------

export function takesOf({ world, random }: Stage): boolean {
  return !random.chance(world.options.batching);
}

export function tick(stage: Stage, { at }: Host): Action {
  return { kind: "tick", at, jitter: stage.random.unit(), takes: takesOf(stage) };
}

export function propose(stage: Stage, { at }: Host): Action {
  return { kind: "propose", at, count: stage.random.between(1, 2), takes: takesOf(stage) };
}

/** All links between those and all others, and no other. */
export function cutOff({ hosts }: World, group: readonly Host[]): Action {
  const links: number[] = [];
  for (const from of hosts) {
    for (const to of hosts) {
      if (group.includes(from) !== group.includes(to)) links.push(linkOf(hosts, from, to));
    }
  }
  return { kind: "cut", links };
}

export const heal: Action = { kind: "cut", links: [] };

export function linkOf(hosts: readonly Host[], from: Host, to: Host): number {
  return from.at * hosts.length + to.at;
}

export function deliver(stage: Stage, link: number, place: number): Action {
  return { kind: "deliver", link, place, fate: "arrives", keep: null, takes: takesOf(stage) };
}

// --- several steps -------------------------------------------------------------------------------

/**
 * Something that those members do among themselves without time passing, or null: all is quiet. The
 * disk of `resting` does nothing.
 */
export function advance(
  stage: Stage,
  among: readonly Host[],
  resting: Host | null = null,
): Action | null {
  const { world, random } = stage;
  const all = [...arrivals(stage, among)];
  for (const host of among) {
    if (isAwake(world, host)) all.push(...movesOf(stage, host, host === resting));
  }
  return all[random.below(all.length)] ?? null;
}

function arrivals(stage: Stage, among: readonly Host[]): Action[] {
  const { world, random } = stage;
  const { hosts, network, transfers, options } = world;
  const isAmong = (at: number): boolean => {
    const host = hosts[at];
    return host !== undefined && among.includes(host) && isAwake(world, host);
  };
  const all: Action[] = [];
  for (const link of network.busy) {
    const isTheirs = isAmong(Math.floor(link / hosts.length)) && isAmong(link % hosts.length);
    if (isTheirs) all.push(deliver(stage, link, 0));
  }
  for (const [slot, { from, to }] of transfers.entries()) {
    if (!isAmong(from) || !isAmong(to)) continue;
    const tells = random.chance(options.snapshots?.telling ?? 0);
    all.push({ kind: "transfer", slot, fate: "arrives", tells, takes: takesOf(stage) });
  }
  return all;
}

function movesOf(stage: Stage, host: Host, isResting: boolean): Action[] {
  const { at, pending, saving, saved, applying, durableUnit, reported } = host;
  const { random } = stage;
  const takes = takesOf(stage);
  const all: Action[] = [];
  if (host.isDirty) all.push({ kind: "take", at });
  if (reported !== durableUnit) all.push({ kind: "report", at, takes });
  if (applying !== null) {
    const count = random.chance(0.6) ? 1 : random.between(1, applying.length);
    all.push({ kind: "apply", at, count, takes });
  } else if (host.restoring.length > 0) all.push({ kind: "restore", at, takes });
  if (saved !== null && reported >= saved.after) all.push({ kind: "saved", at, takes });
  if (isResting) return all;
  if (pending.length > 0) all.push({ kind: "disk", at, reports: true, takes });
  const [oldest] = saving;
  if (oldest !== undefined && durableUnit >= oldest.after) {
    all.push({ kind: "save", at, reports: true, takes });
  }
  return all;
}

/** Until all is quiet among those, or for so many steps. */
export function* work(
  stage: Stage,
  among: readonly Host[],
  stepsMax: number,
  resting: Host | null = null,
): Plan {
  for (let step = 0; step < stepsMax; step++) {
    const action = advance(stage, among, resting);
    if (action === null) return;
    yield action;
  }
}

/** Steps of one wait. */
const waitMax = 400;

/** Those go on, time passes for `ticking` once all is quiet, until it is so; false: it is not. */
export function* wait(
  stage: Stage,
  among: readonly Host[],
  ticking: readonly Host[],
  isDone: () => boolean,
  resting: Host | null = null,
): Plan<boolean> {
  for (let step = 0; step < waitMax; step++) {
    if (isDone()) return true;
    const next = ticking[stage.random.below(ticking.length)];
    yield advance(stage, among, resting) ?? (next === undefined ? null : tick(stage, next));
  }
  return isDone();
}

/** Waits for a leader of those in a newer term, which has committed something of it. */
export function* elect(stage: Stage, among: readonly Host[], above: number): Plan<Host | null> {
  const elected = (): Host | null => {
    const leader = leaderOf(stage.world, among);
    const { hardState, commit = 0, leadership } = leader?.raft ?? {};
    const isNew = (hardState?.term ?? 0) > above && commit >= (leadership?.termStart ?? 0);
    return isNew ? leader : null;
  };
  yield* wait(stage, among, among, () => elected() !== null);
  return elected();
}

/** Those take snapshots, if that is news, and drop their logs up to `first`, more, or less. */
export function* compact(stage: Stage, among: readonly Host[], first: number | null = null): Plan {
  const { random } = stage;
  for (const { at } of among) yield { kind: "snapshot", at };
  yield* work(stage, among, 40);
  for (const { at, raft } of among) {
    const last = raft === null ? 0 : lastIndex(raft.log);
    const index = first === null || random.chance(0.3) ? last : first;
    yield { kind: "compact", at, index: random.chance(0.8) ? index : random.between(1, last) };
    if (random.chance(0.5)) yield { kind: "drop", at };
  }
}
