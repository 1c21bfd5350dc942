/** What `npm run explore` prints of a result. */
import {
  type ExploreResult,
  type ExploreStatistics,
  formatCounterexample,
  type ModelSize,
} from "../../../packages/raft/src/sim/explorer/index.ts";

/** What the process knows beside the result. */
export interface Circumstances {
  readonly model: string;
  readonly description: string;
  /** The largest resident size of the process. */
  readonly rssPeakBytes: number;
  /** The largest JavaScript heap seen; typed arrays lie outside. */
  readonly heapPeakBytes: number;
  /** Whether a signal ended the run. */
  readonly isInterrupted: boolean;
  /** Where the run can be resumed from; null if it cannot. */
  readonly checkpoint: string | null;
  /** Where the counterexample lies. */
  readonly counterexample: string | null;
  /** The size that a complete run must have. */
  readonly size: ModelSize | null;
}

/** How a run is judged, once its size is compared: `resized` is complete with another size. */
export type Verdict = ExploreResult["kind"] | "resized";

export function judge(result: ExploreResult, size: ModelSize | null): Verdict {
  if (result.kind !== "complete" || size === null) return result.kind;
  const { distinct, generated, depth } = result.statistics;
  const isSame = distinct === size.distinct && generated === size.generated && depth === size.depth;
  return isSame ? "complete" : "resized";
}

/** One line for programs. */
export function formatJson(result: ExploreResult, circumstances: Circumstances): string {
  const { statistics } = result;
  return JSON.stringify({
    ...circumstances,
    ...result,
    kind: judge(result, circumstances.size),
    statistics: { ...statistics, ...rates(statistics) },
  });
}

/** Lines for people. */
export function formatText(result: ExploreResult, circumstances: Circumstances): string {
  const { statistics } = result;
  const { statesPerSecond, transitionsPerSecond } = rates(statistics);
  const lines = [
    `${circumstances.model}: ${circumstances.description}`,
    headline(result, circumstances),
    `  distinct ${count(statistics.distinct)}, generated ${count(statistics.generated)}, ` +
      `depth ${statistics.depth}, out-degree ${statistics.outDegreeMean.toFixed(2)}, ` +
      `expected collisions ${statistics.collisionsExpected.toExponential(1)}`,
    `  ${(statistics.elapsedMs / 1000).toFixed(1)} s, ${count(statesPerSecond)} states/s, ` +
      `${count(transitionsPerSecond)} transitions/s, fingerprints ` +
      `${mebibytes(statistics.fingerprintBytes)}, heap ` +
      `${mebibytes(circumstances.heapPeakBytes)}, resident ` +
      mebibytes(circumstances.rssPeakBytes),
    `  levels ${statistics.levels.join(" ")}`,
    ...statistics.probes.map(({ name, hits }) => `  probe ${name}: ${count(hits)}`),
  ];
  if (result.kind === "violation") lines.push(formatCounterexample(result.counterexample));
  return lines.join("\n");
}

function headline(result: ExploreResult, circumstances: Circumstances): string {
  const { checkpoint, counterexample, size } = circumstances;
  const verdict = judge(result, size);
  if (verdict === "resized" && size !== null) {
    return (
      `FAILED: complete, but not the size it has: ${count(size.distinct)} distinct, ` +
      `${count(size.generated)} generated, depth ${size.depth}`
    );
  }
  if (result.kind === "complete") return "complete";
  if (result.kind === "unreached") return `FAILED: never reached: ${result.probes.join(", ")}`;
  if (result.kind === "violation") {
    return `FAILED: ${result.counterexample.violation} (--replay ${counterexample})`;
  }
  const { distinct } = result.statistics;
  const how = checkpoint === null ? "not resumable" : `--resume ${checkpoint}`;
  const by = circumstances.isInterrupted ? "a signal" : `the limit of ${result.stoppedBy}`;
  return `bounded: stopped at ${count(distinct)} states by ${by}; ${how}`;
}

function rates(statistics: ExploreStatistics): {
  statesPerSecond: number;
  transitionsPerSecond: number;
} {
  const seconds = Math.max(statistics.elapsedMs, 1) / 1000;
  return {
    statesPerSecond: Math.round(statistics.distinct / seconds),
    transitionsPerSecond: Math.round(statistics.generated / seconds),
  };
}

export function count(value: number): string {
  return value.toLocaleString("en-US");
}

function mebibytes(bytes: number): string {
  return `${count(Math.round(bytes / 2 ** 20))} MiB`;
}
