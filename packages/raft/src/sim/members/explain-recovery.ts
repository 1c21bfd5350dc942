/**
 * Explains what a start found on disk by what was handed to the disk before: which units survived,
 * what damage took. Written from the contract of storage alone; it reads no files. A recovery that
 * cannot be explained is D2 (something durable is gone, or something was made up); one that lost
 * something to damage without abstaining is D3.
 */
import type { LogIndex } from "../../base/index.ts";
import type {
  Entry,
  HardState,
  InstallSnapshot,
  LogPosition,
  Persist,
  PlacedSnapshot,
} from "../../core/index.ts";
import type { RecoveredSnapshots, Recovery } from "../observer.ts";
import { Violation } from "../violation.ts";

/** A member's disk as the member was told: what is durable, and what is under way. */
export interface DiskRecord {
  hardState: HardState;
  /** Entry k is at k - 1, also when it was dropped: a snapshot stands for it then. */
  readonly entries: Entry[];
  commit: LogIndex;
  /** Handed out and not reported durable, in order. */
  pending: (Persist | InstallSnapshot)[];
  /** Index of the newest snapshot; 0: none. */
  snapshot: number;
  /** Own ones that are being written: they may be there, too. */
  saving: LogPosition[];
  /** The log begins behind this entry, or behind a later one up to `dropped`. */
  base: number;
  dropped: number;
}

/** What the core of the new process was made from. */
export interface Found {
  readonly hardState: HardState;
  /** Entry k is at k - 1: before `base` the ones that were committed. */
  readonly entries: readonly Entry[];
  readonly base: LogIndex;
  readonly snapshot: PlacedSnapshot | null;
}

/** What snapshots stand for: all entries that were committed. */
export type Committed = readonly Entry[];

export function createDiskRecord(
  hardState: HardState,
  entries: readonly Entry[],
  commit: LogIndex,
): DiskRecord {
  const noSnapshots = { snapshot: 0, saving: [], base: 0, dropped: 0 };
  return { hardState, entries: [...entries], commit, pending: [], ...noSnapshots };
}

/** The oldest unit under way is durable. */
export function recordDurable(record: DiskRecord, committed: Committed): void {
  const unit = record.pending.shift();
  if (unit === undefined) return;
  applyUnit(record.entries, unit, committed);
  if (unit.kind === "install-snapshot") {
    recordSnapshot(record, unit.position.index);
    if (unit.replacesLog) record.base = Math.max(record.base, unit.position.index);
    return;
  }
  if (unit.hardState !== null) record.hardState = unit.hardState;
  if (unit.commit > record.commit) record.commit = unit.commit;
}

/** A snapshot is on disk; those before it may be gone. */
export function recordSnapshot(record: DiskRecord, index: LogIndex): void {
  record.snapshot = Math.max(record.snapshot, index);
  record.commit = Math.max(record.commit, index) as LogIndex; // one of two indexes
  record.saving = record.saving.filter((position) => position.index > index);
}

function applyUnit(entries: Entry[], unit: Persist | InstallSnapshot, committed: Committed): void {
  if (unit.kind === "install-snapshot") {
    if (unit.replacesLog)
      entries.splice(0, entries.length, ...committed.slice(0, unit.position.index));
    return;
  }
  if (unit.truncateFrom !== null) entries.length = unit.truncateFrom - 1;
  for (const entry of unit.entries) entries.push(entry);
}

/**
 * The recovery, and the record brought to what was found: the disk's new beginning. `wasDamaged`:
 * something was done to the disk that a disk must not do, since the last start.
 *
 * @throws Violation D2 or D3
 */
export function explainRecovery(
  record: DiskRecord,
  found: Found,
  wasDamaged: boolean,
  committed: Committed,
): Recovery {
  const recovery =
    explain(record, found, committed) ??
    (wasDamaged ? explainDamage(record, found, committed) : null);
  if (recovery === null) throw unexplained(record, found, wasDamaged);
  const snapshots = explainSnapshots(record, found, recovery.keptUnits, wasDamaged);
  record.hardState = found.hardState;
  record.entries.length = 0;
  for (const entry of found.entries) record.entries.push(entry);
  record.pending = [];
  record.snapshot = found.snapshot?.position.index ?? 0;
  record.saving = [];
  record.base = found.base;
  record.dropped = found.base;
  return { ...recovery, ...(snapshots === null ? {} : { snapshots }) };
}

/** Null: there have never been any. @throws Violation D2 */
function explainSnapshots(
  record: DiskRecord,
  found: Found,
  keptUnits: number,
  wasDamaged: boolean,
): RecoveredSnapshots | null {
  const { base, snapshot } = found;
  const known = snapshotAfter(record, keptUnits);
  const index = snapshot?.position.index ?? 0;
  if (known === 0 && index === 0 && base === 0) return null;
  const isSaved = index > known;
  // A log that lost its end to damage, and the snapshot's last entry with it, is replaced by it.
  const isReplaced = isSaved || (wasDamaged && index === found.entries.length);
  const baseMax = Math.max(record.dropped, baseAfter(record, keptUnits), isReplaced ? index : 0);
  const isBase = base <= baseMax && (wasDamaged || base >= baseAfter(record, keptUnits));
  const isHeld = index >= known && index >= base;
  if (!isBase || !isHeld) {
    const what = `found a log behind ${base} and the snapshot ${index}`;
    const had = `on disk was one behind ${record.base} (${record.dropped}) and ${known}`;
    throw new Violation("D2", `a start ${what}; ${had}`);
  }
  return { base, saved: isSaved ? snapshot : null };
}

function snapshotAfter(record: DiskRecord, keptUnits: number): number {
  let index = record.snapshot;
  for (const unit of record.pending.slice(0, keptUnits)) {
    if (unit.kind === "install-snapshot") index = Math.max(index, unit.position.index);
  }
  return index;
}

/** Where the log begins at least, once these units are on disk. */
function baseAfter(record: DiskRecord, keptUnits: number): number {
  let { base } = record;
  for (const unit of record.pending.slice(0, keptUnits)) {
    if (unit.kind === "install-snapshot" && unit.replacesLog) {
      base = Math.max(base, unit.position.index);
    }
  }
  return base;
}

/** Whether the newest snapshot is the one of then, or one that was being written. */
function isSnapshotOf(record: DiskRecord, keptUnits: number, { snapshot }: Found): boolean {
  const index = snapshot?.position.index ?? 0;
  const known = snapshotAfter(record, keptUnits);
  if (index <= known) return index === known;
  return record.saving.some((position) => isSamePosition(position, snapshot?.position));
}

function isSamePosition(a: LogPosition, b: LogPosition | undefined): boolean {
  return a.index === b?.index && a.term === b.term;
}

/** Without damage: a prefix of the units, or of units that were written together its hard state. */
function explain(record: DiskRecord, found: Found, committed: Committed): Recovery | null {
  const hardStates = newestHardStates(record);
  const log = [...record.entries];
  let recovery: Recovery | null = null;
  for (let kept = 0; kept <= record.pending.length; kept++) {
    const unit = record.pending[kept - 1];
    if (unit !== undefined) applyUnit(log, unit, committed);
    const hard = findHardState(hardStates, kept, found.hardState);
    if (hard === null || !isSameLog(log, found.entries)) continue;
    if (!isSnapshotOf(record, kept, found)) continue;
    recovery = { keptUnits: kept, keptEntries: null, ...aheadOf(kept, hard) };
  }
  return recovery;
}

/** After how many units, `kept` or more, the hard state is this one; null: never. */
function findHardState(
  hardStates: readonly HardState[],
  kept: number,
  wanted: HardState,
): number | null {
  for (let hard = kept; hard < hardStates.length; hard++) {
    if (isSameHardState(hardStates[hard], wanted)) return hard;
  }
  return null;
}

function aheadOf(kept: number, hard: number): { readonly keptHardStates?: number } {
  return hard === kept ? {} : { keptHardStates: hard };
}

/** After none, the first, the first two … of the units under way. */
function newestHardStates(record: DiskRecord): HardState[] {
  let newest = record.hardState;
  const all = [newest];
  for (const unit of record.pending) {
    if (unit.kind === "persist") newest = unit.hardState ?? newest;
    all.push(newest);
  }
  return all;
}

/**
 * The last write was taken by damage, and the member knows: it abstains. As many units under way as
 * the hard state allows may have been on disk before; the log fell back from that.
 */
function explainDamage(record: DiskRecord, found: Found, committed: Committed): Recovery | null {
  if (!found.hardState.mustCatchUp) return null;
  const hardStates = newestHardStates(record).map((one) => ({ ...one, mustCatchUp: true }));
  const log = [...record.entries];
  let best: { kept: number; hard: number; common: number } | null = null;
  for (let kept = 0; kept <= record.pending.length; kept++) {
    const unit = record.pending[kept - 1];
    if (unit !== undefined) applyUnit(log, unit, committed);
    const hard = findHardState(hardStates, kept, found.hardState);
    if (hard === null) break;
    if (!isSnapshotOf(record, kept, found)) continue;
    const common = commonLength(log, found.entries);
    if (best === null || common > best.common) best = { kept, hard, common };
  }
  if (best === null) return null;
  const restored = found.entries.slice(best.common);
  return {
    keptUnits: best.kept,
    keptEntries: best.common,
    ...aheadOf(best.kept, best.hard),
    ...(restored.length === 0 ? {} : { restored }),
  };
}

function commonLength(a: readonly Entry[], b: readonly Entry[]): number {
  const end = Math.min(a.length, b.length);
  let at = 0;
  while (at < end && isSameEntry(a[at], b[at])) at++;
  return at;
}

function isSameLog(a: readonly Entry[], b: readonly Entry[]): boolean {
  return a.length === b.length && commonLength(a, b) === a.length;
}

function isSameEntry(a: Entry | undefined, b: Entry | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  if (a.index !== b.index || a.term !== b.term || a.kind !== b.kind) return false;
  if (a.data.length !== b.data.length) return false;
  for (let at = 0; at < a.data.length; at++) if (a.data[at] !== b.data[at]) return false;
  return true;
}

function isSameHardState(a: HardState | undefined, b: HardState): boolean {
  if (a?.term !== b.term || a.votedFor !== b.votedFor) return false;
  // Terms and votes may be equal, and the later one promises more.
  return a.mustCatchUp === b.mustCatchUp && (a.promisedMs ?? 0) === (b.promisedMs ?? 0);
}

function unexplained(record: DiskRecord, found: Found, wasDamaged: boolean): Violation {
  const text =
    `found ${describe(found)}; on disk was ${describe(record)}, with ${record.pending.length} ` +
    `units under way${record.pending.map((unit) => ` [${describeUnit(unit)}]`).join("")}`;
  const isSilent = wasDamaged && !found.hardState.mustCatchUp;
  return isSilent
    ? new Violation("D3", `damage went unnoticed: a start ${text}`)
    : new Violation("D2", `a start ${text}`);
}

function describe({ hardState, entries }: Pick<Found, "hardState" | "entries">): string {
  const last = entries.at(-1);
  const abstains = hardState.mustCatchUp ? " abstaining" : "";
  const log = `${last?.index ?? 0}/${last?.term ?? 0}`;
  return `term ${hardState.term} vote ${hardState.votedFor ?? "-"}${abstains} log to ${log}`;
}

function describeUnit(write: Persist | InstallSnapshot): string {
  if (write.kind === "install-snapshot") {
    const { unit, position, replacesLog } = write;
    return `${unit}: snapshot ${position.index}${replacesLog ? " in place of the log" : ""}`;
  }
  const { unit, hardState, truncateFrom, entries } = write;
  const parts = [`${unit}:`];
  if (hardState !== null) parts.push(`term ${hardState.term} vote ${hardState.votedFor ?? "-"}`);
  if (truncateFrom !== null) parts.push(`cut from ${truncateFrom}`);
  const [first] = entries;
  if (first !== undefined) parts.push(`entries ${first.index} to ${entries.at(-1)?.index}`);
  return parts.join(" ");
}
