/**
 * The parts of the simulated disk: a file's bytes and a directory's names, each as seen and as
 * durable.
 */
import type { CrashOptions } from "./memory-disk.ts";

const sectorBytes = 512;

/**
 * A file's content: what readers see, what is on the platter, and which sectors differ by intent.
 */
export class MemoryInode {
  #seen = new Uint8Array(0);
  #size = 0;
  #durable = new Uint8Array(0);
  #durableSize = 0;
  /** Sectors that the next sync would write. */
  readonly #dirty = new Set<number>();
  #isSizeDirty = false;

  get size(): number {
    return this.#size;
  }

  read(offset: number, length: number): Uint8Array {
    return this.#seen.slice(offset, Math.min(offset + length, this.#size));
  }

  write(offset: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const end = offset + bytes.length;
    this.#seen = grown(this.#seen, end);
    this.#seen.set(bytes, offset);
    for (let sector = sectorOf(offset); sector <= sectorOf(end - 1); sector++) {
      this.#dirty.add(sector);
    }
    if (end > this.#size) {
      this.#size = end;
      this.#isSizeDirty = true;
    } else if (end > this.#durableSize) {
      this.#isSizeDirty = true;
    }
  }

  truncate(sizeBytes: number): void {
    this.#seen = grown(this.#seen, sizeBytes);
    if (sizeBytes < this.#size) this.#seen.fill(0, sizeBytes, this.#size);
    this.#size = sizeBytes;
    this.#isSizeDirty = true;
  }

  sync(): void {
    for (const sector of this.#dirty) this.#persist(sector, sectorBytes);
    this.#dirty.clear();
    if (this.#isSizeDirty) this.#durableSize = this.#size;
    this.#isSizeDirty = false;
  }

  /** The data stay readable and count as clean, and are not on the disk. */
  failSync(): void {
    this.#dirty.clear();
    this.#isSizeDirty = false;
  }

  /** Decides by chance, then what is durable is what is seen. */
  crash(options: CrashOptions): void {
    if (this.#isSizeDirty && options.random() < options.keepShare) this.#durableSize = this.#size;
    for (const sector of [...this.#dirty].sort((a, b) => a - b)) {
      const chance = options.random();
      if (chance < options.keepShare) this.#persist(sector, sectorBytes);
      else if (chance < options.keepShare + (options.tearShare ?? 0)) {
        this.#persist(sector, Math.floor(options.random() * sectorBytes));
      }
    }
    this.#durable = grown(this.#durable, this.#durableSize);
    this.#durable.fill(0, this.#durableSize);
    this.#seen = this.#durable.slice();
    this.#size = this.#durableSize;
    this.#dirty.clear();
    this.#isSizeDirty = false;
  }

  /** New content, durable at once. */
  replace(bytes: Uint8Array): void {
    this.#seen = bytes.slice();
    this.#durable = bytes.slice();
    this.#size = bytes.length;
    this.#durableSize = bytes.length;
    this.#dirty.clear();
    this.#isSizeDirty = false;
  }

  #persist(sector: number, count: number): void {
    const start = sector * sectorBytes;
    this.#durable = grown(this.#durable, start + sectorBytes);
    this.#durable.set(this.#seen.subarray(start, Math.min(start + count, this.#size)), start);
  }
}

/** One change of a directory's names that was not synced yet. */
type NameChange =
  | { readonly kind: "link"; readonly name: string; readonly inode: MemoryInode }
  | { readonly kind: "unlink"; readonly name: string }
  | {
      readonly kind: "rename";
      readonly from: string;
      readonly to: string;
      readonly inode: MemoryInode;
    };

/**
 * A directory: the names that are seen, the names that survive a crash, and the changes between
 * them.
 */
export class MemoryDirectory {
  #seen = new Map<string, MemoryInode>();
  #durable = new Map<string, MemoryInode>();
  #changes: NameChange[] = [];

  names(): readonly string[] {
    return [...this.#seen.keys()].sort();
  }

  get(name: string): MemoryInode | undefined {
    return this.#seen.get(name);
  }

  inodes(): readonly MemoryInode[] {
    return [...this.#seen.values(), ...this.#durable.values()];
  }

  create(name: string): MemoryInode {
    const inode = new MemoryInode();
    this.#change({ kind: "link", name, inode });
    return inode;
  }

  remove(name: string): boolean {
    if (!this.#seen.has(name)) return false;
    this.#change({ kind: "unlink", name });
    return true;
  }

  rename(from: string, to: string): boolean {
    const inode = this.#seen.get(from);
    if (inode === undefined) return false;
    this.#change({ kind: "rename", from, to, inode });
    return true;
  }

  sync(): void {
    for (const change of this.#changes) applyChange(this.#durable, change);
    this.#changes = [];
  }

  /** Each unsynced change survives or not, by itself. */
  crash(options: CrashOptions): void {
    for (const change of this.#changes) {
      if (options.random() < options.keepShare) applyChange(this.#durable, change);
    }
    this.#changes = [];
    this.#seen = new Map(this.#durable);
  }

  put(name: string, inode: MemoryInode): void {
    this.#seen.set(name, inode);
    this.#durable.set(name, inode);
  }

  drop(name: string): void {
    this.#seen.delete(name);
    this.#durable.delete(name);
  }

  #change(change: NameChange): void {
    applyChange(this.#seen, change);
    this.#changes.push(change);
  }
}

function applyChange(names: Map<string, MemoryInode>, change: NameChange): void {
  switch (change.kind) {
    case "link":
      names.set(change.name, change.inode);
      return;
    case "unlink":
      names.delete(change.name);
      return;
    case "rename":
      if (names.get(change.from) === change.inode) names.delete(change.from);
      names.set(change.to, change.inode);
      return;
    default:
      change satisfies never;
  }
}

function sectorOf(offset: number): number {
  return Math.floor(offset / sectorBytes);
}

function grown(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  if (size <= bytes.length) return bytes;
  const larger = new Uint8Array(Math.max(size, bytes.length * 2));
  larger.set(bytes);
  return larger;
}
