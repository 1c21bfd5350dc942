/** Calm times: a whole cluster without a fault, for hours of its own clock, tick by tick. */
import { assert } from "../../base/index.ts";
import { defaultSettings } from "../../core/index.ts";
import {
  createCluster,
  elapse,
  elapseUntil,
  isConverged,
  leadersCount,
  termMax,
} from "./cluster.ts";

/** Milliseconds that a tick stands for: one heartbeat of the defaults. */
const tickMs = 100;

export interface CalmReport {
  readonly hours: number;
  readonly ticks: number;
  /** Leaders of new terms, and new terms. */
  readonly elections: number;
  readonly terms: number;
  /** At the end. */
  readonly leaders: number;
  /** Inputs to cores, ticks included. */
  readonly steps: number;
}

/** Runs that long after the first election. Heartbeats and timeouts last as long as by default. */
export function runCalm(options: {
  readonly members: number;
  readonly seed: number;
  readonly hours: number;
}): CalmReport {
  const { members, seed, hours } = options;
  const cluster = createCluster({
    members,
    seed,
    settings: { ...defaultSettings, heartbeatTicks: 1, electionTicks: 10 },
    favourite: 0,
    latency: { ticksMin: 1, ticksMax: 1 },
  });
  assert(
    elapseUntil(cluster, 100, () => isConverged(cluster)),
    "a fresh cluster gets a leader",
  );
  cluster.favourite = null;
  const elections = cluster.leaderOfTerm.size;
  const term = termMax(cluster);
  const ticks = Math.round((hours * 3_600_000) / tickMs);
  for (let elapsed = 0; elapsed < ticks; elapsed++) elapse(cluster);
  return {
    hours,
    ticks,
    elections: cluster.leaderOfTerm.size - elections,
    terms: termMax(cluster) - term,
    leaders: leadersCount(cluster),
    steps: cluster.steps,
  };
}
