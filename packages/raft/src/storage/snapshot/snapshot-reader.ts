/**
 * Reads a snapshot: in order for a machine, or any bytes of it for sending. Every block is checked
 * before a byte of it is handed out. Holds one megabyte. Made by `SnapshotStore.read`.
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
  blockHeaderBytes,
  blockOffset,
  blockPayloadBytes,
  blockSeed,
  decodeHeader,
  decodeTable,
  decodeTrailer,
  describeSnapshot,
  firstBlockOffset,
  layoutOf,
  openSnapshotBlock,
  type SnapshotDescription,
  type SnapshotHeader,
  type SnapshotLayout,
  type SnapshotTrailer,
  snapshotBlockBytes,
} from "./snapshot-format.ts";
import { blocksAtOnce, type SnapshotSpace } from "./snapshot-space.ts";

/** Bytes of one section, in order; a section without content comes once, without bytes. */
export interface SnapshotPart {
  readonly section: string;
  readonly data: Uint8Array;
  /** The section ends with it. */
  readonly isLast: boolean;
}

/** Fewer bytes at once than this may be asked for by `readBytes`: what one reader may hold. */
export const readBytesMax: number = blocksAtOnce * snapshotBlockBytes;

/** An open file whose header, trailer and table are sound. */
export interface OpenSnapshot {
  readonly file: DiskFile;
  readonly layout: SnapshotLayout;
  readonly trailer: SnapshotTrailer;
  readonly seed: number;
  readonly header: Uint8Array;
  readonly trailerBytes: Uint8Array;
  readonly description: SnapshotDescription;
}

/**
 * Reads what surrounds the content and checks that it fits together. `bytes`: how long the snapshot
 * is, where something follows it in the file.
 *
 * @throws StorageDamage, UnknownFormatError, DiskError
 */
export function* openSnapshot(
  space: SnapshotSpace,
  file: DiskFile,
  bytes: number | null = null,
): Task<OpenSnapshot> {
  const { crc32 } = space;
  const { path } = file;
  const fileBytes = bytes ?? (yield* perform<number>((done) => file.size(done)));
  const headerBytes = yield* perform<Uint8Array>((done) => file.read(0, sectorBytes, done));
  const header = decodeHeader(headerBytes, path, crc32);
  checkCluster(space, header, path);
  const layout = layoutOf(fileBytes);
  if (layout === null) throw damage(path, 0, `the snapshot is cut short at ${fileBytes} bytes`);
  const trailerBytes = yield* perform<Uint8Array>((done) =>
    file.read(layout.trailerOffset, sectorBytes, done),
  );
  const trailer = decodeTrailer(trailerBytes, path, header, layout, crc32);
  const seed = blockSeed(headerBytes, crc32);
  const partial = { file, layout, trailer, seed, header: headerBytes, trailerBytes };
  const table = yield* readTable(partial, space);
  const identity = { position: header.position, bytes: fileBytes, hash: trailer.hash };
  return { ...partial, description: { identity, ...table } };
}

function checkCluster(space: SnapshotSpace, header: SnapshotHeader, path: string): void {
  if (header.clusterId === space.clusterId) return;
  const reason = `it is a snapshot of cluster ${header.clusterId}, and this is ${space.clusterId}`;
  throw damage(path, 0, reason);
}

function* readTable(
  open: Omit<OpenSnapshot, "description">,
  space: SnapshotSpace,
): Task<ReturnType<typeof decodeTable>> {
  const { trailer, file } = open;
  const from = trailer.contentBytes;
  const bytes = new Uint8Array(trailer.tableBytes);
  const first = Math.floor(from / blockPayloadBytes);
  for (let number = first; number < open.layout.blockCount; number++) {
    const [payload] = yield* readBlocks(open, space, number, 1);
    assert(payload !== undefined, "a block was asked for");
    const start = number * blockPayloadBytes;
    bytes.set(payload.subarray(Math.max(0, from - start)), Math.max(0, start - from));
  }
  let reason = "";
  try {
    const table = decodeTable(bytes);
    const total = table.sections.reduce((sum, section) => sum + section.bytes, 0);
    if (total === trailer.contentBytes) return table;
    reason = `its sections have ${total} bytes, its content ${trailer.contentBytes}`;
  } catch (error) {
    reason = error instanceof Error ? error.message : String(error);
  }
  throw damage(file.path, blockOffset(first), `the table of the snapshot is wrong: ${reason}`);
}

/** The payloads of up to `count` blocks from `first` on, checked; views of one read. */
export function* readBlocks(
  open: Omit<OpenSnapshot, "description">,
  space: SnapshotSpace,
  first: number,
  count: number,
): Task<readonly Uint8Array[]> {
  const { layout, file, seed } = open;
  const end = Math.min(first + count, layout.blockCount);
  const start = blockOffset(first);
  const length = blockOffset(end - 1) + blockBytesAt(layout, end - 1) - start;
  const bytes = yield* perform<Uint8Array>((done) => file.read(start, length, done));
  const payloads: Uint8Array[] = [];
  for (let number = first; number < end; number++) {
    const at = blockOffset(number);
    const block = bytes.subarray(at - start, at - start + blockBytesAt(layout, number));
    const payload = openSnapshotBlock(block, number, seed, space.crc32);
    if (!(payload instanceof Uint8Array)) throw damage(file.path, at, payload.reason);
    payloads.push(payload);
  }
  return payloads;
}

/**
 * Reads all of it and compares the hash.
 *
 * @throws StorageDamage
 */
export function* verifySnapshot(open: OpenSnapshot, space: SnapshotSpace): Task<void> {
  const hash = new ContentHash();
  for (let number = 0; number < open.layout.blockCount; number += blocksAtOnce) {
    const payloads = yield* readBlocks(open, space, number, blocksAtOnce);
    for (const payload of payloads) hash.update(payload);
  }
  const found = hash.finish();
  if (found === open.trailer.hash) return;
  const reason = `its content has the hash ${found}, its trailer says ${open.trailer.hash}`;
  throw damage(open.file.path, open.layout.trailerOffset, reason);
}

function damage(file: string, offset: number, reason: string): StorageDamage {
  return new StorageDamage(reason, { file, offset });
}

export class SnapshotReader {
  readonly #space: SnapshotSpace;
  readonly #open: OpenSnapshot;
  readonly #onClosed: () => void;

  #payloads: readonly Uint8Array[] = [];
  #payload = 0;
  #payloadAt = 0;
  #nextBlock = 0;
  #section = 0;
  #sectionAt = 0;
  #isBusy = false;
  #isClosed = false;

  constructor(space: SnapshotSpace, open: OpenSnapshot, onClosed: () => void) {
    this.#space = space;
    this.#open = open;
    this.#onClosed = onClosed;
  }

  get description(): SnapshotDescription {
    return this.#open.description;
  }

  /**
   * The next part of the content, null after the last. Its data are views: hold them no longer than
   * needed. `StorageDamage` names what cannot be read; nothing follows it.
   */
  next(done: (error: OpenError | null, part?: SnapshotPart | null) => void): void {
    this.#run(this.#next(), done);
  }

  /**
   * Bytes of the file as it lies on disk, for sending: `length` of them from `offset`, fewer only
   * at its end; at most `readBytesMax`. May be used beside `next`, one call at a time.
   */
  readBytes(
    offset: number,
    length: number,
    done: (error: OpenError | null, bytes?: Uint8Array) => void,
  ): void {
    assert(offset >= 0 && offset <= this.#open.layout.fileBytes, "bytes of the file are asked for");
    assert(length > 0 && length <= readBytesMax, "one read stays within its limit");
    this.#run(this.#readBytes(offset, length), done);
  }

  /** Lets go of the file; it may be pruned then. */
  close(done: () => void): void {
    assert(!this.#isBusy, "a reader is closed between two reads");
    assert(!this.#isClosed, "a reader is closed once");
    this.#isClosed = true;
    runTask(closeFile(this.#open.file), () => {
      this.#onClosed();
      done();
    });
  }

  #run<Value>(task: Task<Value>, done: (error: OpenError | null, value?: Value) => void): void {
    assert(!this.#isBusy && !this.#isClosed, "one read is under way at a time, of an open file");
    this.#isBusy = true;
    runTask(task, (error, value) => {
      this.#space.clock.defer(() => {
        this.#isBusy = false;
        if (error !== null) done(toOpenError(error));
        else done(null, value);
      });
    });
  }

  *#next(): Task<SnapshotPart | null> {
    const section = this.description.sections[this.#section];
    if (section === undefined) return null;
    const left = section.bytes - this.#sectionAt;
    let data: Uint8Array = new Uint8Array(0);
    if (left > 0) {
      const payload = yield* this.#currentPayload();
      const count = Math.min(left, payload.length - this.#payloadAt);
      data = payload.subarray(this.#payloadAt, this.#payloadAt + count);
      this.#payloadAt += count;
      this.#sectionAt += count;
    }
    const isLast = data.length === left;
    if (isLast) {
      this.#section++;
      this.#sectionAt = 0;
    }
    return { section: section.name, data, isLast };
  }

  *#currentPayload(): Task<Uint8Array> {
    let payload = this.#payloads[this.#payload];
    if (payload !== undefined && this.#payloadAt === payload.length) {
      this.#payload++;
      this.#payloadAt = 0;
      payload = this.#payloads[this.#payload];
    }
    if (payload !== undefined) return payload;
    const payloads = yield* readBlocks(this.#open, this.#space, this.#nextBlock, blocksAtOnce);
    this.#payloads = payloads;
    this.#nextBlock += payloads.length;
    this.#payload = 0;
    const [first] = payloads;
    assert(first !== undefined, "sections end where the content does", () => {
      return describeSnapshot(this.description.identity);
    });
    return first;
  }

  *#readBytes(offset: number, length: number): Task<Uint8Array> {
    const { layout, header, trailerBytes } = this.#open;
    const end = Math.min(offset + length, layout.fileBytes);
    const bytes = new Uint8Array(end - offset);
    copyOverlap(bytes, offset, header, 0);
    copyOverlap(bytes, offset, trailerBytes, layout.trailerOffset);
    const from = Math.max(offset, firstBlockOffset);
    const through = Math.min(end, layout.trailerOffset);
    if (from >= through) return bytes;
    const first = Math.floor((from - firstBlockOffset) / snapshotBlockBytes);
    const last = Math.floor((through - 1 - firstBlockOffset) / snapshotBlockBytes);
    const payloads = yield* readBlocks(this.#open, this.#space, first, last - first + 1);
    for (const [at, payload] of payloads.entries()) {
      // The block's header lies right before its payload in what was read.
      const start = payload.byteOffset - blockHeaderBytes;
      const block = new Uint8Array(payload.buffer, start, payload.length + blockHeaderBytes);
      copyOverlap(bytes, offset, block, blockOffset(first + at));
    }
    return bytes;
  }
}

/** Puts what of `source`, which lies at `sourceAt`, belongs into `target`, which lies at `at`. */
function copyOverlap(target: Uint8Array, at: number, source: Uint8Array, sourceAt: number): void {
  const from = Math.max(at, sourceAt);
  const end = Math.min(at + target.length, sourceAt + source.length);
  if (from < end) target.set(source.subarray(from - sourceAt, end - sourceAt), from - at);
}
