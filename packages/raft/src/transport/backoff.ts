/** When to dial again. */
import type { TransportLimits } from "./limits.ts";

/**
 * Milliseconds before the next dial after `failureCount` failures in a row (from 1). Doubles up to
 * the limit; the jitter of up to a half keeps members that lost the same peer from dialling in
 * step.
 *
 * @param fraction uniform in [0, 1)
 */
export function reconnectDelayMs(
  failureCount: number,
  wasRefused: boolean,
  limits: TransportLimits,
  fraction: number,
): number {
  const jitter = 1 - fraction / 2;
  if (wasRefused) return limits.reconnectRefusedMs * jitter;
  const doublings = Math.min(failureCount - 1, 30); // keeps the power finite
  const delayMs = Math.min(limits.reconnectFirstMs * 2 ** doublings, limits.reconnectMaxMs);
  return delayMs * jitter;
}
