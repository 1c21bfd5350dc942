/**
 * The sending side: how many may fetch at once, and how fast. Every member has one, leader or not:
 * whoever has a snapshot may send it.
 */
import type { LogIndex } from "../../base/index.ts";
import type { SnapshotIdentity } from "../../storage/index.ts";
import type { BulkHandlers, BulkLink } from "../../transport/index.ts";
import { type SendOwner, SnapshotSend } from "./snapshot-send.ts";
import { TokenBucket } from "./token-bucket.ts";
import type { TransferContext } from "./transfer-context.ts";

export class SnapshotSender implements SendOwner {
  readonly bucket: TokenBucket;
  readonly #context: TransferContext;
  readonly #all = new Set<SnapshotSend>();
  /** Those with a place among `snapshotSendsMax`. */
  readonly #admitted = new Set<SnapshotSend>();

  constructor(context: TransferContext) {
    this.#context = context;
    this.bucket = new TokenBucket(context.clock, context.limits.snapshotBytesPerSecond);
  }

  /** What is being sent now. */
  get sending(): readonly SnapshotIdentity[] {
    return [...this.#admitted].flatMap((send) => send.sending ?? []);
  }

  /** The lowest index of them: the log behind it is still needed. Null while nothing is sent. */
  get neededFrom(): LogIndex | null {
    let lowest: LogIndex | null = null;
    for (const { position } of this.sending) {
      if (lowest === null || position.index < lowest) lowest = position.index;
    }
    return lowest;
  }

  /** The transport sees to it that each peer has one such connection. */
  accept(link: BulkLink): BulkHandlers {
    const send = new SnapshotSend(this.#context, this, link);
    this.#all.add(send);
    return send.handlers();
  }

  admit(send: SnapshotSend): boolean {
    if (this.#admitted.size >= this.#context.limits.snapshotSendsMax) return false;
    this.#admitted.add(send);
    return true;
  }

  release(send: SnapshotSend): void {
    this.#admitted.delete(send);
  }

  onOver(send: SnapshotSend): void {
    this.release(send);
    this.#all.delete(send);
  }

  stop(): void {
    for (const send of [...this.#all]) send.end("this member stops");
  }
}
