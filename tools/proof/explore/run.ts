/** Runs one exploration with its states in temporary files, in slices between which it can stop. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import {
  type Exploration,
  type ExplorationOptions,
  type ExploreResult,
  runExploration,
} from "../../../packages/raft/src/sim/explorer/index.ts";
import { createFileBlockStore, type FileBlockStore } from "./file-blocks.ts";
import { count } from "./report.ts";

/** What ends a run early. */
export interface RunLimits {
  /** Different states, in all. */
  readonly statesMax: number;
  /** Of this run. */
  readonly timeMaxMs: number;
  /** Looked at after each slice. */
  readonly isStopRequested: () => boolean;
}

/** A result with what the process measured. */
export interface Run {
  readonly exploration: Exploration;
  readonly result: ExploreResult;
  readonly heapPeakBytes: number;
}

/** Work between two looks at the clock, the heap and the signals. */
const sliceMs = 500;
const progressEveryMs = 5_000;

/**
 * Explores to the end or a limit. `open` makes the exploration with the options it is given;
 * `finish` sees the run while its files are still there.
 */
export async function run<Value>(
  open: (options: ExplorationOptions) => Exploration,
  limits: RunLimits,
  finish: (run: Run) => Value,
): Promise<Value> {
  const directory = mkdtempSync(join(tmpdir(), "quorate-explore-"));
  const stores: FileBlockStore[] = [];
  const openBlockStore = (name: string): FileBlockStore => {
    const store = createFileBlockStore(join(directory, name));
    stores.push(store);
    return store;
  };
  try {
    return finish(await runSlices(open({ openBlockStore }), limits));
  } finally {
    for (const store of stores) store.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function runSlices(exploration: Exploration, limits: RunLimits): Promise<Run> {
  const startMs = performance.now();
  let printedMs = startMs;
  let heapPeakBytes = 0;
  for (;;) {
    const leftMs = limits.timeMaxMs - (performance.now() - startMs);
    const result = runExploration(exploration, {
      statesMax: limits.statesMax,
      timeMaxMs: Math.min(sliceMs, leftMs),
      nowMs: () => performance.now(),
    });
    heapPeakBytes = Math.max(heapPeakBytes, process.memoryUsage().heapUsed);
    const isSlice = result.kind === "bounded" && result.stoppedBy === "time" && leftMs > sliceMs;
    if (!isSlice || limits.isStopRequested()) return { exploration, result, heapPeakBytes };
    if (performance.now() - printedMs > progressEveryMs) {
      printedMs = performance.now();
      printProgress(exploration);
    }
    await setImmediate();
  }
}

function printProgress(exploration: Exploration): void {
  const { distinct, generated, expanded, depth, elapsedMs } = exploration.statistics;
  process.stderr.write(
    `${exploration.model.name}: level ${depth}, distinct ${count(distinct)}, ` +
      `to expand ${count(distinct - expanded)}, generated ${count(generated)}, ` +
      `${(elapsedMs / 1000).toFixed(0)} s\n`,
  );
}
