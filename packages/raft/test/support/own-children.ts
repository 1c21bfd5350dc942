/** Processes that a test started: they end with it, also when it fails half-way or hangs. */
import type { ChildProcess } from "node:child_process";

const live = new Set<ChildProcess>();

process.once("exit", () => {
  for (const child of live) child.kill("SIGKILL");
});

/** Kills it when this process ends, unless it has ended before. */
export function endWithUs(child: ChildProcess): void {
  live.add(child);
  child.once("exit", () => live.delete(child));
}
