/** A log store without a disk: for members that never come back, and for tests. */
import { assert, noIndex, noTerm } from "../base/index.ts";
import type { Clock } from "../ports/index.ts";
import type { LogStore, PersistRequest, RecoveredLog, StorageError } from "./log-store.ts";

/**
 * Keeps nothing: the core holds the log, and with the process everything is gone. Completions come
 * through `clock.defer`, in order, as those of a disk do.
 */
export class MemoryLogStore implements LogStore {
  readonly #clock: Clock;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  append(_request: PersistRequest, done: (error: StorageError | null) => void): void {
    assert(!this.#isClosed, "nothing is appended after the close");
    this.#clock.defer(() => done(null));
  }

  close(done: (error: StorageError | null) => void): void {
    assert(!this.#isClosed, "a log is closed once");
    this.#isClosed = true;
    this.#clock.defer(() => done(null));
  }
}

/** An empty log in memory. */
export function openMemoryLog(clock: Clock): RecoveredLog {
  return {
    store: new MemoryLogStore(clock),
    hardState: { term: noTerm, votedFor: null, mustCatchUp: false },
    entries: [],
    commit: noIndex,
  };
}
