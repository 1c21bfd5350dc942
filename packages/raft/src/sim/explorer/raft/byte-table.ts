/**
 * Numbers for byte strings: equal bytes get equal numbers, in the order of their first sight. What
 * is known of a member's state or of the history is kept by that number, so it is worked out once.
 */

/** Two 32-bit hashes of some bytes as one number below 2^53: the same in every process. */
export function hashBytes(bytes: Uint8Array, from: number, to: number): number {
  let a = 0x9e3779b9 ^ (to - from);
  let b = 0x85ebca6b;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0;
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul((b ^ byte) + (b >>> 15), 0x5bd1e995);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b);
  b = Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  a ^= a >>> 13;
  b ^= b >>> 16;
  return (a >>> 0) * 2 ** 21 + (b >>> 11);
}

export class ByteTable {
  #bytes = new Uint8Array(1 << 16);
  #used = 0;
  /** Entry k is at `ends[k - 1]`..`ends[k]`. */
  #ends = new Float64Array(1 << 10);
  #keys = new Float64Array(1 << 10);
  #slots = new Int32Array(1 << 12).fill(-1);
  count = 0;

  /** Stored bytes and index together, for reports. */
  get bytesUsed(): number {
    return (
      this.#bytes.length + 8 * (this.#ends.length + this.#keys.length) + 4 * this.#slots.length
    );
  }

  /** The number of `bytes[from..to)`. */
  intern(bytes: Uint8Array, from: number, to: number): number {
    const key = hashBytes(bytes, from, to);
    const mask = this.#slots.length - 1;
    let slot = Math.floor(key / 2 ** 21) & mask;
    for (;;) {
      const id = this.#slots[slot] ?? -1;
      if (id < 0) break;
      if (this.#keys[id] === key && this.#equals(id, bytes, from, to)) return id;
      slot = (slot + 1) & mask;
    }
    return this.#add(key, slot, bytes, from, to);
  }

  /** Content alone decides it: for choices that must be the same in every process. */
  key(id: number): number {
    return this.#keys[id] ?? 0;
  }

  /** A view, valid until the next `intern`. */
  view(id: number): Uint8Array {
    return this.#bytes.subarray(this.#start(id), this.#ends[id]);
  }

  length(id: number): number {
    return (this.#ends[id] ?? 0) - this.#start(id);
  }

  /** Copies the bytes of `id` to `target` at `at`; gives the place after them. */
  copy(id: number, target: Uint8Array, at: number): number {
    const end = this.#ends[id] ?? 0;
    const bytes = this.#bytes;
    let to = at;
    for (let from = this.#start(id); from < end; from++) target[to++] = bytes[from] ?? 0;
    return to;
  }

  #start(id: number): number {
    return id === 0 ? 0 : (this.#ends[id - 1] ?? 0);
  }

  #equals(id: number, bytes: Uint8Array, from: number, to: number): boolean {
    const start = this.#start(id);
    if ((this.#ends[id] ?? 0) - start !== to - from) return false;
    for (let at = from; at < to; at++) {
      if (bytes[at] !== this.#bytes[start + at - from]) return false;
    }
    return true;
  }

  #add(key: number, slot: number, bytes: Uint8Array, from: number, to: number): number {
    const id = this.count;
    if (id === this.#ends.length) {
      this.#ends = grown(this.#ends);
      this.#keys = grown(this.#keys);
    }
    while (this.#used + (to - from) > this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes.subarray(from, to), this.#used);
    this.#used += to - from;
    this.#ends[id] = this.#used;
    this.#keys[id] = key;
    this.#slots[slot] = id;
    this.count++;
    if (this.count * 2 > this.#slots.length) this.#rehash();
    return id;
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1);
    const mask = slots.length - 1;
    for (let id = 0; id < this.count; id++) {
      let slot = Math.floor((this.#keys[id] ?? 0) / 2 ** 21) & mask;
      while ((slots[slot] ?? -1) >= 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.#slots = slots;
  }
}

function grown(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(values.length * 2);
  larger.set(values);
  return larger;
}
