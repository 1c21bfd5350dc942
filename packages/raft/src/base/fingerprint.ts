/** A 64-bit fingerprint (FNV-1a) for ids that derive from text. Not for secrets, not for damage. */

const offsetBasis = 0xcbf29ce484222325n;
const prime = 0x100000001b3n;
const mask = 0xffffffffffffffffn;
const encoder = new TextEncoder();

/**
 * 16 lower-case hex digits, never all zero; equal texts give equal fingerprints on every member.
 */
export function fingerprint64(text: string): string {
  let hash = offsetBasis;
  for (const byte of encoder.encode(text)) hash = ((hash ^ BigInt(byte)) * prime) & mask;
  // FNV mixes the last bytes poorly into the high bits: one multiplication spreads them.
  hash ^= hash >> 32n;
  hash = (hash * 0x9e3779b97f4a7c15n) & mask;
  hash ^= hash >> 29n;
  return (hash === 0n ? 1n : hash).toString(16).padStart(16, "0");
}
