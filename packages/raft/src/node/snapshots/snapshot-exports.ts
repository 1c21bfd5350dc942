/**
 * Snapshots for callers, such as those who save one elsewhere: the machines' state as it is now,
 * written under a name that never counts, read by the caller, and removed when that is done. They
 * cut nothing, and a crash leaves a file that the next start removes. Called by
 * `member-snapshots.ts`; promises are made of it in `open-snapshot.ts`.
 */
import { assert, type QuorateError } from "../../base/index.ts";
import {
  type OpenError,
  type SealedSnapshot,
  type SnapshotIdentity,
  type SnapshotReader,
  type SnapshotStore,
  StorageDamage,
  type StorageError,
} from "../../storage/index.ts";
import { addDeadline, type Deadlines, type Expiring } from "../deadlines.ts";
import {
  fromOpenError,
  noSpace,
  overloaded,
  stoppedError,
  storageFailed,
  timedOut,
} from "../errors.ts";
import type { Deliver } from "./snapshot-taker.ts";
import { Operations } from "./transfer-context.ts";

/** Runs exactly once, never inside the call, and does not throw. */
export type ExportDone = (error: QuorateError | null, snapshot?: SnapshotExport) => void;

export interface SnapshotExportsHost {
  readonly store: SnapshotStore;
  readonly deadlines: Deadlines;
  readonly exportsMax: number;
  nowMs(): number;
  /** Runs `run` between two turns. */
  defer(run: () => void): void;
  guard(run: () => void): void;
  /** Begins to write the state as it is now, if that can be done now. */
  begin(deliver: Deliver): boolean;
  /** The disk failed. */
  onFailed(error: Error): void;
}

const action = "open a snapshot";

export class ExportRequest implements Expiring {
  readonly startedMs: number;
  readonly deadlineMs: number;
  isSettled = false;
  readonly #done: ExportDone;
  readonly #nowMs: () => number;

  constructor(startedMs: number, timeoutMs: number, nowMs: () => number, done: ExportDone) {
    this.startedMs = startedMs;
    this.deadlineMs = startedMs + timeoutMs;
    this.#nowMs = nowMs;
    this.#done = done;
  }

  /** Ignored after the first. */
  settle(error: QuorateError | null, snapshot?: SnapshotExport): void {
    if (this.isSettled) return;
    this.isSettled = true;
    if (snapshot === undefined) this.#done(error);
    else this.#done(null, snapshot);
  }

  expire(): void {
    this.settle(timedOut(action, this.#nowMs() - this.startedMs, "not-applied"));
  }

  fail(cause: unknown): void {
    this.settle(stoppedError("not-applied", cause));
  }
}

export class SnapshotExports {
  readonly #host: SnapshotExportsHost;
  /** Not begun; settled ones are dropped when they are met. */
  readonly #waiting: ExportRequest[] = [];
  readonly #open = new Set<SnapshotExport>();
  /** From a request to its end, or to the end of what it got. */
  readonly #operations = new Operations();
  #places = 0;
  #isStopping = false;

  constructor(host: SnapshotExportsHost) {
    this.#host = host;
  }

  /** A returned error is the answer, too. */
  request(timeoutMs: number, done: ExportDone): ExportRequest | QuorateError {
    this.#dropSettled();
    const { exportsMax, deadlines } = this.#host;
    if (this.#places >= exportsMax) return overloaded("snapshotExportsMax", exportsMax);
    const nowMs = () => this.#host.nowMs();
    const request = new ExportRequest(nowMs(), timeoutMs, nowMs, done);
    this.#places++;
    this.#waiting.push(request);
    addDeadline(deadlines, timeoutMs, request);
    this.#host.defer(() => this.#host.guard(() => this.onTick()));
    return request;
  }

  /** Begins what waits, one at a time. Between two turns. */
  onTick(): void {
    this.#dropSettled();
    const [request] = this.#waiting;
    if (request === undefined || this.#isStopping) return;
    const finished = this.#operations.begin();
    const isBegun = this.#host.begin((error, sealed) => {
      this.#onWritten(request, error, sealed);
      finished();
    });
    if (isBegun) this.#waiting.shift();
    else finished();
  }

  #dropSettled(): void {
    const left = this.#waiting.filter(({ isSettled }) => !isSettled);
    this.#places -= this.#waiting.length - left.length;
    this.#waiting.splice(0, this.#waiting.length, ...left);
  }

  #onWritten(request: ExportRequest, error: StorageError | null, sealed?: SealedSnapshot): void {
    if (sealed !== undefined) this.#onSealed(request, sealed);
    else if (error === null)
      this.#waiting.unshift(request); // another state takes its place
    else {
      this.#places--;
      if (isNoSpace(error)) request.settle(noSpace(action, error));
      else this.#host.onFailed(storageFailed(error));
    }
  }

  #onSealed(request: ExportRequest, sealed: SealedSnapshot): void {
    const { store } = this.#host;
    const finished = this.#operations.begin();
    store.readSealed(sealed, (error, reader) => {
      this.#host.guard(() => {
        if (reader === undefined) {
          this.#discard(sealed);
          // Damage harms nobody but its caller; anything else ends the member, and so the request.
          if (error instanceof StorageDamage) request.settle(fromOpenError(error, ""));
          else if (error !== null) this.#host.onFailed(error);
        } else this.#onReadable(request, sealed, reader);
        finished();
      });
    });
  }

  #onReadable(request: ExportRequest, sealed: SealedSnapshot, reader: SnapshotReader): void {
    const finished = this.#operations.begin();
    const snapshot = new SnapshotExport(reader, {
      onFailed: (error) => this.#host.onFailed(error),
      onClosed: () => {
        this.#open.delete(snapshot);
        this.#discard(sealed);
        finished();
      },
    });
    this.#open.add(snapshot);
    if (request.isSettled || this.#isStopping) snapshot.close();
    else request.settle(null, snapshot);
  }

  #discard(sealed: SealedSnapshot): void {
    const finished = this.#operations.begin();
    this.#host.store.discard(sealed, () => {
      this.#places--;
      finished();
    });
  }

  /** Closes what is open; `done` runs when the disk is done with all. Once. */
  stop(done: () => void): void {
    this.#isStopping = true;
    for (const snapshot of [...this.#open]) snapshot.close();
    this.#operations.whenNone(done);
  }
}

export function isNoSpace({ systemCode }: StorageError): boolean {
  return systemCode === "ENOSPC" || systemCode === "EDQUOT";
}

interface SnapshotExportOwner {
  /** The disk failed. */
  onFailed(error: OpenError): void;
  onClosed(): void;
}

type ReadDone = (error: OpenError | null, bytes?: Uint8Array) => void;

/** A snapshot that a caller reads; it is his to close, and the member's when that ends. */
export class SnapshotExport {
  readonly #reader: SnapshotReader;
  readonly #owner: SnapshotExportOwner;
  #isReading = false;
  #isClosed = false;
  readonly #whenClosed: (() => void)[] = [];
  #isGone = false;

  constructor(reader: SnapshotReader, owner: SnapshotExportOwner) {
    this.#reader = reader;
    this.#owner = owner;
  }

  get identity(): SnapshotIdentity {
    return this.#reader.description.identity;
  }

  /** Whether nothing can be read any more. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /**
   * Bytes of the file, one read at a time; without error and bytes it was closed meanwhile.
   *
   * @invariant it is open, and the bytes are within the file and `readBytesMax`
   */
  readBytes(offset: number, length: number, done: ReadDone): void {
    assert(!this.#isClosed && !this.#isReading, "an open snapshot is read, one read at a time");
    this.#isReading = true;
    this.#reader.readBytes(offset, length, (error, bytes) => {
      this.#isReading = false;
      if (this.#isClosed) {
        this.#close();
        done(null);
      } else if (bytes === undefined) {
        if (error !== null) this.#owner.onFailed(error);
        done(error);
      } else done(null, bytes);
    });
  }

  /** Idempotent. `done` runs when the file is closed. */
  close(done: () => void = () => undefined): void {
    if (this.#isGone) {
      done();
      return;
    }
    this.#whenClosed.push(done);
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#isReading) this.#close();
  }

  #close(): void {
    this.#reader.close(() => {
      this.#isGone = true;
      this.#owner.onClosed();
      for (const done of this.#whenClosed.splice(0)) done();
    });
  }
}
