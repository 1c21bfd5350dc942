/**
 * Takes a snapshot of the own store into the machines, block by block between the turns. Called at
 * the start of a member and when one was installed.
 */
import type { MachineSetRestore } from "../../machine/index.ts";
import type {
  OpenError,
  SnapshotDescription,
  SnapshotReader,
  SnapshotStore,
} from "../../storage/index.ts";

export interface RestoreParts {
  readonly store: SnapshotStore;
  /** One of the store's list. */
  readonly snapshot: SnapshotDescription;
  /** Runs when the file is open; what it throws is what `done` gets. */
  begin(): MachineSetRestore;
  /** False: nobody waits for the end any more. */
  isWanted(): boolean;
}

/**
 * `done` gets what the disk, the bytes or a machine refused; the machines are of no use then. Never
 * runs inside the call.
 */
export function restoreMachines(parts: RestoreParts, done: (error: Error | null) => void): void {
  parts.store.read(parts.snapshot, (error, reader) => {
    if (reader === undefined) {
      done(error ?? new Error("the store gave no reader"));
      return;
    }
    const close = (failed: Error | null) => reader.close(() => done(failed));
    attempt(close, () => readNext(parts, reader, parts.begin(), close));
  });
}

function readNext(
  parts: RestoreParts,
  reader: SnapshotReader,
  restore: MachineSetRestore,
  close: (failed: Error | null) => void,
): void {
  reader.next((error: OpenError | null, part) => {
    if (error !== null || part === undefined || !parts.isWanted()) {
      close(error ?? new Error("nobody waits for the snapshot any more"));
      return;
    }
    attempt(close, () => {
      if (part === null) {
        restore.finish();
        close(null);
      } else {
        restore.write(part);
        readNext(parts, reader, restore, close);
      }
    });
  });
}

function attempt(failed: (error: Error) => void, run: () => void): void {
  try {
    run();
  } catch (error) {
    failed(error instanceof Error ? error : new Error(String(error)));
  }
}
