/** The small pieces that several messages share, and what a codec of one kind of message is. */
import {
  type ByteReader,
  type ByteWriter,
  FormatError,
  isNodeId,
  type LogIndex,
  logIndex,
  type NodeId,
  type Term,
  term,
} from "../../base/index.ts";
import type { LogPosition } from "../../core/index.ts";
import type { FrameWriter } from "./frame-writer.ts";

/**
 * The two ends of a connection, known from the handshake: they are not repeated in its messages.
 */
export interface Ends {
  readonly from: NodeId;
  readonly to: NodeId;
}

/** One kind of message as payload of one kind of frame. */
export interface MessageCodec<M> {
  /** The frame's kind. */
  readonly code: number;
  /** Bytes that `encode` writes at most. */
  payloadBytesMax(message: M): number;
  encode(writer: FrameWriter, message: M): void;
  /** @throws FormatError */
  decode(reader: ByteReader, ends: Ends): M;
}

export function decodeTerm(reader: ByteReader): Term {
  return term(reader.u64());
}

export function decodeIndex(reader: ByteReader): LogIndex {
  return logIndex(reader.u64());
}

export function encodePosition(writer: FrameWriter, position: LogPosition): void {
  writer.u64(position.index);
  writer.u64(position.term);
}

export function decodePosition(reader: ByteReader): LogPosition {
  return { index: decodeIndex(reader), term: decodeTerm(reader) };
}

export function encodeFlag(writer: FrameWriter, value: boolean): void {
  writer.u8(value ? 1 : 0);
}

export function decodeFlag(reader: ByteReader, what: string): boolean {
  const value = reader.u8();
  if (value > 1) throw new FormatError(`${what} is ${value}; it must be 0 or 1`);
  return value === 1;
}

/** Sixteen hex digits as eight bytes. */
export function encodeId64(writer: ByteWriter, id: string): void {
  for (let i = 0; i < 16; i += 2) writer.u8(Number.parseInt(id.slice(i, i + 2), 16));
}

export function decodeId64(reader: ByteReader): string {
  const bytes = Array.from(reader.raw(8));
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @throws FormatError for what no member may be called */
export function decodeNodeId(reader: ByteReader): NodeId {
  const id = reader.string();
  if (!isNodeId(id)) throw new FormatError(`a member called ${JSON.stringify(id.slice(0, 64))}`);
  return id;
}

/** A version of a machine, or null: not known. */
export function encodeVersion(writer: ByteWriter, version: number | null): void {
  writer.u8(version === null ? 0 : 1).u16(version ?? 0);
}

export function decodeVersion(reader: ByteReader): number | null {
  const isKnown = decodeFlag(reader, "the mark of a known version");
  const version = reader.u16();
  return isKnown ? version : null;
}

/** The value whose code is the next byte. `values` maps codes to values. */
export function decodeCode<Value>(
  reader: ByteReader,
  values: ReadonlyMap<number, Value>,
  what: string,
): Value {
  const code = reader.u8();
  const value = values.get(code);
  if (value === undefined) throw new FormatError(`${what} has the unknown code ${code}`);
  return value;
}

/** `{ a: 1 }` read from right to left. */
export function invertCodes<Value extends string>(
  codes: Readonly<Record<Value, number>>,
): ReadonlyMap<number, Value> {
  // The keys of a literal typed by Value are its values.
  const names = Object.keys(codes) as Value[];
  return new Map(names.map((name) => [codes[name], name]));
}
