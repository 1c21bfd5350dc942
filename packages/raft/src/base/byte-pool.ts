/**
 * Small byte arrays cut from larger blocks. One array of its own costs an allocation outside the
 * heap that the garbage collector has to track; at 100,000 commands a second that is most of its
 * work.
 */

/** Bytes of a block. */
const blockBytes = 64 * 1024;
/** Larger arrays get memory of their own, so that none pins much more than itself. Bytes. */
const pooledBytesMax = 4 * 1024;

export class BytePool {
  #block: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  #at = 0;

  /** Zeroed bytes that nobody else has. */
  allocate(length: number): Uint8Array<ArrayBuffer> {
    if (length > pooledBytesMax) return new Uint8Array(length);
    if (this.#at + length > this.#block.length) {
      this.#block = new Uint8Array(blockBytes);
      this.#at = 0;
    }
    const from = this.#at;
    this.#at = from + length;
    return this.#block.subarray(from, this.#at);
  }
}
