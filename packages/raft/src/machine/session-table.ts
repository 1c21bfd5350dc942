/**
 * The sessions of all clients: part of the replicated state, the same on every member at the same
 * index. Everything here is a function of the log's entries: no clock, no chance. Called by
 * `machine-set.ts` while applying; the clients' side is the node's. @thesis §6.3
 */
import { assert, ByteReader, ByteWriter, FormatError } from "../base/index.ts";
import type { SessionCommand } from "./session-envelope.ts";

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

interface Reply {
  /** Of the entry that was applied. */
  readonly index: number;
  /** Null: not kept. */
  bytes: Uint8Array | null;
}

interface Session {
  readonly ttlMs: number;
  /** Session time of its last entry. */
  activeMs: number;
  /** Below it nothing is remembered, and nothing applied any more. */
  floor: number;
  /** By sequence. @invariant within [floor, floor + windowMax) */
  readonly replies: Map<number, Reply>;
}

/** Version of the encoded table. */
const tableVersion = 1;

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
    this.#sessions.set(index, { ttlMs: checkedMs, activeMs, floor: 1, replies: new Map() });
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
      for (const reply of session.replies.values()) this.#drop(reply);
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
    const reply: Reply = { index, bytes: fits ? bytes : null };
    session.replies.set(sequence, reply);
    this.#count(reply);
    for (const oldest of this.#kept.values()) {
      if (this.#keptBytes <= sessionLimits.repliesBytesMax) break;
      this.#drop(oldest);
    }
  }

  #touch(session: Session, floor: number): void {
    session.activeMs = this.#timeMs;
    if (floor <= session.floor) return;
    const { replies } = session;
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

  #forget({ replies }: Session, sequence: number): void {
    const reply = replies.get(sequence);
    if (reply === undefined) return;
    this.#drop(reply);
    replies.delete(sequence);
  }

  #count(reply: Reply): void {
    if (reply.bytes === null) return;
    this.#kept.set(reply.index, reply);
    this.#keptBytes += reply.bytes.length;
  }

  #drop(reply: Reply): void {
    if (reply.bytes === null) return;
    this.#kept.delete(reply.index);
    this.#keptBytes -= reply.bytes.length;
    reply.bytes = null;
  }

  /** Canonical: equal tables give equal bytes. `docs/formats.md` */
  encode(): Uint8Array {
    const writer = new ByteWriter(64 + this.#keptBytes);
    writer.u8(tableVersion).u64(this.#timeMs).u32(this.#sessions.size);
    for (const [id, session] of this.#sessions) {
      writer.u64(id).u32(session.ttlMs).u64(session.activeMs).u64(session.floor);
      const replies = [...session.replies].sort(([a], [b]) => a - b);
      writer.u32(replies.length);
      for (const [sequence, { index, bytes }] of replies) {
        writer
          .u64(sequence)
          .u64(index)
          .u8(bytes === null ? 0 : 1);
        if (bytes !== null) writer.u32(bytes.length).raw(bytes);
      }
    }
    return writer.finish();
  }

  /** @throws FormatError for bytes that `encode` does not make */
  static decode(bytes: Uint8Array): SessionTable {
    const reader = new ByteReader(bytes);
    const version = reader.u8();
    if (version !== tableVersion) {
      throw new FormatError(`a table of sessions of version ${version}: this program knows 1`);
    }
    const table = new SessionTable();
    table.#timeMs = reader.u64();
    let before = 0;
    for (let count = reader.u32(); count > 0; count--) {
      const id = reader.u64();
      if (id <= before) throw new FormatError(`session ${id} stands behind session ${before}`);
      table.#sessions.set(id, decodeSession(reader));
      before = id;
    }
    if (reader.remaining > 0) {
      throw new FormatError(`${reader.remaining} bytes behind a table of sessions`);
    }
    table.#recount();
    return table;
  }

  /** What follows from the sessions. */
  #recount(): void {
    const replies: Reply[] = [];
    for (const session of this.#sessions.values()) {
      this.#earliestEndMs = Math.min(this.#earliestEndMs, session.activeMs + session.ttlMs);
      replies.push(...session.replies.values());
    }
    replies.sort((a, b) => a.index - b.index);
    for (const reply of replies) this.#count(reply);
  }
}

function decodeSession(reader: ByteReader): Session {
  const session: Session = {
    ttlMs: reader.u32(),
    activeMs: reader.u64(),
    floor: reader.u64(),
    replies: new Map(),
  };
  let before = session.floor - 1;
  for (let count = reader.u32(); count > 0; count--) {
    const sequence = reader.u64();
    if (sequence <= before) throw new FormatError(`reply ${sequence} stands behind ${before}`);
    const index = reader.u64();
    const flag = reader.u8();
    if (flag > 1) throw new FormatError(`reply ${sequence} is of kind ${flag}`);
    const bytes = flag === 1 ? reader.raw(reader.u32()).slice() : null;
    session.replies.set(sequence, { index, bytes });
    before = sequence;
  }
  return session;
}
