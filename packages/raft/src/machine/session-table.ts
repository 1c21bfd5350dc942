/**
 * The sessions of all clients: part of the replicated state, the same on every member at the same
 * index. Everything here is a function of the log's entries: no clock, no chance. Called by
 * `machine-set.ts` while applying; the clients' side is the node's. @thesis §6.3
 */
import { assert, ByteWriter, FormatError } from "../base/index.ts";
import { ParsedRestore } from "./byte-feed.ts";
import type { SessionCommand } from "./session-envelope.ts";
import {
  createTableWalk,
  parseTable,
  type ReplyImage,
  type SessionTableImage,
} from "./session-table-codec.ts";
import { PieceSource, type StateCapture, type StateRestore } from "./state-capture.ts";

/**
 * The limits of sessions. Constants and no options, because members that differ in them would
 * differ in their states.
 */
export const sessionLimits: {
  readonly sessionsMax: number;
  readonly windowMax: number;
  readonly replyBytesMax: number;
  readonly repliesBytesMax: number;
  readonly ttlMsMax: number;
} = {
  /** Sessions at a time; a program needs one. More are refused, so that the table is bounded. */
  sessionsMax: 1_024,
  /** Commands of a session under way: sequences from the floor on that the table remembers. */
  windowMax: 1_024,
  /** Bytes of one reply; of a larger one only is remembered that the command was applied. */
  replyBytesMax: 1024 * 1024,
  /** Bytes of all replies; above it the oldest are dropped, and remembered as applied. */
  repliesBytesMax: 64 * 1024 * 1024,
  /** Milliseconds that a session may ask to outlive its silence; a day: leaked ones must end. */
  ttlMsMax: 86_400_000,
};

/** What an entry of a session came to; the same on every member. */
export type SessionOutcome =
  | { readonly kind: "opened"; readonly session: number }
  /** Not opened: `sessionsMax`. */
  | { readonly kind: "table-full" }
  | { readonly kind: "alive" }
  | { readonly kind: "closed" }
  /** There is no such session (any more). The entry had no effect. */
  | { readonly kind: "expired" }
  /** Now or by an earlier entry of the same sequence: `result` is what the machine made of it. */
  | { readonly kind: "applied"; readonly result: unknown }
  /** Applied by an earlier entry, and its reply was not kept. */
  | { readonly kind: "reply-lost" }
  /** A late duplicate of a command whose answer nobody waits for. Not applied by this entry. */
  | { readonly kind: "forgotten" }
  /** More than `windowMax` above the floor. Not applied. */
  | { readonly kind: "beyond-window" };

/** `duplicate`: of a command that was applied; `reply` is null if it was not kept. */
export type Admission =
  | { readonly kind: "fresh" }
  | { readonly kind: "duplicate"; readonly reply: Uint8Array | null }
  | Extract<SessionOutcome, { readonly kind: "expired" | "forgotten" | "beyond-window" }>;

/** Never changed: a capture may hold it. */
interface Reply extends ReplyImage {
  readonly session: Session;
  readonly sequence: number;
}

interface Session {
  readonly ttlMs: number;
  /** Session time of its last entry. */
  activeMs: number;
  /** Below it nothing is remembered, and nothing applied any more. */
  floor: number;
  /** By sequence. Changed through `own` only. @invariant within [floor, floor + windowMax) */
  replies: Map<number, Reply>;
  /** A capture holds `replies`: they are copied before they change. */
  isShared: boolean;
}

export class SessionTable {
  /** Milliseconds while some leader was there: the highest stamp of all entries. */
  #timeMs = 0;
  /** By id, ascending: ids are indexes. */
  readonly #sessions = new Map<number, Session>();
  /** Those with bytes, by index, ascending. */
  readonly #kept = new Map<number, Reply>();
  #keptBytes = 0;
  /** No session ends before. */
  #earliestEndMs = Number.POSITIVE_INFINITY;

  get timeMs(): number {
    return this.#timeMs;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /**
   * The leader's stamp on an entry of any session: ends those that were silent for their time. A
   * new leader may stamp lower than its predecessor; time does not go back.
   */
  advance(stampMs: number): void {
    if (stampMs > this.#timeMs) this.#timeMs = stampMs;
    if (this.#timeMs < this.#earliestEndMs) return;
    let earliest = Number.POSITIVE_INFINITY;
    for (const [id, session] of this.#sessions) {
      const endMs = session.activeMs + session.ttlMs;
      if (endMs <= this.#timeMs) this.close(id);
      else earliest = Math.min(earliest, endMs);
    }
    this.#earliestEndMs = earliest;
  }

  /** Opens a session whose id is the entry's `index`. */
  open(index: number, ttlMs: number): SessionOutcome {
    if (this.#sessions.size >= sessionLimits.sessionsMax) return { kind: "table-full" };
    assert(!this.#sessions.has(index), "an entry opens one session");
    const checkedMs = Math.min(ttlMs, sessionLimits.ttlMsMax);
    const activeMs = this.#timeMs;
    const session = { ttlMs: checkedMs, activeMs, floor: 1, replies: new Map(), isShared: false };
    this.#sessions.set(index, session);
    this.#earliestEndMs = Math.min(this.#earliestEndMs, activeMs + checkedMs);
    return { kind: "opened", session: index };
  }

  keepAlive(id: number, floor: number): SessionOutcome {
    const session = this.#sessions.get(id);
    if (session === undefined) return { kind: "expired" };
    this.#touch(session, floor);
    return { kind: "alive" };
  }

  /** Idempotent. */
  close(id: number): SessionOutcome {
    const session = this.#sessions.get(id);
    if (session !== undefined) {
      for (const reply of session.replies.values()) this.#uncount(reply);
      this.#sessions.delete(id);
    }
    return { kind: "closed" };
  }

  /** Whether the command is to be applied now. If so, `keep` must follow. @thesis §6.3 */
  admit({ session: id, sequence, floor }: SessionCommand): Admission {
    const session = this.#sessions.get(id);
    if (session === undefined) return { kind: "expired" };
    this.#touch(session, floor);
    if (sequence < session.floor) return { kind: "forgotten" };
    if (sequence - session.floor >= sessionLimits.windowMax) return { kind: "beyond-window" };
    const reply = session.replies.get(sequence);
    return reply === undefined ? { kind: "fresh" } : { kind: "duplicate", reply: reply.bytes };
  }

  /** Remembers that the command was applied at `index`, and its reply if it has one of bytes. */
  keep({ session: id, sequence }: SessionCommand, index: number, bytes: Uint8Array | null): void {
    const session = this.#sessions.get(id);
    assert(session !== undefined, "only an open session's command is applied");
    assert(!session.replies.has(sequence), "a sequence is applied once");
    const fits = bytes !== null && bytes.length <= sessionLimits.replyBytesMax;
    const reply: Reply = { session, sequence, index, bytes: fits ? bytes : null };
    own(session).set(sequence, reply);
    this.#count(reply);
    for (const oldest of this.#kept.values()) {
      if (this.#keptBytes <= sessionLimits.repliesBytesMax) break;
      this.#drop(oldest);
    }
  }

  #touch(session: Session, floor: number): void {
    session.activeMs = this.#timeMs;
    if (floor <= session.floor) return;
    const replies = own(session);
    // The shorter way: the floor mostly rises by one, and may jump.
    if (floor - session.floor <= replies.size) {
      for (let sequence = session.floor; sequence < floor; sequence++) {
        this.#forget(session, sequence);
      }
    } else {
      for (const sequence of replies.keys()) {
        if (sequence < floor) this.#forget(session, sequence);
      }
    }
    session.floor = floor;
  }

  #forget(session: Session, sequence: number): void {
    const reply = session.replies.get(sequence);
    if (reply === undefined) return;
    this.#uncount(reply);
    own(session).delete(sequence);
  }

  #count(reply: Reply): void {
    if (reply.bytes === null) return;
    this.#kept.set(reply.index, reply);
    this.#keptBytes += reply.bytes.length;
  }

  /** Remembers of the reply only that there was one. */
  #drop(reply: Reply): void {
    this.#uncount(reply);
    own(reply.session).set(reply.sequence, { ...reply, bytes: null });
  }

  #uncount(reply: Reply): void {
    if (reply.bytes === null) return;
    this.#kept.delete(reply.index);
    this.#keptBytes -= reply.bytes.length;
  }

  /**
   * Freezes it for a snapshot: notes the heads of all sessions, 1,024 at most. Replies are copied
   * session by session, if and when they change.
   */
  capture(): StateCapture {
    return new PieceSource(createTableWalk(this.#image()));
  }

  /** Reads what a capture gave; `use` gets the table. */
  static restore(use: (table: SessionTable) => void): StateRestore {
    return new ParsedRestore(parseTable, (image) => use(SessionTable.#of(image)));
  }

  /** Canonical: equal tables give equal bytes. `docs/formats.md` */
  encode(): Uint8Array {
    const writer = new ByteWriter(64 + this.#keptBytes);
    const step = createTableWalk(this.#image());
    while (step(writer));
    return writer.finish();
  }

  /** @throws FormatError for bytes that `encode` does not make */
  static decode(bytes: Uint8Array): SessionTable {
    let table = new SessionTable();
    const restore = SessionTable.restore((read) => {
      table = read;
    });
    restore.write(bytes);
    restore.finish();
    return table;
  }

  #image(): SessionTableImage {
    const sessions = Array.from(this.#sessions, ([id, session]) => {
      session.isShared = true;
      const { ttlMs, activeMs, floor, replies } = session;
      return { id, ttlMs, activeMs, floor, replies };
    });
    return { timeMs: this.#timeMs, sessions };
  }

  static #of({ timeMs, sessions }: SessionTableImage): SessionTable {
    const table = new SessionTable();
    table.#timeMs = timeMs;
    const all: Reply[] = [];
    for (const { id, ttlMs, activeMs, floor, replies } of sessions) {
      const session: Session = { ttlMs, activeMs, floor, replies: new Map(), isShared: false };
      for (const [sequence, image] of replies) {
        const reply: Reply = { session, sequence, ...image };
        session.replies.set(sequence, reply);
        all.push(reply);
      }
      table.#sessions.set(id, session);
      table.#earliestEndMs = Math.min(table.#earliestEndMs, activeMs + ttlMs);
    }
    all.sort((a, b) => a.index - b.index);
    for (const reply of all) {
      if (table.#kept.has(reply.index))
        throw new FormatError(`two replies of entry ${reply.index}`);
      table.#count(reply);
    }
    return table;
  }
}

/** The replies of a session, to be changed. */
function own(session: Session): Map<number, Reply> {
  if (session.isShared) {
    session.replies = new Map(session.replies);
    session.isShared = false;
  }
  return session.replies;
}
