/** What sending and receiving are both given, and the count of what is still under way on disk. */
import { assert, type NodeId } from "../../base/index.ts";
import type { Clock } from "../../ports/index.ts";
import type { OpenError, SnapshotIdentity, SnapshotStore } from "../../storage/index.ts";
import type { BulkDial, BulkDialHandlers } from "../../transport/index.ts";
import type { SnapshotEvent } from "./snapshot-events.ts";
import type { SnapshotLimits } from "./snapshot-limits.ts";

export interface TransferContext {
  readonly self: NodeId;
  readonly clock: Clock;
  readonly store: SnapshotStore;
  readonly limits: SnapshotLimits;
  /** `Transport.dialBulk`. */
  readonly dial: (peer: NodeId, handlers: BulkDialHandlers) => BulkDial | null;
  readonly onEvent: (event: SnapshotEvent) => void;
  /** The own disk failed, or a snapshot is of a format that this version does not know. */
  readonly onFailed: (error: OpenError) => void;
  /** The own snapshot cannot be read. */
  readonly onDamaged: (snapshot: SnapshotIdentity, error: OpenError) => void;
  readonly operations: Operations;
}

/** Operations of the disk that have begun and not ended, so that a stop can wait for them. */
export class Operations {
  #count = 0;
  #whenNone: (() => void) | null = null;

  /** What to call once when the operation has ended. */
  begin(): () => void {
    this.#count += 1;
    return () => {
      assert(this.#count > 0, "an operation ends once");
      this.#count -= 1;
      this.#tell();
    };
  }

  /** Calls `callback` when none is under way, at once if that is now. */
  whenNone(callback: () => void): void {
    assert(this.#whenNone === null, "one waits for the operations");
    this.#whenNone = callback;
    this.#tell();
  }

  #tell(): void {
    if (this.#count > 0 || this.#whenNone === null) return;
    const callback = this.#whenNone;
    this.#whenNone = null;
    callback();
  }
}
