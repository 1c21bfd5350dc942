/**
 * A closed loop: a number of requests in flight, each followed by the next when it ends. Latencies
 * in buckets.
 */

export interface LoopResult {
  readonly count: number;
  readonly failed: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/**
 * One request; one of the two runs exactly once, not inside the call. They are the lane's own: no
 * garbage.
 */
export type Request = (succeed: () => void, fail: () => void) => void;

/**
 * Before anything counts: three processes on few cores take that long to compile what they run
 * often.
 */
const warmUpMs = 4_000;

/** Latency buckets of 10 us up to 1 s. */
const bucketMs = 0.01;
const bucketCount = 100_000;

export function runClosedLoop(
  request: Request,
  inflight: number,
  seconds: number,
  finished: (result: LoopResult) => void,
): void {
  const startMs = performance.now();
  const countFromMs = startMs + warmUpMs;
  const endMs = countFromMs + seconds * 1_000;
  const buckets = new Uint32Array(bucketCount);
  let count = 0;
  let failed = 0;
  let open = inflight;

  /** One of the requests in flight, and what follows it. */
  const startLane = (): void => {
    let beganMs = performance.now();
    const end = (ok: boolean): void => {
      const nowMs = performance.now();
      if (nowMs >= countFromMs && nowMs < endMs) {
        if (ok) count++;
        else failed++;
        const bucket = Math.min(bucketCount - 1, Math.floor((nowMs - beganMs) / bucketMs));
        buckets[bucket] = (buckets[bucket] ?? 0) + 1;
      }
      beganMs = nowMs;
      if (nowMs < endMs) request(succeed, fail);
      else if (--open === 0) finished(summarize(buckets, count, failed, seconds));
    };
    const succeed = (): void => end(true);
    const fail = (): void => end(false);
    request(succeed, fail);
  };
  for (let i = 0; i < inflight; i++) startLane();
}

function summarize(
  buckets: Uint32Array,
  count: number,
  failed: number,
  seconds: number,
): LoopResult {
  const total = count + failed;
  const percentile = (share: number): number => {
    let seen = 0;
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      seen += buckets[bucket] ?? 0;
      if (seen >= total * share) return Number(((bucket + 1) * bucketMs).toFixed(2));
    }
    return bucketCount * bucketMs;
  };
  return {
    count,
    failed,
    seconds,
    perSecond: Math.round(count / seconds),
    p50Ms: percentile(0.5),
    p99Ms: percentile(0.99),
  };
}
