/** Files of the operating system through `node:fs`; every call goes through the thread pool. */
import {
  close,
  fdatasync,
  fstat,
  fsync,
  ftruncate,
  mkdir,
  open,
  read,
  readdir,
  rename,
  unlink,
  write,
  writev,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { type Disk, DiskError, type DiskFile, type Done, type DoneWith } from "../disk.ts";
import { lockDirectory } from "./directory-lock.ts";

/** Chunks in one call; the kernel refuses more than 1,024 (`IOV_MAX`). */
const chunksMax = 1024;

/** Bytes of one read: the kernel gives at most 2 GiB - 4 KiB at once. */
const readBytesMax = 1024 * 1024 * 1024;

export const osDisk: Disk = {
  makeDirectory: (path: string, done: Done) => makeDirectory(resolve(path), done),
  list(path: string, done: DoneWith<readonly string[]>): void {
    readdir(path, (error, names) => {
      if (error === null) done(null, names.sort());
      else done(toDiskError("list", path, error));
    });
  },
  open(path: string, mode: "create" | "existing", done: DoneWith<DiskFile>): void {
    open(path, mode === "create" ? "wx+" : "r+", (error, descriptor) => {
      if (error === null) done(null, new OsFile(path, descriptor));
      else done(toDiskError(mode === "create" ? "create" : "open", path, error));
    });
  },
  rename(from: string, to: string, done: Done): void {
    rename(from, to, (error) => done(error && toDiskError("rename", from, error)));
  },
  remove(path: string, done: Done): void {
    unlink(path, (error) => done(error && toDiskError("remove", path, error)));
  },
  syncDirectory,
  lock: lockDirectory,
};

/** A system error as one of ours. */
export function toDiskError(
  operation: string,
  path: string,
  error: NodeJS.ErrnoException,
): DiskError {
  return new DiskError(operation, path, error.code ?? "EUNKNOWN", describe(error));
}

/** `EIO: i/o error, write` without the parts that are said elsewhere. */
function describe(error: NodeJS.ErrnoException): string {
  const match = /^[A-Z0-9]+: ([^,]+),/.exec(error.message);
  return match?.[1] ?? error.message;
}

class OsFile implements DiskFile {
  readonly path: string;
  readonly #descriptor: number;

  constructor(path: string, descriptor: number) {
    this.path = path;
    this.#descriptor = descriptor;
  }

  read(offset: number, length: number, done: DoneWith<Uint8Array>): void {
    const bytes = new Uint8Array(length);
    const next = (at: number): void => {
      const count = Math.min(length - at, readBytesMax);
      read(this.#descriptor, bytes, at, count, offset + at, (error, got) => {
        if (error !== null) return done(toDiskError("read", this.path, error));
        const end = at + got;
        if (got === 0) done(null, bytes.subarray(0, at));
        else if (end === length) done(null, bytes);
        else next(end);
      });
    };
    if (length === 0) setImmediate(done, null, bytes);
    else next(0);
  }

  write(offset: number, chunks: readonly Uint8Array[], done: Done): void {
    const rest = chunks.filter((chunk) => chunk.length > 0);
    if (rest.length === 0) setImmediate(done, null);
    else this.#writeRest(offset, rest, done);
  }

  /** The system may take less than it was given; what is left is written after it. */
  #writeRest(offset: number, rest: Uint8Array[], done: Done): void {
    const onWritten = (error: NodeJS.ErrnoException | null, count: number): void => {
      const left = error === null ? dropBytes(rest, count) : rest;
      if (error !== null) done(toDiskError("write", this.path, error));
      else if (left.length === 0) done(null);
      else if (count > 0) this.#writeRest(offset + count, left, done);
      else done(new DiskError("write", this.path, "EIO", "the system wrote nothing"));
    };
    const [first] = rest;
    if (rest.length === 1 && first !== undefined) {
      write(this.#descriptor, first, 0, first.length, offset, onWritten);
    } else {
      writev(this.#descriptor, rest.slice(0, chunksMax), offset, onWritten);
    }
  }

  sync(done: Done): void {
    fdatasync(this.#descriptor, (error) => done(error && toDiskError("sync", this.path, error)));
  }

  truncate(sizeBytes: number, done: Done): void {
    ftruncate(this.#descriptor, sizeBytes, (error) => {
      done(error && toDiskError("truncate", this.path, error));
    });
  }

  size(done: DoneWith<number>): void {
    fstat(this.#descriptor, (error, status) => {
      if (error === null) done(null, status.size);
      else done(toDiskError("read the size of", this.path, error));
    });
  }

  close(done: Done): void {
    close(this.#descriptor, (error) => done(error ? toDiskError("close", this.path, error) : null));
  }
}

function dropBytes(chunks: readonly Uint8Array[], count: number): Uint8Array[] {
  let left = count;
  const rest: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (left >= chunk.length) {
      left -= chunk.length;
      continue;
    }
    rest.push(left === 0 ? chunk : chunk.subarray(left));
    left = 0;
  }
  return rest;
}

/** Makes missing parents first, and syncs each new directory's name into its parent. */
function makeDirectory(path: string, done: Done): void {
  mkdir(path, (error) => {
    if (error === null) return syncDirectory(dirname(path), done);
    if (error.code === "EEXIST") return checkIsDirectory(path, done);
    if (error.code !== "ENOENT" || dirname(path) === path) {
      return done(toDiskError("make the directory", path, error));
    }
    makeDirectory(dirname(path), (parentError) => {
      if (parentError !== null) done(parentError);
      else makeDirectory(path, done);
    });
  });
}

function checkIsDirectory(path: string, done: Done): void {
  readdir(path, (error) => done(error && toDiskError("use the directory", path, error)));
}

function syncDirectory(path: string, done: Done): void {
  open(path, "r", (openError, descriptor) => {
    if (openError !== null) return done(toDiskError("open", path, openError));
    fsync(descriptor, (syncError) => {
      close(descriptor, (closeError) => {
        const error = syncError ?? closeError ?? null;
        done(error && toDiskError("sync the directory", path, error));
      });
    });
  });
}
