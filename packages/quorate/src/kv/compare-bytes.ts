/**
 * Byte-wise order, as the key space and VALUE comparisons use it.
 */

/** Negative, zero or positive, as `a` is below, equal to or above `b`; a prefix is below. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const common = Math.min(a.length, b.length);
  for (let at = 0; at < common; at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
