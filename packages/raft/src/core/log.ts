/**
 * The log in memory: what this member has appended, on disk or on its way there. Plain data and
 * functions. It follows a base: all up to there is committed, and in a snapshot.
 */
import { assert, type LogIndex, logIndex, noIndex, noTerm, type Term } from "../base/index.ts";
import { type Configuration, emptyConfiguration } from "./configuration.ts";
import { decodeConfiguration } from "./configuration-codec.ts";
import { type Entry, entryBytes, type LogPosition } from "./entry.ts";

export interface Log {
  /** The position before the first entry: (0, 0) until a snapshot takes its place. */
  base: LogPosition;
  /** @invariant consecutive from `base.index + 1`; terms never decrease. */
  readonly entries: Entry[];
}

export const beforeFirst: LogPosition = { index: noIndex, term: noTerm };

export function createLog(entries: readonly Entry[], base: LogPosition = beforeFirst): Log {
  const log: Log = { base, entries: [] };
  appendToLog(log, entries);
  return log;
}

export function lastIndex(log: Log): LogIndex {
  return (log.base.index + log.entries.length) as LogIndex; // sum of an index and a count
}

export function lastPosition(log: Log): LogPosition {
  const last = log.entries.at(-1);
  return last === undefined ? log.base : { index: last.index, term: last.term };
}

/**
 * The term of the entry at `index`, of the base at its index, or undefined where there is neither.
 */
export function termAt(log: Log, index: LogIndex): Term | undefined {
  if (index === log.base.index) return log.base.term;
  return log.entries[index - log.base.index - 1]?.term;
}

/** @throws InvariantError where there is no entry */
export function positionAt(log: Log, index: LogIndex): LogPosition {
  const term = termAt(log, index);
  assert(term !== undefined, "positionAt: the log has no such entry", () => `${index}`);
  return { index, term };
}

/** Entries `from`..`through`, inclusive, without limit. */
export function entriesBetween(log: Log, from: LogIndex, through: LogIndex): Entry[] {
  const offset = log.base.index + 1;
  assert(from >= offset, "entriesBetween: below the first entry", () => `${from}`);
  return log.entries.slice(from - offset, through - offset + 1);
}

/** Bytes of the entries from `from` through `through`, as far as the log has them. */
export function bytesBetween(log: Log, from: number, through: number): number {
  const first = Math.max(0, from - log.base.index - 1);
  const end = Math.min(log.entries.length, through - log.base.index);
  let bytes = 0;
  for (let at = first; at < end; at++) {
    const entry = log.entries[at];
    if (entry !== undefined) bytes += entryBytes(entry);
  }
  return bytes;
}

/**
 * As many entries from `from` on, up to `through`, as `bytesMax` holds; one at least if there is
 * one.
 */
export function entriesWithin(
  log: Log,
  from: LogIndex,
  through: LogIndex,
  bytesMax: number,
): Entry[] {
  const start = from - log.base.index - 1;
  assert(start >= 0, "entriesWithin: below the first entry", () => `${from}`);
  const endMax = Math.min(log.entries.length, through - log.base.index);
  let bytes = 0;
  let end = start;
  for (; end < endMax; end++) {
    const entry = log.entries[end];
    if (entry === undefined) break;
    bytes += entryBytes(entry);
    if (bytes > bytesMax && end > start) break;
  }
  return log.entries.slice(start, end);
}

/** @invariant `entries` continue the log without a gap. */
export function appendToLog(log: Log, entries: readonly Entry[]): void {
  let { index, term } = lastPosition(log);
  for (const entry of entries) {
    assert(entry.index === index + 1, "the log has no gaps", () => `${entry.index} after ${index}`);
    assert(entry.term >= term, "terms never decrease along the log", () => `at ${entry.index}`);
    ({ index, term } = entry);
    log.entries.push(entry);
  }
}

/** Removes the entries from `from` on. */
export function truncateLog(log: Log, from: LogIndex): void {
  assert(from > log.base.index, "truncateLog: the base stays", () => `${from}`);
  log.entries.length = Math.min(log.entries.length, from - log.base.index - 1);
}

/** Removes the entries up to `through`, which becomes the base. @paper §7 */
export function dropThrough(log: Log, through: LogIndex): void {
  assert(through >= log.base.index, "dropThrough: the base never goes back", () => `${through}`);
  const base = positionAt(log, through);
  log.entries.splice(0, through - log.base.index);
  log.base = base;
}

/** A log of nothing but what a snapshot of this position stands for. @paper §7 */
export function replaceLog(log: Log, base: LogPosition): void {
  log.entries.length = 0;
  log.base = base;
}

/**
 * Whether a log that has nothing beyond `position` in common with this one lacks its base: there is
 * no entry to send from then.
 */
export function isBelowBase(log: Log, position: LogPosition): boolean {
  return position.index < log.base.index || position.term < log.base.term;
}

/**
 * The last position at or before `position.index` whose term is at most `position.term`: what two
 * logs can still have in common, found by halving. @paper §5.3
 *
 * @invariant the position is not below the base
 */
export function lastPossibleMatch(log: Log, position: LogPosition): LogPosition {
  assert(!isBelowBase(log, position), "what is shared reaches the base", () => `${position.index}`);
  let low: number = log.base.index; // always possible
  let high: number = Math.min(position.index, lastIndex(log));
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const term = termAt(log, logIndex(middle));
    if (term !== undefined && term <= position.term) low = middle;
    else high = middle - 1;
  }
  return positionAt(log, logIndex(low));
}

/** A configuration and the index of its entry. */
export interface PlacedConfiguration {
  readonly configuration: Configuration;
  readonly index: LogIndex;
}

/**
 * The newest configuration at or before `through`; the empty one if the log is empty. Looks no
 * further back than `above`, which a log behind a snapshot needs.
 *
 * @throws FormatError for one that this version cannot read: unknown is a stop
 */
export function configurationAt(
  log: Log,
  through: number,
  above: PlacedConfiguration | null = null,
): PlacedConfiguration {
  const floor = above?.index ?? log.base.index;
  for (let at = Math.min(through, lastIndex(log)) - log.base.index - 1; at >= 0; at--) {
    const entry = log.entries[at];
    if (entry === undefined || entry.index <= floor) break;
    if (entry.kind !== "configuration") continue;
    return { configuration: decodeConfiguration(entry.data), index: entry.index };
  }
  if (above !== null) return above;
  assert(log.base.index === 0, "behind a base the configuration is known from a snapshot");
  assert(log.entries.length === 0, "a log begins with a configuration: bootstrap writes the first");
  return { configuration: emptyConfiguration, index: log.base.index };
}

/**
 * The configuration before the effective one, or `committed` if that is newer. It is committed as
 * well, whatever the commit index says: a leader appends a configuration only upon a committed one.
 */
export function configurationBefore(
  log: Log,
  effective: PlacedConfiguration,
  committed: PlacedConfiguration,
): PlacedConfiguration {
  if (effective.index <= committed.index) return committed;
  return configurationAt(log, effective.index - 1, committed);
}

/** Whether a log that ends at `a` is at least as complete as one that ends at `b`. @paper §5.4.1 */
export function isUpToDate(a: LogPosition, b: LogPosition): boolean {
  return a.term > b.term || (a.term === b.term && a.index >= b.index);
}
