/**
 * Letting the beginning of the log go: what this member's own snapshots stand for. When and how
 * much is the host's policy; here is what must not go.
 *
 * @paper §7; @thesis §5.1
 */
import { assert, type LogIndex, noIndex } from "../base/index.ts";
import type { LogPosition } from "./entry.ts";
import {
  configurationAt,
  dropThrough,
  lastIndex,
  type PlacedConfiguration,
  termAt,
} from "./log.ts";
import { becomeProbe } from "./progress.ts";
import { configurationOf, type PlacedSnapshot, type Raft } from "./state.ts";

/**
 * Drops entries up to `index`, but none that the machines have not applied, that is not in a
 * durable snapshot, that is not on the own disk, or that follows a snapshot which a peer is
 * getting: it would come too late for it. Returns what the log follows now; the host asks storage
 * to drop as much (`LogStore.compact`). A host that cannot keep the log for a peer any longer gives
 * it up first (`snapshot-failed`).
 */
export function compactLog(raft: Raft, index: LogIndex): LogPosition {
  const snapshot = raft.snapshot?.position.index ?? noIndex;
  const through = Math.min(index, raft.applied, snapshot, raft.durableIndex, keptBehind(raft));
  if (through <= raft.log.base.index) return raft.log.base;
  dropThrough(raft.log, through as LogIndex); // one of several indexes
  const next = (raft.log.base.index + 1) as LogIndex; // index plus one
  for (const progress of raft.leadership?.peers.values() ?? []) {
    // Perhaps all that it needs is on its way: it is asked before a snapshot is.
    if (progress.next < next) becomeProbe(progress, next);
  }
  return raft.log.base;
}

/** Above this the log is kept for peers that are getting a snapshot. */
function keptBehind(raft: Raft): number {
  let least = Number.POSITIVE_INFINITY;
  for (const { offer } of raft.leadership?.peers.values() ?? []) {
    if (offer !== null) least = Math.min(least, offer.position.index);
  }
  return least;
}

/** One that is older than another, durable or on its way, changes nothing. */
export function onSnapshotSaved(raft: Raft, position: LogPosition): void {
  assert(position.index <= raft.applied, "a snapshot is of what was applied");
  const { base } = raft.log;
  if (position.index <= Math.max(raft.snapshot?.position.index ?? noIndex, base.index)) return;
  assert(termAt(raft.log, position.index) === position.term, "a snapshot is of the own log");
  assert(position.index <= raft.durableIndex, "a snapshot is durable after its entries are");
  const { configuration, index } = configurationFor(raft, position.index);
  const saved: PlacedSnapshot = { position, configuration, configurationIndex: index };
  raft.snapshot = saved;
}

/**
 * The configuration in force at `index`, which a snapshot of it has to carry.
 *
 * @invariant `index` is not below the newest snapshot, nor above the log's last
 */
export function configurationFor(raft: Raft, index: LogIndex): PlacedConfiguration {
  const { committedConfigurationIndex: committed } = raft;
  assert(index >= raft.log.base.index, "configurationFor: below the base", () => `${index}`);
  assert(index <= lastIndex(raft.log), "configurationFor: above the log", () => `${index}`);
  if (index >= committed) {
    const known = { configuration: raft.committedConfiguration, index: committed };
    return configurationAt(raft.log, index, known);
  }
  const newest = raft.snapshot?.position.index ?? noIndex;
  assert(index >= newest, "configurationFor: below the snapshot", () => `${index}`);
  const snapshot = snapshotBefore(raft, index);
  return configurationAt(raft.log, index, snapshot === null ? null : configurationOf(snapshot));
}

/** The newest of `index` or before: one that is on its way to the disk stands for the log, too. */
function snapshotBefore(raft: Raft, index: LogIndex): PlacedSnapshot | null {
  let newest = raft.snapshot;
  for (const { snapshot } of raft.outstanding) {
    if (snapshot === null || snapshot.position.index > index) continue;
    if (snapshot.position.index > (newest?.position.index ?? noIndex)) newest = snapshot;
  }
  return newest;
}
