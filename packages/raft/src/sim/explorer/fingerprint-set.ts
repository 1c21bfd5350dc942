/**
 * The set of states seen so far, as 64-bit fingerprints in typed arrays: eight bytes a place, open
 * addressing. It is cut into shards that grow one at a time, so that growing needs little room
 * beside what is there. The explorer owns it.
 */
import { assert } from "../../base/index.ts";

/** 64 shards: one that grows at 10^8 states moves 1.5 million of them. */
const shardBits = 6;
const shardCount = 1 << shardBits;
/** Places of a new shard. */
const placesAtFirst = 256;
/** Share of the places in use at which a shard grows. */
const loadMax = 0.7;
/** Small shards double; from this many places on they grow by half, to waste less. */
const doublingPlacesMax = 1 << 16;

/** A table of fingerprints: `words[2 * place]` is the low lane, the next word the high one. */
class Shard {
  words: Uint32Array;
  count = 0;
  #places: number;
  #scale: number;
  #countMax: number;

  constructor(places: number) {
    this.#places = places;
    this.#scale = places / 2 ** 32;
    this.#countMax = Math.floor(places * loadMax);
    this.words = new Uint32Array(places * 2);
  }

  add(low: number, high: number): boolean {
    const { words } = this;
    const end = words.length;
    let at = Math.floor(low * this.#scale) * 2;
    for (;;) {
      const foundLow = wordAt(words, at);
      const foundHigh = wordAt(words, at + 1);
      if (foundLow === low && foundHigh === high) return false;
      if (foundLow === 0 && foundHigh === 0) break;
      at += 2;
      if (at === end) at = 0;
    }
    words[at] = low;
    words[at + 1] = high;
    this.count++;
    if (this.count > this.#countMax) this.#grow();
    return true;
  }

  #grow(): void {
    const factor = this.#places < doublingPlacesMax ? 2 : 1.5;
    const larger = new Shard(Math.ceil(this.#places * factor));
    larger.addAll(this.words);
    assert(larger.count === this.count, "FingerprintSet: growing keeps every fingerprint");
    this.words = larger.words;
    this.#places = larger.#places;
    this.#scale = larger.#scale;
    this.#countMax = larger.#countMax;
  }

  addAll(words: Uint32Array): void {
    for (let at = 0; at < words.length; at += 2) {
      const low = wordAt(words, at);
      const high = wordAt(words, at + 1);
      if (low !== 0 || high !== 0) this.add(low, high);
    }
  }
}

/** A growing set of 64-bit fingerprints; 12 to 17 bytes each. */
export class FingerprintSet {
  #count = 0;
  readonly #shards: Shard[] = [];

  /** `expected`: fingerprints to make room for at once; the set grows beyond it. */
  constructor(expected = 0) {
    const places = Math.ceil(expected / shardCount / loadMax) + 1;
    for (let index = 0; index < shardCount; index++) {
      this.#shards.push(new Shard(Math.max(placesAtFirst, places)));
    }
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes of the tables. */
  get bytes(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.words.byteLength, 0);
  }

  /** True if the fingerprint was not there yet. Both lanes are unsigned, not both zero. */
  add(low: number, high: number): boolean {
    const shard = this.#shards[high >>> (32 - shardBits)] as Shard; // the index has shardBits bits
    if (!shard.add(low, high)) return false;
    this.#count++;
    return true;
  }

  /** Every fingerprint once, in blocks of (low, high) pairs; the order means nothing. */
  *blocks(): IterableIterator<Uint8Array> {
    for (const { words, count } of this.#shards) {
      const pairs = new Uint32Array(count * 2);
      let used = 0;
      for (let at = 0; at < words.length; at += 2) {
        const low = wordAt(words, at);
        const high = wordAt(words, at + 1);
        if (low === 0 && high === 0) continue;
        pairs[used++] = low;
        pairs[used++] = high;
      }
      assert(used === count * 2, "FingerprintSet: the count is the number of places in use");
      yield new Uint8Array(pairs.buffer);
    }
  }

  /** Takes back what `blocks` gave. */
  addBlock(block: Uint8Array): void {
    const pairs = new Uint32Array(block.slice().buffer);
    for (let at = 0; at < pairs.length; at += 2) this.add(wordAt(pairs, at), wordAt(pairs, at + 1));
  }
}

function wordAt(words: Uint32Array, index: number): number {
  return words[index] as number; // the callers stay inside the table
}
