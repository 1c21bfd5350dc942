/** etcd's 64-bit ids out of our names: opaque, equal on every member, never zero. */
import { createHash } from "node:crypto";

/** 16 hex digits as the wire's number. */
export function idOfHex(hex: string): bigint {
  return BigInt(`0x${hex}`);
}

/** The member's id in its cluster: the first 8 bytes of a SHA-256 of cluster and name. */
export function memberIdOf(clusterId: string, name: string): bigint {
  const digest = createHash("sha256").update(`quorate-member\n${clusterId}\n${name}`).digest();
  const id = digest.readBigUInt64BE(0);
  return id === 0n ? 1n : id;
}
