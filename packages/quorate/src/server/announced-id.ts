/**
 * Names of members that were added without one. etcd's MemberAdd knows peer URLs only, and our log
 * knows members by names that are never used again: so such a member has a name that is made of its
 * address, and what it is started as (`--name`) is only shown.
 */
import { createHash } from "node:crypto";

const prefix = "at-";
/** Characters of the address in a name; 64 are allowed for all of it. */
const addressCharactersMax = 40;

/**
 * `at-10.0.0.4-2380`; the attempt `n` > 1, where that name was used before, `at-10.0.0.4-2380.n`.
 */
export function announcedIdOf(address: string, attempt: number): string {
  const plain = address.replaceAll(/[^A-Za-z0-9._-]/g, "-");
  const digest = createHash("sha256").update(address).digest("hex").slice(0, 8);
  const short = `${plain.slice(0, addressCharactersMax)}-${digest}`;
  const id = `${prefix}${plain.length > addressCharactersMax ? short : plain}`;
  return attempt === 1 ? id : `${id}.${attempt}`;
}

/** Whether a member of this name is shown under the one that it is started with. */
export function isAnnouncedId(id: string): boolean {
  return id.startsWith(prefix);
}
