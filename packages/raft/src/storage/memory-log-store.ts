/** A log store without a disk: for members that never come back, and for tests. */
import { assert, type Crc32, type LogIndex, noIndex, noTerm } from "../base/index.ts";
import type { LogPosition } from "../core/index.ts";
import type { Clock } from "../ports/index.ts";
import type {
  LogStore,
  PersistRequest,
  RecoveredLog,
  SnapshotEffect,
  StorageError,
} from "./log-store.ts";
import { createMemoryFiles } from "./memory-files.ts";
import type { SealedSnapshot } from "./snapshot/snapshot-space.ts";
import { SnapshotStore } from "./snapshot/snapshot-store.ts";
import { snapshotEffect } from "./snapshot-effect.ts";
import { toStorageError } from "./storage-errors.ts";
import { runTask } from "./task.ts";
import { TermRuns } from "./wal/term-runs.ts";

/**
 * Keeps the shape of the log only: the core holds the entries, and with the process everything is
 * gone, snapshots too. Completions come through `clock.defer`, in order, as those of a disk do.
 */
export class MemoryLogStore implements LogStore {
  readonly snapshots: SnapshotStore;
  readonly #clock: Clock;
  readonly #log = new TermRuns();
  #commit: LogIndex = noIndex;
  /** Of the newest snapshot, on its way or there. */
  #snapshot: LogIndex = noIndex;
  /** What has to wait for a snapshot that is being installed. */
  readonly #waiting: (() => void)[] = [];
  #isBusy = false;
  #isClosed = false;

  constructor(clock: Clock, snapshots: SnapshotStore) {
    this.#clock = clock;
    this.snapshots = snapshots;
  }

  append(request: PersistRequest, done: (error: StorageError | null) => void): void {
    assert(!this.#isClosed, "nothing is asked for after the close");
    const { truncateFrom, entries, commit } = request;
    if (truncateFrom !== null) this.#log.truncate(truncateFrom);
    for (const entry of entries) this.#log.append(entry.index, entry.term);
    this.#learnCommit(commit);
    if (this.#isBusy) this.#enqueue(() => this.#settle(done));
    else this.#clock.defer(() => done(null));
  }

  effectOf(position: LogPosition): SnapshotEffect {
    const log = this.#log;
    const { base, last } = log;
    const view = { base, last, commit: this.#commit };
    return snapshotEffect({ ...view, termAt: (index) => log.termAt(index) }, position);
  }

  install(sealed: SealedSnapshot, done: (error: StorageError | null) => void): void {
    assert(!this.#isClosed, "nothing is asked for after the close");
    const { position } = sealed.description.identity;
    const effect = this.effectOf(position);
    assert(effect !== "conflict", "a snapshot never contradicts what is committed", () => {
      return `${position.index}/${position.term}, committed to ${this.#commit}`;
    });
    if (effect === "replaces-log") this.#log.reset(position);
    this.#learnCommit(position.index);
    if (position.index > this.#snapshot) this.#snapshot = position.index;
    this.#enqueue(() => {
      runTask(this.snapshots.publish(sealed), (error) => {
        this.#settle(done, error === null ? null : toStorageError(error));
      });
    });
  }

  compact(position: LogPosition, done: (error: StorageError | null) => void): void {
    assert(!this.#isClosed, "nothing is asked for after the close");
    assert(position.index <= this.#snapshot, "only what is in a snapshot is dropped");
    if (position.index >= this.#log.base.index) this.#log.dropThrough(position);
    this.#learnCommit(position.index);
    this.#enqueue(() => this.#settle(done));
  }

  close(done: (error: StorageError | null) => void): void {
    assert(!this.#isClosed, "a log is closed once");
    this.#isClosed = true;
    this.#enqueue(() => this.#settle(done));
  }

  #learnCommit(commit: LogIndex): void {
    const known = Math.min(commit, this.#log.last.index);
    if (known > this.#commit) this.#commit = known as LogIndex; // the lesser of two indexes
  }

  #enqueue(run: () => void): void {
    this.#waiting.push(run);
    if (!this.#isBusy) this.#next();
  }

  #next(): void {
    const run = this.#waiting.shift();
    this.#isBusy = run !== undefined;
    run?.();
  }

  #settle(done: (error: StorageError | null) => void, error: StorageError | null = null): void {
    this.#clock.defer(() => {
      this.#next();
      done(error);
    });
  }
}

export interface MemoryLogOptions {
  readonly clock: Clock;
  readonly crc32: Crc32;
  /** 16 hex digits; part of its snapshots. */
  readonly clusterId: string;
}

/** An empty log in memory. */
export function openMemoryLog(options: MemoryLogOptions): RecoveredLog {
  const { clock, crc32, clusterId } = options;
  const disk = createMemoryFiles(clock);
  const snapshots = new SnapshotStore({ disk, clock, crc32, directory: "memory", clusterId }, []);
  return {
    store: new MemoryLogStore(clock, snapshots),
    hardState: { term: noTerm, votedFor: null, mustCatchUp: false },
    base: { index: noIndex, term: noTerm },
    entries: [],
    commit: noIndex,
    snapshot: null,
  };
}
