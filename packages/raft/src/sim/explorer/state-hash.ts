/**
 * The 64-bit fingerprint of a state's bytes, as two 32-bit lanes. It is fast (four bytes a step, no
 * BigInt) and spreads well; it guards against nothing malicious. The explorer calls it once for
 * each transition.
 */

/** A hash whose last result lies in two fields, so that nothing is allocated. */
export class StateHash {
  /** The lower 32 bits of the last fingerprint, unsigned. */
  low = 0;
  /** The upper 32 bits of the last fingerprint, unsigned. */
  high = 0;

  /** Computes the fingerprint of `bytes` into `low` and `high`; never both zero. */
  update(bytes: Uint8Array): void {
    const length = bytes.length;
    const whole = length - (length & 3);
    // Two lanes with their own multipliers and rotations, each fed by the other after every word:
    // what collides in one lane is still apart in the other, and drives them apart again.
    let a = 0x243f6a88 ^ length;
    let b = 0x85a308d3 ^ length;
    let at = 0;
    for (; at < whole; at += 4) {
      const word =
        byteAt(bytes, at) |
        (byteAt(bytes, at + 1) << 8) |
        (byteAt(bytes, at + 2) << 16) |
        (byteAt(bytes, at + 3) << 24);
      a ^= Math.imul(word, 0xcc9e2d51);
      a = Math.imul((a << 13) | (a >>> 19), 0x85ebca77);
      b ^= Math.imul(word ^ (word >>> 15), 0x9e3779b1);
      b = Math.imul((b << 17) | (b >>> 15), 0xc2b2ae3d);
      a = (a + b) | 0;
      b = (b + ((a << 9) | (a >>> 23))) | 0;
    }
    let word = 0;
    for (; at < length; at++) word = (word << 8) | byteAt(bytes, at);
    a ^= Math.imul(word, 0xcc9e2d51);
    b ^= Math.imul(word ^ (word >>> 15), 0x9e3779b1);
    a = mix(a, 0x85ebca6b, 0xc2b2ae35);
    b = mix((b + a) | 0, 0x7feb352d, 0x846ca68b);
    a = mix((a + b) | 0, 0x21f0aaad, 0x735a2d97);
    this.high = b >>> 0;
    // The table tells an empty place by two zeros.
    this.low = a === 0 && b === 0 ? 1 : a >>> 0;
  }
}

/** A bijection of 32 bits that spreads every bit over all. */
function mix(value: number, first: number, second: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, first);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, second);
  return mixed ^ (mixed >>> 16);
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] as number; // the caller stays inside the array
}
