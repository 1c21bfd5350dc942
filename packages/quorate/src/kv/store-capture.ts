/**
 * A store as bytes, for a snapshot: `docs/formats.md`. Versions are never changed once made and the
 * revision log only grows, so a store is frozen by noting how long its log is: writes go on behind
 * that place. The key index is not written: it follows from the versions.
 */
import type { KeyValue } from "../proto/index.ts";
import { isTombstone } from "./key-history.ts";
import type { FrozenLog } from "./revision-log.ts";
import type { Store } from "./store.ts";

/** Version of these bytes. */
export const storeSnapshotVersion = 1;

/** Revision, compacted revision, number of versions. */
export const storeHeadBytes = 24;
/** Kind, length of the key, revision; then the key. */
export const tombstoneHeadBytes = 13;
/** And creation, number, lease, length of the value; then the key and the value. */
export const versionHeadBytes: number = tombstoneHeadBytes + 28;

export const recordKinds = { tombstone: 0, version: 1 } as const;

/** Versions in a piece, at most: what takes a few milliseconds however small they are. */
export const pieceVersionsMax = 8_192;

/** Memory for one piece. */
const pieceBytesMax = 1024 * 1024;

/** A frozen store, written out piece by piece: what `@quorate/raft` calls a `StateCapture`. */
export class StoreCapture {
  readonly #log: FrozenLog;
  /** Bytes of what was begun and does not fit into the last piece. */
  #rest: Uint8Array[];
  #position = 0;
  /** The head of one version; a new one is begun when nothing is left of the one before. */
  readonly #head = new Uint8Array(versionHeadBytes);
  readonly #view = new DataView(this.#head.buffer);
  /** Of the last piece: what it cost. For tests. */
  versionsOfPiece = 0;

  constructor(store: Store) {
    this.#log = store.log.freeze();
    this.#rest = [encodeHead(store)];
  }

  /** The next bytes, 1 to `maxBytes`; null after the last. */
  next(maxBytes: number): Uint8Array | null {
    const piece = new Uint8Array(Math.min(maxBytes, pieceBytesMax));
    let filled = 0;
    this.versionsOfPiece = 0;
    while (filled < piece.length) {
      const [part] = this.#rest;
      if (part === undefined) {
        if (!this.#begin()) break;
        continue;
      }
      const count = Math.min(part.length, piece.length - filled);
      piece.set(count === part.length ? part : part.subarray(0, count), filled);
      filled += count;
      if (count === part.length) this.#rest.shift();
      else this.#rest[0] = part.subarray(count);
    }
    return filled === 0 ? null : piece.subarray(0, filled);
  }

  release(): void {
    this.#position = this.#log.length;
    this.#rest = [];
  }

  /** Takes up the next version; false if there is none, or not in this piece. */
  #begin(): boolean {
    if (this.#position === this.#log.length) return false;
    if (this.versionsOfPiece === pieceVersionsMax) return false;
    const version = this.#log.at(this.#position++);
    this.versionsOfPiece++;
    this.#rest = isTombstone(version)
      ? [this.#encodeTombstone(version), version.key]
      : [this.#encodeVersion(version), version.key, version.value];
    return true;
  }

  #encodeTombstone({ key, modRevision }: KeyValue): Uint8Array {
    this.#head[0] = recordKinds.tombstone;
    this.#view.setUint32(1, key.length, true);
    setU64(this.#view, 5, modRevision);
    return this.#head.subarray(0, tombstoneHeadBytes);
  }

  #encodeVersion(of: KeyValue): Uint8Array {
    const view = this.#view;
    this.#head[0] = recordKinds.version;
    view.setUint32(1, of.key.length, true);
    setU64(view, 5, of.modRevision);
    setU64(view, 13, of.createRevision);
    setU64(view, 21, of.version);
    view.setBigInt64(29, of.lease, true);
    view.setUint32(37, of.value.length, true);
    return this.#head;
  }
}

function encodeHead(store: Store): Uint8Array {
  const bytes = new Uint8Array(storeHeadBytes);
  const view = new DataView(bytes.buffer);
  setU64(view, 0, store.revision);
  setU64(view, 8, store.compactedRevision + 1);
  setU64(view, 16, store.log.length);
  return bytes;
}

function setU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value >>> 0, true);
  view.setUint32(offset + 4, Math.floor(value / 0x1_0000_0000), true);
}
