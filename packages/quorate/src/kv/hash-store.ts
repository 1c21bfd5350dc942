/**
 * One number for all that a store holds, to compare members: equal stores hash equally; different
 * ones almost surely do not. For tests and checks: it walks every kept version.
 */
import type { KeyValue } from "../proto/index.ts";
import type { Store } from "./store.ts";

/** FNV-1a, 32 bits. */
const offsetBasis = 0x811c9dc5;
const prime = 0x01000193;

/** An unsigned 32-bit hash over the revisions and every kept version, in the order made. */
export function hashStore(store: Store): number {
  let hash = hashNumber(offsetBasis, store.revision);
  hash = hashNumber(hash, store.compactedRevision);
  store.log.visitFrom(0, (version) => {
    hash = hashVersion(hash, version);
  });
  return hash >>> 0;
}

function hashVersion(hash: number, version: KeyValue): number {
  let result = hashBytes(hash, version.key);
  result = hashNumber(result, version.createRevision);
  result = hashNumber(result, version.modRevision);
  result = hashNumber(result, version.version);
  result = hashBytes(result, version.value);
  return hashNumber(result, Number(BigInt.asUintN(53, version.lease)));
}

function hashBytes(hash: number, bytes: Uint8Array): number {
  let result = hashNumber(hash, bytes.length);
  for (const byte of bytes) result = Math.imul(result ^ byte, prime);
  return result;
}

function hashNumber(hash: number, value: number): number {
  const low = value >>> 0;
  const high = Math.floor(value / 0x1_0000_0000) >>> 0;
  return Math.imul(Math.imul(hash ^ low, prime) ^ high, prime);
}
