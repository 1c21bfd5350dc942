/**
 * One snapshot on its way to one member: answers what is asked for, in order, at the common rate.
 * Holds one block: the next one is read when the system has taken the one before. Made by
 * `snapshot-sender.ts` for each accepted connection for bulk.
 */
import type { NodeId } from "../../base/index.ts";
import type { Timer } from "../../ports/index.ts";
import {
  chunkBytesMax,
  isSameSnapshot,
  type OpenError,
  type SnapshotDescription,
  type SnapshotIdentity,
  type SnapshotReader,
  StorageDamage,
} from "../../storage/index.ts";
import type {
  BulkHandlers,
  BulkLink,
  BulkMessage,
  SnapshotRead,
  SnapshotRefusal,
} from "../../transport/index.ts";
import { rateOf } from "./snapshot-events.ts";
import { requestsMax } from "./snapshot-limits.ts";
import type { TokenBucket, TokenRequest } from "./token-bucket.ts";
import type { TransferContext } from "./transfer-context.ts";

/** What a send asks of its owner. */
export interface SendOwner {
  readonly bucket: TokenBucket;
  /** Whether one more may send; if so it has a place until `release`. */
  admit(send: SnapshotSend): boolean;
  release(send: SnapshotSend): void;
  onOver(send: SnapshotSend): void;
}

/**
 * `greeting`: nothing was named yet; `opening`: the file is being opened; `open`; `refused`: waits
 * for the other end to have read why; `over`.
 */
type Phase = "greeting" | "opening" | "open" | "refused" | "over";

export class SnapshotSend {
  readonly to: NodeId;
  readonly #context: TransferContext;
  readonly #owner: SendOwner;
  readonly #link: BulkLink;
  #phase: Phase = "greeting";
  #snapshot: SnapshotIdentity | null = null;
  #reader: SnapshotReader | null = null;
  readonly #requests: SnapshotRead[] = [];
  #tokens: TokenRequest | null = null;
  #isReading = false;
  #sentBytes = 0;
  #offset = 0;
  /** When something last came from, or went to, the other end. */
  #aliveMs: number;
  #idleTimer: Timer;
  /** Of the newest report of progress: time and bytes. */
  #reported: { readonly atMs: number; readonly sentBytes: number };

  constructor(context: TransferContext, owner: SendOwner, link: BulkLink) {
    this.to = link.peer.id;
    this.#context = context;
    this.#owner = owner;
    this.#link = link;
    this.#aliveMs = context.clock.nowMs();
    this.#reported = { atMs: this.#aliveMs, sentBytes: 0 };
    this.#idleTimer = this.#watchIdle(context.limits.snapshotIdleMs);
  }

  /** What is being sent; null before it was named, and when nothing is. */
  get sending(): SnapshotIdentity | null {
    return this.#phase === "opening" || this.#phase === "open" ? this.#snapshot : null;
  }

  handlers(): BulkHandlers {
    return {
      onMessage: (message) => this.#onMessage(message),
      onDrain: () => {
        this.#aliveMs = this.#context.clock.nowMs();
        this.#pump();
      },
      onClose: (reason) => this.end(reason),
    };
  }

  /** Closes the connection and lets go of the file. `reason`: for people. */
  end(reason: string): void {
    if (this.#phase === "over") return;
    const snapshot = this.sending;
    this.#phase = "over";
    this.#idleTimer.cancel();
    this.#tokens?.cancel();
    this.#link.close();
    this.#closeReader();
    this.#owner.onOver(this);
    if (snapshot === null) return;
    const sentBytes = this.#sentBytes;
    this.#context.onEvent({ kind: "send-ended", snapshot, to: this.to, sentBytes, reason });
  }

  #onMessage(message: BulkMessage): void {
    this.#aliveMs = this.#context.clock.nowMs();
    if (this.#phase === "refused") return; // what was on its way when the refusal left
    if (message.kind === "snapshot-open" && this.#phase === "greeting") {
      this.#onOpen(message.snapshot);
    } else if (message.kind === "snapshot-read" && this.#phase !== "greeting") {
      this.#onRead(message);
    } else {
      this.end(`it sent a ${message.kind} where none belongs`);
    }
  }

  #onOpen(wanted: SnapshotIdentity): void {
    this.#snapshot = wanted;
    const found = this.#context.store.list.find(({ identity }) => isSameSnapshot(identity, wanted));
    if (found === undefined) this.#refuse("unknown");
    else if (!this.#owner.admit(this)) this.#refuse("busy");
    else this.#openFile(found);
  }

  #openFile(found: SnapshotDescription): void {
    const { store, operations, onEvent } = this.#context;
    const snapshot = found.identity;
    this.#phase = "opening";
    const finished = operations.begin();
    store.read(found, (error, reader) => {
      this.#reader = reader ?? null;
      if (this.#phase === "over") this.#closeReader();
      else if (error !== null) this.#onUnreadable(snapshot, error);
      else {
        this.#phase = "open";
        this.#pump();
      }
      finished();
    });
    onEvent({ kind: "send-started", snapshot, to: this.to });
  }

  #onRead(request: SnapshotRead): void {
    const { offset, length } = request;
    const fileBytes = this.#snapshot?.bytes ?? 0;
    if (length > chunkBytesMax || offset + length > fileBytes) {
      this.end(`it asked for ${length} bytes at ${offset} of a snapshot of ${fileBytes}`);
    } else if (this.#requests.length >= requestsMax) {
      this.end(`it asked for more than ${requestsMax} blocks ahead`);
    } else {
      this.#requests.push(request);
      this.#pump();
    }
  }

  /** Takes the next request on, if nothing is under way. */
  #pump(): void {
    if (this.#phase !== "open" || this.#isReading || this.#tokens !== null) return;
    const [request] = this.#requests;
    if (request === undefined || this.#link.queuedBytes > 0) return;
    let isServed = false;
    const tokens = this.#owner.bucket.take(request.length, () => {
      isServed = true;
      this.#tokens = null;
      if (this.#phase === "open") this.#read(request);
    });
    if (!isServed) this.#tokens = tokens;
  }

  #read(request: SnapshotRead): void {
    const reader = this.#reader;
    if (reader === null) return;
    this.#isReading = true;
    this.#requests.shift();
    const finished = this.#context.operations.begin();
    reader.readBytes(request.offset, request.length, (error, data) => {
      this.#isReading = false;
      if (this.#phase !== "open") this.#closeReader();
      else if (data === undefined) this.#onUnreadable(this.#snapshot, error);
      else this.#send(request.offset, data);
      finished();
    });
  }

  #send(offset: number, data: Uint8Array): void {
    this.#aliveMs = this.#context.clock.nowMs();
    this.#link.send({ kind: "snapshot-block", offset, data });
    this.#sentBytes += data.length;
    this.#offset = offset + data.length;
    this.#report();
    this.#pump();
  }

  /** The own copy cannot be read: the receiver shall go elsewhere, the host shall know. */
  #onUnreadable(snapshot: SnapshotIdentity | null, error: OpenError | null): void {
    const isDamage = error instanceof StorageDamage;
    this.#refuse(isDamage ? "damaged" : "failed");
    if (snapshot === null || error === null) return;
    if (isDamage) this.#context.onDamaged(snapshot, error);
    else this.#context.onFailed(error);
  }

  /** The other end closes when it has read this; the idle time is over if it does not. */
  #refuse(why: SnapshotRefusal): void {
    const snapshot = this.#snapshot;
    this.#phase = "refused";
    this.#requests.length = 0;
    this.#tokens?.cancel();
    this.#tokens = null;
    const retryMs = Math.ceil(this.#context.limits.snapshotRetryMs);
    this.#link.send({ kind: "snapshot-refused", why, retryMs });
    this.#closeReader();
    this.#owner.release(this);
    if (snapshot === null) return;
    this.#context.onEvent({ kind: "send-refused", snapshot, to: this.to, why });
  }

  /** Not while it reads; then it is closed afterwards. */
  #closeReader(): void {
    const reader = this.#reader;
    if (reader === null || this.#isReading) return;
    this.#reader = null;
    const finished = this.#context.operations.begin();
    reader.close(finished);
  }

  #report(): void {
    const { clock, limits, onEvent } = this.#context;
    const snapshot = this.#snapshot;
    const forMs = clock.nowMs() - this.#reported.atMs;
    if (snapshot === null || forMs < limits.snapshotStatusMs) return;
    const sentBytes = this.#sentBytes;
    const bytesPerSecond = rateOf(sentBytes - this.#reported.sentBytes, forMs);
    this.#reported = { atMs: clock.nowMs(), sentBytes };
    const offset = this.#offset;
    onEvent({ kind: "send-progress", snapshot, to: this.to, sentBytes, offset, bytesPerSecond });
  }

  /** One timer, set anew when it rings too early: not one for each block. */
  #watchIdle(delayMs: number): Timer {
    const { clock, limits } = this.#context;
    return clock.after(delayMs, () => {
      const leftMs = this.#aliveMs + limits.snapshotIdleMs - clock.nowMs();
      if (leftMs > 0) this.#idleTimer = this.#watchIdle(Math.max(1, leftMs));
      else this.end(`it asked for nothing, or took nothing, for ${limits.snapshotIdleMs} ms`);
    });
  }
}
