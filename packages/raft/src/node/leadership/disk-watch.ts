/**
 * Judges by its writes whether the own disk is fit for a leader. Its measure is progress: how long
 * the disk has had something to do and finished nothing. Many units at once are no illness then,
 * one that is never finished is. Times are this process's own: what it slept is nobody's slowness.
 *
 * Called by `leadership.ts`; the core hears the verdict (`disk-health`), decision 0052.
 */
import type { PersistUnit } from "../../base/index.ts";
import type { NodeLimits } from "../limits.ts";

/**
 * Writes in a row that take `slowStorageMs` each until the disk is unhealthy. One alone is what
 * every disk does now and then.
 */
const slowWritesMax = 3;

/** Ticks of time that may pass between two looks; more is a pause of this process. */
const lookTicksMax = 2;

/**
 * Election timeouts without a known leader after which a disk that moves at all is good enough: if
 * the disks of all members are slow, one of them must lead.
 */
const leaderlessElections = 3;

export interface DiskWatchHost {
  readonly limits: Pick<
    NodeLimits,
    "tickMs" | "electionMs" | "slowStorageMs" | "stuckStorageMs" | "calmStorageMs"
  >;
  hasLeader(): boolean;
  /** The verdict is another one. */
  onVerdict(isHealthy: boolean): void;
}

export class DiskWatch {
  readonly #host: DiskWatchHost;
  /** In the order in which the disk finishes them. */
  readonly #units: PersistUnit[] = [];
  /** Own time: grows by what passes between looks, pauses left out. Milliseconds. */
  #ownMs = 0;
  #lookedMs: number;
  /** Own time since when the disk has had work and finished none. */
  #busySinceMs = 0;
  #slowCount = 0;
  /** Own time of the last sign of slowness; null: the disk is well. */
  #illMs: number | null = null;
  /** Own time of the last look that knew a leader. */
  #leaderMs = 0;
  #isHealthy = true;

  /** `nowMs`: of the monotonic clock, as everywhere here. */
  constructor(host: DiskWatchHost, nowMs: number) {
    this.#host = host;
    this.#lookedMs = nowMs;
  }

  /** A unit is given to the disk. */
  onPersist(unit: PersistUnit, nowMs: number): void {
    this.#pass(nowMs);
    if (this.#units.length === 0) this.#busySinceMs = this.#ownMs;
    this.#units.push(unit);
  }

  /** `unit` and all before it are on disk. */
  onDurable(unit: PersistUnit, nowMs: number): void {
    this.#pass(nowMs);
    let count = 0;
    while ((this.#units[count] ?? Number.POSITIVE_INFINITY) <= unit) count++;
    if (count === 0) return;
    this.#units.splice(0, count);
    const tookMs = this.#ownMs - this.#busySinceMs;
    this.#busySinceMs = this.#ownMs;
    this.#slowCount = tookMs >= this.#host.limits.slowStorageMs ? this.#slowCount + 1 : 0;
    if (this.#slowCount >= slowWritesMax || this.#illMs !== null) this.#note(tookMs);
  }

  /** While it is ill each slow write puts off its recovery. */
  #note(tookMs: number): void {
    if (tookMs >= this.#host.limits.slowStorageMs) this.#illMs = this.#ownMs;
  }

  onTick(nowMs: number): void {
    this.#pass(nowMs);
    const { limits } = this.#host;
    const busyMs = this.#units.length === 0 ? 0 : this.#ownMs - this.#busySinceMs;
    if (busyMs >= limits.stuckStorageMs) this.#illMs = this.#ownMs;
    if (this.#host.hasLeader()) this.#leaderMs = this.#ownMs;
    if (this.#illMs !== null && this.#ownMs - this.#illMs >= limits.calmStorageMs) {
      this.#illMs = null;
      this.#slowCount = 0;
    }
    const leaderlessMs = this.#ownMs - this.#leaderMs;
    const isNeeded = leaderlessMs >= leaderlessElections * limits.electionMs;
    const isHealthy = this.#illMs === null || (isNeeded && busyMs < limits.slowStorageMs);
    if (isHealthy === this.#isHealthy) return;
    this.#isHealthy = isHealthy;
    this.#host.onVerdict(isHealthy);
  }

  #pass(nowMs: number): void {
    this.#ownMs += Math.min(nowMs - this.#lookedMs, lookTicksMax * this.#host.limits.tickMs);
    this.#lookedMs = nowMs;
  }
}
