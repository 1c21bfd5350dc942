/**
 * All requests that have not settled, by their deadlines, at the cost of one timer. Requests with
 * the same time limit end in the order they came, so each limit has a queue, looked at once a tick;
 * a request is at most a tick late.
 */

/** Something that must settle by a time. */
export interface Expiring {
  /** True once it has settled; it is then dropped. */
  readonly isSettled: boolean;
  /** Milliseconds of the clock. */
  readonly deadlineMs: number;
  /** Its time has come: settles. */
  expire(): void;
  /** The member has stopped because of `cause`: settles. */
  fail(cause: unknown): void;
}

/** Requests in the order of their deadlines, by their time limit in milliseconds. */
export type Deadlines = Map<number, Expiring[]>;

export function createDeadlines(): Deadlines {
  return new Map();
}

export function addDeadline(deadlines: Deadlines, timeoutMs: number, item: Expiring): void {
  const queue = deadlines.get(timeoutMs);
  if (queue === undefined) deadlines.set(timeoutMs, [item]);
  else queue.push(item);
}

/** Expires what is due at `nowMs`, and lets go of what has settled. */
export function expireDue(deadlines: Deadlines, nowMs: number): void {
  for (const [timeoutMs, queue] of deadlines) {
    let done = 0;
    for (const item of queue) {
      if (!item.isSettled) {
        if (item.deadlineMs > nowMs) break;
        item.expire();
      }
      done++;
    }
    if (done === queue.length) deadlines.delete(timeoutMs);
    else if (done > 0) queue.splice(0, done);
  }
}

/** The member has stopped: every request settles, wherever it was on its way. */
export function failAll(deadlines: Deadlines, cause: unknown): void {
  for (const queue of [...deadlines.values()]) {
    for (const item of queue) if (!item.isSettled) item.fail(cause);
  }
  deadlines.clear();
}
