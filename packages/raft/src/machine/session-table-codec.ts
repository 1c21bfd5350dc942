/**
 * The table of sessions as bytes, written and read in small steps: `docs/formats.md` specifies
 * them. Called by `session-table.ts`, which knows what the table means.
 */
import { type ByteWriter, FormatError } from "../base/index.ts";
import type { ByteFeed, Parser } from "./byte-feed.ts";

/** Version of the encoded table. */
const tableVersion = 1;

export interface ReplyImage {
  /** Of the entry that was applied. */
  readonly index: number;
  /** Null: not kept. */
  readonly bytes: Uint8Array | null;
}

export interface SessionImage {
  /** The index of the entry that opened it. */
  readonly id: number;
  readonly ttlMs: number;
  readonly activeMs: number;
  readonly floor: number;
  /** By sequence, in any order. */
  readonly replies: ReadonlyMap<number, ReplyImage>;
}

/** A table that nobody changes. */
export interface SessionTableImage {
  readonly timeMs: number;
  /** By id, ascending. */
  readonly sessions: readonly SessionImage[];
}

/** Writes a table: its head, the head of a session or a reply with each step. */
export function createTableWalk(image: SessionTableImage): (writer: ByteWriter) => boolean {
  const steps = writeTable(image);
  return (writer) => {
    const { done, value } = steps.next();
    if (done !== true) value(writer);
    return done !== true;
  };
}

type Write = (writer: ByteWriter) => void;

function* writeTable({ timeMs, sessions }: SessionTableImage): Generator<Write, void> {
  yield (writer) => writer.u8(tableVersion).u64(timeMs).u32(sessions.length);
  for (const session of sessions) {
    const { id, ttlMs, activeMs, floor } = session;
    const replies = [...session.replies].sort(([a], [b]) => a - b);
    yield (writer) => {
      writer.u64(id).u32(ttlMs).u64(activeMs).u64(floor).u32(replies.length);
    };
    for (const [sequence, reply] of replies) {
      yield (writer) => writeReply(writer, sequence, reply);
    }
  }
}

function writeReply(writer: ByteWriter, sequence: number, { index, bytes }: ReplyImage): void {
  writer
    .u64(sequence)
    .u64(index)
    .u8(bytes === null ? 0 : 1);
  if (bytes !== null) writer.u32(bytes.length).raw(bytes);
}

/** Reads a table. @throws FormatError for bytes that no table has */
export function* parseTable(feed: ByteFeed): Parser<SessionTableImage> {
  while (!feed.has(13)) yield 13;
  const version = feed.reader.u8();
  if (version !== tableVersion) {
    throw new FormatError(`a table of sessions of version ${version}: this program knows 1`);
  }
  const timeMs = feed.reader.u64();
  const sessions: SessionImage[] = [];
  let before = 0;
  for (let left = feed.reader.u32(); left > 0; left--) {
    const session = yield* parseSession(feed, before);
    before = session.id;
    sessions.push(session);
  }
  return { timeMs, sessions };
}

function* parseSession(feed: ByteFeed, before: number): Parser<SessionImage> {
  while (!feed.has(32)) yield 32;
  const { reader } = feed;
  const id = reader.u64();
  if (id <= before) throw new FormatError(`session ${id} stands behind session ${before}`);
  const head = { id, ttlMs: reader.u32(), activeMs: reader.u64(), floor: reader.u64() };
  const replies = new Map<number, ReplyImage>();
  let sequenceBefore = head.floor - 1;
  for (let left = reader.u32(); left > 0; left--) {
    while (!feed.has(17)) yield 17;
    const sequence = feed.reader.u64();
    if (sequence <= sequenceBefore) {
      throw new FormatError(`reply ${sequence} stands behind ${sequenceBefore}`);
    }
    sequenceBefore = sequence;
    const index = feed.reader.u64();
    const flag = feed.reader.u8();
    if (flag > 1) throw new FormatError(`reply ${sequence} is of kind ${flag}`);
    const bytes = flag === 1 ? yield* parseReply(feed) : null;
    replies.set(sequence, { index, bytes });
  }
  return { ...head, replies };
}

function* parseReply(feed: ByteFeed): Parser<Uint8Array> {
  while (!feed.has(4)) yield 4;
  const length = feed.reader.u32();
  while (!feed.has(length)) yield length;
  return feed.reader.raw(length).slice();
}
