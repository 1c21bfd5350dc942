/** Public kits: a cluster in memory, virtual time, a simulated network. */
export type { CutMode, CutOptions, MemoryNetwork, MemoryNetworkOptions } from "./memory-network.ts";
export { createMemoryNetwork } from "./memory-network.ts";
export type { SeededRandom } from "./seeded-random.ts";
export { createSeededRandom } from "./seeded-random.ts";
export type { TestCluster, TestClusterOptions } from "./test-cluster.ts";
export { testCluster } from "./test-cluster.ts";
export type { VirtualClock, VirtualClockOptions } from "./virtual-clock.ts";
export { createVirtualClock } from "./virtual-clock.ts";
