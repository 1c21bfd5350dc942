/** What a host holds of snapshots, and what becomes of it: machines, files, transfers. */
import { assert, noIndex } from "../../base/index.ts";
import type {
  Entry,
  InstallSnapshot,
  LogPosition,
  PlacedSnapshot,
  SnapshotNeeded,
} from "../../core/index.ts";
import { chainHash } from "../checker/index.ts";
import { type CoresSnapshot, type Host, nothingApplied, type World } from "./world.ts";

/** Snapshots on their way in one world: more are lost, oldest first. */
const transfersMax = 16;

function keyOf({ index, term }: LogPosition): string {
  return `${term}/${index}`;
}

/** Keeps what was taken: other members may bring it, too. */
export function remember(world: World, snapshot: CoresSnapshot): void {
  world.snapshots.set(keyOf(snapshot.position), snapshot);
}

function recall(world: World, position: LogPosition): CoresSnapshot {
  const snapshot = world.snapshots.get(keyOf(position));
  assert(snapshot !== undefined, "somebody took this snapshot", () => keyOf(position));
  return snapshot;
}

/** The machines have applied these as well. */
export function applyTo(world: World, host: Host, entries: readonly Entry[]): void {
  let { index, state } = host.machine;
  for (const entry of entries) {
    index = entry.index;
    state = chainHash(state, entry);
  }
  setMachine(world, host, { index, state });
}

/** The machines have the state of the snapshot. */
export function restoreTo(world: World, host: Host, { position, state }: CoresSnapshot): void {
  setMachine(world, host, { index: position.index, state });
}

function setMachine(world: World, host: Host, machine: Host["machine"]): void {
  host.machine = machine;
  world.checker.machine(host.at, machine.index, machine.state);
}

/** A process starts with the state of the newest snapshot on its disk. */
export function startMachine(world: World, host: Host, snapshot: PlacedSnapshot | null): void {
  if (snapshot !== null) restoreTo(world, host, recall(world, snapshot.position));
}

/** All that ends with the process. */
export function forgetSnapshots(host: Host): void {
  host.machine = nothingApplied;
  host.saving = [];
  host.saved = null;
  host.received.clear();
  host.restoring = [];
  host.dropping = noIndex;
}

/** The core wants a received snapshot: disk and machines get it. */
export function install(host: Host, effect: InstallSnapshot): void {
  const snapshot = host.received.get(effect.id);
  assert(snapshot !== undefined, "what is installed was received", () => `${effect.id}`);
  host.pending.push(effect);
  host.restoring.push(snapshot);
}

/** The core of a leader says that a peer needs a snapshot: it is on its way. */
export function need(world: World, host: Host, { peer, position, term }: SnapshotNeeded): void {
  const to = world.byId.get(peer);
  assert(to !== undefined, "peers are members", () => peer);
  const snapshot = recall(world, position);
  world.transfers.push({ from: host.at, to: to.at, term, snapshot });
  if (world.transfers.length > transfersMax) world.transfers.shift();
}

/** How many entries snapshots stand for once the first `keptUnits` under way are on disk. */
export function coveredAfter(world: World, host: Host, keptUnits: number): number {
  let covered: number = world.checker.image(host.at).snapshot?.position.index ?? 0;
  for (const unit of host.pending.slice(0, keptUnits)) {
    if (unit.kind === "install-snapshot") covered = Math.max(covered, unit.position.index);
  }
  return covered;
}
