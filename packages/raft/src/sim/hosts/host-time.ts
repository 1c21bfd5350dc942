/**
 * What time it is on one machine: a monotonic clock with its own origin and speed, and a wall clock
 * that may jump. Speed and jumps move the timers that are set already, as they do in a kernel.
 */
import { assert } from "../../base/index.ts";
import type { EventOwner, Timeline } from "./timeline.ts";

export interface HostTimeOptions {
  /** The monotonic clock's reading when the world begins. Default 0. */
  readonly originMs?: number;
  /** Milliseconds of this clock in a true one. Default 1. */
  readonly rate?: number;
  /** Milliseconds since 1970 when the world begins. */
  readonly wallMs?: number;
}

export class HostTime {
  readonly #timeline: Timeline;
  /** Whose timers follow this clock. */
  owner: EventOwner | null = null;
  #sinceMs = 0;
  #localMs: number;
  #rate: number;
  #wallOffsetMs: number;
  #isStopped = false;

  constructor(timeline: Timeline, options: HostTimeOptions = {}) {
    this.#timeline = timeline;
    this.#localMs = options.originMs ?? 0;
    this.#rate = options.rate ?? 1;
    this.#wallOffsetMs = (options.wallMs ?? 1_700_000_000_000) - this.#localMs;
    this.#sinceMs = timeline.nowMs;
  }

  get rate(): number {
    return this.#rate;
  }

  /** Monotonic milliseconds. */
  nowMs(): number {
    return this.#toLocal(this.#timeline.nowMs);
  }

  /** Milliseconds since 1970, as far as this machine knows. */
  wallMs(): number {
    return this.nowMs() + this.#wallOffsetMs;
  }

  /** From now on the clock runs this fast; 1 is right, above 0. */
  setRate(rate: number): void {
    assert(rate > 0 && rate < Number.POSITIVE_INFINITY, "a clock runs forward");
    this.#rebase();
    this.#rate = rate;
    this.#moveTimers();
  }

  /** The wall clock is set; nothing else notices. May be negative. */
  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** The monotonic clock leaps forward, and its timers are due that much sooner. */
  jump(byMs: number): void {
    assert(byMs >= 0, "a monotonic clock never goes back");
    this.#rebase();
    this.#localMs += byMs;
    this.#moveTimers();
  }

  /** Stands still until `go`: a suspended machine, whose monotonic clock does not count. */
  stop(): void {
    this.#rebase();
    this.#isStopped = true;
  }

  go(): void {
    if (!this.#isStopped) return;
    this.#sinceMs = this.#timeline.nowMs;
    this.#isStopped = false;
    this.#moveTimers();
  }

  /** The first instant of the timeline at which this clock reads `localMs` or more. */
  toTimelineMs(localMs: number): number {
    const restMs = (localMs - this.#localMs) / this.#rate;
    if (this.#isStopped) return this.#timeline.nowMs + restMs; // as if it went on now
    let atMs = this.#sinceMs + restMs;
    // A timer is never early, not even by a rounding.
    while (this.#toLocal(atMs) < localMs) atMs += Math.max(1e-9, Math.abs(atMs) * 2 ** -51);
    return atMs;
  }

  #toLocal(atMs: number): number {
    const elapsedMs = this.#isStopped ? 0 : atMs - this.#sinceMs;
    return this.#localMs + elapsedMs * this.#rate;
  }

  #rebase(): void {
    const nowMs = this.#timeline.nowMs;
    this.#localMs = this.#toLocal(nowMs);
    this.#sinceMs = nowMs;
  }

  #moveTimers(): void {
    if (this.owner === null || this.#isStopped) return;
    this.#timeline.reschedule(this.owner, (localMs) => this.toTimelineMs(localMs));
  }
}
