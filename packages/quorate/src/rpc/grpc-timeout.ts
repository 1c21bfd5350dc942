/** The header `grpc-timeout`: up to 8 digits and a unit. Pure. */

const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** Returns milliseconds, or null if the header is not well-formed. */
export function parseGrpcTimeout(header: string): number | null {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(header) ?? [];
  const factor = unit === undefined ? undefined : unitMs[unit];
  if (digits === undefined || factor === undefined) return null;
  return Number(digits) * factor;
}

/** Writes a time in milliseconds, rounded up, in the finest unit that has room for it. */
export function formatGrpcTimeout(timeoutMs: number): string {
  const milliseconds = Math.max(0, Math.ceil(timeoutMs));
  if (milliseconds < 1e8) return `${milliseconds}m`;
  const seconds = Math.ceil(milliseconds / 1_000);
  return seconds < 1e8 ? `${seconds}S` : `${Math.min(99_999_999, Math.ceil(seconds / 3_600))}H`;
}
