/** From a long list of actions that fails to a short one that fails in the same way. */
import type { Action } from "./actions.ts";
import { type CoresRun, type CoresSettings, replayCores } from "./run.ts";

/** Runs at most: a bound on the time of people. */
const replaysDefault = 2_000;

/**
 * Removes ever smaller pieces of the list as long as the same invariant breaks without them
 * (delta debugging). The last action of a run that failed before healing is the one that broke it.
 */
export function shrinkCores(
  run: CoresRun,
  settings: CoresSettings = {},
  replaysMax: number = replaysDefault,
): CoresRun {
  const { failure, seed, options } = run;
  if (failure === null) return run;
  let best = run;
  let replays = 0;
  const attempt = (actions: readonly Action[]): boolean => {
    replays++;
    const again = replayCores(seed, options, actions, settings);
    if (again.failure?.invariant !== failure.invariant) return false;
    best = again;
    return true;
  };
  let pieces = 2;
  while (best.actions.length > 1 && replays < replaysMax) {
    const size = Math.ceil(best.actions.length / pieces);
    let removed = false;
    for (let from = 0; from < best.actions.length && replays < replaysMax; ) {
      const rest = [...best.actions.slice(0, from), ...best.actions.slice(from + size)];
      if (attempt(rest)) removed = true;
      else from += size;
    }
    if (size === 1 && !removed) break;
    pieces = removed ? Math.max(2, pieces) : pieces * 2;
    if (pieces > best.actions.length) pieces = best.actions.length;
  }
  return best;
}
