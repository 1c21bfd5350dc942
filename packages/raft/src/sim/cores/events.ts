/**
 * What a host does with its core: each exported function is one thing that happens to a member,
 * told to all observers of the world.
 */
import { assert, type LogIndex, noIndex, persistUnit } from "../../base/index.ts";
import {
  changeMembership,
  createRaft,
  type Effect,
  type Input,
  type MemberChange,
  type Message,
  mayRelease,
  propose,
  type Raft,
  type RaftOptions,
  type Send,
  step,
  takeEffects,
} from "../../core/index.ts";
import type { DiskImage } from "../checker/index.ts";
import type { Recovery } from "../observer.ts";
import { clockOf, clockStartOf, settingsOf } from "./leadership.ts";
import { send } from "./network.ts";
import { applyTo, forgetSnapshots, install, need, startMachine } from "./snapshots.ts";
import type { Host, World } from "./world.ts";

// --- one step of one core ------------------------------------------------------------------------

/** Steps the member's core. The member is up. */
export function feed(world: World, host: Host, input: Input): void {
  const { raft } = host;
  assert(raft !== null, "feed: the member is up");
  const isTick = input.kind === "tick";
  const before = isTick ? fingerprintOfQuiet(raft) : 0;
  step(raft, input);
  for (const observer of world.observers) observer.onStep(host.at, raft, input);
  host.isDirty = true;
  if (isTick && before === fingerprintOfQuiet(raft)) world.idleTicks++;
  else world.steps++;
}

/** Changes whenever a tick did anything but count. */
function fingerprintOfQuiet(raft: Raft): number {
  const { sends, answers } = raft.outbox;
  const round = raft.leadership === null ? 0 : raft.leadership.round + 1;
  return (sends.length + answers.length) * 2 ** 20 + round + raft.hardState.term * 2 ** 40;
}

/** Proposes `count` commands; false: the member does not lead, or refuses. */
export function offer(world: World, host: Host, count: number): boolean {
  const { raft } = host;
  assert(raft !== null, "offer: the member is up");
  const commands: Uint8Array[] = [];
  for (let i = 0; i < count; i++) commands.push(commandOf(world.nextCommand + i));
  const result = propose(raft, commands);
  if (result.kind === "refused") return false;
  world.nextCommand += count;
  for (const observer of world.observers) observer.onPropose(host.at, raft, commands, result);
  host.isDirty = true;
  world.steps++;
  return true;
}

/** Changes the members; false: the member does not lead, or refuses. */
export function change(world: World, host: Host, changes: readonly MemberChange[]): boolean {
  const { raft } = host;
  assert(raft !== null, "change: the member is up");
  const result = changeMembership(raft, changes);
  for (const observer of world.observers) observer.onChange(host.at, raft, changes, result);
  if (result.kind === "refused") return false;
  host.isDirty = true;
  world.steps++;
  return true;
}

/** Eight bytes that no other command has. */
function commandOf(number: number): Uint8Array {
  const bytes = new Uint8Array(8);
  for (let at = 0, rest = number; rest > 0; at++, rest = Math.floor(rest / 256)) bytes[at] = rest;
  return bytes;
}

/** Asks for a read; returns its id. */
export function ask(world: World, host: Host): number {
  const id = world.nextRead++;
  feed(world, host, { kind: "read", id });
  return id;
}

// --- effects -------------------------------------------------------------------------------------

/** Takes and hands out what the core wants done. */
export function take(world: World, host: Host): void {
  const { raft } = host;
  assert(raft !== null, "take: the member is up");
  const effects = takeEffects(raft);
  host.isDirty = false;
  for (const observer of world.observers) observer.onTake(host.at, raft, effects);
  for (const effect of effects) handOut(world, host, effect);
}

function handOut(world: World, host: Host, effect: Effect): void {
  switch (effect.kind) {
    case "persist":
      host.pending.push(effect);
      break;
    case "send":
      handOutSend(world, host, effect);
      break;
    case "apply":
      host.applying = effect.entries;
      break;
    case "read-answered":
    case "role-changed":
    case "configuration-changed":
    case "transfer-ended":
      break;
    case "wake-in":
      host.wakeAtMs = clockOf(world, host) + effect.delayMs;
      break;
    case "install-snapshot":
      install(host, effect);
      break;
    case "snapshot-refused":
      host.received.delete(effect.id);
      break;
    case "snapshot-needed":
      need(world, host, effect);
      break;
    default:
      effect satisfies never;
  }
}

function handOutSend(world: World, host: Host, effect: Send): void {
  if (mayRelease(effect, host.reported)) leave(world, host, effect.message);
  else host.held.push(effect);
}

function leave(world: World, host: Host, message: Message): void {
  const to = world.byId.get(message.to);
  assert(to !== undefined, "messages go to members");
  for (const observer of world.observers) observer.onLeave(host.at, message);
  send(world.network, host.at * world.hosts.length + to.at, message);
}

// --- disk, machines, crashes ---------------------------------------------------------------------

/** The oldest unit under way becomes durable. */
export function completeUnit(world: World, host: Host): void {
  const unit = host.pending.shift();
  assert(unit !== undefined, "completeUnit: something is under way");
  host.durableUnit = unit.unit;
  for (const observer of world.observers) observer.onDurable(host.at, unit);
}

/** The core hears that everything durable is durable; what waited for it leaves. */
export function report(world: World, host: Host): void {
  host.reported = host.durableUnit;
  const { held } = host;
  host.held = held.filter((effect) => !mayRelease(effect, host.reported));
  for (const effect of held) {
    if (mayRelease(effect, host.reported)) leave(world, host, effect.message);
  }
  feed(world, host, { kind: "persisted", unit: host.reported });
}

/** The machines have applied the first `count` of what they were given. */
export function finishApply(world: World, host: Host, count: number): void {
  const { applying } = host;
  assert(applying !== null, "finishApply: something is being applied");
  const index = applying[count - 1]?.index ?? noIndex;
  host.applying = count < applying.length ? applying.slice(count) : null;
  if (world.options.snapshots !== undefined) applyTo(world, host, applying.slice(0, count));
  feed(world, host, { kind: "applied", index });
}

/** The process dies, and with it everything that is not on the disk. */
export function crash(world: World, host: Host, recovery: Recovery): void {
  const { raft, pending } = host;
  assert(raft !== null, "crash: the member is up");
  world.checker.audit(host.at, raft);
  for (const observer of world.observers) observer.onCrash(host.at);
  world.checker.recover(host.at, recovery);
  world.faults.crashes++;
  world.faults.unitsLost += pending.length - recovery.keptUnits;
  if (recovery.keptEntries !== null) world.faults.disksDamaged++;
  world.network.isDown[host.at] = true;
  host.recovery = recovery;
  host.raft = null;
  host.pending = [];
  host.durableUnit = persistUnit(0);
  host.reported = persistUnit(0);
  host.held = [];
  host.applying = null;
  host.stalledUntil = 0;
  host.isDirty = false;
  forgetSnapshots(host);
  host.wakeAtMs = null;
  host.met.length = 0;
}

/** The process starts with what is on disk; `commit` is what the disk happens to know of it. */
export function restart(
  world: World,
  host: Host,
  commit: LogIndex,
  boot: number,
  jitter: number,
): void {
  assert(host.raft === null, "restart: the member is down");
  const image = world.checker.image(host.at);
  host.lives++;
  host.clockStartMs = clockStartOf(world, boot);
  host.raft = createRaft({
    id: host.id,
    settings: settingsOf(world, host.at),
    boot,
    jitter,
    hardState: {
      term: image.term,
      votedFor: image.votedFor,
      mustCatchUp: image.mustCatchUp,
      ...(image.promisedMs === undefined ? null : { promisedMs: image.promisedMs }),
    },
    ...logOf(image),
    commit,
  });
  startMachine(world, host, image.snapshot);
  world.network.isDown[host.at] = false;
  for (const observer of world.observers) observer.onStart(host.at, host.raft, host.recovery);
  host.isDirty = true;
}

/** From the base on, and what the base stands for. */
function logOf({
  log,
  base,
  snapshot,
}: DiskImage): Pick<RaftOptions, "base" | "entries" | "snapshot"> {
  const entries = (base === 0 ? log : log.slice(base)).map((past) => past.entry);
  const before = log[base - 1]?.entry;
  if (before === undefined) return { entries, snapshot };
  return { base: { index: before.index, term: before.term }, entries, snapshot };
}
