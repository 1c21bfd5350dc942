/**
 * State and inputs of the core as JSON and back: maps, sets, bytes and the numbers that JSON lacks.
 * What a command says is not written, only how long it is: the core never looks at it. Called by
 * `recording.ts`.
 */
import { FormatError } from "../../base/index.ts";

/** A deep copy of plain data: what is copied may change afterwards. Bytes and texts are shared. */
export function copyPlain<Value>(value: Value): Value {
  return copy(value) as Value; // a copy has the shape of what it is made of
}

function copy(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(copy);
  if (value instanceof Map) return new Map([...value].map(([key, held]) => [key, copy(held)]));
  if (value instanceof Set) return new Set(value);
  const made: Record<string, unknown> = {};
  for (const [key, held] of Object.entries(value)) made[key] = copy(held);
  return made;
}

/** As what `JSON.stringify` takes. */
export function encodePlain(value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) return { $number: String(value) };
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return { $bytes: toHex(value) };
  if (Array.isArray(value)) return value.map(encodePlain);
  if (value instanceof Map) {
    return { $map: [...value].map(([key, held]) => [key, encodePlain(held)]) };
  }
  if (value instanceof Set) return { $set: [...value] };
  const made: Record<string, unknown> = {};
  const isCommand = "kind" in value && value.kind === "command";
  for (const [key, held] of Object.entries(value)) {
    const isSecret = isCommand && key === "data" && held instanceof Uint8Array;
    made[key] = isSecret ? { $zeros: held.length } : encodePlain(held);
  }
  return made;
}

/**
 * The reverse; commands become zeros.
 *
 * @throws FormatError
 */
export function decodePlain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(decodePlain);
  const [[first, held] = ["", null], ...others] = Object.entries(value);
  if (first.startsWith("$")) {
    if (others.length > 0) throw new FormatError(`${first} stands beside other fields`);
    return decodeSpecial(first, held);
  }
  const made: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) made[key] = decodePlain(inner);
  return made;
}

function decodeSpecial(name: string, held: unknown): unknown {
  if (name === "$number") return Number(held);
  if (name === "$zeros" && Number.isSafeInteger(held)) return new Uint8Array(Number(held));
  if (name === "$bytes" && typeof held === "string") return fromHex(held);
  if (name === "$set" && Array.isArray(held)) return new Set(held);
  if (name === "$map" && Array.isArray(held)) {
    return new Map(held.map((pair: unknown) => decodePair(pair)));
  }
  throw new FormatError(`${name} is of no known form`);
}

function decodePair(pair: unknown): [unknown, unknown] {
  if (!Array.isArray(pair) || pair.length !== 2) throw new FormatError("$map holds pairs");
  return [pair[0], decodePlain(pair[1])];
}

export function toHex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

function fromHex(text: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new FormatError("$bytes are hex digits");
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  }
  return bytes;
}
