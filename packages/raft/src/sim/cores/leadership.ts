/**
 * Who leads, and who may be sure of it: transfers, disks that are not well, leaders that go, and
 * reads by leases, on clocks that run differently. Drawn for some seeds from a stream of their own,
 * so that all other seeds stay what they are.
 */
import { assert, type NodeId } from "../../base/index.ts";
import { type Settings, transferLeadership } from "../../core/index.ts";
import type { ObservedTime } from "../observer.ts";
import { pick, type Random } from "../random.ts";
import { feed } from "./events.ts";
import type { CoresOptions } from "./options.ts";
import type { Host, World } from "./world.ts";

/** That members hand over, see leaders go, or read by leases. */
export interface LeadershipOptions {
  /** Weights of the actions; 0: it does not happen. */
  readonly transfer: number;
  readonly health: number;
  readonly gone: number;
  readonly leaseRead: number;
  /** By place, members that may join included. */
  readonly priorities: readonly number[];
  /** Milliseconds of a member's clock to one of the world, within what the settings declare. */
  readonly clockRates: readonly number[];
  readonly settings: Pick<Settings, "leaseReads" | "leaseMs" | "leaseDriftPermille">;
}

/** Null: in this seed nobody hands over, sees leaders go, or reads by a lease. */
export function drawLeadership(
  random: Random,
  options: CoresOptions,
  chance: number,
): LeadershipOptions | null {
  if (!random.chance(chance)) return null;
  const leaseReads = random.chance(0.6);
  const settings = {
    leaseReads,
    leaseMs: pick(random, [60, 200, 600]),
    leaseDriftPermille: pick(random, [8, 125, 188]),
  };
  const count = options.memberCount + (options.membership?.spareCount ?? 0);
  // So many 128ths that sums of milliseconds are exact.
  const drift = Math.floor((settings.leaseDriftPermille * 128) / 1000) / 128;
  const clockRates: number[] = [];
  for (let at = 0; at < count; at++) clockRates.push(pick(random, [1 - drift, 1, 1 + drift]));
  return {
    transfer: pick(random, [0, 0.5, 2]),
    health: pick(random, [0, 0, 0.3, 1]),
    gone: pick(random, [0, 2, 8]),
    leaseRead: leaseReads ? pick(random, [2, 10]) : 0,
    priorities: drawPriorities(random, options, count),
    clockRates,
    settings,
  };
}

/** Who has priority 0 stands only if it is told to: all others must be well, then. */
function drawPriorities(random: Random, options: CoresOptions, count: number): number[] {
  const { memberCount, membership, outage, faults } = options;
  const priorities = new Array<number>(count).fill(1);
  if (!random.chance(0.5)) return priorities;
  for (let at = 0; at < count; at++) priorities[at] = pick(random, [1, 1, 2, 10]);
  const isWhole = membership === undefined && outage.length === 0 && faults.amnesia === 0;
  if (isWhole && memberCount > 2 && random.chance(0.5)) priorities[random.below(memberCount)] = 0;
  return priorities;
}

/** Those of the world, but for what is the member's own. */
export function settingsOf({ options }: World, at: number): Settings {
  const { settings, leadership } = options;
  if (leadership === undefined) return settings;
  const priority = leadership.priorities[at] ?? settings.priority;
  return { ...settings, ...leadership.settings, priority };
}

// --- clocks --------------------------------------------------------------------------------------

/** What the member's clock has counted since the world began, over all its lives. */
export function elapsedMs({ options, actionsDone, skippedMs }: World, at: number): number {
  return (actionsDone + skippedMs) * (options.leadership?.clockRates[at] ?? 1);
}

/** What the process of the member reads: monotonic, from anywhere at each start. */
export function clockOf(world: World, host: Host): number {
  return host.clockStartMs + elapsedMs(world, host.at);
}

/** Of clocks that begin anywhere, in milliseconds. */
const clockStartMax = 5_000;

export function clockStartOf({ options }: World, boot: number): number {
  return options.leadership === undefined ? 0 : boot % clockStartMax;
}

/** Less than any difference that counts, more than sums are inexact. */
const inexactMs = 1e-6;

/** What the second Raft is told of time: how far clocks differ, or how long a leader is heard. */
export function timeOf({ leadership, settings }: CoresOptions): ObservedTime | null {
  if (leadership === undefined) return null;
  const { leaseReads, leaseMs, leaseDriftPermille: drift } = leadership.settings;
  if (!leaseReads) {
    return settings.checkQuorum ? { unit: "ticks", stickyFor: settings.electionTicks } : null;
  }
  const certainMs = (leaseMs * (1000 - drift)) / (1000 + drift);
  return { unit: "ms", clockDrift: leaseMs - certainMs - inexactMs };
}

// --- what happens to a member --------------------------------------------------------------------

/** Null: to the fittest. False: the member does not lead, or refuses. */
export function transfer(world: World, host: Host, to: NodeId | null): boolean {
  const { raft } = host;
  assert(raft !== null, "transfer: the member is up");
  const result = transferLeadership(raft, to);
  for (const observer of world.observers) observer.onTransfer(host.at, raft, to, result);
  if (result.kind === "refused") return false;
  host.isDirty = true;
  world.steps++;
  return true;
}

/**
 * Whether the member's host may say that `peer` is gone: no handshake with the same process can be
 * completed. It is down, or another process by now, or a cut link hides it.
 */
export function mayMiss({ hosts, network }: World, host: Host, peer: Host): boolean {
  if (peer === host) return false;
  if (peer.raft === null || host.met[peer.at] !== peer.lives) return true;
  const count = hosts.length;
  const isCut = (from: Host, to: Host): boolean => network.isCut[from.at * count + to.at] === true;
  return isCut(host, peer) || isCut(peer, host);
}

/** The connection ended, and no other came of it. */
export function missLeader(world: World, host: Host, peer: Host, jitter: number): void {
  feed(world, host, { kind: "peer-unreachable", peer: peer.id });
  feed(world, host, { kind: "leader-gone", peer: peer.id, jitter });
  world.faults.leadersGone++;
}

/** Whether the time that the core asked for has passed. */
export function isWakeDue(world: World, host: Host): boolean {
  return host.wakeAtMs !== null && clockOf(world, host) >= host.wakeAtMs;
}

export function wake(world: World, host: Host, jitter: number): void {
  host.wakeAtMs = null;
  feed(world, host, { kind: "wake", jitter });
}

/** Returns the read's id. */
export function askByLease(world: World, host: Host): number {
  const id = world.nextRead++;
  feed(world, host, { kind: "lease-read", id, nowMs: clockOf(world, host) });
  return id;
}
