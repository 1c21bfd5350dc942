/**
 * A snapshot as the answers of etcd's Maintenance.Snapshot: the file in blobs, zeros up to a whole
 * sector, and the SHA-256 of all before it, which etcd's clients look for at the end of what they
 * save. `docs/formats.md`, "saved snapshot".
 */
import { createHash, type Hash } from "node:crypto";
import type { SnapshotReader } from "@quorate/raft/storage";
import { emptyBytes, encodeSnapshotResponse, type ResponseHeader } from "../proto/index.ts";

/** Where the messages go. */
export interface SnapshotSink {
  /** Whether the client is gone. */
  readonly isCancelled: boolean;
  /** Takes a message of the stream; the next may come when `ready` has run. */
  send(message: Uint8Array, ready: () => void): void;
}

/** Bytes of the file in one message, which must not hold up what shares the connection. */
export const blobBytes: number = 256 * 1024;

const sectorBytes = 512;
const checksumBytes = 32;

/** Bytes of the saved file of a snapshot of so many. */
export function savedBytes(snapshotBytes: number): number {
  return Math.ceil(snapshotBytes / sectorBytes) * sectorBytes + checksumBytes;
}

/**
 * Reads a snapshot and sends it; holds one blob. `done` runs once, with the damage that a read
 * found or null; also when the client is gone. The reader stays open, and is the caller's to close.
 */
export function streamSnapshot(
  reader: SnapshotReader,
  header: ResponseHeader,
  sink: SnapshotSink,
  done: (error: Error | null) => void,
): void {
  new SnapshotStream(reader, header, sink, done).next();
}

class SnapshotStream {
  readonly #reader: SnapshotReader;
  readonly #header: ResponseHeader;
  readonly #sink: SnapshotSink;
  readonly #done: (error: Error | null) => void;
  readonly #hash: Hash = createHash("sha256");
  readonly #snapshotBytes: number;
  #left: number;
  #at = 0;

  constructor(
    reader: SnapshotReader,
    header: ResponseHeader,
    sink: SnapshotSink,
    done: (error: Error | null) => void,
  ) {
    this.#reader = reader;
    this.#header = header;
    this.#sink = sink;
    this.#done = done;
    this.#snapshotBytes = reader.description.identity.bytes;
    this.#left = savedBytes(this.#snapshotBytes);
  }

  next(): void {
    if (this.#sink.isCancelled) {
      this.#done(null);
      return;
    }
    const rest = this.#snapshotBytes - this.#at;
    if (rest === 0) {
      this.#end();
      return;
    }
    this.#reader.readBytes(this.#at, Math.min(rest, blobBytes), (error, bytes = emptyBytes) => {
      if (error !== null) {
        this.#done(error);
        return;
      }
      this.#at += bytes.length;
      this.#hash.update(bytes);
      this.#send(bytes, () => this.next());
    });
  }

  #end(): void {
    const padding = new Uint8Array(this.#left - checksumBytes);
    const checksum = this.#hash.update(padding).digest();
    const last = new Uint8Array(this.#left);
    last.set(checksum, padding.length);
    this.#send(last, () => this.#done(null));
  }

  #send(blob: Uint8Array, ready: () => void): void {
    this.#left -= blob.length;
    const response = { header: this.#header, remainingBytes: this.#left, blob };
    this.#sink.send(encodeSnapshotResponse(response), ready);
  }
}
