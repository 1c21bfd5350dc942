/**
 * The contract of durable storage: what the node needs of a disk. Implementations: `wal/` on a
 * directory, `memory-log-store.ts` without one. The conformance suite in `testing/` runs on each.
 */
import type { LogIndex } from "../base/index.ts";
import type { Entry, HardState, LogPosition, Persist } from "../core/index.ts";
import type { SnapshotDescription } from "./snapshot/snapshot-format.ts";
import type { SealedSnapshot } from "./snapshot/snapshot-space.ts";
import type { SnapshotStore } from "./snapshot/snapshot-store.ts";

/** What one append asks for; the core's `persist` effect without its tag. */
export type PersistRequest = Omit<Persist, "kind">;

/**
 * The member is finished: the file, what was tried, and the system's code. Final from the first
 * time on.
 */
export class StorageError extends Error {
  override readonly name = "StorageError";
  readonly file: string;
  readonly systemCode: string;

  constructor(message: string, file: string, systemCode: string) {
    super(message);
    this.file = file;
    this.systemCode = systemCode;
  }
}

/**
 * What a snapshot at a position does to a log. `covered`: the log begins there or later, and agrees
 * as far as is known. `keeps-log`: the log has this very entry, and all that follows it stays.
 * `replaces-log`: the log ends before it, or has another, uncommitted entry there; nothing of it
 * stays. `conflict`: another entry is committed there; one of the two is not of this cluster's
 * history, and the snapshot must not be taken.
 */
export type SnapshotEffect = "covered" | "keeps-log" | "replaces-log" | "conflict";

/** What the store can do after `effectOf` said anything but `conflict`. */
export interface LogStore {
  /** The snapshots beside this log. */
  readonly snapshots: SnapshotStore;
  /**
   * Queues a unit. `done` runs when it and every unit before it are durable, in order, never inside
   * the call. Units that arrive while a write is under way go into the next one together (group
   * commit). After the first error every pending and later `done` gets that same error, and nothing
   * is written any more.
   */
  append(request: PersistRequest, done: (error: StorageError | null) => void): void;
  /** Judges against the log as it was last asked for, what is queued included. */
  effectOf(position: LogPosition): SnapshotEffect;
  /**
   * Queues the installation of a whole snapshot, received or written here: the snapshot counts from
   * one moment on, a crash leaves it with all that follows from it, or without. If the log has the
   * snapshot's last entry, all of the log stays; if not, it is empty afterwards and goes on behind
   * the snapshot, which later appends may already rest on. Commits what is in the snapshot.
   *
   * @invariant no conflict; the hard state's term is at least the snapshot's
   */
  install(sealed: SealedSnapshot, done: (error: StorageError | null) => void): void;
  /**
   * Queues the removal of what storage can give back of the entries up to `position`, which are
   * committed and in the newest snapshot. What is left may still begin before `position`.
   *
   * @invariant the log has, or begins with, this position; a snapshot at it or later is installed
   */
  compact(position: LogPosition, done: (error: StorageError | null) => void): void;
  /** Waits for what is queued, writes the witness, closes the files. */
  close(done: (error: StorageError | null) => void): void;
}

/** What a store found when it was opened; synced, so that promises may rest on it. */
export interface RecoveredLog {
  readonly store: LogStore;
  readonly hardState: HardState;
  /** What the entries follow: (0, 0), or the last entry that was dropped. */
  readonly base: LogPosition;
  /** From `base.index + 1` on, without a gap. */
  readonly entries: readonly Entry[];
  /**
   * The highest commit index that was stored along; at least the base's, at most the last index.
   */
  readonly commit: LogIndex;
  /**
   * The newest sound snapshot, if the log reaches back to it: the state to start from. With a base
   * of (0, 0) there may be none, and with another base only if all that would do are damaged.
   */
  readonly snapshot: SnapshotDescription | null;
}
