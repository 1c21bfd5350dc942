/**
 * Many deadlines on few timers: those that fall into the same short span share one, so that a
 * call's deadline costs a place in a list. They come late by up to a thirty-second of their time,
 * or 16 ms, and never early.
 */

/** Milliseconds of the shortest span. */
const spanMsMin = 16;
/** A wait is cut into at most so many spans, and at least half as many. */
const spansPerTime = 64;
/** The longest that a timer can wait; a deadline beyond is none. */
const timerMsMax = 2 ** 31 - 1;

/** A place in the queue. */
export interface Deadline {
  readonly onDue: () => void;
  previous: Deadline | null;
  next: Deadline | null;
  bucket: Bucket | null;
}

interface Bucket {
  readonly timer: NodeJS.Timeout;
  first: Deadline | null;
}

export class DeadlineQueue {
  /** By the length of the span, then by the number of the span. */
  readonly #buckets: Map<number, Map<number, Bucket>> = new Map();

  /** Calls back in `timeoutMs`, unless the deadline is removed before. */
  add(timeoutMs: number, onDue: () => void): Deadline {
    const waitMs = Math.min(timeoutMs, timerMsMax / 2);
    let spanMs = spanMsMin;
    while (spanMs * spansPerTime < waitMs) spanMs *= 2;
    const bucket = this.#bucketAt(spanMs, Math.ceil((performance.now() + waitMs) / spanMs));
    const deadline: Deadline = { onDue, previous: null, next: bucket.first, bucket };
    if (bucket.first !== null) bucket.first.previous = deadline;
    bucket.first = deadline;
    return deadline;
  }

  /** Removes a deadline; one that was due or removed before is left as it is. */
  remove(deadline: Deadline): void {
    const { bucket, previous, next } = deadline;
    if (bucket === null) return;
    if (previous === null) bucket.first = next;
    else previous.next = next;
    if (next !== null) next.previous = previous;
    deadline.bucket = null;
  }

  /** Lets all timers go. */
  clear(): void {
    for (const spans of this.#buckets.values()) {
      for (const bucket of spans.values()) clearTimeout(bucket.timer);
    }
    this.#buckets.clear();
  }

  #bucketAt(spanMs: number, span: number): Bucket {
    const spans = this.#buckets.get(spanMs) ?? new Map<number, Bucket>();
    if (spans.size === 0) this.#buckets.set(spanMs, spans);
    const known = spans.get(span);
    if (known !== undefined) return known;
    const waitMs = Math.ceil(span * spanMs - performance.now());
    const timer = setTimeout(() => this.#onSpan(spans, span), waitMs);
    const bucket: Bucket = { timer, first: null };
    spans.set(span, bucket);
    return bucket;
  }

  #onSpan(spans: Map<number, Bucket>, span: number): void {
    const bucket = spans.get(span);
    spans.delete(span);
    // One at a time: what is told may remove others.
    for (let due = bucket?.first ?? null; due !== null; due = bucket?.first ?? null) {
      this.remove(due);
      due.onDue();
    }
  }
}
