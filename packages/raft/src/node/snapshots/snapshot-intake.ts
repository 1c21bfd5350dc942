/**
 * The receiving side: hears offers, fetches at most one snapshot at a time and hands it to the
 * host. What is being fetched stays so while it makes progress, whatever else is offered: a member
 * that began anew with each newer snapshot would never finish one.
 */
import { assert, type NodeId, noTerm, type Term } from "../../base/index.ts";
import type { Timer } from "../../ports/index.ts";
import {
  isSameSnapshot,
  isSnapshotSize,
  type SealedSnapshot,
  type SnapshotIdentity,
} from "../../storage/index.ts";
import type { SnapshotOffer, SnapshotState, SnapshotStatus } from "../../transport/index.ts";
import type { FetchEnd } from "./snapshot-events.ts";
import { SnapshotFetch } from "./snapshot-fetch.ts";
import type { TransferContext } from "./transfer-context.ts";

export interface IntakeHandlers {
  /** Whether a snapshot would bring this member anything that it does not have. */
  wants(snapshot: SnapshotIdentity): boolean;
  /**
   * The whole snapshot, synced; nothing rests on it. `term`: of the newest leader that offered it.
   * `answer(true)` when it was installed,
   * `answer(false)` when it was not: it is removed then. Nothing is fetched in between.
   */
  onReceived(sealed: SealedSnapshot, term: Term, answer: (isTaken: boolean) => void): void;
  send(status: SnapshotStatus): void;
}

export class SnapshotIntake {
  readonly #context: TransferContext;
  readonly #handlers: IntakeHandlers;
  /** Of the newest offer, and who made it. */
  #term: Term = noTerm;
  #offeredBy: NodeId | null = null;
  #fetch: SnapshotFetch | null = null;
  /** Of the newest offer of what is fetched. */
  #fetchTerm: Term = noTerm;
  /** What the host is asked about. */
  #handedOver: SnapshotIdentity | null = null;
  /** The newest offer of another snapshot than the one that is fetched. */
  #next: SnapshotOffer | null = null;
  #reportTimer: Timer | null = null;
  #isStopped = false;

  constructor(context: TransferContext, handlers: IntakeHandlers) {
    this.#context = context;
    this.#handlers = handlers;
  }

  /** What is being fetched; null while nothing is. */
  get fetch(): SnapshotFetch | null {
    return this.#fetch;
  }

  /** An offer of a leader. One of an older term than the newest is ignored. */
  onOffer(offer: SnapshotOffer): void {
    if (this.#isStopped || offer.term < this.#term) return;
    this.#term = offer.term;
    this.#offeredBy = offer.from;
    if (this.#handedOver !== null) return; // its answer is news for the leader, too
    const { snapshot } = offer;
    if (!this.#isTakable(offer)) this.#tell(snapshot, 0, "refused");
    else if (!this.#handlers.wants(snapshot)) this.#tell(snapshot, 0, "installed");
    else this.#take(offer);
  }

  stop(): void {
    this.#isStopped = true;
    this.#next = null;
    this.#stopReports();
    this.#fetch?.end("stopped");
  }

  /**
   * What a peer announces is not believed: sizes that no snapshot has, or that are too large, or an
   * entry of a term after the leader's.
   */
  #isTakable({ term, snapshot }: SnapshotOffer): boolean {
    const { bytes, position } = snapshot;
    if (position.term > term) return false;
    return isSnapshotSize(bytes) && bytes <= this.#context.limits.snapshotBytesMax;
  }

  #take(offer: SnapshotOffer): void {
    const fetch = this.#fetch;
    if (fetch === null) this.#begin(offer);
    else if (isSameSnapshot(fetch.snapshot, offer.snapshot)) {
      this.#next = null; // this leader offers what is being fetched
      this.#fetchTerm = offer.term;
      fetch.onOffer(offer.sources);
    } else this.#next = offer;
    this.#tellProgress();
  }

  #begin(offer: SnapshotOffer): void {
    const fetch = new SnapshotFetch(this.#context, offer.snapshot, offer.sources, {
      onStuck: () => this.#onStuck(),
      onOver: (sealed, why) => this.#onOver(offer.snapshot, sealed, why),
    });
    this.#fetch = fetch;
    this.#fetchTerm = offer.term;
    this.#scheduleReport();
    fetch.begin();
  }

  /** Another snapshot may take the place of one that nobody sends, and be begun when it is gone. */
  #onStuck(): boolean {
    if (this.#next === null || !this.#handlers.wants(this.#next.snapshot)) return false;
    this.#fetch?.end("superseded");
    return true;
  }

  #onOver(snapshot: SnapshotIdentity, sealed: SealedSnapshot | null, why: FetchEnd | null): void {
    this.#fetch = null;
    this.#stopReports();
    if (sealed !== null) this.#handOver(sealed);
    else {
      const isThere = why === "not-wanted";
      const isNews = why !== "superseded" && why !== "stopped";
      if (isNews) this.#tell(snapshot, 0, isThere ? "installed" : "refused");
      this.#beginNext();
    }
  }

  #handOver(sealed: SealedSnapshot): void {
    const { identity } = sealed.description;
    this.#handedOver = identity;
    let isAnswered = false;
    this.#handlers.onReceived(sealed, this.#fetchTerm, (isTaken) => {
      assert(!isAnswered, "a snapshot is taken or refused once");
      isAnswered = true;
      if (isTaken) this.#onTaken(identity, "installed");
      else {
        this.#context.onEvent({ kind: "fetch-ended", snapshot: identity, why: "refused" });
        const discarded = this.#context.operations.begin();
        this.#context.store.discard(sealed, () => {
          this.#onTaken(identity, "refused");
          discarded();
        });
      }
    });
  }

  #onTaken(identity: SnapshotIdentity, state: SnapshotState): void {
    this.#handedOver = null;
    this.#tell(identity, state === "installed" ? identity.bytes : 0, state);
    this.#beginNext();
  }

  #beginNext(): void {
    const next = this.#next;
    this.#next = null;
    if (next === null || this.#isStopped || !this.#handlers.wants(next.snapshot)) return;
    this.#begin(next);
  }

  // --- news for the leader -----------------------------------------------------------------------

  #scheduleReport(): void {
    const { clock, limits } = this.#context;
    this.#reportTimer = clock.after(limits.snapshotStatusMs, () => {
      const fetch = this.#fetch;
      if (fetch === null) return;
      this.#scheduleReport();
      fetch.report();
      if (this.#handlers.wants(fetch.snapshot)) this.#tellProgress();
      else fetch.end("not-wanted"); // the log brought it in the meantime
    });
  }

  #stopReports(): void {
    this.#reportTimer?.cancel();
    this.#reportTimer = null;
  }

  #tellProgress(): void {
    const fetch = this.#fetch;
    if (fetch === null) return;
    const state = fetch.source === null ? "waiting" : "receiving";
    this.#tell(fetch.snapshot, fetch.receivedBytes, state);
  }

  #tell(snapshot: SnapshotIdentity, receivedBytes: number, state: SnapshotState): void {
    const to = this.#offeredBy;
    if (to === null || this.#isStopped) return;
    const { self } = this.#context;
    const about = { term: this.#term, snapshot, receivedBytes, state };
    this.#handlers.send({ kind: "snapshot-status", from: self, to, ...about });
  }
}
