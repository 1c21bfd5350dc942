/**
 * Keys as strings inside the store: one character per byte (U+0000 to U+00FF). Such strings compare
 * byte-wise, hash once and look up fast in a `Map`; V8 keeps them at one byte a character. Also
 * what part of the key space a request names.
 */

/** Keys are turned into characters this many bytes at a time: an argument list has its limit. */
const chunkBytesMax = 4_096;

/** The key as a string of one character per byte. */
export function keyName(key: Uint8Array): string {
  if (key.length <= chunkBytesMax) return characters(key);
  let name = "";
  for (let at = 0; at < key.length; at += chunkBytesMax) {
    name += characters(key.subarray(at, at + chunkBytesMax));
  }
  return name;
}

function characters(bytes: Uint8Array): string {
  // `apply` takes any array-like; its type knows arrays only. Three times as fast as a loop.
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}

/** The name that follows `name` directly in byte order. */
export function nameAfter(name: string): string {
  return `${name}\0`;
}

/** `from` alone if `single`; else all names from it on and below `to` (null: no end). */
export interface KeySpan {
  readonly single: boolean;
  readonly from: string;
  readonly to: string | null;
}

/** What `key` and `range_end` name: one key, `[key, rangeEnd)`, or all from `key` on ("\0"). */
export function keySpan(key: Uint8Array, rangeEnd: Uint8Array): KeySpan {
  const from = keyName(key);
  if (rangeEnd.length === 0) return { single: true, from, to: null };
  if (isOpenEnd(rangeEnd)) return { single: false, from, to: null };
  return { single: false, from, to: keyName(rangeEnd) };
}

/** Whether `range_end` is the one zero byte that stands for "no upper end". */
export function isOpenEnd(rangeEnd: Uint8Array): boolean {
  return rangeEnd.length === 1 && rangeEnd[0] === 0;
}
