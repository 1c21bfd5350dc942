/**
 * One direction of a connection of the memory network: what was sent and did not arrive yet, in
 * order. Knows nothing of names and cuts; `memory-network.ts` says whether it flows.
 */
import { assert } from "../base/index.ts";
import type { Clock, NetworkError, Timer } from "../ports/index.ts";

export type Segment =
  | { readonly kind: "dial" }
  | { readonly kind: "accept" }
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  | { readonly kind: "end"; readonly error: NetworkError | null };

export interface PipeHost {
  readonly clock: Clock;
  /** Drawn for each segment; the order of segments is kept all the same. */
  latencyMs(): number;
  /**
   * False while the way is cut so that bytes stall; the host then calls `resume` when it is healed.
   */
  flows(pipe: MemoryPipe): boolean;
  deliver(segment: Segment): void;
}

interface Waiting {
  readonly segment: Segment;
  readonly dueMs: number;
}

export class MemoryPipe {
  readonly #host: PipeHost;
  #waiting: Waiting[] = [];
  #timer: Timer | null = null;
  #bytes = 0;

  constructor(host: PipeHost) {
    this.#host = host;
  }

  /** Bytes sent and not delivered. */
  get bytes(): number {
    return this.#bytes;
  }

  send(segment: Segment): void {
    const dueMs = this.#host.clock.nowMs() + this.#host.latencyMs();
    const lastMs = this.#waiting.at(-1)?.dueMs ?? 0;
    this.#waiting.push({ segment, dueMs: Math.max(dueMs, lastMs) });
    if (segment.kind === "data") this.#bytes += segment.bytes.length;
    this.resume();
  }

  /** Called when the way may flow again. */
  resume(): void {
    const first = this.#waiting[0];
    if (first === undefined || this.#timer !== null || !this.#host.flows(this)) return;
    const delayMs = first.dueMs - this.#host.clock.nowMs();
    this.#timer = this.#host.clock.after(delayMs, () => this.#onDue());
  }

  /** Forgets what did not arrive yet. */
  clear(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#waiting = [];
    this.#bytes = 0;
  }

  #onDue(): void {
    this.#timer = null;
    // The timer was set for the first one. By the clock it may be a rounding too early, and time
    // stands still.
    const nowMs = Math.max(this.#host.clock.nowMs(), this.#waiting[0]?.dueMs ?? 0);
    const due = this.#waiting.findIndex((waiting) => waiting.dueMs > nowMs);
    let count = due < 0 ? this.#waiting.length : due;
    // A delivery may cut the way or clear the pipe.
    while (count > 0 && this.#waiting.length > 0 && this.#host.flows(this)) {
      count -= 1;
      const waiting = this.#waiting.shift();
      assert(waiting !== undefined, "a pipe delivers what waits in it");
      const { segment } = waiting;
      if (segment.kind === "data") this.#bytes -= segment.bytes.length;
      this.#host.deliver(segment);
    }
    this.resume();
  }
}
