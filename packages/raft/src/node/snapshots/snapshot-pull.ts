/**
 * One connection to one source: asks for block after block, as far ahead as the window allows, and
 * notices when none comes. Knows nothing of other sources, nor of the file. Made by
 * `snapshot-fetch.ts`.
 */
import type { NodeId } from "../../base/index.ts";
import type { Timer } from "../../ports/index.ts";
import { chunkEnd, type SnapshotIdentity } from "../../storage/index.ts";
import type { BulkDial, BulkLink, BulkMessage, SnapshotBlock } from "../../transport/index.ts";
import type { SourceLeft } from "./snapshot-events.ts";
import type { TransferContext } from "./transfer-context.ts";

export interface PullEnd {
  readonly why: SourceLeft;
  /** For people. */
  readonly reason: string;
  /** Milliseconds before the source is of use again, as it says; 0 unless it is busy. */
  readonly retryMs: number;
}

export interface PullHandlers {
  /** The next block, in order. Its data are views: the window bounds how many there are. */
  onBlock(offset: number, data: Uint8Array): void;
  /** Once, and the last thing that is heard. Not after `close`. */
  onEnd(end: PullEnd): void;
}

export class SnapshotPull {
  readonly source: NodeId;
  readonly #context: TransferContext;
  readonly #snapshot: SnapshotIdentity;
  readonly #handlers: PullHandlers;
  readonly #dial: BulkDial | null;
  #link: BulkLink | null = null;
  /** Up to where it was asked for, has come, and was taken over. */
  #requested: number;
  #arrived: number;
  #accepted: number;
  /** Since when something is awaited, or when the last of it came. */
  #newsMs: number;
  #stallTimer: Timer | null = null;
  #isOver = false;

  /** Begins at `offset` of the file. */
  constructor(
    context: TransferContext,
    source: NodeId,
    snapshot: SnapshotIdentity,
    offset: number,
    handlers: PullHandlers,
  ) {
    this.source = source;
    this.#context = context;
    this.#snapshot = snapshot;
    this.#handlers = handlers;
    this.#requested = offset;
    this.#arrived = offset;
    this.#accepted = offset;
    this.#newsMs = context.clock.nowMs();
    this.#dial = context.dial(source, {
      onOpen: (link) => this.#onOpen(link),
      onMessage: (message) => this.#onMessage(message),
      onDrain: () => {},
      onClose: (reason) => this.#end("lost", reason),
    });
    if (this.#dial === null) {
      context.clock.defer(() => this.#end("lost", `${source} is no peer of this member`));
    } else {
      this.#watch(context.limits.snapshotStallMs);
    }
  }

  /** What came up to `offset` was taken: the window moves. */
  onAccepted(offset: number): void {
    this.#accepted = offset;
    this.#request();
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stallTimer?.cancel();
    this.#dial?.close();
  }

  #onOpen(link: BulkLink): void {
    this.#link = link;
    link.send({ kind: "snapshot-open", snapshot: this.#snapshot });
    this.#request();
  }

  /** Asks for as much as the window has room for. */
  #request(): void {
    const { limits, clock } = this.#context;
    const { bytes } = this.#snapshot;
    if (this.#link === null || this.#isOver) return;
    while (this.#requested < bytes) {
      const end = chunkEnd(bytes, this.#requested);
      if (end - this.#accepted > limits.snapshotWindowBytes) return;
      if (this.#requested === this.#arrived) this.#newsMs = clock.nowMs();
      const length = end - this.#requested;
      this.#link.send({ kind: "snapshot-read", offset: this.#requested, length });
      this.#requested = end;
    }
  }

  #onMessage(message: BulkMessage): void {
    if (this.#isOver) return;
    if (message.kind === "snapshot-block") this.#onBlock(message);
    else if (message.kind === "snapshot-refused") {
      const { why, retryMs } = message;
      this.#end(why, `it answered: ${why}`, why === "busy" ? retryMs : 0);
    } else this.#end("bad", `it sent a ${message.kind} where none belongs`);
  }

  #onBlock({ offset, data }: SnapshotBlock): void {
    const isAwaited = offset === this.#arrived && this.#arrived < this.#requested;
    const end = isAwaited ? chunkEnd(this.#snapshot.bytes, offset) : 0;
    if (offset + data.length !== end) {
      this.#end("bad", `it sent ${data.length} bytes at ${offset}, which were not asked for`);
      return;
    }
    this.#arrived = end;
    this.#newsMs = this.#context.clock.nowMs();
    this.#handlers.onBlock(offset, data);
  }

  #end(why: SourceLeft, reason: string, retryMs = 0): void {
    if (this.#isOver) return;
    this.close();
    this.#handlers.onEnd({ why, reason, retryMs });
  }

  /** One timer, set anew when it rings too early. While nothing is awaited nothing is late. */
  #watch(delayMs: number): void {
    const { clock, limits } = this.#context;
    this.#stallTimer = clock.after(delayMs, () => {
      const isAwaiting = this.#link === null || this.#arrived < this.#requested;
      const lateMs = isAwaiting ? clock.nowMs() - this.#newsMs : 0;
      const leftMs = limits.snapshotStallMs - lateMs;
      if (leftMs > 0) this.#watch(Math.max(1, leftMs));
      else this.#end("stalled", `nothing came for ${limits.snapshotStallMs} ms`);
    });
  }
}
