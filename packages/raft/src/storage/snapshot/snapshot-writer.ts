/**
 * Writes a snapshot as a stream: memory for one megabyte, however long it gets. The bytes on disk
 * depend on the content alone, not on how it was cut into chunks. Made by `SnapshotStore.begin`.
 */
import { assert } from "../../base/index.ts";
import type { LogPosition } from "../../core/index.ts";
import type { DiskFile } from "../../ports/index.ts";
import { closeFile } from "../files.ts";
import type { StorageError } from "../log-store.ts";
import { sectorBytes } from "../sealed-block.ts";
import { toStorageError } from "../storage-errors.ts";
import { perform, runTask, type Task } from "../task.ts";
import { ContentHash } from "./content-hash.ts";
import {
  blockHeaderBytes,
  blockPayloadBytes,
  blockSeed,
  encodeHeader,
  encodeTable,
  encodeTrailer,
  type SnapshotHeader,
  type SnapshotSection,
  type SnapshotTable,
  sealSnapshotBlock,
  snapshotBlockBytes,
} from "./snapshot-format.ts";
import {
  blocksAtOnce,
  discardFile,
  type SealedSnapshot,
  type SnapshotSpace,
  syncEveryBytes,
} from "./snapshot-space.ts";

type Settle = (error: StorageError | null) => void;

export interface SnapshotWriterParts {
  readonly space: SnapshotSpace;
  readonly position: LogPosition;
  readonly configuration: Uint8Array;
  /** Empty, under a temporary name. */
  readonly file: DiskFile;
}

export class SnapshotWriter {
  readonly #space: SnapshotSpace;
  readonly #header: SnapshotHeader;
  readonly #configuration: Uint8Array;
  readonly #file: DiskFile;
  readonly #hash = new ContentHash();
  readonly #seed: number;
  readonly #headerBytes: Uint8Array;
  readonly #sections: { readonly name: string; bytes: number }[] = [];

  /** Blocks that are not written yet: sealed ones, then one that is being filled. */
  readonly #buffer = new Uint8Array(blocksAtOnce * snapshotBlockBytes);
  #sealed = 0;
  #filled = 0;
  #nextBlock = 0;
  #offset = 0;
  #unsyncedBytes = 0;
  #isBusy = false;
  #isOver = false;
  #failure: StorageError | null = null;

  constructor(parts: SnapshotWriterParts) {
    const { space, position, configuration, file } = parts;
    this.#space = space;
    this.#header = { clusterId: space.clusterId, position };
    this.#configuration = configuration.slice();
    this.#file = file;
    this.#headerBytes = encodeHeader(this.#header, space.crc32);
    this.#seed = blockSeed(this.#headerBytes, space.crc32);
  }

  /** What is written from now on belongs to this section. Names are distinct. */
  section(name: string): void {
    assert(!this.#isBusy && !this.#isOver, "a section begins between two writes");
    const isNew = this.#sections.every((section) => section.name !== name);
    assert(isNew, "a section's name is used once", () => name);
    this.#sections.push({ name, bytes: 0 });
  }

  /**
   * Takes a chunk. The next one may be given when `done` has run, never inside the call; the chunk
   * is not needed any more then. After an error the file is gone, and so is the writer.
   */
  write(chunk: Uint8Array, done: Settle): void {
    const section = this.#sections.at(-1);
    assert(section !== undefined, "a section is begun before anything is written");
    this.#run(this.#write(section, chunk), done);
  }

  /** Ends the stream; gives the whole, synced file, which nothing rests on until its install. */
  finish(done: (error: StorageError | null, sealed?: SealedSnapshot) => void): void {
    let sealed: SealedSnapshot | undefined;
    this.#run(
      this.#finish((value) => {
        sealed = value;
      }),
      (error) => {
        this.#isOver = true;
        done(error, sealed);
      },
    );
  }

  /** Removes what was written. Not while a write is under way. */
  abort(done: () => void): void {
    assert(!this.#isBusy, "a writer is aborted between two writes");
    const isGone = this.#isOver;
    this.#isOver = true;
    if (isGone) {
      this.#space.clock.defer(done);
      return;
    }
    runTask(discardFile(this.#space, this.#file.path, this.#file), () => done());
  }

  #run(task: Task<void>, done: Settle): void {
    assert(!this.#isBusy, "one write is under way at a time");
    const failure = this.#failure;
    if (failure !== null) {
      this.#space.clock.defer(() => done(failure));
      return;
    }
    assert(!this.#isOver, "nothing is written after the end");
    this.#isBusy = true;
    runTask(this.#guard(task), (error) => {
      // Not at once: a chunk that only fills a buffer completes inside the call.
      this.#space.clock.defer(() => {
        this.#isBusy = false;
        if (error === null) {
          done(null);
          return;
        }
        this.#isOver = true;
        this.#failure = toStorageError(error);
        done(this.#failure);
      });
    });
  }

  *#guard(task: Task<void>): Task<void> {
    try {
      yield* task;
    } catch (error) {
      yield* discardFile(this.#space, this.#file.path, this.#file);
      throw error;
    }
  }

  *#write(section: { bytes: number }, chunk: Uint8Array): Task<void> {
    section.bytes += chunk.length;
    yield* this.#put(chunk);
  }

  *#put(bytes: Uint8Array): Task<void> {
    for (let at = 0; at < bytes.length; ) {
      const count = Math.min(bytes.length - at, blockPayloadBytes - this.#filled);
      const start = this.#sealed * snapshotBlockBytes + blockHeaderBytes + this.#filled;
      this.#buffer.set(bytes.subarray(at, at + count), start);
      this.#filled += count;
      at += count;
      if (this.#filled < blockPayloadBytes) continue;
      this.#sealBlock();
      if (this.#sealed === blocksAtOnce) yield* this.#flush();
    }
  }

  #sealBlock(): void {
    const offset = this.#sealed * snapshotBlockBytes;
    const start = offset + blockHeaderBytes;
    this.#hash.update(this.#buffer.subarray(start, start + this.#filled));
    const { crc32 } = this.#space;
    sealSnapshotBlock(this.#buffer, offset, this.#nextBlock, this.#filled, this.#seed, crc32);
    this.#nextBlock++;
    this.#sealed++;
    this.#filled = 0;
  }

  *#flush(lastBytes = this.#sealed * snapshotBlockBytes): Task<void> {
    if (this.#offset === 0) yield* this.#append(this.#headerBytes);
    yield* this.#append(this.#buffer.subarray(0, lastBytes));
    this.#sealed = 0;
    if (this.#unsyncedBytes < syncEveryBytes) return;
    yield* perform((done) => this.#file.sync(done));
    this.#unsyncedBytes = 0;
  }

  *#append(bytes: Uint8Array): Task<void> {
    yield* perform((done) => this.#file.write(this.#offset, [bytes], done));
    this.#offset += bytes.length;
    this.#unsyncedBytes += bytes.length;
  }

  *#finish(give: (sealed: SealedSnapshot) => void): Task<void> {
    const sections: SnapshotSection[] = this.#sections.map(({ name, bytes }) => ({ name, bytes }));
    const contentBytes = sections.reduce((sum, { bytes }) => sum + bytes, 0);
    const table: SnapshotTable = { configuration: this.#configuration, sections };
    const tableBytes = encodeTable(table);
    yield* this.#put(tableBytes);
    let bufferBytes = this.#sealed * snapshotBlockBytes;
    if (this.#filled > 0) {
      bufferBytes += blockHeaderBytes + this.#filled;
      this.#sealBlock();
    }
    if (bufferBytes > 0) yield* this.#flush(bufferBytes);
    const hash = this.#hash.finish();
    const blockCount = this.#nextBlock;
    const trailer = { header: this.#header, blockCount, contentBytes, hash };
    const { crc32 } = this.#space;
    yield* this.#append(encodeTrailer({ ...trailer, tableBytes: tableBytes.length }, crc32));
    const streamBytes = contentBytes + tableBytes.length;
    const bytes = 2 * sectorBytes + streamBytes + blockCount * blockHeaderBytes;
    assert(this.#offset === bytes, "a snapshot is as long as its content says");
    yield* perform((done) => this.#file.sync(done));
    yield* closeFile(this.#file);
    const identity = { position: this.#header.position, bytes, hash };
    give({ description: { identity, ...table }, temporaryPath: this.#file.path });
  }
}
