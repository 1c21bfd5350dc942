/**
 * The requests that have not settled, by their deadlines, at the cost of one timer: they are kept in slots of a
 * tick and looked at once a tick. A request is at most a tick late.
 */

/** Something that must settle by a time. Whoever settles it calls `dropDeadline`. */
export interface Expiring {
  /** Where it is kept; null: nowhere. Written here only. */
  slot: DeadlineSlot | null;
  /** Its time has come: settles. */
  expire(): void;
  /** The member has stopped because of `cause`: settles. */
  fail(cause: unknown): void;
}

/** What is due at one tick. */
export interface DeadlineSlot {
  readonly number: number;
  readonly items: Set<Expiring>;
}

export interface Deadlines {
  readonly slotMs: number;
  readonly slots: Map<number, DeadlineSlot>;
  /** Everything below was looked at. */
  nextSlot: number;
}

export function createDeadlines(slotMs: number, nowMs: number): Deadlines {
  return { slotMs, slots: new Map(), nextSlot: Math.floor(nowMs / slotMs) };
}

export function addDeadline(deadlines: Deadlines, atMs: number, item: Expiring): void {
  const number = Math.max(Math.ceil(atMs / deadlines.slotMs), deadlines.nextSlot);
  let slot = deadlines.slots.get(number);
  if (slot === undefined) {
    slot = { number, items: new Set() };
    deadlines.slots.set(number, slot);
  }
  slot.items.add(item);
  item.slot = slot;
}

/** A settled request is kept no longer: with long timeouts there are many times more of them than of open ones. */
export function dropDeadline(deadlines: Deadlines, item: Expiring): void {
  const { slot } = item;
  if (slot === null) return;
  item.slot = null;
  slot.items.delete(item);
  if (slot.items.size === 0) deadlines.slots.delete(slot.number);
}

/** Expires what is due at `nowMs`. */
export function expireDue(deadlines: Deadlines, nowMs: number): void {
  const through = Math.floor(nowMs / deadlines.slotMs);
  if (through - deadlines.nextSlot > deadlines.slots.size) {
    // After a long stall there are fewer slots than ticks to look at.
    const due = [...deadlines.slots.keys()].filter((slot) => slot <= through).sort((a, b) => a - b);
    deadlines.nextSlot = through + 1;
    for (const number of due) expireSlot(deadlines, number);
    return;
  }
  while (deadlines.nextSlot <= through) {
    const number = deadlines.nextSlot;
    deadlines.nextSlot++;
    expireSlot(deadlines, number);
  }
}

function expireSlot(deadlines: Deadlines, number: number): void {
  for (const item of deadlines.slots.get(number)?.items ?? []) item.expire();
}

/** The member has stopped: every request settles, wherever it was on its way. */
export function failAll(deadlines: Deadlines, cause: unknown): void {
  for (const { items } of [...deadlines.slots.values()]) {
    for (const item of items) item.fail(cause);
  }
}
