/**
 * Snapshots between members, both ways: what a node gives messages and connections about snapshots
 * to. Offers and reports travel on the ordinary connections; the bytes on connections of their own,
 * pulled by who needs them. Safe without any of it: what comes is bound to its identity, and the
 * host decides what it installs. See `docs/decisions/0025.md`.
 */
import type { LogIndex, NodeId, Term } from "../../base/index.ts";
import type { Clock } from "../../ports/index.ts";
import type {
  OpenError,
  SealedSnapshot,
  SnapshotIdentity,
  SnapshotStore,
} from "../../storage/index.ts";
import type {
  BulkHandlers,
  BulkLink,
  SnapshotOffer,
  SnapshotStatus,
  Transport,
} from "../../transport/index.ts";
import { OfferedSnapshots, type PeerTransfer, type TransferNews } from "./offered-snapshots.ts";
import type { SnapshotEvent } from "./snapshot-events.ts";
import { SnapshotIntake } from "./snapshot-intake.ts";
import type { SnapshotLimits } from "./snapshot-limits.ts";
import { SnapshotSender } from "./snapshot-sender.ts";
import { Operations, type TransferContext } from "./transfer-context.ts";

export interface SnapshotExchangeParts {
  readonly self: NodeId;
  readonly clock: Clock;
  readonly store: SnapshotStore;
  /** Checked (`describeBadSnapshotLimits`). */
  readonly limits: SnapshotLimits;
  readonly dialBulk: Transport["dialBulk"];
  /** Queues a message and sees to its flush; also called from timers. */
  readonly send: (message: SnapshotOffer | SnapshotStatus) => void;
  /** Whether a snapshot would bring this member anything that it has not applied. */
  readonly wants: (snapshot: SnapshotIdentity) => boolean;
  /**
   * A whole snapshot, synced; nothing rests on it yet. `term`: of the newest leader that offered
   * it, in which its position is known to be committed; at least the position's. Answer once, true
   * when it was installed and false when it was not (it is removed then); no other one is fetched
   * before.
   */
  readonly onReceived: (
    sealed: SealedSnapshot,
    term: Term,
    answer: (isTaken: boolean) => void,
  ) => void;
  /** The own disk failed, or a snapshot is of a format that this version does not know. */
  readonly onFailed: (error: OpenError) => void;
  /** A snapshot of the own store cannot be read back: it is of no use to anybody. */
  readonly onDamaged: (snapshot: SnapshotIdentity, error: OpenError) => void;
  readonly onEvent: (event: SnapshotEvent) => void;
}

/** What this member is fetching. */
export interface FetchStatus {
  readonly snapshot: SnapshotIdentity;
  readonly source: NodeId | null;
  readonly receivedBytes: number;
  /** Bytes of it in memory, not yet written: never more than `snapshotWindowBytes`. */
  readonly heldBytes: number;
}

export class SnapshotExchange {
  readonly #parts: SnapshotExchangeParts;
  readonly #operations = new Operations();
  readonly #sender: SnapshotSender;
  readonly #intake: SnapshotIntake;
  readonly #offered: OfferedSnapshots;

  constructor(parts: SnapshotExchangeParts) {
    const { self, clock, store, limits, dialBulk, onEvent, onFailed, onDamaged } = parts;
    this.#parts = parts;
    const context: TransferContext = {
      ...{ self, clock, store, limits, dial: dialBulk, onEvent, onFailed, onDamaged },
      operations: this.#operations,
    };
    this.#sender = new SnapshotSender(context);
    this.#intake = new SnapshotIntake(context, parts);
    this.#offered = new OfferedSnapshots(clock, limits);
  }

  /**
   * As leader: tells `peer` that it needs this snapshot and who has it, whom to ask first in front.
   * One message; say it again as long as the peer needs it, also in a new term.
   */
  offer(peer: NodeId, term: Term, snapshot: SnapshotIdentity, sources: readonly NodeId[]): void {
    this.#offered.onOffered(peer, snapshot);
    const from = this.#parts.self;
    this.#parts.send({ kind: "snapshot-offer", from, to: peer, term, snapshot, sources });
  }

  /** An offer came. One of an older term than the newest is ignored. */
  onOffer(offer: SnapshotOffer): void {
    this.#intake.onOffer(offer);
  }

  /**
   * A member says how far it is with what was offered to it; returns what is new of it. A leader
   * heeds reports of its own term only.
   */
  onStatus(status: SnapshotStatus): TransferNews | null {
    return this.#offered.onStatus(status);
  }

  /** `TransportHandlers.onBulk`. */
  onBulk(link: BulkLink): BulkHandlers {
    return this.#sender.accept(link);
  }

  /** What members are fetching, as they said, without those that are given up. */
  get transfers(): readonly PeerTransfer[] {
    return this.#offered.transfers;
  }

  /** What is being fetched here; null while nothing is. */
  get fetching(): FetchStatus | null {
    const fetch = this.#intake.fetch;
    if (fetch === null) return null;
    const { snapshot, source, receivedBytes, heldBytes } = fetch;
    return { snapshot, source, receivedBytes, heldBytes };
  }

  /** What is being sent from here. */
  get sending(): readonly SnapshotIdentity[] {
    return this.#sender.sending;
  }

  /**
   * Snapshots and log from this index on are needed by members that fetch: cutting the log behind a
   * snapshot that is under way sends the member back to the start, again and again. Null: nothing
   * is needed. A member without progress for `snapshotOfferMs` does not count.
   */
  get neededFrom(): LogIndex | null {
    const offered = this.#offered.neededFrom;
    const sent = this.#sender.neededFrom;
    if (offered === null || sent === null) return offered ?? sent;
    return offered < sent ? offered : sent;
  }

  /** Ends all transfers; `done` runs when the disk is done with them. Once. */
  stop(done: () => void): void {
    this.#sender.stop();
    this.#intake.stop();
    this.#operations.whenNone(done);
  }
}

/** One for each member; it holds nothing until something is offered or asked for. */
export function createSnapshotExchange(parts: SnapshotExchangeParts): SnapshotExchange {
  return new SnapshotExchange(parts);
}
