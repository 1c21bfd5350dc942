/**
 * A disk for members without a directory: their snapshots lie in memory and go with the process.
 * Nothing fails, nothing is torn; for tests of disks there is `testing/memory-disk.ts`.
 */
import { assert } from "../base/index.ts";
import {
  type Clock,
  type Disk,
  DiskError,
  type DiskFile,
  type Done,
  type DoneWith,
} from "../ports/index.ts";

/** Bytes of one piece of a file: growing never copies what is there. */
const pieceBytes = 1024 * 1024;

export function createMemoryFiles(clock: Clock): Disk {
  const files = new Map<string, MemoryFile>();
  const answer = (done: Done, error: DiskError | null = null): void =>
    clock.defer(() => done(error));
  return {
    makeDirectory: (_path: string, done: Done) => answer(done),
    syncDirectory: (_path: string, done: Done) => answer(done),
    list: (_path: string, done: DoneWith<readonly string[]>) =>
      clock.defer(() => done(null, [...files.keys()].map(nameOf).sort())),
    open(path: string, mode: "create" | "existing", done: DoneWith<DiskFile>): void {
      const found = files.get(path);
      if (mode === "create" && found !== undefined) {
        answer(done, fail("create", path));
        return;
      }
      if (mode === "existing" && found === undefined) {
        answer(done, fail("open", path));
        return;
      }
      const file = found ?? new MemoryFile(clock, path);
      files.set(path, file);
      clock.defer(() => done(null, file));
    },
    rename(from: string, to: string, done: Done): void {
      const file = files.get(from);
      if (file === undefined) {
        answer(done, fail("rename", from));
        return;
      }
      files.delete(from);
      files.set(to, file);
      answer(done);
    },
    remove: (path: string, done: Done) =>
      answer(done, files.delete(path) ? null : fail("remove", path)),
    lock: (_path: string, done) =>
      clock.defer(() => done(null, { release: (released: Done) => answer(released) })),
  };
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function fail(operation: string, path: string): DiskError {
  return operation === "create"
    ? new DiskError(operation, path, "EEXIST", "file already exists")
    : new DiskError(operation, path, "ENOENT", "no such file");
}

class MemoryFile implements DiskFile {
  readonly path: string;
  readonly #clock: Clock;
  readonly #pieces: Uint8Array[] = [];
  #size = 0;

  constructor(clock: Clock, path: string) {
    this.#clock = clock;
    this.path = path;
  }

  read(offset: number, length: number, done: DoneWith<Uint8Array>): void {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.#size - offset)));
    this.#eachPiece(offset, bytes.length, (piece, at, from, count) => {
      bytes.set(piece.subarray(from, from + count), at);
    });
    this.#clock.defer(() => done(null, bytes));
  }

  write(offset: number, chunks: readonly Uint8Array[], done: Done): void {
    assert(offset <= this.#size, "files in memory have no holes");
    let start = offset;
    for (const chunk of chunks) {
      this.#grow(start + chunk.length);
      this.#eachPiece(start, chunk.length, (piece, at, from, count) => {
        piece.set(chunk.subarray(at, at + count), from);
      });
      start += chunk.length;
    }
    this.#clock.defer(() => done(null));
  }

  sync(done: Done): void {
    this.#clock.defer(() => done(null));
  }

  truncate(sizeBytes: number, done: Done): void {
    assert(sizeBytes <= this.#size, "a truncation only shortens");
    this.#size = sizeBytes;
    this.#pieces.length = Math.ceil(sizeBytes / pieceBytes);
    this.#clock.defer(() => done(null));
  }

  size(done: DoneWith<number>): void {
    const size = this.#size;
    this.#clock.defer(() => done(null, size));
  }

  close(done: Done): void {
    this.#clock.defer(() => done(null));
  }

  #grow(size: number): void {
    while (this.#pieces.length * pieceBytes < size) this.#pieces.push(new Uint8Array(pieceBytes));
    if (size > this.#size) this.#size = size;
  }

  /** `visit(piece, bytes before it in the range, where in the piece it starts, how many)`. */
  #eachPiece(
    offset: number,
    length: number,
    visit: (piece: Uint8Array, at: number, from: number, count: number) => void,
  ): void {
    for (let at = 0; at < length; ) {
      const position = offset + at;
      const piece = this.#pieces[Math.floor(position / pieceBytes)];
      assert(piece !== undefined, "the range lies inside the file");
      const from = position % pieceBytes;
      const count = Math.min(length - at, pieceBytes - from);
      visit(piece, at, from, count);
      at += count;
    }
  }
}
