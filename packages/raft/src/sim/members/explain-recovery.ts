/**
 * Explains what a start found on disk by what was handed to the disk before: which units survived,
 * what damage took. Written from the contract of storage alone; it reads no files. A recovery that
 * cannot be explained is D2 (something durable is gone, or something was made up); one that lost
 * something to damage without abstaining is D3.
 */
import type { LogIndex } from "../../base/index.ts";
import type { Entry, HardState, Persist } from "../../core/index.ts";
import type { Recovery } from "../observer.ts";
import { Violation } from "../violation.ts";

/** A member's disk as the member was told: what is durable, and what is under way. */
export interface DiskRecord {
  hardState: HardState;
  /** Entry k is at k - 1. */
  readonly entries: Entry[];
  commit: LogIndex;
  /** Handed out and not reported durable, in order. */
  pending: Persist[];
}

/** What the core of the new process was made from. */
export interface Found {
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
}

export function createDiskRecord(
  hardState: HardState,
  entries: readonly Entry[],
  commit: LogIndex,
): DiskRecord {
  return { hardState, entries: [...entries], commit, pending: [] };
}

/** The oldest unit under way is durable. */
export function recordDurable(record: DiskRecord): void {
  const unit = record.pending.shift();
  if (unit === undefined) return;
  applyUnit(record.entries, unit);
  if (unit.hardState !== null) record.hardState = unit.hardState;
  if (unit.commit > record.commit) record.commit = unit.commit;
}

function applyUnit(entries: Entry[], unit: Persist): void {
  if (unit.truncateFrom !== null) entries.length = unit.truncateFrom - 1;
  for (const entry of unit.entries) entries.push(entry);
}

/**
 * The recovery, and the record brought to what was found: the disk's new beginning. `wasDamaged`:
 * something was done to the disk that a disk must not do, since the last start.
 *
 * @throws Violation D2 or D3
 */
export function explainRecovery(record: DiskRecord, found: Found, wasDamaged: boolean): Recovery {
  const recovery = explain(record, found) ?? (wasDamaged ? explainDamage(record, found) : null);
  if (recovery === null) throw unexplained(record, found, wasDamaged);
  record.hardState = found.hardState;
  record.entries.length = 0;
  for (const entry of found.entries) record.entries.push(entry);
  record.pending = [];
  return recovery;
}

/** Without damage: a prefix of the units, or of units that were written together its hard state. */
function explain(record: DiskRecord, found: Found): Recovery | null {
  const hardStates = newestHardStates(record);
  const log = [...record.entries];
  let recovery: Recovery | null = null;
  for (let kept = 0; kept <= record.pending.length; kept++) {
    const unit = record.pending[kept - 1];
    if (unit !== undefined) applyUnit(log, unit);
    const hard = findHardState(hardStates, kept, found.hardState);
    if (hard === null || !isSameLog(log, found.entries)) continue;
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
    newest = unit.hardState ?? newest;
    all.push(newest);
  }
  return all;
}

/**
 * The last write was taken by damage, and the member knows: it abstains. As many units under way as
 * the hard state allows may have been on disk before; the log fell back from that.
 */
function explainDamage(record: DiskRecord, found: Found): Recovery | null {
  if (!found.hardState.mustCatchUp) return null;
  const hardStates = newestHardStates(record).map((one) => ({ ...one, mustCatchUp: true }));
  const log = [...record.entries];
  let best: { kept: number; hard: number; common: number } | null = null;
  for (let kept = 0; kept <= record.pending.length; kept++) {
    const unit = record.pending[kept - 1];
    if (unit !== undefined) applyUnit(log, unit);
    const hard = findHardState(hardStates, kept, found.hardState);
    if (hard === null) break;
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
  return a?.term === b.term && a.votedFor === b.votedFor && a.mustCatchUp === b.mustCatchUp;
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

function describe({ hardState, entries }: Found): string {
  const last = entries.at(-1);
  const abstains = hardState.mustCatchUp ? " abstaining" : "";
  const log = `${last?.index ?? 0}/${last?.term ?? 0}`;
  return `term ${hardState.term} vote ${hardState.votedFor ?? "-"}${abstains} log to ${log}`;
}

function describeUnit({ unit, hardState, truncateFrom, entries }: Persist): string {
  const parts = [`${unit}:`];
  if (hardState !== null) parts.push(`term ${hardState.term} vote ${hardState.votedFor ?? "-"}`);
  if (truncateFrom !== null) parts.push(`cut from ${truncateFrom}`);
  const [first] = entries;
  if (first !== undefined) parts.push(`entries ${first.index} to ${entries.at(-1)?.index}`);
  return parts.join(" ");
}
