/** How bad networks and disks of a seed are, as drawn. Times are in proportion to the heartbeat. */
import {
  type DatagramProfile,
  type DiskProfile,
  fixedLatency,
  type LinkProfile,
  soundDatagrams,
  soundDisk,
  soundLink,
} from "../hosts/index.ts";
import { pick, type Random } from "../random.ts";
import type { FaultRates } from "./options.ts";

export function drawLink(
  random: Random,
  heartbeatMs: number,
  isFaulty: boolean,
  isHarsh: boolean,
): LinkProfile {
  const meanMs = heartbeatMs * pick(random, [0.02, 0.1, 0.4]);
  const latency = { minMs: meanMs / 4, meanMs };
  if (!isFaulty) return { ...soundLink, latency };
  const harder = isHarsh ? 4 : 1;
  const has = (share: number): number => (random.chance(0.5) ? share * harder : 0);
  return {
    ...soundLink,
    latency: { ...latency, spikeShare: has(0.02), spikeMs: heartbeatMs * 8 },
    bytesPerMs: random.chance(0.2) ? random.between(20, 400) : Number.POSITIVE_INFINITY,
    lossShare: has(0.03),
    retransmitMs: 2 * heartbeatMs,
    retransmitMaxMs: 6 * heartbeatMs,
    resetShare: has(0.004),
    corruptShare: has(0.003),
    splitShare: has(0.1),
  };
}

export function drawDatagrams(
  random: Random,
  heartbeatMs: number,
  isHarsh: boolean,
): DatagramProfile {
  const has = (low: number, high: number): number =>
    random.chance(0.6) ? (isHarsh ? high : low) : 0;
  return {
    ...soundDatagrams,
    dropShare: has(0.03, 0.25),
    duplicateShare: has(0.05, 0.4),
    reorderShare: has(0.05, 0.5),
    delay: { minMs: 0, meanMs: heartbeatMs * pick(random, [1, 4, 20]) },
    keepShare: pick(random, [0, 0.1, 0.5, 0.5]),
    ancientShare: pick(random, [0, 0.05, 0.3, 0.3]),
    report: { minMs: 0, meanMs: heartbeatMs },
    unreportedShare: has(0.1, 0.5),
    flapShare: has(0.002, 0.02),
  };
}

export function drawDisk(random: Random, heartbeatMs: number, rates: FaultRates): DiskProfile {
  const syncMs = heartbeatMs * pick(random, [0.02, 0.1, 0.5]);
  const isSlow = rates["disk-slow"] > 0;
  const isFailing = rates["disk-error"] > 0;
  const spikes = isSlow ? { spikeShare: 0.02, spikeMs: heartbeatMs * 20 } : {};
  const share = (value: number): number =>
    isFailing && random.chance(0.5) ? value * rates["disk-error"] : 0;
  return {
    ...soundDisk,
    readLatency: fixedLatency(syncMs / 8),
    writeLatency: { minMs: syncMs / 16, meanMs: syncMs / 8, ...spikes },
    syncLatency: { minMs: syncMs / 2, meanMs: syncMs, ...spikes },
    nameLatency: fixedLatency(syncMs / 16),
    readErrorShare: share(0.02),
    writeErrorShare: share(0.02),
    syncErrorShare: share(0.02),
    openErrorShare: share(0.01),
    nameErrorShare: share(0.01),
    errorCodes: ["EIO", "EROFS"],
    stuckShare: isSlow && random.chance(0.5) ? 0.002 : 0,
    stuck: { minMs: 2 * heartbeatMs, meanMs: 30 * heartbeatMs },
  };
}
