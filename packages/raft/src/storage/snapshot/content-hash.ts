/**
 * The hash of a snapshot's content: tells two snapshots of the same position apart, and members
 * whose states differ. 64 bits, quick in plain TypeScript; no defence against malice. Part of the
 * format: see `docs/formats.md`, "snapshot".
 */
import { assert } from "../../base/index.ts";

/** Hashes a stream block by block; every block but the last has a multiple of four bytes. */
export class ContentHash {
  #a = 0x2545f491;
  #b = 0x6c8e9cf5;
  #bytes = 0;
  #isOver = false;

  /** Both lanes take each word by a bijection: a change of one word always shows. */
  update(bytes: Uint8Array): void {
    assert(!this.#isOver, "only the last block of a stream may end inside a word");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const wordsEnd = bytes.length & ~3;
    let a = this.#a;
    let b = this.#b;
    for (let at = 0; at < wordsEnd; at += 4) {
      const word = view.getInt32(at, true);
      a = Math.imul(((a << 7) | (a >>> 25)) ^ word, 0x3d4d51cb);
      b = Math.imul(((b << 13) | (b >>> 19)) + word, 0x5bd1e9a7);
    }
    this.#a = a;
    this.#b = b;
    this.#bytes += bytes.length;
    if (wordsEnd === bytes.length) return;
    let word = 0;
    for (let at = bytes.length - 1; at >= wordsEnd; at--) word = (word << 8) | (bytes[at] ?? 0);
    this.#word(word);
    this.#isOver = true;
  }

  /** 16 hex digits. The length is part of it. */
  finish(): string {
    this.#word(this.#bytes | 0);
    this.#word(Math.floor(this.#bytes / 0x1_0000_0000));
    const a = spread(this.#a ^ spread(this.#b));
    const b = spread(this.#b ^ a);
    this.#isOver = true;
    return hex(a) + hex(b);
  }

  #word(word: number): void {
    const [a, b] = [this.#a, this.#b];
    this.#a = Math.imul(((a << 7) | (a >>> 25)) ^ word, 0x3d4d51cb);
    this.#b = Math.imul(((b << 13) | (b >>> 19)) + word, 0x5bd1e9a7);
  }
}

/** Every bit of the word reaches every bit of the result. */
function spread(word: number): number {
  let mixed = word ^ (word >>> 15);
  mixed = Math.imul(mixed, 0x2c1b3c6d);
  mixed ^= mixed >>> 12;
  mixed = Math.imul(mixed, 0x297a2d39);
  return mixed ^ (mixed >>> 15);
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
