/**
 * When a snapshot is due, and how much of the log stays behind it. When follows from the log and
 * from the snapshot before alone: so members take theirs at the same entries, and equal snapshots
 * are equal files, which any of them can send. Nothing depends on that but speed.
 *
 * @thesis §5.1.2 (when to take a snapshot)
 */
import type { LogIndex } from "../../base/index.ts";
import { type Entry, entryBytes, type Log } from "../../core/index.ts";
import type { NodeLimits } from "../limits.ts";

export type SnapshotPolicyLimits = Pick<
  NodeLimits,
  "snapshotEntries" | "snapshotLogBytes" | "snapshotKeptEntries" | "snapshotKeptBytes"
>;

/** Parts of `snapshotEntries` at whose ends the bytes of the log are looked at. */
const stepsMax = 16;

/** A snapshot up to this size is written in a few milliseconds, and so whenever it may be. */
const smallBytes = 1024 * 1024;

export class SnapshotPolicy {
  readonly #limits: SnapshotPolicyLimits;
  readonly #stepEntries: number;
  /** Of entries applied since the newest snapshot. */
  #logBytes = 0;
  /** Of the newest snapshot. */
  #snapshotBytes = 0;
  /** The newest cannot be read back: the next agreed index it is. */
  #isUrgent = false;

  constructor(limits: SnapshotPolicyLimits) {
    this.#limits = limits;
    this.#stepEntries = Math.max(1, Math.floor(limits.snapshotEntries / stepsMax));
  }

  /**
   * The machines have applied `entry`. Whether a snapshot is due right behind it: at each multiple
   * of `snapshotEntries`, if as many bytes of log have come as the newest snapshot has, unless that
   * is small (a large one would be written again and again for a few entries); and when
   * `snapshotLogBytes` have come, at the next sixteenth of it, whatever its size is.
   */
  onApplied(entry: Entry): boolean {
    this.#logBytes += entryBytes(entry);
    const { snapshotEntries } = this.#limits;
    const isFull = entry.index % snapshotEntries === 0;
    if (!isFull && entry.index % this.#stepEntries !== 0) return false;
    if (this.#isUrgent || this.isLogFull) return true;
    return isFull && (this.#snapshotBytes <= smallBytes || this.#logBytes >= this.#snapshotBytes);
  }

  /** A snapshot was begun right behind the entry that was applied last. */
  onBegun(): void {
    this.#logBytes = 0;
    this.#isUrgent = false;
  }

  /** The newest snapshot has this size. `isOwn`: begun here; else it came in place of the log. */
  onNewest(bytes: number, isOwn: boolean): void {
    this.#snapshotBytes = bytes;
    if (!isOwn) this.onBegun();
  }

  /** So much log has come since the newest was begun that another one would be due. */
  get isLogFull(): boolean {
    return this.#logBytes >= this.#limits.snapshotLogBytes;
  }

  /** Another one is wanted soon. */
  hurry(): void {
    this.#isUrgent = true;
  }

  /**
   * Up to where the log may go, if `snapshot` is the newest: followers that are only slow find what
   * they lack in what stays.
   */
  cutAt(log: Log, snapshot: LogIndex): number {
    const { snapshotKeptEntries, snapshotKeptBytes } = this.#limits;
    let bytes = 0;
    let index: number = snapshot;
    while (index > log.base.index && snapshot - index < snapshotKeptEntries) {
      const entry = log.entries[index - log.base.index - 1];
      bytes += entry === undefined ? 0 : entryBytes(entry);
      if (bytes > snapshotKeptBytes) break;
      index--;
    }
    return index;
  }
}

/** Bytes of the entries up to `index`. */
export function bytesThrough(log: Log, index: LogIndex): number {
  let bytes = 0;
  for (const entry of log.entries) {
    if (entry.index > index) break;
    bytes += entryBytes(entry);
  }
  return bytes;
}
