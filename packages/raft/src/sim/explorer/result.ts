/** What an exploration found, as plain data. */
import type { Counterexample } from "./counterexample.ts";

/** How often an interesting situation was seen. */
export interface ProbeCount {
  readonly name: string;
  readonly hits: number;
}

/** The size of what was explored. All numbers are totals, those before a resume included. */
export interface ExploreStatistics {
  /** Different states, up to the model's symmetry. */
  readonly distinct: number;
  /** Initial states and steps made from the states that were expanded, known or not. */
  readonly generated: number;
  /** States whose steps were all made. */
  readonly expanded: number;
  /** Levels of the search, the initial states being the first. */
  readonly depth: number;
  /** States of each level; the last one may not be complete. */
  readonly levels: readonly number[];
  /** Steps for each expanded state. */
  readonly outDegreeMean: number;
  /** Pairs of different states expected to share a fingerprint: `distinct^2 / 2^65`. */
  readonly collisionsExpected: number;
  readonly probes: readonly ProbeCount[];
  /** Time spent; 0 without a clock. */
  readonly elapsedMs: number;
  /** Bytes of the fingerprint tables. */
  readonly fingerprintBytes: number;
}

/** Which limit ended the run. */
export type StoppedBy = "states" | "time";

/** How an exploration ended. Only `complete` proves something. */
export type ExploreResult =
  /** Every state was expanded and every probe reached. */
  | { readonly kind: "complete"; readonly statistics: ExploreStatistics }
  /** Every state was expanded, but these probes never hit: nothing is proved of them. */
  | {
      readonly kind: "unreached";
      readonly probes: readonly string[];
      readonly statistics: ExploreStatistics;
    }
  /** A state is broken. */
  | {
      readonly kind: "violation";
      readonly counterexample: Counterexample;
      readonly statistics: ExploreStatistics;
    }
  /** A limit was met; nothing was found so far, and the exploration can go on. */
  | {
      readonly kind: "bounded";
      readonly stoppedBy: StoppedBy;
      readonly statistics: ExploreStatistics;
    };
