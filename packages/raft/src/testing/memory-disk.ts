/**
 * A disk in memory that forgets like a real one: what was written and not synced is lost, kept or
 * torn at a crash, sector by sector, and names likewise. Faults are injected by a hook.
 * Deterministic: chance and the order of completions come from outside. For storage tests and the
 * simulator.
 */
import { assert } from "../base/index.ts";
import {
  type DirectoryLock,
  type Disk,
  DiskError,
  type DiskFile,
  type Done,
  type DoneWith,
} from "../ports/index.ts";
import { MemoryDirectory, MemoryInode } from "./memory-inode.ts";

/** What is done to the disk. */
export type DiskOperationKind =
  | "make-directory"
  | "list"
  | "open"
  | "rename"
  | "remove"
  | "sync-directory"
  | "lock"
  | "read"
  | "write"
  | "sync"
  | "truncate"
  | "size"
  | "close";

export interface DiskOperation {
  /** 1, 2, 3 … since the disk was made. */
  readonly number: number;
  readonly kind: DiskOperationKind;
  readonly path: string;
}

/**
 * What a failed sync leaves. `clean`: the data are readable and called clean, so that a second sync
 * succeeds and writes nothing, as Linux does it. `lost`: called clean as well, and readers see the
 * old data again. `dirty`: as if the sync had not been asked for. `written`: it was done all the
 * same.
 */
export type SyncAftermath = "clean" | "lost" | "dirty" | "written";

/** What befalls an operation. */
export type DiskFault =
  /** It fails. A write has put its first `writtenBytes` by then; a sync is `clean` if not given. */
  | {
      readonly kind: "fail";
      readonly code: string;
      readonly writtenBytes?: number;
      readonly aftermath?: SyncAftermath;
    }
  /** A read gives this share of the bytes there are, and no error. Others are not concerned. */
  | { readonly kind: "short"; readonly share: number }
  /** It happens, and is never answered: the moment before a crash. */
  | { readonly kind: "hang" };

export interface MemoryDiskOptions {
  /** Runs the completion of an operation later, never at once. */
  defer(callback: () => void, operation: DiskOperation): void;
  /** Called before each operation. Null: no fault. */
  onOperation?(operation: DiskOperation): DiskFault | null;
  /**
   * Called in place of running a completion, when the disk has done its part: to run it in a
   * program that may stand still. Default: runs it at once.
   */
  answer?(callback: () => void): void;
  /**
   * Bytes that fit; a write that needs more fails with ENOSPC after the part that fits. Default: no
   * end.
   */
  spaceBytes?: number;
}

export interface CrashOptions {
  /** Uniform in [0, 1). Decides what becomes of everything that was not synced. */
  random(): number;
  /** The share of unsynced sectors, names and sizes that reach the disk all the same. */
  readonly keepShare: number;
  /** The share of unsynced sectors that reach it in part. Default 0. */
  readonly tearShare?: number;
}

/** A whole disk as it would survive a power failure at one moment. Never changes. */
export interface DiskImage {
  /** Directories, each with its files. */
  readonly directories: ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;
}

const codeTexts: Readonly<Record<string, string>> = {
  EDQUOT: "disk quota exceeded",
  EEXIST: "file already exists",
  EIO: "i/o error",
  EMFILE: "too many open files",
  EROFS: "read-only file system",
  ELOCKED: "it is in use by this process",
  ENOENT: "no such file or directory",
  ENOSPC: "no space left on device",
};

export class MemoryDisk implements Disk {
  readonly #options: MemoryDiskOptions;
  readonly #directories = new Map<string, MemoryDirectory>();
  readonly #locked = new Set<string>();
  #operations = 0;
  /**
   * Goes up when the processes end: files opened before belong to the dead and their callbacks
   * never run.
   */
  #life = 0;
  /** Bytes that fit; may be changed at any time. */
  spaceBytes: number;

  constructor(options: MemoryDiskOptions) {
    this.#options = options;
    this.spaceBytes = options.spaceBytes ?? Number.POSITIVE_INFINITY;
  }

  /** How many operations were asked for so far. */
  get operations(): number {
    return this.#operations;
  }

  /** The processes end; what they wrote stays readable, synced or not. */
  kill(): void {
    this.#life++;
    this.#locked.clear();
  }

  /** The power fails: what was not synced is decided by chance. Implies `kill`. */
  crash(options: CrashOptions): void {
    this.kill();
    for (const directory of this.#directories.values()) directory.crash(options);
    for (const inode of this.#inodes()) inode.crash(options);
  }

  /** Paths of all files that readers see, in order. */
  files(): readonly string[] {
    const paths: string[] = [];
    for (const [path, directory] of this.#directories) {
      for (const name of directory.names()) paths.push(`${path}/${name}`);
    }
    return paths.sort();
  }

  /** What would survive if the power failed now and nothing unsynced were kept. */
  image(): DiskImage {
    const directories = new Map<string, ReadonlyMap<string, Uint8Array>>();
    for (const [path, directory] of this.#directories) {
      const files = new Map<string, Uint8Array>();
      for (const [name, inode] of directory.durableEntries()) files.set(name, inode.durableBytes());
      directories.set(path, files);
    }
    return { directories };
  }

  /** The disk is what it was when the image was made. Implies `kill`. */
  restore(image: DiskImage): void {
    this.wipe();
    for (const [path, files] of image.directories) {
      this.#directories.set(path, new MemoryDirectory());
      for (const [name, bytes] of files) this.put(`${path}/${name}`, bytes);
    }
  }

  /** The disk is empty. Implies `kill`. */
  wipe(): void {
    this.kill();
    this.#directories.clear();
  }

  /**
   * The parts of a file, to damage them.
   *
   * @internal for the simulator
   */
  inode(path: string): MemoryInode {
    return this.#find(path);
  }

  /** The bytes of a file as a reader would see them now. */
  peek(path: string): Uint8Array {
    return this.#find(path).read(0, Number.POSITIVE_INFINITY);
  }

  /** Puts bytes on the disk behind everyone's back: bit rot, or a file of another origin. */
  poke(path: string, change: (bytes: Uint8Array) => Uint8Array | undefined): void {
    const inode = this.#find(path);
    const bytes = inode.read(0, Number.POSITIVE_INFINITY).slice();
    inode.replace(change(bytes) ?? bytes);
  }

  /** A whole file, name and all, durable; its directory is made if need be. */
  put(path: string, bytes: Uint8Array): void {
    const [parent, name] = splitPath(path);
    const directory = this.#directories.get(parent) ?? new MemoryDirectory();
    this.#directories.set(parent, directory);
    const inode = new MemoryInode();
    inode.replace(bytes);
    directory.put(name, inode);
  }

  /** Takes a file away for good. */
  drop(path: string): void {
    const [parent, name] = splitPath(path);
    this.#directories.get(parent)?.drop(name);
  }

  makeDirectory(path: string, done: Done): void {
    this.#run("make-directory", path, done, () => {
      if (!this.#directories.has(path)) this.#directories.set(path, new MemoryDirectory());
    });
  }

  list(path: string, done: DoneWith<readonly string[]>): void {
    this.#run("list", path, done, () => this.#directory("list", path).names());
  }

  open(path: string, mode: "create" | "existing", done: DoneWith<DiskFile>): void {
    this.#run("open", path, done, () => {
      const [parent, name] = splitPath(path);
      const directory = this.#directory("open", parent);
      const found = directory.get(name);
      if (mode === "create") {
        if (found !== undefined) throw diskError("create", path, "EEXIST");
        return new MemoryFile(this, path, directory.create(name), this.#life);
      }
      if (found === undefined) throw diskError("open", path, "ENOENT");
      return new MemoryFile(this, path, found, this.#life);
    });
  }

  rename(from: string, to: string, done: Done): void {
    this.#run("rename", from, done, () => {
      const [parent, name] = splitPath(from);
      const [toParent, toName] = splitPath(to);
      assert(parent === toParent, "files are renamed inside their directory");
      const renamed = this.#directory("rename", parent).rename(name, toName);
      if (!renamed) throw diskError("rename", from, "ENOENT");
    });
  }

  remove(path: string, done: Done): void {
    this.#run("remove", path, done, () => {
      const [parent, name] = splitPath(path);
      const removed = this.#directory("remove", parent).remove(name);
      if (!removed) throw diskError("remove", path, "ENOENT");
    });
  }

  syncDirectory(path: string, done: Done): void {
    this.#run("sync-directory", path, done, () => this.#directory("sync", path).sync());
  }

  lock(directory: string, done: DoneWith<DirectoryLock>): void {
    this.#run("lock", directory, done, () => {
      if (this.#locked.has(directory)) throw diskError("lock", directory, "ELOCKED");
      this.#locked.add(directory);
      const life = this.#life;
      return {
        release: (released: Done): void => {
          if (life !== this.#life) return;
          this.#run("lock", directory, released, () => {
            this.#locked.delete(directory);
          });
        },
      };
    });
  }

  /**
   * Counts, asks the hook, acts, and answers later. A sync acts when it is answered; all else acts
   * at once. What the dead ask for is not heard.
   *
   * @internal for `MemoryFile`
   */
  perform<Value>(
    kind: DiskOperationKind,
    path: string,
    done: DoneWith<Value>,
    act: (fault: DiskFault | null) => Value,
    asking: number = this.#life,
  ): void {
    if (asking !== this.#life) return;
    const operation = { number: ++this.#operations, kind, path };
    const fault = this.#options.onOperation?.(operation) ?? null;
    const life = this.#life;
    const isSync = kind === "sync" || kind === "sync-directory";
    const early = isSync ? null : attempt(act, fault, operation);
    if (fault?.kind === "hang") return;
    this.#options.defer(() => {
      if (life !== this.#life) return;
      const outcome = early ?? attempt(act, fault, operation);
      if (this.#options.answer === undefined) settle(done, outcome);
      else this.#options.answer(() => settle(done, outcome));
    }, operation);
  }

  /** Bytes that all files together may still grow by. */
  freeBytes(): number {
    if (this.spaceBytes === Number.POSITIVE_INFINITY) return this.spaceBytes;
    let used = 0;
    for (const inode of this.#inodes()) used += inode.size;
    return Math.max(0, this.spaceBytes - used);
  }

  #run<Value>(
    kind: DiskOperationKind,
    path: string,
    done: DoneWith<Value>,
    act: () => Value,
  ): void {
    this.perform(kind, path, done, (fault) => {
      if (fault?.kind === "fail") throw diskError(kind, path, fault.code);
      return act();
    });
  }

  #directory(operation: string, path: string): MemoryDirectory {
    const directory = this.#directories.get(path);
    if (directory === undefined) throw diskError(operation, path, "ENOENT");
    return directory;
  }

  #find(path: string): MemoryInode {
    const [parent, name] = splitPath(path);
    const inode = this.#directories.get(parent)?.get(name);
    assert(inode !== undefined, "there is such a file on the simulated disk", () => path);
    return inode;
  }

  #inodes(): Set<MemoryInode> {
    const all = new Set<MemoryInode>();
    for (const directory of this.#directories.values()) {
      for (const inode of directory.inodes()) all.add(inode);
    }
    return all;
  }
}

interface Outcome<Value> {
  readonly error: DiskError | null;
  readonly value?: Value;
}

function settle<Value>(done: DoneWith<Value>, { error, value }: Outcome<Value>): void {
  if (error !== null) done(error);
  else done(null, value);
}

function attempt<Value>(
  act: (fault: DiskFault | null) => Value,
  fault: DiskFault | null,
  operation: DiskOperation,
): Outcome<Value> {
  try {
    return { error: null, value: act(fault) };
  } catch (error) {
    assert(error instanceof DiskError, "the simulated disk fails as a disk", () => operation.kind);
    return { error };
  }
}

class MemoryFile implements DiskFile {
  readonly #disk: MemoryDisk;
  readonly path: string;
  readonly #inode: MemoryInode;
  /** Of the disk, when the file was opened. */
  readonly #life: number;

  constructor(disk: MemoryDisk, path: string, inode: MemoryInode, life: number) {
    this.#disk = disk;
    this.path = path;
    this.#inode = inode;
    this.#life = life;
  }

  read(offset: number, length: number, done: DoneWith<Uint8Array>): void {
    this.#run("read", done, (fault) => {
      if (this.#inode.isSpoiled(offset, length)) throw diskError("read", this.path, "EIO");
      const bytes = this.#inode.read(offset, length);
      if (fault?.kind !== "short") return bytes;
      return bytes.subarray(0, Math.floor(bytes.length * fault.share));
    });
  }

  write(offset: number, chunks: readonly Uint8Array[], done: Done): void {
    const act = (fault: DiskFault | null): void => {
      let total = 0;
      for (const chunk of chunks) total += chunk.length;
      const room = Math.max(0, this.#inode.size - offset) + this.#disk.freeBytes();
      const failed = fault?.kind === "fail" ? (fault.writtenBytes ?? 0) : total;
      let left = Math.min(total, room, failed);
      let at = offset;
      for (const chunk of chunks) {
        const part = chunk.subarray(0, Math.min(chunk.length, left));
        this.#inode.write(at, part);
        at += part.length;
        left -= part.length;
      }
      if (fault?.kind === "fail") throw diskError("write", this.path, fault.code);
      if (total > room) throw diskError("write", this.path, "ENOSPC");
    };
    this.#disk.perform("write", this.path, done, act, this.#life);
  }

  sync(done: Done): void {
    const act = (fault: DiskFault | null): void => {
      if (fault?.kind === "fail") {
        this.#inode.failSync(fault.aftermath);
        throw diskError("sync", this.path, fault.code);
      }
      this.#inode.sync();
    };
    this.#disk.perform("sync", this.path, done, act, this.#life);
  }

  truncate(sizeBytes: number, done: Done): void {
    this.#run("truncate", done, () => this.#inode.truncate(sizeBytes));
  }

  size(done: DoneWith<number>): void {
    this.#run("size", done, () => this.#inode.size);
  }

  close(done: Done): void {
    this.#run("close", done, () => {});
  }

  #run<Value>(
    kind: DiskOperationKind,
    done: DoneWith<Value>,
    act: (fault: DiskFault | null) => Value,
  ): void {
    const checked = (fault: DiskFault | null): Value => {
      if (fault?.kind === "fail") throw diskError(kind, this.path, fault.code);
      return act(fault);
    };
    this.#disk.perform(kind, this.path, done, checked, this.#life);
  }
}

function diskError(operation: string, path: string, code: string): DiskError {
  return new DiskError(operation, path, code, codeTexts[code] ?? "a fault of the simulated disk");
}

function splitPath(path: string): readonly [string, string] {
  const at = path.lastIndexOf("/");
  assert(at > 0, "a file lies in a directory", () => path);
  return [path.slice(0, at), path.slice(at + 1)];
}
