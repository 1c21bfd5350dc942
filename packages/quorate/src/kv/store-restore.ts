/**
 * Reads a store from the bytes of a capture, version after version as they come, and checks that
 * each can follow those before it. Holds what it made and one unfinished version, never the bytes
 * of the whole.
 */
import type { KeyValue } from "../proto/index.ts";
import { isTombstone, type KeyHistory, tombstone } from "./key-history.ts";
import { keyName } from "./key-name.ts";
import { addVersion, createStore, type Store } from "./store.ts";
import {
  recordKinds,
  storeHeadBytes,
  tombstoneHeadBytes,
  versionHeadBytes,
} from "./store-capture.ts";

/** Bytes that are no store. Not a bug: the caller names the snapshot. */
export class StoreFormatError extends Error {
  override readonly name = "StoreFormatError";
}

/** The head of a store. */
interface Head {
  readonly revision: number;
  readonly compactedRevision: number;
  readonly versionCount: number;
}

/** Takes a store in: what `@quorate/raft` calls a `StateRestore`. */
export class StoreRestore {
  readonly #store = createStore();
  readonly #onFinished: (store: Store) => void;
  /** Bytes that came and were not read; joined when there are `#neededBytes` of them. */
  #parts: Uint8Array[] = [];
  #partsBytes = 0;
  #neededBytes = storeHeadBytes;
  #readBytes = 0;
  #head: Head | null = null;

  /** `onFinished` gets the store. */
  constructor(onFinished: (store: Store) => void) {
    this.#onFinished = onFinished;
  }

  /** @throws StoreFormatError */
  write(bytes: Uint8Array): void {
    this.#partsBytes += bytes.length;
    if (this.#partsBytes < this.#neededBytes) {
      this.#parts.push(new Uint8Array(bytes));
      return;
    }
    const all = this.#parts.length === 0 ? bytes : concat([...this.#parts, bytes]);
    const used = this.#read(all);
    this.#readBytes += used;
    this.#parts = used === all.length ? [] : [new Uint8Array(all.subarray(used))];
    this.#partsBytes = all.length - used;
  }

  /** @throws StoreFormatError */
  finish(): void {
    const head = this.#head;
    if (head === null || this.#store.log.length < head.versionCount) {
      throw this.#fault("it ends in the middle");
    }
    const store = this.#store;
    const last = Math.max(store.revision, head.compactedRevision);
    if (last !== head.revision) {
      throw this.#fault(`its last revision is ${last}, not ${head.revision}`);
    }
    store.revision = head.revision;
    store.compactedRevision = head.compactedRevision;
    this.#onFinished(store);
  }

  /** Reads what is there as a whole; answers how many bytes that is. */
  #read(bytes: Uint8Array): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    for (;;) {
      this.#neededBytes = this.#recordBytes(view, at);
      if (this.#neededBytes > bytes.length - at) return at;
      if (this.#neededBytes === 0) {
        if (at < bytes.length) throw this.#fault("there are bytes behind its end");
        return at;
      }
      if (this.#head === null) this.#head = this.#readHead(view);
      else this.#add(this.#head, readVersion(bytes, view, at));
      at += this.#neededBytes;
    }
  }

  /** Bytes of the next record, or of the part of it that says how long it is; 0 behind the last. */
  #recordBytes(view: DataView, at: number): number {
    if (this.#head === null) return storeHeadBytes;
    if (this.#store.log.length === this.#head.versionCount) return 0;
    const available = view.byteLength - at;
    if (available < tombstoneHeadBytes) return tombstoneHeadBytes;
    const kind = view.getUint8(at);
    if (kind > recordKinds.version) throw this.#fault(`unknown kind of version ${kind}`);
    const keyBytes = view.getUint32(at + 1, true);
    if (kind === recordKinds.tombstone) return tombstoneHeadBytes + keyBytes;
    if (available < versionHeadBytes) return versionHeadBytes;
    return versionHeadBytes + keyBytes + view.getUint32(at + 37, true);
  }

  #readHead(view: DataView): Head {
    const revision = getU64(view, 0);
    const compactedRevision = getU64(view, 8) - 1;
    if (revision < 1 || compactedRevision > revision) {
      throw this.#fault(`its revision is ${revision}, compacted at ${compactedRevision}`);
    }
    return { revision, compactedRevision, versionCount: getU64(view, 16) };
  }

  #add(head: Head, version: KeyValue): void {
    const store = this.#store;
    const name = keyName(version.key);
    const history = store.keys.find(name);
    const problem = problemOf(head, store.revision, history, version);
    if (problem !== null) {
      throw this.#fault(
        `version ${store.log.length}, of revision ${version.modRevision}: ${problem}`,
      );
    }
    // All versions of a key share its bytes, as where they were written.
    addVersion(store, name, history, { ...version, key: history?.newest.key ?? version.key });
  }

  #fault(fact: string): StoreFormatError {
    return new StoreFormatError(`the store, about byte ${this.#readBytes}: ${fact}`);
  }
}

/** Why the version cannot follow those before it; null if it can. */
function problemOf(
  head: Head,
  lastRevision: number,
  history: KeyHistory | undefined,
  version: KeyValue,
): string | null {
  const { modRevision, createRevision } = version;
  if (version.key.length === 0) return "it has no key";
  if (modRevision < 2 || modRevision < lastRevision) return `it follows revision ${lastRevision}`;
  if (modRevision > head.revision) return `the store ends at revision ${head.revision}`;
  // Of what is compacted only some revisions are left; of the rest all.
  const isCompacted = modRevision <= head.compactedRevision;
  const isNext = modRevision <= Math.max(lastRevision, head.compactedRevision) + 1;
  if (!isCompacted && !isNext) return `it follows revision ${lastRevision}`;
  const newest = history?.newest;
  const before = newest === undefined || isTombstone(newest) ? undefined : newest;
  if (isTombstone(version)) return before === undefined ? "it deletes a key that is not" : null;
  if (before !== undefined) {
    const follows =
      version.version === before.version + 1 && createRevision === before.createRevision;
    return follows ? null : `it does not follow version ${before.version} of its key`;
  }
  if (isCompacted) return createRevision <= modRevision ? null : "it was created later";
  const isFirst = version.version === 1 && createRevision === modRevision;
  return isFirst ? null : "its key has no version before it";
}

/** @throws StoreFormatError */
function readVersion(bytes: Uint8Array, view: DataView, at: number): KeyValue {
  const keyBytes = view.getUint32(at + 1, true);
  const modRevision = getU64(view, at + 5);
  if (bytes[at] === recordKinds.tombstone) {
    const start = at + tombstoneHeadBytes;
    return tombstone(new Uint8Array(bytes.subarray(start, start + keyBytes)), modRevision);
  }
  const keyEnd = at + versionHeadBytes + keyBytes;
  const version = getU64(view, at + 21);
  if (version === 0) throw new StoreFormatError("the store: a version is numbered 0");
  return {
    key: new Uint8Array(bytes.subarray(at + versionHeadBytes, keyEnd)),
    modRevision,
    createRevision: getU64(view, at + 13),
    version,
    // The bytes are somebody else's: they are good during the call only.
    value: new Uint8Array(bytes.subarray(keyEnd, keyEnd + view.getUint32(at + 37, true))),
    lease: view.getBigInt64(at + 29, true),
  };
}

function getU64(view: DataView, offset: number): number {
  const value = view.getUint32(offset + 4, true) * 0x1_0000_0000 + view.getUint32(offset, true);
  if (!Number.isSafeInteger(value)) {
    throw new StoreFormatError("the store: a 64-bit number is above 2^53 - 1");
  }
  return value;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
