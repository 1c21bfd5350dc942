/**
 * A snapshot as the answers of etcd's Maintenance.Snapshot: the file in blobs, zeros up to a whole
 * sector, and the SHA-256 of all before it, which etcd's clients look for at the end of what they
 * save. `docs/formats.md`, "saved snapshot".
 */
import { createHash } from "node:crypto";
import { encodeSnapshotResponse, type ResponseHeader } from "../proto/index.ts";

/** Where the messages go. */
export interface SnapshotSink {
  /**
   * Takes a message of the stream, and resolves when the next may come: false if the client is
   * gone.
   */
  send(message: Uint8Array): Promise<boolean>;
}

/**
 * The bytes of a snapshot in order, in pieces that do not hold up what shares the connection;
 * `OpenedSnapshot` is one.
 */
export interface SnapshotSource extends AsyncIterable<Uint8Array> {
  /** Of all of it. */
  readonly bytes: number;
}

const sectorBytes = 512;
const checksumBytes = 32;

/** Bytes of the saved file of a snapshot of so many. */
export function savedBytes(snapshotBytes: number): number {
  return Math.ceil(snapshotBytes / sectorBytes) * sectorBytes + checksumBytes;
}

/**
 * Reads a snapshot and sends it; holds one piece. Resolves with false if the client went away.
 *
 * @throws what the source throws
 */
export async function streamSnapshot(
  source: SnapshotSource,
  header: ResponseHeader,
  sink: SnapshotSink,
): Promise<boolean> {
  const hash = createHash("sha256");
  let remainingBytes = savedBytes(source.bytes);
  const send = (blob: Uint8Array): Promise<boolean> => {
    remainingBytes -= blob.length;
    return sink.send(encodeSnapshotResponse({ header, remainingBytes, blob }));
  };
  for await (const bytes of source) {
    hash.update(bytes);
    if (!(await send(bytes))) return false;
  }
  const padding = new Uint8Array(remainingBytes - checksumBytes);
  const checksum = hash.update(padding).digest();
  return await send(Uint8Array.from([...padding, ...checksum]));
}
