/**
 * The bytes of the entries that sessions are made of: `docs/formats.md` specifies them. A command
 * of a session is the envelope of `machine-set.ts` with the session's head before it. Written by
 * who asks, stamped by the leader, read when applying.
 */
import { assert, ByteReader, ByteWriter, FormatError } from "../base/index.ts";

/** Version of this format; the first byte tells it from the plain envelope (1). */
export const sessionEnvelopeVersion = 2;

const kinds = { open: 1, "keep-alive": 2, close: 3, command: 4 } as const;

/** `timeMs` is the leader's session time; 0 until the leader has stamped it. */
export type SessionEntry = { readonly timeMs: number } & (
  | { readonly kind: "open"; readonly ttlMs: number }
  | { readonly kind: "keep-alive"; readonly session: number; readonly floor: number }
  | { readonly kind: "close"; readonly session: number }
  | SessionCommand
);

/** A command as its session numbered it. */
export interface SessionCommand {
  readonly kind: "command";
  /** The session's id: the index of the entry that opened it. */
  readonly session: number;
  /** From 1, by one for each command. */
  readonly sequence: number;
  /**
   * The lowest sequence whose answer the client still waits for: what is below is never sent again,
   * and its reply need not be kept. @invariant at most `sequence` @thesis §6.3
   */
  readonly floor: number;
  /** The machine's envelope. A view. */
  readonly command: Uint8Array;
}

const stampOffset = 2;
const commandHeadBytes = stampOffset + 8 + 3 * 8;

export function encodeSessionOpen(ttlMs: number): Uint8Array {
  return head("open", 14).u32(ttlMs).finish();
}

export function encodeSessionKeepAlive(session: number, floor: number): Uint8Array {
  return head("keep-alive", 26).u64(session).u64(floor).finish();
}

export function encodeSessionClose(session: number): Uint8Array {
  return head("close", 18).u64(session).finish();
}

export function encodeSessionCommand(parts: Omit<SessionCommand, "kind">): Uint8Array {
  const { session, sequence, floor, command } = parts;
  assert(floor <= sequence, "who sends a command waits for its answer");
  const writer = head("command", commandHeadBytes + command.length);
  return writer.u64(session).u64(sequence).u64(floor).raw(command).finish();
}

function head(kind: keyof typeof kinds, bytes: number): ByteWriter {
  return new ByteWriter(bytes).u8(sessionEnvelopeVersion).u8(kinds[kind]).u64(0);
}

export function isSessionEntry(data: Uint8Array): boolean {
  return data[0] === sessionEnvelopeVersion;
}

/** @throws FormatError for bytes of this version that are no session's entry */
export function decodeSessionEntry(data: Uint8Array): SessionEntry {
  const reader = new ByteReader(data);
  const version = reader.u8();
  assert(version === sessionEnvelopeVersion, "the caller has looked at the version");
  const kind = reader.u8();
  const entry = decodeKind(kind, reader.u64(), reader);
  if (reader.remaining > 0) {
    throw new FormatError(`${reader.remaining} bytes behind a session's entry`);
  }
  return entry;
}

function decodeKind(kind: number, timeMs: number, reader: ByteReader): SessionEntry {
  switch (kind) {
    case kinds.open:
      return { kind: "open", timeMs, ttlMs: reader.u32() };
    case kinds["keep-alive"]:
      return { kind: "keep-alive", timeMs, session: reader.u64(), floor: reader.u64() };
    case kinds.close:
      return { kind: "close", timeMs, session: reader.u64() };
    case kinds.command:
      return decodeCommand(timeMs, reader);
    default:
      throw new FormatError(`unknown kind of session entry ${kind}`);
  }
}

function decodeCommand(timeMs: number, reader: ByteReader): SessionEntry {
  const session = reader.u64();
  const sequence = reader.u64();
  const floor = reader.u64();
  if (floor > sequence) {
    throw new FormatError(`a command of sequence ${sequence} has the floor ${floor}`);
  }
  const command = reader.raw(reader.remaining);
  return { kind: "command", timeMs, session, sequence, floor, command };
}

/** The machine's envelope in a session's command; null in other entries and damaged ones. */
export function commandOf(data: Uint8Array): Uint8Array | null {
  if (data[1] !== kinds.command || data.length < commandHeadBytes) return null;
  return data.subarray(commandHeadBytes);
}

/** A copy of a session's entry that says when: `timeMs` is a whole number. */
export function stampSessionEntry(data: Uint8Array, timeMs: number): Uint8Array {
  assert(Number.isSafeInteger(timeMs) && timeMs >= 0, "session time is a safe integer from 0");
  const stamped = data.slice();
  const view = new DataView(stamped.buffer);
  view.setUint32(stampOffset, timeMs >>> 0, true);
  view.setUint32(stampOffset + 4, Math.floor(timeMs / 0x1_0000_0000), true);
  return stamped;
}
