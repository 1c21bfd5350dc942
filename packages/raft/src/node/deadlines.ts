/**
 * Deadlines of many requests at the cost of one timer: they are kept in slots of a tick and looked at once a
 * tick. A request is at most a tick late.
 */

/** Something that must settle by a time. */
export interface Expiring {
  /** True once it has settled; it is then skipped. */
  readonly isSettled: boolean;
  expire(): void;
}

export interface Deadlines {
  readonly slotMs: number;
  readonly slots: Map<number, Expiring[]>;
  /** Everything below was looked at. */
  nextSlot: number;
}

export function createDeadlines(slotMs: number, nowMs: number): Deadlines {
  return { slotMs, slots: new Map(), nextSlot: Math.floor(nowMs / slotMs) };
}

export function addDeadline(deadlines: Deadlines, atMs: number, item: Expiring): void {
  const slot = Math.max(Math.ceil(atMs / deadlines.slotMs), deadlines.nextSlot);
  const items = deadlines.slots.get(slot);
  if (items === undefined) deadlines.slots.set(slot, [item]);
  else items.push(item);
}

/** Expires what is due at `nowMs`. */
export function expireDue(deadlines: Deadlines, nowMs: number): void {
  const through = Math.floor(nowMs / deadlines.slotMs);
  if (through - deadlines.nextSlot > deadlines.slots.size) {
    // After a long stall there are fewer slots than ticks to look at.
    const due = [...deadlines.slots.keys()].filter((slot) => slot <= through).sort((a, b) => a - b);
    deadlines.nextSlot = through + 1;
    for (const slot of due) expireSlot(deadlines, slot);
    return;
  }
  while (deadlines.nextSlot <= through) {
    const slot = deadlines.nextSlot;
    deadlines.nextSlot++;
    expireSlot(deadlines, slot);
  }
}

function expireSlot(deadlines: Deadlines, slot: number): void {
  const items = deadlines.slots.get(slot);
  if (items === undefined) return;
  deadlines.slots.delete(slot);
  for (const item of items) if (!item.isSettled) item.expire();
}
