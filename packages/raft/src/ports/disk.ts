/**
 * The door to files. Everything completes through callbacks, never synchronously inside the call.
 * Paths are plain strings below a directory that the caller chose. A `done` is called exactly once.
 */

/** A failed operation of a disk: which, on what path, and the system's code (`EIO`, `ENOSPC` …). */
export class DiskError extends Error {
  override readonly name = "DiskError";
  readonly operation: string;
  readonly path: string;
  readonly code: string;

  constructor(operation: string, path: string, code: string, message: string) {
    super(`Cannot ${operation} ${path}: ${message} (${code})`);
    this.operation = operation;
    this.path = path;
    this.code = code;
  }
}

export type Done = (error: DiskError | null) => void;
export type DoneWith<Value> = (error: DiskError | null, value?: Value) => void;

export interface DiskFile {
  readonly path: string;
  /** Bytes from `offset`; fewer than `length` only at the end of the file. */
  read(offset: number, length: number, done: DoneWith<Uint8Array>): void;
  /**
   * Writes all of `chunks` one after the other from `offset`; a short write is completed or an
   * error.
   */
  write(offset: number, chunks: readonly Uint8Array[], done: Done): void;
  /** Data and the size needed to read it are on stable storage (`fdatasync`). */
  sync(done: Done): void;
  truncate(sizeBytes: number, done: Done): void;
  size(done: DoneWith<number>): void;
  close(done: Done): void;
}

/** Held for the life of the owner; the system drops it when the process dies, however it dies. */
export interface DirectoryLock {
  release(done: Done): void;
}

export interface Disk {
  /**
   * Creates the directory and its missing parents, each synced into its own parent. No error if it
   * exists.
   */
  makeDirectory(path: string, done: Done): void;
  /** Names of the entries of a directory, sorted. */
  list(path: string, done: DoneWith<readonly string[]>): void;
  /**
   * `create` fails with `EEXIST` if the file exists; `existing` fails with `ENOENT` if it does not.
   */
  open(path: string, mode: "create" | "existing", done: DoneWith<DiskFile>): void;
  rename(from: string, to: string, done: Done): void;
  remove(path: string, done: Done): void;
  /**
   * Makes creations, renames and removals inside the directory durable (`fsync` of the directory).
   */
  syncDirectory(path: string, done: Done): void;
  /**
   * Exclusive among processes. Fails with code `ELOCKED` and a message that names the owner if it
   * is known.
   */
  lock(directory: string, done: DoneWith<DirectoryLock>): void;
}
