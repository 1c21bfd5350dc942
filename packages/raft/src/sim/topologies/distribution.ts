/** Many durations in few numbers. */

export interface Distribution {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Quantiles are of the samples themselves, the smallest that enough of them do not exceed. */
export function summarize(samples: readonly number[]): Distribution {
  const sorted = Float64Array.from(samples).sort();
  const quantile = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
  return {
    count: sorted.length,
    p50: quantile(0.5),
    p99: quantile(0.99),
    p999: quantile(0.999),
    max: quantile(1),
  };
}
