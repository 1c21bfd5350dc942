/** Runs an exploration to its end or to a limit. */
import { type Exploration, type ExplorationOptions, startExploration } from "./exploration.ts";
import type { Model } from "./model.ts";
import type { ExploreResult } from "./result.ts";

/** When to stop although there is more. */
export interface ExploreLimits {
  /** Different states; the run stops with the expansion that reaches them. */
  readonly statesMax?: number;
  /** Time of this run, by `nowMs`. */
  readonly timeMaxMs?: number;
  /** A clock, for `timeMaxMs` and the statistics; without one, no time is measured. */
  readonly nowMs?: () => number;
}

/** Expansions between two looks at the clock: well below a second, even at 1 ms each. */
const expansionsBetweenLooks = 256;
const unlimited = Number.POSITIVE_INFINITY;

/** Explores a model from its initial states; all is kept in memory unless told otherwise. */
export function explore(
  model: Model,
  limits: ExploreLimits = {},
  options: ExplorationOptions = {},
): ExploreResult {
  return runExploration(startExploration(model, options), limits);
}

/** Goes on until the end or a limit. */
export function runExploration(
  exploration: Exploration,
  limits: ExploreLimits = {},
): ExploreResult {
  const { statesMax = unlimited, timeMaxMs = unlimited, nowMs = () => 0 } = limits;
  const startMs = nowMs();
  let lookedMs = startMs;
  for (;;) {
    const ending = exploration.advance(expansionsBetweenLooks, statesMax);
    const now = nowMs();
    exploration.addElapsed(now - lookedMs);
    lookedMs = now;
    if (ending !== null) {
      const { elapsedMs } = exploration.statistics;
      return { ...ending, statistics: { ...ending.statistics, elapsedMs } };
    }
    const isFull = exploration.distinct >= statesMax;
    if (isFull || now - startMs >= timeMaxMs) {
      const { statistics } = exploration;
      return { kind: "bounded", stoppedBy: isFull ? "states" : "time", statistics };
    }
  }
}
