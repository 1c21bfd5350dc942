/**
 * What sessions are to do, written down a second time and as simply as it goes: every entry looks
 * at every session. Nothing of `machine/session-table.ts` is used. @thesis §6.3
 */

/** An entry of a log of sessions, `stampMs` being what its leader wrote into it. */
export type SessionEntry = { readonly stampMs: number } & (
  | { readonly kind: "open"; readonly ttlMs: number }
  | { readonly kind: "keep-alive"; readonly session: number; readonly floor: number }
  | { readonly kind: "close"; readonly session: number }
  | {
      readonly kind: "add";
      readonly session: number;
      readonly sequence: number;
      readonly floor: number;
    }
);

/** What an entry is to come to, in words; and how much was added in all. */
export interface Expected {
  readonly outcome: string;
  readonly total: number;
}

interface SpecifiedSession {
  readonly ttlMs: number;
  activeMs: number;
  floor: number;
  /** By sequence: the total that the command was answered. */
  readonly answers: Map<number, number>;
}

/** Sequences from the floor on that a session remembers. */
const window = 1_024;

export class SessionsSpecification {
  #nowMs = 0;
  #total = 0;
  readonly #sessions = new Map<number, SpecifiedSession>();

  /** Those that are open, by id. */
  get open(): readonly number[] {
    return [...this.#sessions.keys()];
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  apply(entry: SessionEntry, index: number): Expected {
    this.#nowMs = Math.max(this.#nowMs, entry.stampMs);
    for (const [id, { activeMs, ttlMs }] of [...this.#sessions]) {
      if (this.#nowMs - activeMs >= ttlMs) this.#sessions.delete(id);
    }
    return { outcome: this.#perform(entry, index), total: this.#total };
  }

  #perform(entry: SessionEntry, index: number): string {
    if (entry.kind === "open") {
      const { ttlMs } = entry;
      this.#sessions.set(index, { ttlMs, activeMs: this.#nowMs, floor: 1, answers: new Map() });
      return `opened ${index}`;
    }
    const session = this.#sessions.get(entry.session);
    if (entry.kind === "close") {
      this.#sessions.delete(entry.session);
      return "closed";
    }
    if (session === undefined) return "expired";
    session.activeMs = this.#nowMs;
    session.floor = Math.max(session.floor, entry.floor);
    for (const sequence of [...session.answers.keys()]) {
      if (sequence < session.floor) session.answers.delete(sequence);
    }
    return entry.kind === "keep-alive" ? "alive" : this.#add(session, entry.sequence);
  }

  #add({ floor, answers }: SpecifiedSession, sequence: number): string {
    if (sequence < floor) return "forgotten";
    if (sequence >= floor + window) return "beyond-window";
    const known = answers.get(sequence);
    const answer = known ?? ++this.#total;
    answers.set(sequence, answer);
    return `applied ${answer}`;
  }
}
