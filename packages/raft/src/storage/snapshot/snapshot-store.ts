/**
 * The snapshots of one directory: which there are, and the doors to writing, reading, receiving and
 * removing them. Changes what counts as a snapshot at one point only, `publish`, which the log
 * calls in the order of its own writes (`LogStore.install`).
 */
import { assert, type LogIndex } from "../../base/index.ts";
import type { LogPosition } from "../../core/index.ts";
import { openFile, pathIn } from "../files.ts";
import type { StorageError } from "../log-store.ts";
import { type OpenError, toOpenError, toStorageError } from "../storage-errors.ts";
import { perform, runTask, type Task } from "../task.ts";
import {
  describeSnapshot,
  isSameSnapshot,
  type SnapshotDescription,
  type SnapshotIdentity,
  snapshotFileName,
} from "./snapshot-format.ts";
import { openSnapshot, SnapshotReader } from "./snapshot-reader.ts";
import { SnapshotReceiver } from "./snapshot-receiver.ts";
import {
  discardFile,
  type SealedSnapshot,
  type SnapshotSpace,
  temporaryPath,
} from "./snapshot-space.ts";
import { SnapshotWriter } from "./snapshot-writer.ts";

export class SnapshotStore {
  readonly #space: SnapshotSpace;
  /** Oldest first. */
  #snapshots: readonly SnapshotDescription[];
  /** How many readers a snapshot has, by index. */
  readonly #pins = new Map<LogIndex, number>();
  /** Indexes of files that cannot be read; kept until they would be pruned. */
  #damaged: readonly number[];
  #attempts = 0;
  #isPruning = false;

  /** `found`: sound ones, oldest first; `damaged`: the indexes in the names of others. */
  constructor(
    space: SnapshotSpace,
    found: readonly SnapshotDescription[],
    damaged: readonly number[] = [],
  ) {
    this.#space = space;
    this.#snapshots = found;
    this.#damaged = damaged;
  }

  /** Sound when they were found or written; oldest first. */
  get list(): readonly SnapshotDescription[] {
    return this.#snapshots;
  }

  get newest(): SnapshotDescription | null {
    return this.#snapshots.at(-1) ?? null;
  }

  /** Starts a snapshot of the state right after the entry at `position`. */
  begin(
    position: LogPosition,
    configuration: Uint8Array,
    done: (error: StorageError | null, writer?: SnapshotWriter) => void,
  ): void {
    assert(position.index > 0, "a snapshot is of a state with entries in it");
    const path = temporaryPath(this.#space, position.index, ++this.#attempts);
    this.#space.disk.open(path, "create", (error, file) => {
      if (file === undefined) {
        done(toStorageError(error ?? noFile(path)));
        return;
      }
      done(null, new SnapshotWriter({ space: this.#space, position, configuration, file }));
    });
  }

  /** Starts taking the snapshot of this identity from peers. */
  receive(
    identity: SnapshotIdentity,
    done: (error: StorageError | null, receiver?: SnapshotReceiver) => void,
  ): void {
    const path = temporaryPath(this.#space, identity.position.index, ++this.#attempts);
    this.#space.disk.open(path, "create", (error, file) => {
      if (file === undefined) {
        done(toStorageError(error ?? noFile(path)));
        return;
      }
      done(null, new SnapshotReceiver(this.#space, identity, file));
    });
  }

  /** Opens a snapshot of the list. It is not pruned before its reader is closed. */
  read(
    snapshot: SnapshotDescription,
    done: (error: OpenError | null, reader?: SnapshotReader) => void,
  ): void {
    const { identity } = snapshot;
    const isListed = this.#snapshots.some((other) => isSameSnapshot(other.identity, identity));
    assert(isListed, "a snapshot of the list is read", () => describeSnapshot(identity));
    const { index } = identity.position;
    this.#pins.set(index, (this.#pins.get(index) ?? 0) + 1);
    runTask(this.#open(snapshot), (error, reader) => {
      if (error === null) {
        done(null, reader);
        return;
      }
      this.#unpin(index);
      done(toOpenError(error));
    });
  }

  /**
   * Removes snapshots below `keepFrom`, damaged ones too, but never the newest sound one, nor one
   * that is being read.
   */
  prune(keepFrom: LogIndex, done: (error: StorageError | null) => void): void {
    if (this.#isPruning) {
      this.#space.clock.defer(() => done(null));
      return;
    }
    this.#isPruning = true;
    runTask(this.#prune(keepFrom), (error) => {
      this.#isPruning = false;
      done(error === null ? null : toStorageError(error));
    });
  }

  /** Opens what was sealed and is not installed; to be discarded when the reader is closed. */
  readSealed(
    { temporaryPath: path }: SealedSnapshot,
    done: (error: OpenError | null, reader?: SnapshotReader) => void,
  ): void {
    runTask(
      this.#openFile(path, () => undefined),
      (error, reader) => {
        if (error === null) done(null, reader);
        else done(toOpenError(error));
      },
    );
  }

  /** Removes what was sealed and shall not be installed. */
  discard(sealed: SealedSnapshot, done: () => void): void {
    runTask(discardFile(this.#space, sealed.temporaryPath, null), () => done());
  }

  /**
   * The switch point: before its directory is synced the snapshot may be there or not, afterwards
   * it is. One of the same index is replaced; who reads it goes on reading the old one.
   *
   * @internal for the log stores
   */
  *publish(sealed: SealedSnapshot): Task<void> {
    const { disk, directory } = this.#space;
    const { index } = sealed.description.identity.position;
    const path = pathIn(directory, snapshotFileName(index));
    yield* perform((done) => disk.rename(sealed.temporaryPath, path, done));
    yield* perform((done) => disk.syncDirectory(directory, done));
    const others = this.#snapshots.filter((other) => other.identity.position.index !== index);
    const all = [...others, sealed.description];
    this.#snapshots = all.sort((a, b) => a.identity.position.index - b.identity.position.index);
    this.#damaged = this.#damaged.filter((other) => other !== index);
  }

  *#open(snapshot: SnapshotDescription): Task<SnapshotReader> {
    const { index } = snapshot.identity.position;
    const path = pathIn(this.#space.directory, snapshotFileName(index));
    return yield* this.#openFile(path, () => this.#unpin(index));
  }

  *#openFile(path: string, onClosed: () => void): Task<SnapshotReader> {
    const file = yield* openFile(this.#space.disk, path, "existing");
    try {
      const open = yield* openSnapshot(this.#space, file);
      return new SnapshotReader(this.#space, open, onClosed);
    } catch (error) {
      yield* perform((done) => file.close(() => done(null)));
      throw error;
    }
  }

  *#prune(keepFrom: LogIndex): Task<void> {
    const { disk, directory } = this.#space;
    const old = this.#snapshots.filter((snapshot) => {
      const { index } = snapshot.identity.position;
      return index < keepFrom && snapshot !== this.newest && !this.#pins.has(index);
    });
    const damaged = this.#damaged.filter((index) => index < keepFrom);
    const indexes = [...damaged, ...old.map(({ identity }) => identity.position.index)];
    if (indexes.length === 0) return;
    this.#snapshots = this.#snapshots.filter((snapshot) => !old.includes(snapshot));
    this.#damaged = this.#damaged.filter((index) => !damaged.includes(index));
    for (const index of indexes) {
      yield* perform((done) => disk.remove(pathIn(directory, snapshotFileName(index)), done));
    }
    yield* perform((done) => disk.syncDirectory(directory, done));
  }

  #unpin(index: LogIndex): void {
    const pins = (this.#pins.get(index) ?? 0) - 1;
    assert(pins >= 0, "a reader lets go once");
    if (pins === 0) this.#pins.delete(index);
    else this.#pins.set(index, pins);
  }
}

function noFile(path: string): Error {
  return new Error(`the disk gave no file for ${path}`);
}
