/**
 * A clock that stands still until a test moves it. Timers run in the order of their time, those of
 * one instant in the order they were set; then what was deferred in that turn, like the host's
 * event loop.
 */
import { assert } from "../base/index.ts";
import type { Clock, Timer } from "../ports/index.ts";

export interface VirtualClock extends Clock {
  /**
   * Runs all that is due within the next `durationMs`; afterwards the time is exactly that much
   * later.
   */
  advance(durationMs: number): void;
  /**
   * Runs turn by turn until `condition` holds. False: it does not within `limitMs`; the time is
   * then that much later, or stands still where nothing was left to run.
   */
  advanceUntil(condition: () => boolean, limitMs: number): boolean;
  /** Time of the next timer; null when there is none. */
  nextTimerMs(): number | null;
  /**
   * Timers set and neither run nor cancelled, and deferred callbacks: 0 when nothing is left
   * behind.
   */
  pendingCount(): number;
}

export interface VirtualClockOptions {
  readonly startMs?: number;
  /** Milliseconds since 1970 at the start. */
  readonly wallStartMs?: number;
}

/** Turns at one instant; more is a loop that never lets time pass. */
const turnsAtOneInstantMax = 1_000_000;

export function createVirtualClock(options: VirtualClockOptions = {}): VirtualClock {
  return new Virtual(options.startMs ?? 0, options.wallStartMs ?? 1_700_000_000_000);
}

interface Entry {
  readonly atMs: number;
  readonly sequence: number;
  /** Null when it ran or was cancelled. */
  callback: (() => void) | null;
}

class Virtual implements VirtualClock {
  #nowMs: number;
  readonly #wallOffsetMs: number;
  readonly #heap: Entry[] = [];
  #deferred: (() => void)[] = [];
  #sequence = 0;
  #timerCount = 0;

  constructor(startMs: number, wallStartMs: number) {
    this.#nowMs = startMs;
    this.#wallOffsetMs = wallStartMs - startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.#nowMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    assert(Number.isFinite(delayMs), "a delay is finite");
    const atMs = this.#nowMs + Math.max(0, delayMs);
    const entry: Entry = { atMs, sequence: this.#sequence++, callback };
    push(this.#heap, entry);
    this.#timerCount += 1;
    return { cancel: () => this.#settle(entry) };
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  advance(durationMs: number): void {
    assert(durationMs >= 0, "time does not go back");
    const endMs = this.#nowMs + durationMs;
    this.#runUntil(endMs, () => false);
    this.#nowMs = endMs;
  }

  advanceUntil(condition: () => boolean, limitMs: number): boolean {
    const endMs = this.#nowMs + limitMs;
    if (this.#runUntil(endMs, condition)) return true;
    if (this.nextTimerMs() !== null) this.#nowMs = endMs;
    return false;
  }

  nextTimerMs(): number | null {
    let first = this.#heap[0];
    while (first !== undefined && first.callback === null) {
      pop(this.#heap);
      first = this.#heap[0];
    }
    return first?.atMs ?? null;
  }

  pendingCount(): number {
    return this.#timerCount + this.#deferred.length;
  }

  /** Whether `condition` came to hold. */
  #runUntil(endMs: number, condition: () => boolean): boolean {
    let turns = 0;
    while (!condition()) {
      const nextMs = this.#deferred.length > 0 ? this.#nowMs : this.nextTimerMs();
      if (nextMs === null || nextMs > endMs) return false;
      turns = nextMs > this.#nowMs ? 0 : turns + 1;
      assert(turns <= turnsAtOneInstantMax, "time passes: no endless loop at one instant");
      this.#nowMs = nextMs;
      this.#turn();
    }
    return true;
  }

  /** What is due now, except what it sets itself; then what was deferred. */
  #turn(): void {
    const sequenceEnd = this.#sequence;
    let first = this.#heap[0];
    while (first !== undefined && first.atMs <= this.#nowMs && first.sequence < sequenceEnd) {
      pop(this.#heap);
      const callback = first.callback;
      this.#settle(first);
      callback?.();
      first = this.#heap[0];
    }
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const callback of deferred) callback();
  }

  #settle(entry: Entry): void {
    if (entry.callback === null) return;
    entry.callback = null;
    this.#timerCount -= 1;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}

/** Adds to a binary heap whose first element is the earliest. */
function push(heap: Entry[], entry: Entry): void {
  let at = heap.length;
  heap.push(entry);
  while (at > 0) {
    const parentAt = (at - 1) >> 1;
    const parent = heap[parentAt];
    if (parent === undefined || !isBefore(entry, parent)) break;
    heap[at] = parent;
    at = parentAt;
  }
  heap[at] = entry;
}

/** Removes the earliest. */
function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const child = earlierChild(heap, at);
    const entry = heap[child];
    if (entry === undefined || !isBefore(entry, last)) break;
    heap[at] = entry;
    at = child;
  }
  heap[at] = last;
}

function earlierChild(heap: readonly Entry[], at: number): number {
  const left = heap[2 * at + 1];
  const right = heap[2 * at + 2];
  const isRight = left !== undefined && right !== undefined && isBefore(right, left);
  return isRight ? 2 * at + 2 : 2 * at + 1;
}
