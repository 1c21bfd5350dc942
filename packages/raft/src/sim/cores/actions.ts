/**
 * What can happen in a world of bare cores, as data: a list of actions is a run that can be stored,
 * replayed and shortened. Nothing here draws; what is drawn is in `draw.ts`.
 */
import { type LogIndex, logIndex } from "../../base/index.ts";
import type { MemberChange, Message } from "../../core/index.ts";
import {
  ask,
  change,
  completeUnit,
  crash,
  feed,
  finishApply,
  offer,
  report,
  restart,
  take,
} from "./events.ts";
import { changeMemory } from "./flow.ts";
import {
  askByLease,
  clockOf,
  isWakeDue,
  mayMiss,
  missLeader,
  transfer,
  wake,
} from "./leadership.ts";
import { ancientMax, look, remove, requeue } from "./network.ts";
import {
  doSnapshot,
  performTransfer,
  type SnapshotAction,
  type TransferAction,
} from "./snapshot-actions.ts";
import { coveredAfter } from "./snapshots.ts";
import type { Subject } from "./trace.ts";
import { type Host, isAwake, type World } from "./world.ts";

/** `at`: the member's place. `takes`: its turn ends with this input; else more may follow. */
export type Action =
  | { readonly kind: "tick"; readonly at: number; readonly jitter: number; readonly takes: boolean }
  | {
      readonly kind: "deliver";
      /** From `a` to `b`: `a * members + b`. */
      readonly link: number;
      /** In the link's queue. */
      readonly place: number;
      readonly fate: "arrives" | "doubles" | "lost";
      /** The message is kept for ever in this place, or not. */
      readonly keep: number | null;
      readonly takes: boolean;
    }
  | { readonly kind: "ancient"; readonly slot: number; readonly takes: boolean }
  | {
      readonly kind: "disk";
      readonly at: number;
      readonly reports: boolean;
      readonly takes: boolean;
    }
  | { readonly kind: "report"; readonly at: number; readonly takes: boolean }
  | {
      readonly kind: "apply";
      readonly at: number;
      readonly count: number;
      readonly takes: boolean;
    }
  | { readonly kind: "take"; readonly at: number }
  /** Nothing happens, but the time of stalls passes. */
  | { readonly kind: "pass" }
  | {
      readonly kind: "propose";
      readonly at: number;
      readonly count: number;
      readonly takes: boolean;
    }
  /** Of the members. */
  | {
      readonly kind: "change";
      readonly at: number;
      readonly changes: readonly MemberChange[];
      readonly takes: boolean;
    }
  | { readonly kind: "read"; readonly at: number; readonly takes: boolean }
  /** The links that are cut from now on; all others are whole. */
  | { readonly kind: "cut"; readonly links: readonly number[] }
  | {
      readonly kind: "crash";
      readonly at: number;
      readonly keptUnits: number;
      readonly keptEntries: number | null;
    }
  | {
      readonly kind: "restart";
      readonly at: number;
      readonly boot: number;
      readonly jitter: number;
      /** What the disk happens to know of the commit index; at most what it could know. */
      readonly commit: number;
      readonly takes: boolean;
    }
  /** Hears, sees and does nothing for so many actions. */
  | { readonly kind: "stall"; readonly at: number; readonly actions: number }
  | {
      readonly kind: "peer-unreachable" | "peer-reachable";
      readonly at: number;
      readonly peer: number;
      readonly takes: boolean;
    }
  /** `to`: the target's place; null: the fittest. */
  | {
      readonly kind: "hand-over";
      readonly at: number;
      readonly to: number | null;
      readonly takes: boolean;
    }
  | {
      readonly kind: "disk-health";
      readonly at: number;
      readonly isHealthy: boolean;
      readonly takes: boolean;
    }
  | {
      readonly kind: "memory";
      readonly at: number;
      readonly isTight: boolean;
      readonly takes: boolean;
    }
  | {
      readonly kind: "leader-gone";
      readonly at: number;
      readonly peer: number;
      readonly jitter: number;
      readonly takes: boolean;
    }
  | { readonly kind: "wake"; readonly at: number; readonly jitter: number; readonly takes: boolean }
  | { readonly kind: "lease-read"; readonly at: number; readonly takes: boolean }
  | SnapshotAction
  | TransferAction;

/** What happened to whom, for the trace; null: the action cannot happen now, and nothing did. */
export type Happened = { readonly host: Host | null; readonly subject: Subject } | null;

/** Does it if it can be done now. Checks everything that it touches. @throws Violation */
export function perform(world: World, action: Action): Happened {
  switch (action.kind) {
    case "deliver":
      return performDeliver(world, action);
    case "ancient":
      return performArrival(world, world.network.ancient[action.slot], action.takes);
    case "pass":
      return null;
    case "cut":
      world.network.isCut.fill(false);
      for (const link of action.links) world.network.isCut[link] = true;
      world.faults.cuts++;
      return { host: null, subject: action.links.join(" ") };
    case "crash":
      return performCrash(world, action);
    case "restart":
      return performRestart(world, action);
    case "transfer":
      return performTransfer(world, action);
    default: {
      const host = world.hosts[action.at];
      if (host === undefined || !isAwake(world, host)) return null;
      return performAwake(world, host, action);
    }
  }
}

type AwakeAction = Exclude<
  Action,
  { readonly kind: "deliver" | "ancient" | "pass" | "cut" | "crash" | "restart" | "transfer" }
>;

function performAwake(world: World, host: Host, action: AwakeAction): Happened {
  const subject = doAwake(world, host, action);
  if (subject === undefined) return null;
  if ("takes" in action && action.takes) take(world, host);
  return { host, subject };
}

/** Undefined: it cannot happen now. */
function doAwake(world: World, host: Host, action: AwakeAction): Subject | undefined {
  switch (action.kind) {
    case "tick":
      feed(world, host, { kind: "tick", nowMs: clockOf(world, host), jitter: action.jitter });
      return null;
    case "disk":
      if (host.pending.length === 0) return undefined;
      completeUnit(world, host);
      if (action.reports) report(world, host);
      return host.durableUnit;
    case "report":
      if (host.reported === host.durableUnit) return undefined;
      report(world, host);
      return host.reported;
    case "apply": {
      if (host.applying === null) return undefined;
      const count = Math.min(action.count, host.applying.length);
      finishApply(world, host, count);
      return count;
    }
    case "take":
      if (!host.isDirty) return undefined;
      take(world, host);
      return null;
    case "propose":
      return offer(world, host, action.count) ? action.count : undefined;
    case "change":
      return change(world, host, action.changes) ? describeChanges(action.changes) : undefined;
    case "read":
      return ask(world, host);
    case "stall":
      host.stalledUntil = world.actionsDone + action.actions;
      world.faults.stalls++;
      return action.actions;
    case "peer-unreachable":
    case "peer-reachable": {
      const peer = world.hosts[action.peer];
      if (peer === undefined || peer === host) return undefined;
      feed(world, host, { kind: action.kind, peer: peer.id });
      world.faults.connectionNews++;
      return peer.id;
    }
    case "snapshot":
    case "save":
    case "saved":
    case "compact":
    case "drop":
    case "restore":
    case "offer":
    case "transfer-report":
      return doSnapshot(world, host, action);
    case "memory":
      return changeMemory(world, host, action.isTight);
    case "hand-over":
    case "disk-health":
    case "leader-gone":
    case "wake":
    case "lease-read":
      return doLeadership(world, host, action);
    default:
      return action satisfies never;
  }
}

type LeadershipAction = Extract<
  Action,
  { readonly kind: "hand-over" | "disk-health" | "leader-gone" | "wake" | "lease-read" }
>;

function doLeadership(world: World, host: Host, action: LeadershipAction): Subject | undefined {
  switch (action.kind) {
    case "hand-over": {
      const to = action.to === null ? null : (world.hosts[action.to]?.id ?? null);
      return transfer(world, host, to) ? to : undefined;
    }
    case "disk-health":
      if (host.raft?.isDiskHealthy === action.isHealthy) return undefined;
      feed(world, host, { kind: "disk-health", isHealthy: action.isHealthy });
      world.faults.healthNews++;
      return action.isHealthy ? "healthy" : "unhealthy";
    case "leader-gone": {
      const peer = world.hosts[action.peer];
      if (peer === undefined || !mayMiss(world, host, peer)) return undefined;
      missLeader(world, host, peer, action.jitter);
      return peer.id;
    }
    case "wake":
      if (!isWakeDue(world, host)) return undefined;
      wake(world, host, action.jitter);
      return null;
    case "lease-read":
      return askByLease(world, host);
    default:
      return action satisfies never;
  }
}

function describeChanges(changes: readonly MemberChange[]): string {
  return changes.map(({ kind, id }) => `${kind} ${id}`).join(", ");
}

function performDeliver(world: World, action: Extract<Action, { kind: "deliver" }>): Happened {
  const { network, faults } = world;
  const message = look(network, action.link, action.place);
  if (message === null) return null;
  if (action.keep !== null) {
    network.ancient[Math.min(action.keep, network.ancient.length, ancientMax - 1)] = message;
    faults.keptForEver++;
  }
  if (action.place > 0) faults.reordered++;
  if (action.fate === "doubles") {
    faults.doubled++;
    requeue(network, action.link, action.place);
  } else {
    remove(network, action.link, action.place);
  }
  if (action.fate === "lost") {
    faults.lost++;
    return { host: null, subject: message };
  }
  return performArrival(world, message, action.takes) ?? { host: null, subject: message };
}

/** A stalled member's messages wait in its kernel; here they are lost, which is worse. */
function performArrival(world: World, message: Message | undefined, takes: boolean): Happened {
  const host = message === undefined ? undefined : world.byId.get(message.to);
  if (message === undefined || host === undefined || !isAwake(world, host)) return null;
  if (world.options.leadership !== undefined) noteMet(world, host, message);
  feed(world, host, { kind: "receive", message });
  if (takes) take(world, host);
  return { host, subject: message };
}

function noteMet(world: World, host: Host, { from }: Message): void {
  const peer = world.byId.get(from);
  if (peer !== undefined) host.met[peer.at] = peer.lives;
}

function performCrash(world: World, action: Extract<Action, { kind: "crash" }>): Happened {
  const host = world.hosts[action.at];
  if (host === undefined || host.raft === null) return null;
  const under = host.pending.length;
  const keptUnits = Math.min(action.keptUnits, under);
  // No fault of the log takes what is in a snapshot.
  const least = coveredAfter(world, host, keptUnits);
  const keptEntries = action.keptEntries === null ? null : Math.max(action.keptEntries, least);
  crash(world, host, { keptUnits, keptEntries });
  const subject = `${keptUnits} of ${under} units kept, ${keptEntries ?? "all"} entries`;
  return { host, subject };
}

function performRestart(world: World, action: Extract<Action, { kind: "restart" }>): Happened {
  const host = world.hosts[action.at];
  if (host === undefined || host.raft !== null) return null;
  const known = world.checker.image(host.at).commit;
  // The first entry of a log is committed, but who joins has none.
  const commit = logIndex(Math.min(Math.max(1, action.commit), known)) as LogIndex;
  restart(world, host, commit, action.boot, action.jitter);
  if (action.takes) take(world, host);
  return { host, subject: commit };
}
