/**
 * Finds what belongs to a name that lies somewhere in a byte array, without making a string of it.
 * For the few names of machines and commands; used when applying.
 */

interface Row<Value> {
  readonly bytes: Uint8Array;
  readonly value: Value;
}

/** A fixed table of ASCII names. Looking up compares lengths and bytes, name after name. */
export class NameTable<Value> {
  readonly #rows: readonly Row<Value>[];

  constructor(entries: Iterable<readonly [string, Value]>) {
    const encoder = new TextEncoder();
    this.#rows = Array.from(entries, ([name, value]) => ({ bytes: encoder.encode(name), value }));
  }

  /** What belongs to the name in `bytes[offset, offset + length)`. */
  find(bytes: Uint8Array, offset: number, length: number): Value | undefined {
    for (const row of this.#rows) {
      if (row.bytes.length === length && isAt(row.bytes, bytes, offset)) return row.value;
    }
    return undefined;
  }
}

function isAt(name: Uint8Array, bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < name.length; i++) {
    if (name[i] !== bytes[offset + i]) return false;
  }
  return true;
}

/** The name in these bytes for a message; bytes outside of printable ASCII as `?`. */
export function describeName(bytes: Uint8Array, offset: number, length: number): string {
  let text = "";
  for (const byte of bytes.subarray(offset, offset + length)) {
    text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "?";
  }
  return text;
}
