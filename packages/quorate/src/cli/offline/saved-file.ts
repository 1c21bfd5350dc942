/**
 * What a saved snapshot has behind the snapshot itself: zeros up to a whole sector, and the SHA-256
 * of all before it, as etcd's clients expect it of what they save. `docs/formats.md`, "saved
 * snapshot".
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";

export const sectorBytes = 512;
export const checksumBytes = 32;

/** `none`: a snapshot of a data directory, which has none and needs none. */
export type Checksum = "none" | "right" | "wrong";

/**
 * Reads all of a file whose snapshot takes its first `snapshotBytes`.
 *
 * @throws what the system refuses
 */
export async function verifyChecksum(
  file: string,
  fileBytes: number,
  snapshotBytes: number,
): Promise<Checksum> {
  if (fileBytes === snapshotBytes) return "none";
  const hash = createHash("sha256");
  const end = fileBytes - checksumBytes;
  for await (const chunk of createReadStream(file, { end: end - 1 })) hash.update(chunk);
  const found: Uint8Array[] = [];
  for await (const chunk of createReadStream(file, { start: end })) found.push(chunk);
  return hash.digest().equals(Buffer.concat(found)) ? "right" : "wrong";
}
