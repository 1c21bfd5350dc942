/** How bad a disk is while it runs. All shares are probabilities of one operation, 0 to 1. */
import type { SyncAftermath } from "../../testing/index.ts";
import { fixedLatency, type Latency } from "./latency.ts";

export interface DiskProfile {
  readonly readLatency: Latency;
  readonly writeLatency: Latency;
  readonly syncLatency: Latency;
  /** Of everything else: open, rename, list … */
  readonly nameLatency: Latency;
  /** Reads that fail. */
  readonly readErrorShare: number;
  /** Reads that give fewer bytes than there are, without an error: a file system that lies. */
  readonly shortReadShare: number;
  /** Writes that fail after a part of them. */
  readonly writeErrorShare: number;
  readonly syncErrorShare: number;
  /** What a failed sync may leave; one of them is drawn. */
  readonly syncAftermaths: readonly SyncAftermath[];
  readonly openErrorShare: number;
  /** Creations, renames, removals, syncs of directories and listings that fail. */
  readonly nameErrorShare: number;
  /** The codes that errors have; one of them is drawn. */
  readonly errorCodes: readonly string[];
  /** Operations after which the whole disk stands still for `stuck`. */
  readonly stuckShare: number;
  readonly stuck: Latency;
  /** Whether a full disk refuses new names, too. */
  readonly fullRefusesNames: boolean;
}

/** A disk without faults: reads 0.1 ms, writes 0.05 ms, syncs 0.5 ms. */
export const soundDisk: DiskProfile = {
  readLatency: fixedLatency(0.1),
  writeLatency: fixedLatency(0.05),
  syncLatency: fixedLatency(0.5),
  nameLatency: fixedLatency(0.05),
  readErrorShare: 0,
  shortReadShare: 0,
  writeErrorShare: 0,
  syncErrorShare: 0,
  syncAftermaths: ["clean", "lost", "dirty", "written"],
  openErrorShare: 0,
  nameErrorShare: 0,
  errorCodes: ["EIO"],
  stuckShare: 0,
  stuck: { minMs: 100, meanMs: 1000 },
  fullRefusesNames: true,
};
