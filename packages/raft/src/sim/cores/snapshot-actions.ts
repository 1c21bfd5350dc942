/** What can happen with snapshots, as data, and doing it. */
import { assert, type LogIndex } from "../../base/index.ts";
import { compactLog, configurationFor, type Raft } from "../../core/index.ts";
import { feed, take } from "./events.ts";
import { need, remember, restoreTo } from "./snapshots.ts";
import type { Subject } from "./trace.ts";
import { type CoresSnapshot, type Host, isAwake, type Transfer, type World } from "./world.ts";

export type SnapshotReport = "snapshot-sent" | "snapshot-failed" | "snapshot-moving";

/** Of one member, which is up. */
export type SnapshotAction =
  /** Its host begins to write down what its machines hold. */
  | { readonly kind: "snapshot"; readonly at: number }
  /** The oldest that is being written is on disk. */
  | {
      readonly kind: "save";
      readonly at: number;
      readonly reports: boolean;
      readonly takes: boolean;
    }
  /** The core hears of it. */
  | { readonly kind: "saved"; readonly at: number; readonly takes: boolean }
  /** Entries up to `index` may go, or as many as the core lets go. */
  | { readonly kind: "compact"; readonly at: number; readonly index: number }
  /** They are gone from the disk. */
  | { readonly kind: "drop"; readonly at: number }
  /** The machines have the state of a received snapshot. */
  | { readonly kind: "restore"; readonly at: number; readonly takes: boolean }
  /** A leader's host brings its newest snapshot to a peer that nobody has asked about. */
  | { readonly kind: "offer"; readonly at: number; readonly peer: number }
  /** The core hears how a transfer goes; true or not. */
  | {
      readonly kind: "transfer-report";
      readonly at: number;
      readonly peer: number;
      readonly report: SnapshotReport;
      readonly takes: boolean;
    };

/** What becomes of a snapshot that is on its way: it arrives as a whole or not at all. */
export interface TransferAction {
  readonly kind: "transfer";
  /** Among those on their way. */
  readonly slot: number;
  readonly fate: "arrives" | "doubles" | "lost";
  /** The leader's host hears of it. */
  readonly tells: boolean;
  readonly takes: boolean;
}

/** Undefined: it cannot happen now. */
export function doSnapshot(world: World, host: Host, action: SnapshotAction): Subject | undefined {
  const { raft } = host;
  assert(raft !== null, "doSnapshot: the member is up");
  switch (action.kind) {
    case "snapshot":
      return beginSnapshot(world, host, raft);
    case "save":
      return saveSnapshot(world, host, raft, action.reports);
    case "saved":
      return tellSaved(world, host);
    case "compact":
      return compact(world, host, raft, action.index);
    case "drop":
      return drop(world, host, raft);
    case "restore":
      return restoreMachine(world, host);
    case "offer":
      return offerUnasked(world, host, raft, action.peer);
    case "transfer-report": {
      const peer = world.hosts[action.peer];
      if (peer === undefined || peer === host) return undefined;
      feed(world, host, { kind: action.report, peer: peer.id });
      return `${action.report} ${peer.id}`;
    }
    default:
      return action satisfies never;
  }
}

/** Of what the machines hold now, if that is news. */
export function beginSnapshot(world: World, host: Host, raft: Raft): number | undefined {
  const { index, state } = host.machine;
  const { base, entries } = raft.log;
  const newest = host.saving.at(-1)?.snapshot.position.index ?? host.saved?.index ?? 0;
  if (index <= Math.max(base.index, raft.snapshot?.position.index ?? 0, newest)) return undefined;
  const last = entries[index - base.index - 1];
  assert(last !== undefined, "what was applied is in the log", () => `${index}`);
  const { configuration, index: configurationIndex } = configurationFor(raft, index);
  const position = { index, term: last.term };
  const snapshot: CoresSnapshot = { position, configuration, configurationIndex, state };
  host.saving.push({ snapshot, after: host.pending.at(-1)?.unit ?? host.durableUnit });
  remember(world, snapshot);
  return index;
}

/** It is on disk after the units that were under way when it was begun. */
export function saveSnapshot(
  world: World,
  host: Host,
  raft: Raft,
  reports: boolean,
): number | undefined {
  const [oldest] = host.saving;
  if (oldest === undefined || host.durableUnit < oldest.after) return undefined;
  host.saving.shift();
  const { snapshot, after } = oldest;
  const { index, term } = snapshot.position;
  host.saved = { index, term, after };
  tellObservers(world, host, raft, snapshot);
  if (reports) tellSaved(world, host);
  return index;
}

function tellObservers(world: World, host: Host, raft: Raft, snapshot: CoresSnapshot): void {
  const { position, configuration, configurationIndex } = snapshot;
  const placed = { position, configuration, configurationIndex };
  for (const observer of world.observers) {
    observer.onSnapshot?.(host.at, raft, { kind: "saved", snapshot: placed });
  }
}

/** Not before the core was told of the units that the snapshot came behind. */
export function tellSaved(world: World, host: Host): number | undefined {
  const { saved } = host;
  if (saved === null || host.reported < saved.after) return undefined;
  host.saved = null;
  const { index, term } = saved;
  feed(world, host, { kind: "snapshot-saved", position: { index, term } });
  return index;
}

export function compact(world: World, host: Host, raft: Raft, index: number): number | undefined {
  const before = raft.log.base.index;
  const base = compactLog(raft, index as LogIndex); // any number is as good
  if (base.index === before) return undefined;
  for (const observer of world.observers) {
    observer.onSnapshot?.(host.at, raft, { kind: "compacted", base });
  }
  host.dropping = base.index;
  host.isDirty = true;
  return base.index;
}

export function drop(world: World, host: Host, raft: Raft): number | undefined {
  const index = host.dropping;
  if (index <= world.checker.image(host.at).base) return undefined;
  for (const observer of world.observers) {
    observer.onSnapshot?.(host.at, raft, { kind: "dropped", index });
  }
  return index;
}

/** Once the machines have applied what they were given before. */
export function restoreMachine(world: World, host: Host): number | undefined {
  if (host.applying !== null) return undefined;
  const snapshot = host.restoring.shift();
  if (snapshot === undefined) return undefined;
  restoreTo(world, host, snapshot);
  const { index } = snapshot.position;
  feed(world, host, { kind: "applied", index });
  return index;
}

function offerUnasked(world: World, host: Host, raft: Raft, at: number): Subject | undefined {
  const peer = world.hosts[at];
  if (peer === undefined || peer === host) return undefined;
  // The term is one that its core has told of.
  const isLeading = raft.role === "leader" && raft.told.role === "leader";
  if (!isLeading || raft.snapshot === null || host.isDirty) return undefined;
  const { position } = raft.snapshot;
  const { term } = raft.hardState;
  const needed = { kind: "snapshot-needed", peer: peer.id, position, term } as const;
  for (const observer of world.observers) {
    observer.onSnapshot?.(host.at, raft, { kind: "offered", needed });
  }
  need(world, host, needed);
  return peer.id;
}

export function performTransfer(
  world: World,
  { slot, fate, tells, takes }: TransferAction,
): { readonly host: Host; readonly subject: Subject } | null {
  const transfer = world.transfers[slot];
  const host = transfer === undefined ? undefined : world.hosts[transfer.to];
  if (transfer === undefined || host === undefined) return null;
  if (fate !== "doubles") world.transfers.splice(slot, 1);
  const arrives = fate !== "lost" && isAwake(world, host);
  if (arrives) giveSnapshot(world, host, transfer);
  else world.faults.snapshotsLost++;
  if (arrives && fate === "doubles") world.faults.snapshotsDoubled++;
  if (tells) tellLeader(world, transfer, arrives);
  if (arrives && takes) take(world, host);
  const { index, term } = transfer.snapshot.position;
  return { host, subject: `${fate} ${term}/${index} of term ${transfer.term}` };
}

/** All of it has come, and the core is told. */
export function giveSnapshot(world: World, host: Host, { snapshot, term }: Transfer): void {
  const id = world.nextSnapshot++;
  host.received.set(id, snapshot);
  const { position, configuration, configurationIndex } = snapshot;
  const placed = { position, configuration, configurationIndex };
  feed(world, host, { kind: "snapshot-received", id, term, ...placed });
}

/** The host that was to bring the snapshot tells its core, if that is still there. */
export function tellLeader(world: World, { from, to }: Transfer, arrived: boolean): void {
  const leader = world.hosts[from];
  const peer = world.hosts[to];
  if (leader === undefined || peer === undefined || !isAwake(world, leader)) return;
  feed(world, leader, { kind: arrived ? "snapshot-sent" : "snapshot-failed", peer: peer.id });
}
