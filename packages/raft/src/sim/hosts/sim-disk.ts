/**
 * The disk of one host: a memory disk with latencies and faults drawn from a profile, and with
 * damage at rest. Outlives the programs of its host.
 */
import type { Disk } from "../../ports/index.ts";
import {
  type DiskFault,
  type DiskImage,
  type DiskOperation,
  MemoryDisk,
  type SyncAftermath,
} from "../../testing/index.ts";
import type { Random } from "../random.ts";
import { damageDisk } from "./damage.ts";
import type { DamageProfile, DamageReport } from "./damage-profile.ts";
import { type DiskProfile, soundDisk } from "./disk-profile.ts";
import type { FaultCounts } from "./fault-counts.ts";
import { drawLatency, type Latency } from "./latency.ts";
import type { Life } from "./life.ts";
import type { Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";

export interface SimDiskParts {
  readonly name: string;
  readonly timeline: Timeline;
  readonly faults: FaultCounts;
  readonly trace: Trace;
  /** Latencies and faults. */
  readonly random: Random;
  /** What survives a power failure. */
  readonly crashRandom: Random;
}

/** What becomes of the unsynced at a power failure; see `CrashOptions` of the memory disk. */
export interface CrashShares {
  readonly keepShare: number;
  readonly tearShare?: number;
}

/** An operation that waits for the disk to go on, and how long it takes from then on. */
interface Parked {
  readonly callback: () => void;
  readonly delayMs: number;
}

/** Bytes of a failed write that got through at most: a few sectors and a part of one. */
const failedWriteBytesMax = 4096;

export class SimDisk {
  readonly name: string;
  /** The disk itself: to look at, and for what this class does not do. */
  readonly memory: MemoryDisk;
  /** May be changed at any time. */
  profile: DiskProfile = soundDisk;
  /** Every damage so far. */
  readonly damages: DamageReport[] = [];
  /** Told of each operation before it is done. */
  onOperation: (operation: DiskOperation) => void = () => {};
  readonly #timeline: Timeline;
  readonly #faults: FaultCounts;
  readonly #trace: Trace;
  readonly #random: Random;
  readonly #crashRandom: Random;
  #life: Life | null = null;
  #stalledUntilMs = 0;
  /** Go on when the disk does. */
  #parked: Parked[] = [];
  #isSpaceLimited = false;
  #wasSpaceLimited = false;
  /** Of the `open` that is being asked for. */
  #refusesNewName = false;

  constructor(parts: SimDiskParts) {
    this.name = parts.name;
    this.#timeline = parts.timeline;
    this.#faults = parts.faults;
    this.#trace = parts.trace;
    this.#random = parts.random;
    this.#crashRandom = parts.crashRandom;
    this.memory = new MemoryDisk({
      onOperation: (operation) => {
        this.onOperation(operation);
        return this.#faultOf(operation);
      },
      defer: (callback, operation) => this.#finishLater(callback, operation),
      answer: (callback) => this.#answer(callback),
    });
  }

  /** The disk as one life sees it; when that is over, nothing asked for is done any more. */
  portFor(life: Life): Disk {
    this.#life = life;
    this.#wasSpaceLimited = this.#isSpaceLimited;
    const { memory } = this;
    const ifAlive = (act: () => void): void => {
      if (life.isAlive) act();
    };
    return {
      makeDirectory: (path, done) => ifAlive(() => memory.makeDirectory(path, done)),
      list: (path, done) => ifAlive(() => memory.list(path, done)),
      open: (path, mode, done) => {
        this.#refusesNewName = mode === "create" && this.#isFull();
        ifAlive(() => memory.open(path, mode, done));
      },
      rename: (from, to, done) => ifAlive(() => memory.rename(from, to, done)),
      remove: (path, done) => ifAlive(() => memory.remove(path, done)),
      syncDirectory: (path, done) => ifAlive(() => memory.syncDirectory(path, done)),
      lock: (directory, done) => ifAlive(() => memory.lock(directory, done)),
    };
  }

  /** Nothing is finished for so long, or until `unstall`. What is written is readable at once. */
  stall(durationMs: number = Number.POSITIVE_INFINITY): void {
    this.#faults.add("disk.stall");
    this.#stalledUntilMs = Math.max(this.#stalledUntilMs, this.#timeline.nowMs + durationMs);
    if (durationMs < Number.POSITIVE_INFINITY) this.#timeline.after(durationMs, () => this.#goOn());
  }

  /** What waits goes on at once. */
  unstall(): void {
    this.#stalledUntilMs = 0;
    this.#goOn();
  }

  get isStalled(): boolean {
    return this.#timeline.nowMs < this.#stalledUntilMs;
  }

  /** Room left from now on; infinity gives all of it back. */
  setFreeBytes(bytes: number): void {
    if (bytes < Number.POSITIVE_INFINITY) this.#faults.add("disk.space-limited");
    this.#isSpaceLimited = bytes < Number.POSITIVE_INFINITY;
    this.#wasSpaceLimited ||= this.#isSpaceLimited;
    let used = 0;
    for (const path of this.memory.files()) used += this.memory.inode(path).size;
    this.memory.spaceBytes = used + bytes;
  }

  /** Whether it was so at any time of the last life: what needs space may have been put off. */
  get wasSpaceLimited(): boolean {
    return this.#wasSpaceLimited;
  }

  /**
   * Damages the disk at rest, while no program runs. Null: nothing that the profile allows can be
   * damaged. Every report is in `damages`, too.
   */
  damage(profile: DamageProfile, random: Random): DamageReport | null {
    const harm = damageDisk(this.memory, profile, random);
    if (harm === null) return null;
    const wasSynced = harm.ranges.some((range) => range.wasSynced);
    const report = { ...harm, host: this.name, atMs: this.#timeline.nowMs, wasSynced };
    this.damages.push(report);
    this.#faults.add(`damage.${report.kind}`);
    return report;
  }

  /** A backup of what is durable now. */
  image(): DiskImage {
    return this.memory.image();
  }

  /** Goes back to a backup: a member that forgot. While no program runs. */
  restore(image: DiskImage): void {
    this.#faults.add("disk.restored");
    this.memory.restore(image);
  }

  /** An empty disk in place of this one. While no program runs. */
  wipe(): void {
    this.#faults.add("disk.wiped");
    this.memory.wipe();
  }

  /** @internal called by the host when its program dies */
  onKill(): void {
    this.#life = null;
    this.memory.kill();
  }

  /** @internal called by the host when its power fails */
  crash(shares: CrashShares = this.#drawShares()): void {
    this.#life = null;
    this.#stalledUntilMs = 0;
    this.#parked = [];
    this.memory.crash({ ...shares, random: () => this.#crashRandom.unit() });
  }

  /** All, nothing, or a mixture. */
  #drawShares(): CrashShares {
    const random = this.#crashRandom;
    const way = random.below(4);
    if (way === 0) return { keepShare: 0 };
    if (way === 1) return { keepShare: 1 };
    const keepShare = random.unit();
    return { keepShare, tearShare: random.unit() * (1 - keepShare) };
  }

  #answer(callback: () => void): void {
    if (this.#life === null) callback();
    else this.#life.enter(callback);
  }

  #finishLater(callback: () => void, { kind, path }: DiskOperation): void {
    if (this.#trace.isOn) this.#trace.note(this.#timeline.nowMs, `${kind} ${path}`);
    const { profile } = this;
    if (this.#random.chance(profile.stuckShare)) {
      this.stall(drawLatency(profile.stuck, this.#random));
    }
    const delayMs = drawLatency(latencyOf(kind, profile), this.#random);
    if (this.isStalled) this.#parked.push({ callback, delayMs });
    else this.#timeline.after(delayMs, () => this.#finish(callback));
  }

  /** The disk may have come to a halt since the operation began. */
  #finish(callback: () => void): void {
    if (this.isStalled) this.#parked.push({ callback, delayMs: 0 });
    else callback();
  }

  /** Unless a later stall holds it. */
  #goOn(): void {
    if (this.isStalled) return;
    const parked = this.#parked;
    this.#parked = [];
    for (const { callback, delayMs } of parked) {
      this.#timeline.after(delayMs, () => this.#finish(callback));
    }
  }

  #faultOf({ kind }: DiskOperation): DiskFault | null {
    const { profile } = this;
    switch (kind) {
      case "read":
        return this.#faultOfRead(profile);
      case "write":
        if (!this.#random.chance(profile.writeErrorShare)) return null;
        return { ...this.#fail(kind), writtenBytes: this.#random.below(failedWriteBytesMax) };
      case "sync":
        if (!this.#random.chance(profile.syncErrorShare)) return null;
        return { ...this.#fail(kind), aftermath: this.#aftermath() };
      case "open":
        if (this.#random.chance(profile.openErrorShare)) return this.#fail(kind);
        return this.#refusesNewName ? this.#refuseName() : null;
      case "make-directory":
      case "list":
      case "rename":
      case "remove":
      case "sync-directory":
        return this.#random.chance(profile.nameErrorShare) ? this.#fail(kind) : null;
      case "lock":
      case "size":
      case "truncate":
      case "close":
        return null;
      default:
        kind satisfies never;
        return null;
    }
  }

  #faultOfRead(profile: DiskProfile): DiskFault | null {
    if (this.#random.chance(profile.readErrorShare)) return this.#fail("read");
    if (!this.#random.chance(profile.shortReadShare)) return null;
    this.#faults.add("disk.short-read");
    return { kind: "short", share: this.#random.unit() };
  }

  #fail(kind: string): { readonly kind: "fail"; readonly code: string } {
    const { errorCodes } = this.profile;
    const code = errorCodes[this.#random.below(errorCodes.length)] ?? "EIO";
    this.#faults.add(`disk.${kind}-error`);
    return { kind: "fail", code };
  }

  #refuseName(): DiskFault {
    this.#faults.add("disk.full");
    return { kind: "fail", code: "ENOSPC" };
  }

  #aftermath(): SyncAftermath {
    const { syncAftermaths } = this.profile;
    const aftermath = syncAftermaths[this.#random.below(syncAftermaths.length)] ?? "clean";
    this.#faults.add(`disk.sync-error-${aftermath}`);
    return aftermath;
  }

  #isFull(): boolean {
    return this.#isSpaceLimited && this.profile.fullRefusesNames && this.memory.freeBytes() === 0;
  }
}

function latencyOf(kind: DiskOperation["kind"], profile: DiskProfile): Latency {
  if (kind === "write") return profile.writeLatency;
  if (kind === "sync" || kind === "sync-directory") return profile.syncLatency;
  return kind === "read" ? profile.readLatency : profile.nameLatency;
}
