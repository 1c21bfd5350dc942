/**
 * Writes the machines' state at one index as a snapshot, piece by piece between the turns and at a
 * bounded rate, while commands go on. One at a time: what is due meanwhile is left out, and the
 * next one comes at its own index, whatever became of this one. Called by `member-snapshots.ts`.
 */
import { assert } from "../../base/index.ts";
import type { LogPosition } from "../../core/index.ts";
import type { MachineSetCapture } from "../../machine/index.ts";
import type { Clock } from "../../ports/index.ts";
import type {
  LogStore,
  SealedSnapshot,
  SnapshotWriter,
  StorageError,
} from "../../storage/index.ts";
import { TokenBucket, type TokenRequest } from "./token-bucket.ts";

export interface SnapshotTakerHost {
  readonly store: LogStore;
  /** Runs a callback of storage; what it throws ends the member. */
  guard(run: () => void): void;
  /** It is installed: durable, and counts. */
  onSaved(sealed: SealedSnapshot, forMs: number): void;
  /** The disk refused one that was to be installed; nothing rests on what was written. */
  onFailed(error: StorageError, position: LogPosition): void;
  readonly clock: Clock;
  readonly bytesPerSecond: number;
  /** What waits for the snapshot grows too large: it is written without regard to the rate. */
  isUrgent(): boolean;
}

/**
 * Bytes of a piece: encoded, hashed and handed to the disk in one go, which takes about a
 * millisecond.
 */
const pieceBytes = 256 * 1024;

/**
 * Gets a whole snapshot that is not to be installed, or why there is none; without both it was
 * given up.
 */
export type Deliver = (error: StorageError | null, sealed?: SealedSnapshot) => void;

interface Taking {
  /** Null: it is installed. */
  readonly deliver: Deliver | null;
  readonly position: LogPosition;
  readonly capture: MachineSetCapture;
  readonly startedMs: number;
  section: string | null;
  /** It shall end without a snapshot. */
  isCancelled: boolean;
}

export class SnapshotTaker {
  readonly #host: SnapshotTakerHost;
  readonly #bucket: TokenBucket;
  #taking: Taking | null = null;
  /** For the next piece to be within the rate, and what to do then. */
  #pause: { readonly tokens: TokenRequest; readonly over: () => void } | null = null;
  #whenIdle: (() => void) | null = null;

  constructor(host: SnapshotTakerHost) {
    this.#host = host;
    this.#bucket = new TokenBucket(host.clock, host.bytesPerSecond);
  }

  /** What is being written; null while nothing is. */
  get position(): LogPosition | null {
    return this.#taking?.position ?? null;
  }

  /** @invariant none is being taken */
  begin(
    position: LogPosition,
    capture: MachineSetCapture,
    configuration: Uint8Array,
    deliver: Deliver | null = null,
  ): void {
    assert(this.#taking === null, "one snapshot is taken at a time");
    const startedMs = this.#host.clock.nowMs();
    const begun = { deliver, position, capture, startedMs };
    const taking: Taking = { ...begun, section: null, isCancelled: false };
    this.#taking = taking;
    this.#host.store.snapshots.begin(position, configuration, (error, writer) => {
      this.#host.guard(() => {
        if (writer === undefined) this.#fail(taking, error);
        else this.#next(taking, writer);
      });
    });
  }

  /** Gives the one under way up: another snapshot takes the place of what it is of. */
  cancel(): void {
    if (this.#taking === null) return;
    this.#taking.isCancelled = true;
    this.#taking.capture.release();
    const pause = this.#pause;
    this.#pause = null;
    pause?.tokens.cancel();
    pause?.over();
  }

  /** Cancels; `done` runs when the disk is done with it. */
  stop(done: () => void): void {
    assert(this.#whenIdle === null, "it is stopped once");
    this.cancel();
    if (this.#taking === null) done();
    else this.#whenIdle = done;
  }

  #next(taking: Taking, writer: SnapshotWriter): void {
    if (taking.isCancelled) {
      writer.abort(() => this.#giveUp(taking));
      return;
    }
    const data = nextBytes(taking, writer);
    if (data === null) this.#finish(taking, writer);
    else {
      writer.write(data, (error) => {
        this.#host.guard(() => {
          if (error === null) this.#pace(data.length, () => this.#next(taking, writer));
          else this.#fail(taking, error);
        });
      });
    }
  }

  /** Goes on when `bytes` that were written are within the rate. */
  #pace(bytes: number, over: () => void): void {
    if (this.#host.isUrgent()) {
      over();
      return;
    }
    let isOver = false;
    const tokens = this.#bucket.take(bytes, () => {
      isOver = true;
      this.#pause = null;
      this.#host.guard(over);
    });
    if (!isOver) this.#pause = { tokens, over };
  }

  #finish(taking: Taking, writer: SnapshotWriter): void {
    writer.finish((error, sealed) => {
      this.#host.guard(() => {
        if (sealed === undefined) this.#fail(taking, error);
        else if (taking.isCancelled) {
          this.#host.store.snapshots.discard(sealed, () => this.#giveUp(taking));
        } else if (taking.deliver === null) this.#install(taking, sealed);
        else {
          this.#end();
          taking.deliver(null, sealed);
        }
      });
    });
  }

  #install(taking: Taking, sealed: SealedSnapshot): void {
    this.#host.store.install(sealed, (error) => {
      this.#host.guard(() => {
        if (error === null) {
          this.#end();
          this.#host.onSaved(sealed, this.#host.clock.nowMs() - taking.startedMs);
        } else {
          this.#fail(taking, error);
        }
      });
    });
  }

  /** Storage has removed what was written. */
  #fail(taking: Taking, error: StorageError | null): void {
    assert(error !== null, "what gives nothing says why");
    taking.capture.release();
    this.#end();
    if (taking.deliver === null) this.#host.onFailed(error, taking.position);
    else taking.deliver(error);
  }

  #giveUp({ deliver }: Taking): void {
    this.#host.guard(() => {
      this.#end();
      deliver?.(null);
    });
  }

  #end(): void {
    this.#taking = null;
    const done = this.#whenIdle;
    this.#whenIdle = null;
    done?.();
  }
}

/** The next bytes to write, their section begun; null after the last. */
function nextBytes(taking: Taking, writer: SnapshotWriter): Uint8Array | null {
  for (;;) {
    const piece = taking.capture.next(pieceBytes);
    if (piece === null) return null;
    if (piece.section !== taking.section) writer.section(piece.section);
    taking.section = piece.section;
    if (piece.data.length > 0) return piece.data;
  }
}
