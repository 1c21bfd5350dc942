/**
 * The parts of the simulated disk: a file's bytes and a directory's names, each as seen and as
 * durable.
 */
import type { CrashOptions, SyncAftermath } from "./memory-disk.ts";

/** Bytes that reach the platter together or, torn, in part. */
export const diskSectorBytes: number = 512;
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
  #dirty = new Set<number>();
  #isSizeDirty = false;
  /** 1 for each sector that a sync has covered: somebody may have relied on it. */
  #synced = new Uint8Array(0);
  /** Whether there may be sectors that survived a crash without a sync. */
  #isUnproven = false;
  /** What sectors held before they were last written to the platter; none: zeros. */
  readonly #older = new Map<number, Uint8Array>();
  /** What the last sync wrote, and the sizes before and after it. */
  #lastSynced = new Set<number>();
  #sizeBeforeSync = 0;
  #sizeAfterSync = 0;
  /** Sectors that cannot be read. */
  readonly #unreadable = new Set<number>();

  get size(): number {
    return this.#size;
  }

  /** The platter no longer gives back these sectors, until they are written again. */
  spoil(firstSector: number, count = 1): void {
    for (let at = firstSector; at < firstSector + count; at++) this.#unreadable.add(at);
  }

  /** Whether a read of this range fails. */
  isSpoiled(offset: number, length: number): boolean {
    const end = Math.min(offset + length, this.#size);
    if (this.#unreadable.size === 0 || offset >= end) return false;
    for (const sector of this.#unreadable) {
      if (sector >= sectorOf(offset) && sector <= sectorOf(end - 1)) return true;
    }
    return false;
  }

  read(offset: number, length: number): Uint8Array {
    return this.#seen.slice(offset, Math.min(offset + length, this.#size));
  }

  write(offset: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const end = offset + bytes.length;
    this.#markHole(offset);
    this.#seen = grown(this.#seen, end);
    this.#seen.set(bytes, offset);
    for (let sector = sectorOf(offset); sector <= sectorOf(end - 1); sector++) {
      this.#dirty.add(sector);
      this.#unreadable.delete(sector);
    }
    if (end > this.#size) {
      this.#size = end;
      this.#isSizeDirty = true;
    } else if (end > this.#durableSize) {
      this.#isSizeDirty = true;
    }
  }

  truncate(sizeBytes: number): void {
    this.#markHole(sizeBytes);
    this.#seen = grown(this.#seen, sizeBytes);
    if (sizeBytes < this.#size) this.#seen.fill(0, sizeBytes, this.#size);
    this.#size = sizeBytes;
    this.#isSizeDirty = true;
  }

  sync(): void {
    if (this.#dirty.size > 0 || this.#isSizeDirty) this.#sizeBeforeSync = this.#durableSize;
    if (this.#dirty.size > 0) this.#syncDirty();
    if (this.#isSizeDirty) this.#durableSize = this.#size;
    this.#sizeAfterSync = this.#durableSize;
    this.#isSizeDirty = false;
    if (this.#isUnproven) this.#proveAll();
  }

  /** A sync that reports an error has done one of these. */
  failSync(aftermath: SyncAftermath = "clean"): void {
    if (aftermath === "dirty") return;
    if (aftermath === "written") {
      for (const sector of this.#dirty) this.#persist(sector, sectorBytes);
      this.#durableSize = this.#size;
    } else if (aftermath === "lost") {
      for (const sector of this.#dirty) this.#see(sector, this.#durableSector(sector));
    }
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
    if (this.#dirty.size > 0 || this.#isSizeDirty) this.#isUnproven = true;
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
    this.#older.clear();
    this.#lastSynced.clear();
    this.#proveAll();
  }

  // --- what happens to it at rest ----------------------------------------------------------------

  get sectorCount(): number {
    return Math.ceil(this.#size / sectorBytes);
  }

  /** The size that survives a crash for certain. */
  get durableSize(): number {
    return this.#durableSize;
  }

  /** A copy of what is on the platter. */
  durableBytes(): Uint8Array {
    const bytes = new Uint8Array(this.#durableSize);
    bytes.set(this.#durable.subarray(0, this.#durableSize));
    return bytes;
  }

  /** Whether a sync has covered the sector since it is there. */
  isSynced(sector: number): boolean {
    return this.#synced[sector] === 1;
  }

  /** Whether the sector differs from what is on the platter, by intent. */
  isDirty(sector: number): boolean {
    return this.#dirty.has(sector);
  }

  /** Sectors that the last sync wrote and that are still part of the file, in order. */
  lastSynced(): readonly number[] {
    const { sectorCount } = this;
    return [...this.#lastSynced].filter((sector) => sector < sectorCount).sort((a, b) => a - b);
  }

  /** A copy of a sector as readers see it, zeros behind the end. */
  sector(sector: number): Uint8Array {
    const bytes = new Uint8Array(sectorBytes);
    bytes.set(this.read(sector * sectorBytes, sectorBytes));
    return bytes;
  }

  /** What a sector held before it was last written to the platter. */
  olderSector(sector: number): Uint8Array {
    return this.#older.get(sector)?.slice() ?? new Uint8Array(sectorBytes);
  }

  /** Other bytes on the platter and for all readers; the size stays. */
  damageSector(sector: number, bytes: Uint8Array): void {
    const start = sector * sectorBytes;
    this.#durable = grown(this.#durable, start + sectorBytes);
    this.#durable.set(bytes, start);
    this.#see(sector, bytes);
    this.#dirty.delete(sector);
  }

  /** The last sync wrote nothing after all. What was added since keeps its place. */
  undoLastSync(): void {
    for (const sector of this.#lastSynced) this.damageSector(sector, this.olderSector(sector));
    if (this.#size === this.#sizeAfterSync) {
      this.cutShort(Math.min(this.#size, this.#sizeBeforeSync));
    }
    this.#lastSynced.clear();
  }

  /** The file ends here, for all readers and on the platter. */
  cutShort(sizeBytes: number): void {
    this.#seen.fill(0, sizeBytes, Math.max(sizeBytes, this.#size));
    this.#size = sizeBytes;
    this.#durableSize = Math.min(this.#durableSize, sizeBytes);
  }

  // --- inside ------------------------------------------------------------------------------------

  /** What the file skips over when it grows to `offset` reads as zeros, whatever was there once. */
  #markHole(offset: number): void {
    if (offset <= this.#size) return;
    for (let sector = sectorOf(this.#size); sector <= sectorOf(offset - 1); sector++) {
      this.#dirty.add(sector);
    }
  }

  #syncDirty(): void {
    const dirty = this.#dirty;
    for (const sector of dirty) this.#persist(sector, sectorBytes);
    this.#synced = grown(this.#synced, Math.max(this.#synced.length, this.sectorCount));
    for (const sector of dirty) this.#synced[sector] = 1;
    this.#dirty = this.#lastSynced;
    this.#dirty.clear();
    this.#lastSynced = dirty;
  }

  /** All that readers see is on the platter by now. */
  #proveAll(): void {
    this.#isUnproven = false;
    this.#synced = grown(this.#synced, this.sectorCount);
    this.#synced.fill(1, 0, this.sectorCount);
  }

  #persist(sector: number, count: number): void {
    const start = sector * sectorBytes;
    this.#durable = grown(this.#durable, start + sectorBytes);
    if (this.isSynced(sector)) this.#older.set(sector, this.#durableSector(sector));
    this.#durable.set(this.#seen.subarray(start, Math.min(start + count, this.#size)), start);
  }

  #durableSector(sector: number): Uint8Array {
    const bytes = new Uint8Array(sectorBytes);
    bytes.set(this.#durable.subarray(sector * sectorBytes, (sector + 1) * sectorBytes));
    return bytes;
  }

  #see(sector: number, bytes: Uint8Array): void {
    const start = sector * sectorBytes;
    const room = Math.max(0, Math.min(sectorBytes, this.#size - start));
    this.#seen.set(bytes.subarray(0, room), start);
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

  /** Names that survive a crash for certain. */
  durableEntries(): ReadonlyMap<string, MemoryInode> {
    return this.#durable;
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
