/** How long things take: a floor, a skewed spread above it, and rare spikes. */
import type { Random } from "../random.ts";

/** Milliseconds. */
export interface Latency {
  readonly minMs: number;
  /** Without the spikes; `minMs` or more. Equal: always `minMs`, and nothing is drawn. */
  readonly meanMs: number;
  /** The share that takes up to `spikeMs` longer. Default 0. */
  readonly spikeShare?: number;
  readonly spikeMs?: number;
}

/** Always the same. */
export function fixedLatency(ms: number): Latency {
  return { minMs: ms, meanMs: ms };
}

/** Between `minMs` and three times as far above it as the mean is, plus a spike if there is one. */
export function drawLatency(latency: Latency, random: Random): number {
  const { minMs, meanMs, spikeShare = 0, spikeMs = 0 } = latency;
  let ms = minMs;
  if (meanMs > minMs) {
    // 3u^2 has the mean 1 and favours the small; no logarithm, whose last bits differ by engine.
    const unit = random.unit();
    ms += (meanMs - minMs) * 3 * unit * unit;
  }
  if (random.chance(spikeShare)) ms += random.unit() * spikeMs;
  return ms;
}
