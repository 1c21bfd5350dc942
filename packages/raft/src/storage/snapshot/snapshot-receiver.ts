/**
 * Takes a snapshot from a peer, chunk by chunk, into a file under a temporary name. What it accepts
 * is bound to one identity, so chunks of two snapshots never mix, and chunks of equal snapshots of
 * two leaders do; every block is checked before it is written. Made by `SnapshotStore.receive`.
 */
import { assert } from "../../base/index.ts";
import type { DiskFile } from "../../ports/index.ts";
import { closeFile } from "../files.ts";
import { sectorBytes } from "../sealed-block.ts";
import { type OpenError, StorageDamage, toOpenError } from "../storage-errors.ts";
import { perform, runTask, type Task } from "../task.ts";
import { ContentHash } from "./content-hash.ts";
import {
  blockBytesAt,
  blockSeed,
  decodeHeader,
  decodeTrailer,
  isSameSnapshot,
  layoutOf,
  openSnapshotBlock,
  type SnapshotHeader,
  type SnapshotIdentity,
  type SnapshotLayout,
  snapshotBlockBytes,
} from "./snapshot-format.ts";
import { openSnapshot } from "./snapshot-reader.ts";
import {
  discardFile,
  type SealedSnapshot,
  type SnapshotSpace,
  syncEveryBytes,
} from "./snapshot-space.ts";

/** What became of a chunk. `nextOffset` is where the sender goes on. */
export type ChunkAnswer =
  | { readonly kind: "accepted"; readonly nextOffset: number; readonly durableBytes: number }
  /** All of it was there already. */
  | { readonly kind: "duplicate"; readonly nextOffset: number }
  /** Something before it is missing; nothing was taken. */
  | { readonly kind: "gap"; readonly nextOffset: number }
  /** It belongs to another snapshot than the one that is received; nothing was taken. */
  | { readonly kind: "other-snapshot"; readonly receiving: SnapshotIdentity }
  /** A block in it cannot be right; what came before that block was taken. */
  | { readonly kind: "damaged"; readonly nextOffset: number; readonly reason: string };

type Answered = (error: OpenError | null, answer?: ChunkAnswer) => void;

export class SnapshotReceiver {
  readonly identity: SnapshotIdentity;
  readonly #space: SnapshotSpace;
  readonly #file: DiskFile;
  readonly #layout: SnapshotLayout;

  /** The header, block or trailer that is being put together. */
  readonly #part = new Uint8Array(snapshotBlockBytes);
  #partBytes = 0;
  #written = 0;
  #durable = 0;
  #blocks = 0;
  #header: SnapshotHeader | null = null;
  #seed = 0;
  #hash = new ContentHash();

  #isBusy = false;
  #isOver = false;
  #failure: OpenError | null = null;

  constructor(space: SnapshotSpace, identity: SnapshotIdentity, file: DiskFile) {
    const layout = layoutOf(identity.bytes);
    assert(layout !== null, "only what can be a snapshot is received", () => `${identity.bytes}`);
    this.identity = identity;
    this.#space = space;
    this.#file = file;
    this.#layout = layout;
  }

  /** Bytes taken so far, and where the next chunk begins, over whatever connection it comes. */
  get nextOffset(): number {
    return this.#written + this.#partBytes;
  }

  /** Bytes of them that are on stable storage. */
  get durableBytes(): number {
    return this.#durable;
  }

  /** All of it is there and on stable storage. */
  get isComplete(): boolean {
    return this.#durable === this.identity.bytes;
  }

  /**
   * Takes bytes of the file from `offset` on, as the sender read them. One call at a time: the next
   * chunk may come when `done` has run, never inside the call. After an error the file is gone.
   */
  accept(identity: SnapshotIdentity, offset: number, chunk: Uint8Array, done: Answered): void {
    const early = this.#failure === null ? this.#judge(identity, offset, chunk) : null;
    if (early === null) {
      const rest = chunk.subarray(this.nextOffset - offset);
      this.#run(this.#accept(rest), done);
      return;
    }
    assert(!this.#isOver, "nothing is received after the end");
    this.#space.clock.defer(() => done(null, early));
  }

  /** Gives the whole, synced file, which nothing rests on until its install. */
  finish(done: (error: OpenError | null, sealed?: SealedSnapshot) => void): void {
    assert(this.isComplete, "a snapshot is finished when all of it is there");
    this.#run(this.#finish(), (error, sealed) => {
      this.#isOver = true;
      done(error, sealed);
    });
  }

  /** Removes what came. Not while a chunk is taken. */
  abort(done: () => void): void {
    assert(!this.#isBusy, "a receiver is aborted between two chunks");
    const isGone = this.#isOver;
    this.#isOver = true;
    if (isGone) {
      this.#space.clock.defer(done);
      return;
    }
    runTask(discardFile(this.#space, this.#file.path, this.#file), () => done());
  }

  /** Null for a chunk that brings something new. */
  #judge(identity: SnapshotIdentity, offset: number, chunk: Uint8Array): ChunkAnswer | null {
    const { nextOffset } = this;
    if (!isSameSnapshot(identity, this.identity)) {
      return { kind: "other-snapshot", receiving: this.identity };
    }
    if (offset > nextOffset) return { kind: "gap", nextOffset };
    const end = offset + chunk.length;
    if (end > this.identity.bytes) {
      const reason = `a chunk ends at ${end}, the snapshot at ${this.identity.bytes}`;
      return { kind: "damaged", nextOffset, reason };
    }
    return end <= nextOffset ? { kind: "duplicate", nextOffset } : null;
  }

  #run<Value>(task: Task<Value>, done: (error: OpenError | null, value?: Value) => void): void {
    assert(!this.#isBusy, "one chunk is taken at a time");
    const failure = this.#failure;
    if (failure !== null) {
      this.#space.clock.defer(() => done(failure));
      return;
    }
    assert(!this.#isOver, "nothing is received after the end");
    this.#isBusy = true;
    runTask(this.#guard(task), (error, value) => {
      this.#space.clock.defer(() => {
        this.#isBusy = false;
        if (error === null) {
          done(null, value);
          return;
        }
        this.#isOver = true;
        this.#failure = toOpenError(error);
        done(this.#failure);
      });
    });
  }

  *#guard<Value>(task: Task<Value>): Task<Value> {
    try {
      return yield* task;
    } catch (error) {
      yield* discardFile(this.#space, this.#file.path, this.#file);
      throw error;
    }
  }

  *#accept(chunk: Uint8Array): Task<ChunkAnswer> {
    for (let at = 0; at < chunk.length; ) {
      const wanted = this.#wantedBytes();
      const count = Math.min(chunk.length - at, wanted - this.#partBytes);
      this.#part.set(chunk.subarray(at, at + count), this.#partBytes);
      this.#partBytes += count;
      at += count;
      if (this.#partBytes < wanted) continue;
      const part = this.#part.subarray(0, wanted);
      this.#partBytes = 0;
      const problem = this.#check(part);
      if (problem !== null) return yield* this.#refuse(problem);
      yield* this.#write(part);
    }
    const { nextOffset, durableBytes } = this;
    return { kind: "accepted", nextOffset, durableBytes };
  }

  /** Bytes of the header, block or trailer that comes next. */
  #wantedBytes(): number {
    const isBlock = this.#header !== null && this.#blocks < this.#layout.blockCount;
    return isBlock ? blockBytesAt(this.#layout, this.#blocks) : sectorBytes;
  }

  /** What is wrong with the next part; null if it may be written. */
  #check(part: Uint8Array): Problem | null {
    if (this.#header === null) return this.#checkHeader(part);
    if (this.#blocks === this.#layout.blockCount) return this.#checkTrailer(part, this.#header);
    const payload = openSnapshotBlock(part, this.#blocks, this.#seed, this.#space.crc32);
    if (!(payload instanceof Uint8Array)) return { reason: payload.reason, isHopeless: false };
    this.#hash.update(payload);
    this.#blocks++;
    return null;
  }

  #checkHeader(part: Uint8Array): Problem | null {
    const { crc32, clusterId } = this.#space;
    const header = attempt(() => decodeHeader(part, this.#file.path, crc32));
    if ("reason" in header) return header;
    const { position } = this.identity;
    const isRight =
      header.clusterId === clusterId &&
      header.position.index === position.index &&
      header.position.term === position.term;
    if (!isRight) return { reason: "the header is another snapshot's", isHopeless: false };
    this.#header = header;
    this.#seed = blockSeed(part, crc32);
    return null;
  }

  #checkTrailer(part: Uint8Array, header: SnapshotHeader): Problem | null {
    const { crc32 } = this.#space;
    const trailer = attempt(() =>
      decodeTrailer(part, this.#file.path, header, this.#layout, crc32),
    );
    if ("reason" in trailer) return trailer;
    if (trailer.hash !== this.identity.hash) {
      const reason = `the trailer says ${trailer.hash}, the sender ${this.identity.hash}`;
      return { reason, isHopeless: true };
    }
    const found = this.#hash.finish();
    if (found === trailer.hash) return null;
    return { reason: `the content has the hash ${found}, not ${trailer.hash}`, isHopeless: true };
  }

  *#write(part: Uint8Array): Task<void> {
    yield* perform((done) => this.#file.write(this.#written, [part], done));
    this.#written += part.length;
    const isAll = this.#written === this.identity.bytes;
    if (!isAll && this.#written - this.#durable < syncEveryBytes) return;
    yield* perform((done) => this.#file.sync(done));
    this.#durable = this.#written;
  }

  /** The part is asked for again; or everything, if it cannot be said which part is wrong. */
  *#refuse({ reason, isHopeless }: Problem): Task<ChunkAnswer> {
    if (isHopeless) {
      yield* perform((done) => this.#file.truncate(0, done));
      this.#written = 0;
      this.#durable = 0;
      this.#blocks = 0;
      this.#header = null;
      this.#hash = new ContentHash();
    }
    return { kind: "damaged", nextOffset: this.nextOffset, reason };
  }

  *#finish(): Task<SealedSnapshot> {
    const { description } = yield* openSnapshot(this.#space, this.#file);
    const isRight = isSameSnapshot(description.identity, this.identity);
    assert(isRight, "what was received is what was announced");
    yield* closeFile(this.#file);
    return { description, temporaryPath: this.#file.path };
  }
}

interface Problem {
  readonly reason: string;
  /** Everything has to come again. */
  readonly isHopeless: boolean;
}

/** Damage in what a peer sent is an answer; another version is an error. */
function attempt<Value>(decode: () => Value): Value | Problem {
  try {
    return decode();
  } catch (error) {
    if (error instanceof StorageDamage) return { reason: error.reason, isHopeless: false };
    throw error;
  }
}
