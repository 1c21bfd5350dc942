/**
 * What travels on a connection for bulk. Its dialer pulls: it names the snapshot once, asks for
 * ranges of its file, and gets them in the order it asked; the acceptor only ever answers.
 */
import type { SnapshotName } from "./peer-message.ts";

/** The first message of the dialer: which snapshot it wants. Once on each connection. */
export interface SnapshotOpen {
  readonly kind: "snapshot-open";
  readonly snapshot: SnapshotName;
}

/** Asks for bytes of the file. May be sent ahead of the answers before. */
export interface SnapshotRead {
  readonly kind: "snapshot-read";
  readonly offset: number;
  /** 1 to `bulkDataBytesMax`. */
  readonly length: number;
}

/** The answer to one `snapshot-read`: all that it asked for. */
export interface SnapshotBlock {
  readonly kind: "snapshot-block";
  readonly offset: number;
  /** Decoded: a view of the received bytes. */
  readonly data: Uint8Array;
}

/**
 * `busy`: as many as may are being sent to already; `unknown`: it has no such snapshot; `damaged`:
 * its own copy cannot be read; `failed`: its disk.
 */
export type SnapshotRefusal = "busy" | "unknown" | "damaged" | "failed";

/** The last message of the acceptor: nothing more comes. The dialer closes. */
export interface SnapshotRefused {
  readonly kind: "snapshot-refused";
  readonly why: SnapshotRefusal;
  /** Milliseconds before asking again is of use. */
  readonly retryMs: number;
}

export type BulkMessage = SnapshotOpen | SnapshotRead | SnapshotBlock | SnapshotRefused;

/**
 * Bytes of data in one block message: a block of a snapshot file (64 KiB) and what may surround it,
 * so that a connection holds no more than that at once for a frame that is on its way.
 */
export const bulkDataBytesMax: number = 96 * 1024;
