/**
 * Holds a stream of bytes to a rate on the monotonic clock. Who is served may overdraw, and the
 * next one waits until that is paid back, so pieces of any size pass and the rate holds in the
 * long run. Those who wait are served in the order they came.
 */
import { assert } from "../../base/index.ts";
import type { Clock, Timer } from "../../ports/index.ts";

/** Milliseconds of the rate that may be saved up: what bulk may take at once after a pause. */
const burstMs = 50;

/** Takes itself out of the queue; without effect once it was served. */
export interface TokenRequest {
  cancel(): void;
}

interface Waiter {
  readonly bytes: number;
  readonly ready: () => void;
}

export class TokenBucket {
  readonly #clock: Clock;
  readonly #bytesPerMs: number;
  readonly #waiting = new Set<Waiter>();
  #tokens: number;
  #filledMs: number;
  #timer: Timer | null = null;
  #isServing = false;

  constructor(clock: Clock, bytesPerSecond: number) {
    assert(bytesPerSecond > 0, "a rate is above 0");
    this.#clock = clock;
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#tokens = this.#bytesPerMs * burstMs;
    this.#filledMs = clock.nowMs();
  }

  /** Calls `ready` when `bytes` may go, inside the call if that is now. */
  take(bytes: number, ready: () => void): TokenRequest {
    const waiter: Waiter = { bytes, ready };
    this.#waiting.add(waiter);
    if (this.#timer === null && !this.#isServing) this.#serve();
    return {
      cancel: () => {
        if (this.#waiting.delete(waiter) && this.#waiting.size === 0) this.#disarm();
      },
    };
  }

  #serve(): void {
    this.#fill();
    this.#isServing = true;
    // Those who come in the meantime are served as well, as long as there is something left.
    for (const waiter of this.#waiting) {
      if (this.#tokens <= 0) break;
      this.#waiting.delete(waiter);
      this.#tokens -= waiter.bytes;
      waiter.ready();
    }
    this.#isServing = false;
    if (this.#waiting.size === 0 || this.#timer !== null) return;
    // Whole milliseconds: a rounding must not set timers that let no time pass.
    const delayMs = Math.max(1, Math.ceil(-this.#tokens / this.#bytesPerMs));
    this.#timer = this.#clock.after(delayMs, () => {
      this.#timer = null;
      this.#serve();
    });
  }

  #fill(): void {
    const nowMs = this.#clock.nowMs();
    const gained = (nowMs - this.#filledMs) * this.#bytesPerMs;
    this.#tokens = Math.min(this.#tokens + gained, this.#bytesPerMs * burstMs);
    this.#filledMs = nowMs;
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
