/**
 * The one virtual time of a world: a queue of events, run in the order of their instant and, at one
 * instant, in the order they were added. No microtasks, no host clock. Everything in `hosts/` lives
 * on it; the world turns it.
 */
import { assert } from "../../base/index.ts";
import type { Timer } from "../../ports/index.ts";

/** Whose event it is: decides whether it runs, waits or is lost. */
export interface EventOwner {
  readonly state: "running" | "paused" | "dead";
  /** Takes an event that came due while paused. */
  hold(event: TimelineEvent): void;
}

/** Events at one instant; more is a loop that never lets time pass. */
const eventsAtOneInstantMax = 5_000_000;

/** Something that happens at an instant, unless it is cancelled before. */
export class TimelineEvent implements Timer {
  /** Milliseconds of the timeline. */
  atMs: number;
  /** Order among events of one instant. */
  sequence: number;
  /** Null when it ran or was cancelled. */
  callback: (() => void) | null;
  /** Null: the world's own. */
  readonly owner: EventOwner | null;
  /** When it is due by its owner's clock; NaN for what has nothing to do with a clock. */
  readonly localMs: number;

  constructor(
    atMs: number,
    sequence: number,
    callback: () => void,
    owner: EventOwner | null,
    localMs: number,
  ) {
    this.atMs = atMs;
    this.sequence = sequence;
    this.callback = callback;
    this.owner = owner;
    this.localMs = localMs;
  }

  cancel(): void {
    this.callback = null;
  }
}

export class Timeline {
  #nowMs = 0;
  #sequence = 0;
  #eventCount = 0;
  #atThisInstant = 0;
  /** A binary heap: what is due later than when it was added. */
  readonly #later: TimelineEvent[] = [];
  /** What was added for the instant it was added at, in order. All of `#later` of now is older. */
  #now: TimelineEvent[] = [];
  #nowHead = 0;

  /** Milliseconds since the world began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events that ran so far. */
  get eventCount(): number {
    return this.#eventCount;
  }

  /** Events that wait and were not cancelled; counted when asked. */
  get pendingCount(): number {
    const isPending = (event: TimelineEvent) => event.callback !== null;
    const now = this.#now.slice(this.#nowHead).filter(isPending).length;
    return now + this.#later.filter(isPending).length;
  }

  /** Adds an event of the world at an instant, now at the earliest. */
  at(atMs: number, callback: () => void): TimelineEvent {
    return this.add(atMs, callback, null, Number.NaN);
  }

  /** Adds an event of the world `delayMs` from now. */
  after(delayMs: number, callback: () => void): TimelineEvent {
    return this.add(this.#nowMs + delayMs, callback, null, Number.NaN);
  }

  /** Adds an event that runs only while its owner does. */
  add(
    atMs: number,
    callback: () => void,
    owner: EventOwner | null,
    localMs: number,
  ): TimelineEvent {
    assert(atMs < Number.POSITIVE_INFINITY, "an event has a finite instant");
    const event = new TimelineEvent(atMs, this.#sequence++, callback, owner, localMs);
    this.#insert(event);
    return event;
  }

  /** Adds an event again that its owner held, after all that is due at `atMs` already. */
  readd(event: TimelineEvent, atMs: number): void {
    if (event.callback === null) return;
    event.atMs = atMs;
    event.sequence = this.#sequence++;
    this.#insert(event);
  }

  /** Runs the next event, if there is one. */
  runNext(): boolean {
    const event = this.#take(Number.POSITIVE_INFINITY);
    if (event === null) return false;
    this.#run(event);
    return true;
  }

  /** Runs all events up to and including `untilMs`; then it is exactly that late. */
  runUntil(untilMs: number): void {
    assert(untilMs >= this.#nowMs, "time does not go back");
    for (let event = this.#take(untilMs); event !== null; event = this.#take(untilMs)) {
      this.#run(event);
    }
    this.#moveTo(untilMs);
  }

  /**
   * Runs event by event until `condition` holds, looked at before each. False: it does not within
   * `limitMs`; it is then that much later.
   */
  runUntilThat(condition: () => boolean, limitMs: number): boolean {
    const endMs = this.#nowMs + limitMs;
    while (!condition()) {
      const event = this.#take(endMs);
      if (event === null) {
        this.#moveTo(endMs);
        return condition();
      }
      this.#run(event);
    }
    return true;
  }

  /** The instant of the next event, cancelled ones included; null when there is none. */
  nextMs(): number | null {
    if (this.#nowHead < this.#now.length) return this.#nowMs;
    return this.#later[0]?.atMs ?? null;
  }

  /** Moves an owner's clock events to where its clock now puts them. */
  reschedule(owner: EventOwner, toTimelineMs: (localMs: number) => number): void {
    const heap = this.#later;
    let isChanged = false;
    for (const event of heap) {
      if (event.owner !== owner || Number.isNaN(event.localMs)) continue;
      event.atMs = Math.max(this.#nowMs, toTimelineMs(event.localMs));
      isChanged = true;
    }
    if (!isChanged) return;
    for (let at = (heap.length >> 1) - 1; at >= 0; at--) {
      const event = heap[at];
      if (event !== undefined) sink(heap, at, event);
    }
  }

  #insert(event: TimelineEvent): void {
    if (event.atMs > this.#nowMs) push(this.#later, event);
    else this.#now.push(event);
  }

  #run(event: TimelineEvent): void {
    const { callback } = event;
    event.callback = null;
    this.#eventCount += 1;
    this.#atThisInstant += 1;
    assert(this.#atThisInstant <= eventsAtOneInstantMax, "time passes: no endless loop");
    callback?.();
  }

  /** The next event that runs; what is held or lost on the way is dealt with. */
  #take(limitMs: number): TimelineEvent | null {
    for (;;) {
      const event = this.#shift(limitMs);
      if (event === null) return null;
      if (event.callback === null) continue;
      const { owner } = event;
      if (owner === null || owner.state === "running") return event;
      if (owner.state === "paused") owner.hold(event);
    }
  }

  #shift(limitMs: number): TimelineEvent | null {
    const heap = this.#later;
    const first = heap[0];
    if (first !== undefined && first.atMs <= this.#nowMs) return pop(heap);
    if (this.#nowHead < this.#now.length) {
      const event = this.#now[this.#nowHead++] ?? null;
      if (this.#nowHead === this.#now.length) {
        this.#now.length = 0;
        this.#nowHead = 0;
      }
      return event;
    }
    if (first === undefined || first.atMs > limitMs) return null;
    this.#moveTo(first.atMs);
    return pop(heap);
  }

  #moveTo(nowMs: number): void {
    if (nowMs === this.#nowMs) return;
    this.#nowMs = nowMs;
    this.#atThisInstant = 0;
  }
}

function isBefore(a: TimelineEvent, b: TimelineEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
}

function push(heap: TimelineEvent[], event: TimelineEvent): void {
  let at = heap.length;
  heap.push(event);
  while (at > 0) {
    const parentAt = (at - 1) >> 1;
    const parent = heap[parentAt];
    if (parent === undefined || !isBefore(event, parent)) break;
    heap[at] = parent;
    at = parentAt;
  }
  heap[at] = event;
}

/** Removes the earliest; the heap is not empty. */
function pop(heap: TimelineEvent[]): TimelineEvent | null {
  const first = heap[0];
  const last = heap.pop();
  if (first === undefined || last === undefined) return null;
  if (heap.length > 0) sink(heap, 0, last);
  return first;
}

/** Puts `event` at `at` or below it, where it belongs. */
function sink(heap: TimelineEvent[], start: number, event: TimelineEvent): void {
  const { length } = heap;
  let at = start;
  for (;;) {
    let childAt = 2 * at + 1;
    if (childAt >= length) break;
    let child = heap[childAt];
    const right = heap[childAt + 1];
    if (right !== undefined && child !== undefined && isBefore(right, child)) {
      child = right;
      childAt += 1;
    }
    if (child === undefined || !isBefore(child, event)) break;
    heap[at] = child;
    at = childAt;
  }
  heap[at] = event;
}
