/** `node.openSnapshot()`: the member's callbacks as promises and an iterator. */
import { QuorateError } from "../../base/index.ts";
import type { CancelSignal } from "../../machine/index.ts";
import { aborted, fromOpenError, stoppedError } from "../errors.ts";
import { checkCall, type HostParts, onAbort } from "../machine-host.ts";
import type { SnapshotExport } from "./snapshot-exports.ts";

export interface OpenSnapshotOptions {
  /**
   * Milliseconds until it is written: it takes as long as the disk takes for the state. A minute
   * (`limits.catchUpTimeoutMs`) if left out.
   */
  readonly timeoutMs?: number;
  /** An `AbortSignal`. */
  readonly signal?: CancelSignal;
}

/**
 * The machines' state of one member right after the entry `index`, as a snapshot file
 * (`docs/formats.md`), which `restoreSnapshot` takes. Iterate over its bytes, once; that closes it,
 * too. It takes as much of the disk as the state until it is closed.
 */
export interface OpenedSnapshot extends AsyncDisposable, AsyncIterable<Uint8Array> {
  readonly index: number;
  readonly term: number;
  /** Of the whole file. */
  readonly bytes: number;
  /** Of the content: equal on members that are equal at `index`. */
  readonly hash: string;
  /** Lets go of it. Idempotent. */
  close(): Promise<void>;
}

/** Bytes that an iteration gives at once. */
const chunkBytes = 256 * 1024;

/** @throws QuorateError as told at `Node` */
export function openSnapshot(
  { member, limits }: HostParts,
  options: OpenSnapshotOptions,
): Promise<OpenedSnapshot> {
  return new Promise((resolve, reject) => {
    const problem = checkCall(member, options);
    if (problem !== null) {
      reject(problem);
      return;
    }
    const { timeoutMs = limits.catchUpTimeoutMs, signal } = options;
    let unlisten: (() => void) | null = null;
    const request = member.openSnapshot(timeoutMs, (error, snapshot) => {
      unlisten?.();
      if (snapshot === undefined) reject(error);
      else resolve(createOpenedSnapshot(snapshot));
    });
    if (request instanceof QuorateError) {
      reject(request);
    } else if (signal !== undefined) {
      unlisten = onAbort(signal, () => request.settle(aborted("not-applied", signal.reason)));
    }
  });
}

function createOpenedSnapshot(snapshot: SnapshotExport): OpenedSnapshot {
  const { position, bytes, hash } = snapshot.identity;
  const close = (): Promise<void> => new Promise((resolve) => snapshot.close(resolve));
  return {
    ...{ index: position.index, term: position.term, bytes, hash, close },
    [Symbol.asyncDispose]: close,
    [Symbol.asyncIterator]: () => readAll(snapshot, close),
  };
}

/** @throws QuorateError `STOPPED` where it was closed before its end, `CORRUPT` */
async function* readAll(
  snapshot: SnapshotExport,
  close: () => Promise<void>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { bytes } = snapshot.identity;
  try {
    for (let at = 0; at < bytes; at += chunkBytes) {
      yield await read(snapshot, at, Math.min(chunkBytes, bytes - at));
    }
  } finally {
    await close();
  }
}

function read(snapshot: SnapshotExport, offset: number, length: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (snapshot.isClosed) {
      reject(stoppedError("not-applied"));
      return;
    }
    snapshot.readBytes(offset, length, (error, data) => {
      if (data !== undefined) resolve(data);
      else reject(error === null ? stoppedError("not-applied") : fromOpenError(error, ""));
    });
  });
}
