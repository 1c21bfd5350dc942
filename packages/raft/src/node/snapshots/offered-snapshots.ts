/**
 * What a leader has offered to whom, and how far they are: so that neither the snapshot nor the log
 * behind it goes away under a member that fetches it, and neither is kept for one that does not.
 */
import type { LogIndex, NodeId } from "../../base/index.ts";
import type { Clock } from "../../ports/index.ts";
import { isSameSnapshot, type SnapshotIdentity } from "../../storage/index.ts";
import type { SnapshotState, SnapshotStatus } from "../../transport/index.ts";
import type { SnapshotLimits } from "./snapshot-limits.ts";

/** How far a member is with a snapshot, as it last said. */
export interface PeerTransfer {
  readonly peer: NodeId;
  readonly snapshot: SnapshotIdentity;
  readonly receivedBytes: number;
  /** Null while it has not answered the offer. */
  readonly state: SnapshotState | null;
  /** When it was first offered, or bytes last came on. Monotonic milliseconds. */
  readonly progressMs: number;
}

/**
 * What a report means to a leader: the member has what it needed; it does not get it; it has got
 * more of it.
 */
export type TransferNews = "sent" | "failed" | "moving";

export class OfferedSnapshots {
  readonly #clock: Clock;
  readonly #keptMs: number;
  readonly #transfers = new Map<NodeId, PeerTransfer>();

  constructor(clock: Clock, limits: SnapshotLimits) {
    this.#clock = clock;
    this.#keptMs = limits.snapshotOfferMs;
  }

  /**
   * An offer leaves. Offering the same again does not prolong anything: only progress does. An
   * offer of another snapshot does not end what the peer is known to be fetching.
   */
  onOffered(peer: NodeId, snapshot: SnapshotIdentity): void {
    const before = this.#transfers.get(peer);
    if (before !== undefined) {
      if (isSameSnapshot(before.snapshot, snapshot)) return;
      if (before.state !== null && this.#isKept(before)) return;
    }
    const progressMs = this.#clock.nowMs();
    this.#transfers.set(peer, { peer, snapshot, receivedBytes: 0, state: null, progressMs });
  }

  onStatus(status: SnapshotStatus): TransferNews | null {
    const { from: peer, snapshot, receivedBytes, state } = status;
    if (state === "installed" || state === "refused") {
      this.#transfers.delete(peer);
      return state === "installed" ? "sent" : "failed";
    }
    const before = this.#transfers.get(peer);
    const isSame = before !== undefined && isSameSnapshot(before.snapshot, snapshot);
    const isProgress = !isSame || before.state === null || receivedBytes > before.receivedBytes;
    const progressMs = isProgress ? this.#clock.nowMs() : before.progressMs;
    this.#transfers.set(peer, { peer, snapshot, receivedBytes, state, progressMs });
    return isProgress ? "moving" : null;
  }

  /** Those that are not given up. */
  get transfers(): readonly PeerTransfer[] {
    return [...this.#transfers.values()].filter((transfer) => this.#isKept(transfer));
  }

  /**
   * The lowest index of their snapshots: log and snapshots from there on are still needed. Null:
   * nothing is.
   */
  get neededFrom(): LogIndex | null {
    let lowest: LogIndex | null = null;
    for (const { snapshot } of this.transfers) {
      const { index } = snapshot.position;
      if (lowest === null || index < lowest) lowest = index;
    }
    return lowest;
  }

  #isKept({ progressMs }: PeerTransfer): boolean {
    return this.#clock.nowMs() - progressMs < this.#keptMs;
  }
}
