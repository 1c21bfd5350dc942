/**
 * Values as bytes, for the replies that a session keeps: equal values give equal bytes on every
 * member and in every JavaScript engine. Called by `reducer-replies.ts` and `raw-machine.ts`; its
 * simple values also by `state-codec.ts`, for snapshots.
 */
import { ByteReader, ByteWriter, FormatError } from "../base/index.ts";
import { isPlainObject } from "./codec.ts";
import { setOwn } from "./draft-container.ts";

/** Levels of nesting of a value; deeper ones (those that contain themselves) have no bytes. */
const depthMax = 500;

/** The kinds of values: the byte before each. Part of the format: `docs/formats.md`. */
export const tags = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  number: 4,
  notANumber: 5,
  string: 6,
  brokenString: 7,
  bigint: 8,
  bytes: 9,
  array: 10,
  map: 11,
  set: 12,
  object: 13,
  bareObject: 14,
} as const;

/** What is thrown inside when a value cannot be carried; never seen outside. */
class Unencodable extends Error {}

/**
 * The bytes of a value: what JSON knows, and `undefined`, any number, bigints, bytes, maps and
 * sets; the order of keys is kept. Null for others (functions, symbols, instances of classes,
 * cycles) and above `bytesMax`.
 */
export function encodeValue(value: unknown, bytesMax: number): Uint8Array | null {
  const writer = new ByteWriter(64);
  try {
    writeValue({ writer, bytesMax }, value, 0);
  } catch (error) {
    if (error instanceof Unencodable) return null;
    throw error;
  }
  return writer.finish();
}

/** Writes a value that holds no others: all but arrays, maps, sets and objects. */
export function writeSimple(writer: ByteWriter, value: unknown): void {
  writeValue({ writer, bytesMax: Number.POSITIVE_INFINITY }, value, 0);
}

/**
 * Reads a value that holds no others; all its bytes are there.
 *
 * @throws FormatError, also for bytes that are read well but that no value is written as
 */
export function readSimple(reader: ByteReader): unknown {
  return readValue(reader, depthMax);
}

/** @throws FormatError for bytes that `encodeValue` does not make */
export function decodeValue(bytes: Uint8Array): unknown {
  const reader = new ByteReader(bytes);
  const value = readValue(reader, 0);
  if (reader.remaining > 0) throw new FormatError(`${reader.remaining} bytes behind a value`);
  return value;
}

interface Target {
  readonly writer: ByteWriter;
  readonly bytesMax: number;
}

function writeValue(target: Target, value: unknown, depth: number): void {
  const { writer, bytesMax } = target;
  switch (typeof value) {
    case "undefined":
      writer.u8(tags.undefined);
      break;
    case "boolean":
      writer.u8(value ? tags.true : tags.false);
      break;
    case "number":
      writeNumber(writer, value);
      break;
    case "string":
      writeString(target, value);
      break;
    case "bigint":
      writer.u8(tags.bigint);
      writeText(target, value.toString(16));
      break;
    case "object":
      if (value === null) writer.u8(tags.null);
      else writeObject(target, value, depth);
      break;
    default:
      throw new Unencodable();
  }
  if (writer.length > bytesMax) throw new Unencodable();
}

/** The bits of a NaN are the engine's own affair, so it has a tag and no bits. */
function writeNumber(writer: ByteWriter, value: number): void {
  if (Number.isNaN(value)) {
    writer.u8(tags.notANumber);
    return;
  }
  writer.u8(tags.number);
  writeDouble(writer, value);
}

const doubleBytes = new Uint8Array(8);
const doubleView = new DataView(doubleBytes.buffer);

function writeDouble(writer: ByteWriter, value: number): void {
  doubleView.setFloat64(0, value, true);
  writer.raw(doubleBytes);
}

/** What UTF-8 and its decoders lose: half of a surrogate pair, a byte order mark in front. */
const lossy = /^\ufeff|\p{Surrogate}/u;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

function writeString(target: Target, value: string): void {
  const { writer } = target;
  if (!lossy.test(value)) {
    writer.u8(tags.string);
    writeText(target, value);
    return;
  }
  writer.u8(tags.brokenString);
  writer.u32(value.length);
  for (let i = 0; i < value.length; i++) writer.u16(value.charCodeAt(i));
}

function writeText({ writer, bytesMax }: Target, text: string): void {
  if (text.length > bytesMax) throw new Unencodable();
  const bytes = encoder.encode(text);
  writer.u32(bytes.length).raw(bytes);
}

function writeObject(target: Target, value: object, depth: number): void {
  if (depth === depthMax) throw new Unencodable();
  const { writer } = target;
  if (value instanceof Uint8Array) {
    if (value.length > target.bytesMax) throw new Unencodable();
    writer.u8(tags.bytes).u32(value.length).raw(value);
  } else if (Array.isArray(value)) {
    writer.u8(tags.array).u32(value.length);
    for (const item of value) writeValue(target, item, depth + 1);
  } else if (value instanceof Map) {
    writer.u8(tags.map).u32(value.size);
    for (const [key, inner] of value) {
      writeValue(target, key, depth + 1);
      writeValue(target, inner, depth + 1);
    }
  } else if (value instanceof Set) {
    writer.u8(tags.set).u32(value.size);
    for (const item of value) writeValue(target, item, depth + 1);
  } else writePlainObject(target, value, depth);
}

function writePlainObject(target: Target, value: object, depth: number): void {
  if (!isPlainObject(value) || Object.getOwnPropertySymbols(value).length > 0) {
    throw new Unencodable();
  }
  const { writer } = target;
  const keys = Object.keys(value);
  const isBare = Object.getPrototypeOf(value) === null;
  writer.u8(isBare ? tags.bareObject : tags.object).u32(keys.length);
  for (const key of keys) {
    writeString(target, key);
    writeValue(target, value[key], depth + 1);
  }
}

function readValue(reader: ByteReader, depth: number): unknown {
  if (depth > depthMax) throw new FormatError(`a value is more than ${depthMax} levels deep`);
  const tag = reader.u8();
  switch (tag) {
    case tags.undefined:
      return undefined;
    case tags.null:
      return null;
    case tags.false:
    case tags.true:
      return tag === tags.true;
    case tags.number:
      return readDouble(reader);
    case tags.notANumber:
      return Number.NaN;
    case tags.string:
    case tags.brokenString:
      return readString(reader, tag);
    case tags.bigint:
      return readBigint(reader);
    case tags.bytes:
      return reader.raw(reader.u32()).slice();
    default:
      return readContainer(reader, tag, depth);
  }
}

function readContainer(reader: ByteReader, tag: number, depth: number): unknown {
  switch (tag) {
    case tags.array:
      return Array.from(readItems(reader, depth));
    case tags.map: {
      const map = new Map<unknown, unknown>();
      for (let count = reader.u32(); count > 0; count--) {
        const key = readValue(reader, depth + 1);
        map.set(key, readValue(reader, depth + 1));
      }
      return map;
    }
    case tags.set:
      return new Set(readItems(reader, depth));
    case tags.object:
      return readObject(reader, {}, depth);
    case tags.bareObject:
      return readObject(reader, Object.create(null), depth);
    default:
      throw new FormatError(`unknown kind of value ${tag}`);
  }
}

function* readItems(reader: ByteReader, depth: number): Generator<unknown> {
  for (let count = reader.u32(); count > 0; count--) yield readValue(reader, depth + 1);
}

function readObject(reader: ByteReader, object: Record<string, unknown>, depth: number): object {
  for (let count = reader.u32(); count > 0; count--) {
    const key = readString(reader, reader.u8());
    setOwn(object, key, readValue(reader, depth + 1));
  }
  return object;
}

function readDouble(reader: ByteReader): number {
  doubleBytes.set(reader.raw(8));
  const value = doubleView.getFloat64(0, true);
  if (Number.isNaN(value)) throw new FormatError("a number has the bits of none");
  return value;
}

function readBigint(reader: ByteReader): bigint {
  const text = readText(reader);
  if (!/^(0|-?[1-9a-f][0-9a-f]*)$/.test(text)) {
    throw new FormatError("a bigint is not of hex digits");
  }
  return text.startsWith("-") ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`);
}

function readString(reader: ByteReader, tag: number): string {
  if (tag === tags.string) return readText(reader);
  if (tag !== tags.brokenString) throw new FormatError(`a key of kind ${tag}`);
  let text = "";
  for (let count = reader.u32(); count > 0; count--) text += String.fromCharCode(reader.u16());
  if (!lossy.test(text)) throw new FormatError("a string is not in its shorter form");
  return text;
}

function readText(reader: ByteReader): string {
  const bytes = reader.raw(reader.u32());
  const [first, second, third] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) {
    throw new FormatError("a string begins with a byte order mark");
  }
  try {
    return decoder.decode(bytes);
  } catch {
    throw new FormatError("a string is not UTF-8");
  }
}
