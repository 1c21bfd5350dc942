/** Spreads seeds over processes and adds up what they say. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ChildLine } from "./child.ts";
import { addSummary, createSummary, type SeedFailure, type Summary } from "./summary.ts";

export interface PoolOptions {
  readonly first: number;
  readonly seeds: number;
  readonly workers: number;
  /** No seed starts later. */
  readonly seconds: number;
  readonly world: string;
  readonly off: string;
  readonly actions: string | undefined;
  readonly failFast: boolean;
  /** A bundle to run instead of the sources; null: the sources. */
  readonly bundle: string | null;
  /** The Node to run it with; this one unless given. */
  readonly program?: string;
  readonly onFailure: (failure: SeedFailure) => void;
}

export interface PoolResult {
  readonly summary: Summary;
  readonly hash: number;
  readonly wallSeconds: number;
}

/** A seed that has not ended so long after the last one was started hangs: a failure. */
const graceSeconds = 120;

/** @throws when a process ends without its summary */
export async function runPool(options: PoolOptions): Promise<PoolResult> {
  const startedMs = performance.now();
  const workers = Math.max(1, Math.min(options.workers, options.seeds));
  const children: ChildProcess[] = [];
  const runs: Promise<Extract<ChildLine, { kind: "summary" }>>[] = [];
  const onFailure = (failure: SeedFailure): void => {
    options.onFailure(failure);
    if (!options.failFast) return;
    // The others look on at higher seeds: what they find is not the first.
    for (const child of children) child.kill("SIGTERM");
  };
  for (let worker = 0; worker < workers; worker++) {
    const count = Math.ceil((options.seeds - worker) / workers);
    const child = start(options, options.first + worker, count, workers);
    children.push(child);
    runs.push(listen(child, options, onFailure));
  }
  const summary = createSummary();
  let hash = 0;
  for (const line of await Promise.all(runs)) {
    addSummary(summary, line.summary);
    hash = (hash + line.hash) >>> 0;
  }
  return { summary, hash, wallSeconds: (performance.now() - startedMs) / 1000 };
}

function start(options: PoolOptions, first: number, count: number, step: number): ChildProcess {
  const args = [
    ...["--first", String(first), "--count", String(count), "--step", String(step)],
    ...["--seconds", String(options.seconds), "--world", options.world, "--off", options.off],
    ...(options.actions === undefined ? [] : ["--actions", options.actions]),
    ...(options.failFast ? ["--fail-fast"] : []),
  ];
  const source = fileURLToPath(new URL("child.ts", import.meta.url));
  const script = options.bundle === null ? ["--import", "tsx", source] : [options.bundle];
  return spawn(options.program ?? process.execPath, [...script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

function listen(
  child: ChildProcess,
  options: PoolOptions,
  onFailure: (failure: SeedFailure) => void,
): Promise<Extract<ChildLine, { kind: "summary" }>> {
  return new Promise((resolve, reject) => {
    let end: Extract<ChildLine, { kind: "summary" }> | null = null;
    let hasFailed = false;
    const timer = setTimeout(
      () => {
        child.kill("SIGKILL");
        reject(new Error(`A seed did not end within ${graceSeconds} s after the last start`));
      },
      (options.seconds + graceSeconds) * 1000,
    );
    const { stdout } = child;
    if (stdout === null) throw new Error("the child's output is piped");
    createInterface({ input: stdout }).on("line", (text) => {
      const line = JSON.parse(text) as ChildLine; // written by child.ts
      if (line.kind === "failure") {
        hasFailed = true;
        onFailure(line.failure);
      } else {
        end = line;
      }
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const isCutShort = options.failFast && (signal === "SIGTERM" || hasFailed);
      if (end !== null) resolve(end);
      else if (isCutShort) resolve({ kind: "summary", summary: createSummary(), hash: 0 });
      else reject(new Error(`A process of the run ended with ${signal ?? code}, unfinished`));
    });
  });
}
