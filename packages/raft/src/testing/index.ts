/**
 * Public kits: a cluster in memory, virtual time, a simulated network and disk, and the conformance
 * suite for log stores. Nothing here needs a test runner.
 */

export type { ConformanceCase, LogStoreHarness } from "./log-store-conformance.ts";
export { logStoreConformance } from "./log-store-conformance.ts";
export type {
  CrashOptions,
  DiskFault,
  DiskImage,
  DiskOperation,
  DiskOperationKind,
  MemoryDiskOptions,
  SyncAftermath,
} from "./memory-disk.ts";
export { MemoryDisk } from "./memory-disk.ts";
export { diskSectorBytes } from "./memory-inode.ts";
export type { CutMode, CutOptions, MemoryNetwork, MemoryNetworkOptions } from "./memory-network.ts";
export { createMemoryNetwork } from "./memory-network.ts";
export type { SeededRandom } from "./seeded-random.ts";
export { createSeededRandom } from "./seeded-random.ts";
export type { TestCluster, TestClusterOptions } from "./test-cluster.ts";
export { testCluster } from "./test-cluster.ts";
export type { VirtualClock, VirtualClockOptions } from "./virtual-clock.ts";
export { createVirtualClock } from "./virtual-clock.ts";
