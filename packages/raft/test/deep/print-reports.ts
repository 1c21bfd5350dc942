/** What a deep test prints of what it measured, and hashes of files. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { LoadReport } from "./deep-messages.ts";
import { type HostWatch, mebibyte } from "./memory-watch.ts";

export function print(text: string): void {
  console.log(`  ${text}`);
}

export const mebibytes = (bytes: number): string => `${Math.round(bytes / mebibyte)} MiB`;

const milliseconds = (time: number) => `${time.toFixed(1)} ms`;

export function printReports(
  what: string,
  host: HostWatch,
  reports: ReadonlyMap<string, LoadReport>,
): void {
  const lines = [...reports].map(([id, report]) => `    ${id}: ${describeReport(report)}`);
  print([`${what}: ${host.describe()}`, ...lines].join("\n"));
}

function describeReport(report: LoadReport): string {
  const { acknowledged, medianMs, p99Ms, maxMs, loopDelayMs } = report;
  const loop = `event loop at most ${milliseconds(loopDelayMs)} away`;
  if (acknowledged === 0) return `no writes, ${loop}`;
  const [median, p99, max] = [medianMs, p99Ms, maxMs].map(milliseconds);
  return `${acknowledged} writes, median ${median}, p99 ${p99}, longest ${max}, ${loop}`;
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: mebibyte }), hash);
  return hash.digest("hex");
}
