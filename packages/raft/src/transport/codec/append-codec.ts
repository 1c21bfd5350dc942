/**
 * Payloads of `append-entries` and its response. The entries' loop is the hot path of the
 * transport; the data of decoded entries are views of the received bytes.
 */
import { assert, type ByteReader, FormatError, type LogIndex, logIndex } from "../../base/index.ts";
import type {
  AppendEntries,
  AppendEntriesResponse,
  AppendOutcome,
  Entry,
  EntryKind,
  LogPosition,
  Standing,
} from "../../core/index.ts";
import {
  decodeFlag,
  decodeIndex,
  decodePosition,
  decodeTerm,
  encodeFlag,
  encodePosition,
  invertCodes,
  type MessageCodec,
} from "./fields.ts";
import type { FrameWriter } from "./frame-writer.ts";

const entryKindCodes: Readonly<Record<EntryKind, number>> = {
  "no-op": 1,
  command: 2,
  configuration: 3,
};
const entryKinds = invertCodes(entryKindCodes);

/** Bytes before the entries, and before the data of each entry. */
const appendFixedBytes = 52;
const entryFixedBytes = 13;

export const appendEntriesCodec: MessageCodec<AppendEntries> = {
  code: 18,
  payloadBytesMax(message) {
    let bytes = appendFixedBytes;
    for (const entry of message.entries) bytes += entryFixedBytes + entry.data.length;
    return bytes;
  },
  encode(writer, message) {
    writer.u64(message.term);
    encodePosition(writer, message.prev);
    writer.u64(message.commit);
    writer.u64(message.round);
    writer.u64(message.sequence);
    writer.u32(message.entries.length);
    encodeEntries(writer, message);
  },
  decode(reader, ends) {
    const { from, to } = ends;
    const term = decodeTerm(reader);
    const prev = decodePosition(reader);
    const commit = decodeIndex(reader);
    const round = reader.u64();
    const sequence = reader.u64();
    const count = reader.u32();
    const entries = decodeEntries(reader, prev, term, count);
    return { kind: "append-entries", from, to, term, prev, entries, commit, round, sequence };
  },
};

/** An append that also asks for a promise, or gives one back. */
export const promiseAppendCodec: MessageCodec<AppendEntries> = {
  code: 35,
  payloadBytesMax: (message) => appendEntriesCodec.payloadBytesMax(message) + 4,
  encode(writer, message) {
    assert(message.promiseMs !== undefined, "it asks for a promise, or gives one back");
    writer.u32(message.promiseMs);
    appendEntriesCodec.encode(writer, message);
  },
  decode(reader, ends) {
    const promiseMs = reader.u32();
    return { ...appendEntriesCodec.decode(reader, ends), promiseMs };
  },
};

function encodeEntries(writer: FrameWriter, message: AppendEntries): void {
  let index: number = message.prev.index;
  let termBefore: number = message.prev.term;
  for (const entry of message.entries) {
    index += 1;
    assert(entry.index === index, "entries of an append follow prev without a gap");
    assert(entry.term >= termBefore, "terms of the entries of an append do not decrease");
    termBefore = entry.term;
    writer.u8(entryKindCodes[entry.kind]);
    writer.u64(entry.term);
    writer.u32(entry.data.length);
    writer.raw(entry.data);
  }
  assert(termBefore <= message.term, "entries of an append are not newer than its term");
}

function decodeEntries(
  reader: ByteReader,
  prev: LogPosition,
  messageTerm: number,
  count: number,
): readonly Entry[] {
  if (count > reader.remaining / entryFixedBytes) {
    throw new FormatError(`${count} entries announced, ${reader.remaining} bytes left`);
  }
  if (prev.term > messageTerm) {
    throw new FormatError(`an append of term ${messageTerm} after an entry of term ${prev.term}`);
  }
  if (!Number.isSafeInteger(prev.index + count)) {
    throw new FormatError(`${count} entries after index ${prev.index} pass 2^53 - 1`);
  }
  const entries: Entry[] = [];
  let termBefore: number = prev.term;
  for (let i = 1; i <= count; i++) {
    const entry = decodeEntry(reader, logIndex(prev.index + i), termBefore, messageTerm);
    termBefore = entry.term;
    entries.push(entry);
  }
  return entries;
}

function decodeEntry(reader: ByteReader, index: LogIndex, termMin: number, termMax: number): Entry {
  const code = reader.u8();
  const kind = entryKinds.get(code);
  if (kind === undefined) throw new FormatError(`entry ${index} has the unknown kind ${code}`);
  const term = decodeTerm(reader);
  if (term < termMin || term > termMax) {
    throw new FormatError(`entry ${index} has term ${term}, outside ${termMin} to ${termMax}`);
  }
  const data = reader.raw(reader.u32());
  if (kind === "no-op" && data.length > 0) throw new FormatError(`the no-op ${index} carries data`);
  return { index, term, kind, data };
}

const outcomeCodes: Readonly<Record<AppendOutcome["kind"], number>> = {
  accepted: 1,
  conflict: 2,
  "stale-term": 3,
};
const outcomes = invertCodes(outcomeCodes);

export const appendEntriesResponseCodec: MessageCodec<AppendEntriesResponse> = {
  code: 19,
  payloadBytesMax: () => 57,
  encode(writer, message) {
    writer.u64(message.term);
    writer.u64(message.round);
    writer.u64(message.sequence);
    encodeOutcome(writer, message.outcome);
  },
  decode: (reader, ends) => ({
    kind: "append-entries-response",
    from: ends.from,
    to: ends.to,
    term: decodeTerm(reader),
    round: reader.u64(),
    sequence: reader.u64(),
    outcome: decodeOutcome(reader),
  }),
};

/** Whether an answer says more than its outcome. */
export function isExtendedResponse(message: AppendEntriesResponse): boolean {
  return message.standing !== undefined || message.promisedMs !== undefined;
}

/** The highest priority of a member. */
const priorityMax = 10;

/** An answer that also promises something, or says how fit its sender is to lead. */
export const extendedResponseCodec: MessageCodec<AppendEntriesResponse> = {
  code: 34,
  payloadBytesMax: (message) => appendEntriesResponseCodec.payloadBytesMax(message) + 7,
  encode(writer, message) {
    writer.u32(message.promisedMs ?? 0);
    encodeStanding(writer, message.standing);
    appendEntriesResponseCodec.encode(writer, message);
  },
  decode(reader, ends) {
    const promisedMs = reader.u32();
    const standing = decodeStanding(reader);
    return {
      ...appendEntriesResponseCodec.decode(reader, ends),
      ...(standing === null ? null : { standing }),
      ...(promisedMs === 0 ? null : { promisedMs }),
    };
  },
};

/** An answer of a member that is full. */
export const fullResponseCodec: MessageCodec<AppendEntriesResponse> = {
  code: 36,
  payloadBytesMax: (message) => extendedResponseCodec.payloadBytesMax(message),
  encode(writer, message) {
    assert(message.isFull === true, "it says that its sender is full");
    extendedResponseCodec.encode(writer, message);
  },
  decode: (reader, ends) => ({ ...extendedResponseCodec.decode(reader, ends), isFull: true }),
};

function encodeStanding(writer: FrameWriter, standing: Standing | undefined): void {
  encodeFlag(writer, standing !== undefined);
  if (standing === undefined) return;
  writer.u8(standing.priority);
  encodeFlag(writer, standing.isHealthy);
}

function decodeStanding(reader: ByteReader): Standing | null {
  if (!decodeFlag(reader, "the mark of a standing")) return null;
  const priority = reader.u8();
  if (priority > priorityMax) {
    throw new FormatError(`a priority of ${priority}; it must be 0 to ${priorityMax}`);
  }
  return { priority, isHealthy: decodeFlag(reader, "the mark of a healthy disk") };
}

function encodeOutcome(writer: FrameWriter, outcome: AppendOutcome): void {
  writer.u8(outcomeCodes[outcome.kind]);
  switch (outcome.kind) {
    case "accepted":
      writer.u64(outcome.matched);
      writer.u64(outcome.verified);
      return;
    case "conflict":
      encodePosition(writer, outcome.prev);
      encodePosition(writer, outcome.hint);
      return;
    case "stale-term":
      return;
    default:
      outcome satisfies never;
  }
}

function decodeOutcome(reader: ByteReader): AppendOutcome {
  const code = reader.u8();
  const kind = outcomes.get(code);
  switch (kind) {
    case "accepted":
      return { kind, matched: decodeIndex(reader), verified: decodeIndex(reader) };
    case "conflict":
      return { kind, prev: decodePosition(reader), hint: decodePosition(reader) };
    case "stale-term":
      return { kind };
    case undefined:
      throw new FormatError(`the outcome of an append has the unknown code ${code}`);
    default:
      return kind satisfies never;
  }
}
