/**
 * A disk over another one: what is read comes from below, what is changed stays in memory. Opening
 * a log repairs what a crash left; through this it can be read as if it were repaired while not a
 * byte of the directory changes. For looking at the directory of a stopped member.
 */
import { assert } from "../../base/index.ts";
import {
  type Clock,
  type DirectoryLock,
  type Disk,
  DiskError,
  type DiskFile,
  type Done,
  type DoneWith,
} from "../../ports/index.ts";

/** A file as it is seen here: below, until it is changed. */
interface Layer {
  /** Open while somebody reads it through a handle; null where the file is of this layer only. */
  below: DiskFile | null;
  /** All of it, from the first change on. */
  bytes: Uint8Array | null;
  handles: number;
}

/**
 * `disk` below is only ever listed, opened and read. Files that are changed must fit into memory.
 */
export class OverlayDisk implements Disk {
  readonly #disk: Disk;
  readonly #clock: Clock;
  /** By path; null: removed. What is not here is as it is below. */
  readonly #layers = new Map<string, Layer | null>();

  constructor(disk: Disk, clock: Clock) {
    this.#disk = disk;
    this.#clock = clock;
  }

  makeDirectory(path: string, done: Done): void {
    this.#disk.list(path, (error) => done(error));
  }

  list(path: string, done: DoneWith<readonly string[]>): void {
    this.#disk.list(path, (error, names = []) => {
      if (error !== null) done(error);
      else done(null, this.#namesOver(path, names));
    });
  }

  #namesOver(path: string, below: readonly string[]): readonly string[] {
    const names = new Set(below);
    for (const [file, layer] of this.#layers) {
      const at = file.lastIndexOf("/");
      if (file.slice(0, at) !== path) continue;
      if (layer === null) names.delete(file.slice(at + 1));
      else names.add(file.slice(at + 1));
    }
    return [...names].sort();
  }

  open(path: string, mode: "create" | "existing", done: DoneWith<DiskFile>): void {
    const layer = this.#layers.get(path);
    if (mode === "create") {
      const isFree = layer === null || (layer === undefined && path.endsWith(".tmp"));
      assert(isFree, "only what has no name yet is made above a disk", () => path);
      this.#give(path, { below: null, bytes: new Uint8Array(0), handles: 0 }, done);
    } else if (layer === null) {
      this.#clock.defer(() => done(new DiskError("open", path, "ENOENT", "it was removed")));
    } else if (layer === undefined || (layer.bytes === null && layer.below === null)) {
      this.#openBelow(path, done);
    } else {
      this.#give(path, layer, done);
    }
  }

  #openBelow(path: string, done: DoneWith<DiskFile>): void {
    this.#disk.open(path, "existing", (error, below) => {
      if (below === undefined) done(error);
      else this.#give(path, { below, bytes: null, handles: 0 }, done);
    });
  }

  #give(path: string, layer: Layer, done: DoneWith<DiskFile>): void {
    layer.handles++;
    this.#layers.set(path, layer);
    this.#clock.defer(() => done(null, new OverlayFile(path, layer, this.#clock)));
  }

  /** Of files of this layer: what is below keeps its name. */
  rename(from: string, to: string, done: Done): void {
    const layer = this.#layers.get(from);
    assert(layer?.bytes != null, "only what was written here gets another name", () => from);
    this.#layers.set(to, layer);
    this.#layers.set(from, null);
    this.#clock.defer(() => done(null));
  }

  remove(path: string, done: Done): void {
    this.#layers.set(path, null);
    this.#clock.defer(() => done(null));
  }

  syncDirectory(_path: string, done: Done): void {
    this.#clock.defer(() => done(null));
  }

  /** Whoever looks holds the lock below. */
  lock(_directory: string, done: DoneWith<DirectoryLock>): void {
    const release = (released: Done): void => void this.#clock.defer(() => released(null));
    this.#clock.defer(() => done(null, { release }));
  }
}

class OverlayFile implements DiskFile {
  readonly path: string;
  readonly #layer: Layer;
  readonly #clock: Clock;

  constructor(path: string, layer: Layer, clock: Clock) {
    this.path = path;
    this.#layer = layer;
    this.#clock = clock;
  }

  read(offset: number, length: number, done: DoneWith<Uint8Array>): void {
    const { bytes, below } = this.#layer;
    if (bytes !== null) {
      const part = bytes.slice(offset, offset + length);
      this.#clock.defer(() => done(null, part));
      return;
    }
    assert(below !== null, "an open file is of this layer or of the one below");
    below.read(offset, length, done);
  }

  write(offset: number, chunks: readonly Uint8Array[], done: Done): void {
    const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    this.#change(done, (old) => {
      const bytes = new Uint8Array(Math.max(old.length, offset + total));
      bytes.set(old);
      let at = offset;
      for (const chunk of chunks) {
        bytes.set(chunk, at);
        at += chunk.length;
      }
      return bytes;
    });
  }

  truncate(sizeBytes: number, done: Done): void {
    this.#change(done, (old) => {
      const bytes = new Uint8Array(sizeBytes);
      bytes.set(old.subarray(0, sizeBytes));
      return bytes;
    });
  }

  #change(done: Done, change: (old: Uint8Array) => Uint8Array): void {
    const layer = this.#layer;
    this.size((sizeError, size = 0) => {
      if (sizeError !== null) return done(sizeError);
      this.read(0, size, (error, old) => {
        if (old === undefined) return done(error);
        layer.bytes = change(old);
        done(null);
      });
    });
  }

  /** What is changed here is for nobody but this process. */
  sync(done: Done): void {
    this.#clock.defer(() => done(null));
  }

  size(done: DoneWith<number>): void {
    const { bytes, below } = this.#layer;
    if (bytes !== null) {
      this.#clock.defer(() => done(null, bytes.length));
      return;
    }
    assert(below !== null, "an open file is of this layer or of the one below");
    below.size(done);
  }

  close(done: Done): void {
    const layer = this.#layer;
    layer.handles--;
    const { below } = layer;
    if (layer.handles > 0 || below === null) {
      this.#clock.defer(() => done(null));
      return;
    }
    layer.below = null;
    below.close(done);
  }
}
