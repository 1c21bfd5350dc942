/** A running fingerprint of all bytes that moved: two runs of one seed must end with the same. */
import { crc32 } from "../../base/index.ts";

export interface Trace {
  /** Whether notes count for anything. */
  readonly isOn: boolean;
  /** Adds something that happened at an instant. */
  note(atMs: number, what: string, bytes?: Uint8Array): void;
  /** 16 hex digits over everything so far. */
  hash(): string;
}

/** A trace that costs nothing and says nothing. */
export const noTrace: Trace = { isOn: false, note: () => {}, hash: () => "0".repeat(16) };

const encoder = new TextEncoder();

export function createTrace(): Trace {
  const numbers = new Float64Array(1);
  const numberBytes = new Uint8Array(numbers.buffer);
  const whats = new Map<string, Uint8Array>();
  let crc = 0;
  let mixed = 0x9e3779b9;
  return {
    isOn: true,
    note: (atMs, what, bytes) => {
      let encoded = whats.get(what);
      if (encoded === undefined) {
        encoded = encoder.encode(what);
        whats.set(what, encoded);
      }
      numbers[0] = atMs;
      crc = crc32(encoded, crc32(numberBytes, crc));
      if (bytes !== undefined) crc = crc32(bytes, crc);
      mixed = (Math.imul(mixed ^ crc, 0x85ebca6b) + 1) | 0;
    },
    hash: () => hex(crc) + hex(mixed >>> 0),
  };
}

function hex(word: number): string {
  return word.toString(16).padStart(8, "0");
}
