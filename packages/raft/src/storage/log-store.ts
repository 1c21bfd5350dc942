/**
 * The contract of durable storage: what the node needs of a disk. Implementations: `wal/` on a
 * directory, `memory-log-store.ts` without one. The conformance suite in `testing/` runs on each.
 */
import type { LogIndex } from "../base/index.ts";
import type { Entry, HardState, Persist } from "../core/index.ts";

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

export interface LogStore {
  /**
   * Queues a unit. `done` runs when it and every unit before it are durable, in order, never inside
   * the call. Units that arrive while a write is under way go into the next one together (group
   * commit). After the first error every pending and later `done` gets that same error, and nothing
   * is written any more.
   */
  append(request: PersistRequest, done: (error: StorageError | null) => void): void;
  /** Waits for what is queued, writes the witness, closes the files. */
  close(done: (error: StorageError | null) => void): void;
}

/** What a store found when it was opened; synced, so that promises may rest on it. */
export interface RecoveredLog {
  readonly store: LogStore;
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
  /** The highest commit index that was stored along; at most the last index. */
  readonly commit: LogIndex;
}
