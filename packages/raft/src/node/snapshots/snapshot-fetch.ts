/**
 * One snapshot on its way to this member, from whoever has it: one source at a time, going on where
 * it stands when the source changes. Ends with a sealed file or with nothing left behind. Made by
 * `snapshot-intake.ts`.
 */
import { assert, type NodeId } from "../../base/index.ts";
import type { Timer } from "../../ports/index.ts";
import type {
  ChunkAnswer,
  OpenError,
  SealedSnapshot,
  SnapshotIdentity,
  SnapshotReceiver,
} from "../../storage/index.ts";
import type { FetchEnd } from "./snapshot-events.ts";
import { rateOf } from "./snapshot-events.ts";
import { type PullEnd, SnapshotPull } from "./snapshot-pull.ts";
import { SourceList } from "./source-list.ts";
import type { TransferContext } from "./transfer-context.ts";

export interface FetchHandlers {
  /** Nobody has this snapshot, or gives it. True: the fetch was ended for another one. */
  onStuck(): boolean;
  /** Once, and the last call. Null: nothing came of it, and nothing is left on disk. */
  onOver(sealed: SealedSnapshot | null, why: FetchEnd | null): void;
}

interface Block {
  readonly source: NodeId;
  readonly offset: number;
  readonly data: Uint8Array;
}

/** `ended`: it will be over as soon as the disk has answered. */
type Phase = "opening" | "fetching" | "sealing" | "ended" | "over";

export class SnapshotFetch {
  readonly snapshot: SnapshotIdentity;
  readonly #context: TransferContext;
  readonly #handlers: FetchHandlers;
  readonly #sources: SourceList;
  #phase: Phase = "opening";
  #receiver: SnapshotReceiver | null = null;
  #pull: SnapshotPull | null = null;
  /** Came and was not taken yet: no more than the window. */
  #blocks: Block[] = [];
  #isAccepting = false;
  #retryTimer: Timer | null = null;
  /** What a busy source of this round has asked for. */
  #retryMs = 0;
  /** Who sent what was taken since the file was last empty. */
  readonly #contributors = new Set<NodeId>();
  #endedWhy: FetchEnd | null = null;
  /** When bytes were last taken, and when it was last offered. */
  #progressMs: number;
  #offeredMs: number;
  #reported: { readonly atMs: number; readonly receivedBytes: number };

  constructor(
    context: TransferContext,
    snapshot: SnapshotIdentity,
    sources: readonly NodeId[],
    handlers: FetchHandlers,
  ) {
    this.snapshot = snapshot;
    this.#context = context;
    this.#handlers = handlers;
    this.#sources = new SourceList(context.self, sources);
    const nowMs = context.clock.nowMs();
    this.#progressMs = nowMs;
    this.#offeredMs = nowMs;
    this.#reported = { atMs: nowMs, receivedBytes: 0 };
  }

  /** Once, by its owner. */
  begin(): void {
    this.#open();
    this.#context.onEvent({ kind: "fetch-started", snapshot: this.snapshot });
  }

  get receivedBytes(): number {
    return this.#receiver?.nextOffset ?? 0;
  }

  /** Who sends now. */
  get source(): NodeId | null {
    return this.#pull?.source ?? null;
  }

  /** Bytes that came and are held in memory. */
  get heldBytes(): number {
    return this.#blocks.reduce((sum, { data }) => sum + data.length, 0);
  }

  /** The same snapshot was offered again, perhaps by another leader. */
  onOffer(sources: readonly NodeId[]): void {
    this.#offeredMs = this.#context.clock.nowMs();
    this.#sources.offer(sources);
    if (this.#retryTimer !== null && this.#sources.next() !== null) this.#continue();
  }

  /** Ends it without a snapshot; `onOver` follows when the disk is done with it. */
  end(why: FetchEnd): void {
    if (this.#phase === "ended" || this.#phase === "over") return;
    const receiver = this.#phase === "fetching" && !this.#isAccepting ? this.#receiver : null;
    this.#phase = "ended";
    this.#endedWhy = why;
    this.#quiesce();
    if (receiver !== null) this.#abort(receiver); // else when the disk has answered
  }

  /** The event of progress; called now and then while it lasts. */
  report(): void {
    const { clock, onEvent } = this.#context;
    const { snapshot, source, receivedBytes } = this;
    const nowMs = clock.nowMs();
    const bytes = Math.max(0, receivedBytes - this.#reported.receivedBytes);
    const bytesPerSecond = rateOf(bytes, nowMs - this.#reported.atMs);
    this.#reported = { atMs: nowMs, receivedBytes };
    onEvent({ kind: "fetch-progress", snapshot, source, receivedBytes, bytesPerSecond });
  }

  // --- the file ----------------------------------------------------------------------------------

  #open(): void {
    const { store, operations } = this.#context;
    const finished = operations.begin();
    store.receive(this.snapshot, (error, receiver) => {
      if (receiver === undefined) this.#fail(error);
      else {
        this.#receiver = receiver;
        if (this.#phase === "ended") this.#abort(receiver);
        else {
          this.#phase = "fetching";
          this.#continue();
        }
      }
      finished();
    });
  }

  #onBlock(block: Block): void {
    this.#blocks.push(block);
    this.#takeNext();
  }

  /** Gives the file its next block, one at a time. */
  #takeNext(): void {
    const receiver = this.#receiver;
    if (receiver === null || this.#isAccepting || this.#phase !== "fetching") return;
    const block = this.#blocks.shift();
    if (block === undefined) return;
    this.#isAccepting = true;
    const finished = this.#context.operations.begin();
    receiver.accept(this.snapshot, block.offset, block.data, (error, answer) => {
      this.#isAccepting = false;
      if (answer === undefined) this.#fail(error);
      else if (this.#phase === "ended") this.#abort(receiver);
      else this.#onAnswer(receiver, block, answer);
      finished();
    });
  }

  #onAnswer(receiver: SnapshotReceiver, block: Block, answer: ChunkAnswer): void {
    if (answer.kind === "damaged") {
      this.#onBadBlock(block, answer.nextOffset, answer.reason);
      return;
    }
    assert(answer.kind === "accepted", "a source is asked for what comes next", () => answer.kind);
    this.#contributors.add(block.source);
    this.#progressMs = this.#context.clock.nowMs();
    this.#sources.onProgress();
    if (receiver.isComplete) {
      this.#seal(receiver);
      return;
    }
    this.#pull?.onAccepted(answer.nextOffset);
    this.#takeNext();
    this.#maybeContinue();
  }

  /**
   * What came is not this snapshot. If all has to come again, nobody knows who of those that sent
   * it was wrong.
   */
  #onBadBlock(block: Block, nextOffset: number, reason: string): void {
    const isAllLost = nextOffset === 0 && this.#contributors.size > 0;
    const guilty = isAllLost ? [...this.#contributors, block.source] : [block.source];
    if (isAllLost) this.#contributors.clear();
    this.#blocks = [];
    this.#pull?.close();
    this.#pull = null;
    for (const source of new Set(guilty)) this.#leave(source, "bad", reason);
    this.#maybeContinue();
  }

  #seal(receiver: SnapshotReceiver): void {
    this.#phase = "sealing";
    this.#pull?.close();
    this.#pull = null;
    const finished = this.#context.operations.begin();
    receiver.finish((error, sealed) => {
      if (sealed === undefined) this.#fail(error);
      else this.#handOver(sealed);
      finished();
    });
  }

  #handOver(sealed: SealedSnapshot): void {
    const why = this.#endedWhy;
    if (why === null) {
      this.#phase = "over";
      this.#context.onEvent({ kind: "fetch-done", snapshot: this.snapshot });
      this.#handlers.onOver(sealed, null);
      return;
    }
    const { store, operations } = this.#context;
    const finished = operations.begin();
    store.discard(sealed, () => {
      this.#over(why);
      finished();
    });
  }

  #abort(receiver: SnapshotReceiver): void {
    const finished = this.#context.operations.begin();
    receiver.abort(() => {
      this.#over(this.#endedWhy ?? "stopped");
      finished();
    });
  }

  /** The disk, or a format that is not known; the file is gone already. */
  #fail(error: OpenError | null): void {
    const why = this.#endedWhy ?? "failed";
    this.#phase = "ended"; // the host may well stop everything inside `onFailed`
    this.#quiesce();
    if (error !== null) this.#context.onFailed(error);
    this.#over(why);
  }

  #over(why: FetchEnd): void {
    assert(this.#phase !== "over", "a fetch is over once");
    this.#phase = "over";
    this.#context.onEvent({ kind: "fetch-ended", snapshot: this.snapshot, why });
    this.#handlers.onOver(null, why);
  }

  /** Nothing comes, and nothing is waited for. */
  #quiesce(): void {
    this.#pull?.close();
    this.#pull = null;
    this.#blocks = [];
    this.#stopWaiting();
  }

  // --- sources -----------------------------------------------------------------------------------

  /** Goes to the next source when what came from the last one is used up. */
  #maybeContinue(): void {
    const isIdle = this.#pull === null && this.#blocks.length === 0 && !this.#isAccepting;
    if (isIdle && this.#phase === "fetching") this.#continue();
  }

  #continue(): void {
    const receiver = this.#receiver;
    if (receiver === null || this.#phase !== "fetching" || this.#pull !== null) return;
    this.#stopWaiting();
    const source = this.#sources.next();
    if (source === null) {
      this.#onRoundEnd();
      return;
    }
    this.#pull = new SnapshotPull(this.#context, source, this.snapshot, receiver.nextOffset, {
      onBlock: (offset, data) => this.#onBlock({ source, offset, data }),
      onEnd: (end) => this.#onPullEnd(source, end),
    });
  }

  #onPullEnd(source: NodeId, { why, reason, retryMs }: PullEnd): void {
    this.#pull = null;
    if (why === "busy") this.#retryMs = Math.max(this.#retryMs, retryMs);
    this.#leave(source, why, reason);
    this.#maybeContinue();
  }

  #leave(source: NodeId, why: PullEnd["why"], reason: string): void {
    this.#sources.onLeft(source, why);
    const { snapshot } = this;
    this.#context.onEvent({ kind: "source-left", snapshot, source, why, reason });
  }

  /** Nobody is left to ask: give up, make way for another snapshot, or ask all of them again. */
  #onRoundEnd(): void {
    const { clock, limits } = this.#context;
    const nowMs = clock.nowMs();
    const end = this.#sources.roundEnd;
    if (end !== "busy") {
      const isLong = nowMs - this.#progressMs >= limits.snapshotStallMs;
      if ((end === "gone" || isLong) && this.#handlers.onStuck()) return;
    }
    const newsMs = Math.max(this.#progressMs, this.#offeredMs);
    if (this.#sources.isExhausted || nowMs - newsMs >= limits.snapshotOfferMs) {
      this.end("no-source");
      return;
    }
    // What a source says is no reason to wait for hours.
    const askedMs = Math.min(this.#retryMs, limits.snapshotStallMs);
    this.#retryMs = 0;
    this.#retryTimer = clock.after(Math.max(limits.snapshotRetryMs, askedMs), () => {
      this.#sources.beginRound();
      this.#continue();
    });
  }

  #stopWaiting(): void {
    this.#retryTimer?.cancel();
    this.#retryTimer = null;
  }
}
