/**
 * A machine whose state is far larger than its memory: pages of 64 KiB, each computed from its
 * number and a seed, so that only the seeds are kept. A snapshot of it has all the bytes, and what
 * takes one in checks each of them.
 */
import { createHash } from "node:crypto";
import type { ApplyContext, StateCapture, StateRestore } from "../../src/index.ts";

export const pageBytes: number = 64 * 1024;
const pageWords = pageBytes / 4;
const commandBytes = 8;

/** Sets one page; padded with zeros to `bytes`. */
export function pageCommand(page: number, seed: number, bytes: number): Uint8Array {
  const command = new Uint8Array(Math.max(bytes, commandBytes));
  const view = new DataView(command.buffer);
  view.setUint32(0, page, true);
  view.setUint32(4, seed, true);
  return command;
}

export class PageMachine {
  #seeds: Uint32Array;

  constructor(pageCount: number) {
    this.#seeds = new Uint32Array(pageCount);
  }

  get pageCount(): number {
    return this.#seeds.length;
  }

  /** Returns the index of its entry. */
  apply(command: Uint8Array, { index }: ApplyContext): number {
    const view = new DataView(command.buffer, command.byteOffset, command.length);
    this.#seeds[view.getUint32(0, true) % this.pageCount] = view.getUint32(4, true);
    return index;
  }

  hashState(): number {
    let hash = 0x811c9dc5;
    for (const seed of this.#seeds) hash = Math.imul(hash ^ seed, 0x01000193);
    return hash >>> 0;
  }

  /** The seeds are copied, 4 bytes for each page. */
  capture(): StateCapture {
    const seeds = this.#seeds.slice();
    const page = new Page();
    let number = 0;
    let rest: Uint8Array = new Uint8Array(0);
    return {
      next: (maxBytes) => {
        if (rest.length === 0) {
          const seed = seeds[number];
          if (seed === undefined) return null;
          rest = page.fill(number, seed).slice();
          number++;
        }
        const piece = rest.subarray(0, maxBytes);
        rest = rest.subarray(piece.length);
        return piece;
      },
      release: () => undefined,
    };
  }

  restore(): StateRestore {
    const seeds: number[] = [];
    const page = new Page();
    const part = new Uint8Array(pageBytes);
    let filled = 0;
    const take = () => {
      const seed = new DataView(part.buffer).getUint32(0, true);
      const isPage = Buffer.compare(part, page.fill(seeds.length, seed)) === 0;
      if (!isPage) throw new RangeError(`these bytes are not page ${seeds.length}`);
      seeds.push(seed);
      filled = 0;
    };
    return {
      write: (bytes) => {
        for (let at = 0; at < bytes.length; ) {
          const count = Math.min(bytes.length - at, pageBytes - filled);
          part.set(bytes.subarray(at, at + count), filled);
          filled += count;
          at += count;
          if (filled === pageBytes) take();
        }
      },
      finish: () => {
        if (filled > 0) throw new RangeError(`${filled} bytes are left`);
        this.#seeds = Uint32Array.from(seeds);
      },
    };
  }

  /** SHA-256 of the whole state, in portions that leave the loop free in between. */
  async digest(): Promise<string> {
    const hash = createHash("sha256");
    const capture = this.capture();
    for (let piece = capture.next(pageBytes); piece !== null; piece = capture.next(pageBytes)) {
      hash.update(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return hash.digest("hex");
  }
}

/** The bytes of one page at a time. */
class Page {
  readonly #words = new Uint32Array(pageWords);

  /** Good until the next call. The seed is the first word. */
  fill(number: number, seed: number): Uint8Array {
    const words = this.#words;
    let word = (seed ^ Math.imul(number + 1, 0x9e3779b1)) | 1;
    words[0] = seed;
    for (let at = 1; at < pageWords; at++) {
      word ^= word << 13;
      word ^= word >>> 17;
      word ^= word << 5;
      words[at] = word;
    }
    return new Uint8Array(words.buffer);
  }
}
