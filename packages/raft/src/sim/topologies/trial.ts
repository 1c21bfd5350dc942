/**
 * One situation and one seed: the links change, time passes, what comes of it is observed; then all
 * links heal and a cluster that works must be there again. Facts only: what was to be expected is
 * judged in `topologies.ts`.
 */
import { assert, type LogIndex } from "../../base/index.ts";
import type { Settings } from "../../core/index.ts";
import type { CoreObserver } from "../observer.ts";
import { createRandom } from "../random.ts";
import {
  type Cluster,
  connect,
  createCluster,
  elapse,
  type Host,
  isConverged,
  type Latency,
  leaders,
  leadersCount,
  offer,
  termMax,
} from "./cluster.ts";
import { completeDigraph } from "./digraph.ts";
import { firstLeader, prepare } from "./prepare.ts";
import { hubs, type Situation } from "./theory.ts";

export interface TrialOptions {
  readonly settings: Settings;
  /** Below 2^21. */
  readonly seed: number;
  readonly latency: Latency;
  /** Longest election timeouts within which there must be a leader that stays. */
  readonly boundTimeouts: number;
  /** The same after healing. */
  readonly healingTimeouts: number;
  /** Longest election timeouts that it must stay then. */
  readonly calmTimeouts: number;
  readonly healedCalmTimeouts: number;
  readonly observer?: CoreObserver;
}

/** What became of one phase: a leader that commits and stays, or none. */
export interface Settlement {
  /** Ticks until the last change of leader or highest term before it became calm; null: never. */
  readonly ticks: number | null;
  /** Leaders that committed a new entry; one is the least where it became calm. */
  readonly reigns: number;
  /** By how much the highest term grew. */
  readonly terms: number;
  /** New entries that got committed. */
  readonly commits: number;
  /** Longest time, in ticks, that a member led without being linked to a majority. */
  readonly vainTicks: number;
}

export interface Trial {
  /** The one that led when the links changed leads in the same term at the end of the phase. */
  readonly hasKept: boolean;
  readonly partial: Settlement;
  readonly healed: Settlement;
  readonly steps: number;
  readonly ticks: number;
}

/** @throws Violation, InvariantError where safety breaks */
export function runTrial(situation: Situation, options: TrialOptions): Trial {
  const { settings, latency, observer } = options;
  const seed = seedOf(situation, options.seed);
  const cluster = createCluster({
    members: situation.graph.members,
    seed,
    settings,
    latency,
    favourite: firstLeader(situation),
    hasConnectionNews: situation.hasNews,
    ...(observer === undefined ? {} : { observer }),
  });
  prepare(cluster, situation, createRandom(seed, 13));
  const first = leaders(cluster)[0];
  const firstTerm = first?.raft.hardState.term;
  const partial = settle(cluster, options, options.calmTimeouts, () => true);
  const hasKept =
    first !== undefined &&
    first.raft.role === "leader" &&
    first.raft.hardState.term === firstTerm &&
    partial.terms === 0;
  connect(cluster, completeDigraph(situation.graph.members));
  const whole: TrialOptions = { ...options, boundTimeouts: options.healingTimeouts };
  const healed = settle(cluster, whole, options.healedCalmTimeouts, () => isConverged(cluster));
  return { hasKept, partial, healed, steps: cluster.steps, ticks: cluster.tick };
}

/** Each situation has its own chance. */
function seedOf(situation: Situation, seed: number): number {
  const { graph, leader, skew } = situation;
  const kind = ["equal", "stale", "ahead"].indexOf(skew.kind);
  const at = skew.kind === "equal" ? 0 : skew.at;
  const place = ((leader ?? -1) + 1) * 15 + kind * 5 + at; // below 90
  const mixed = (seed * 2 ** 25 + graph.mask) * 128 + place;
  assert(Number.isSafeInteger(mixed) && seed >= 0, "seeds are below 2^21", () => `${seed}`);
  return mixed;
}

/** A stint as leader, with the command that it is to commit. */
interface Reign {
  readonly host: Host;
  readonly term: number;
  /** Of its command; null: it got none. */
  readonly index: LogIndex | null;
  readonly since: number;
  hasCommitted: boolean;
}

/** One phase, as it is watched. */
interface Phase {
  readonly cluster: Cluster;
  readonly hubs: readonly number[];
  readonly reigns: Reign[];
  vainTicks: number;
}

/**
 * Elapses until a leader has committed something new, `isComplete` holds, and from then on for the
 * calm time nobody else leads and no term grows; or until the bound has passed.
 */
function settle(
  cluster: Cluster,
  options: TrialOptions,
  calmTimeouts: number,
  isComplete: () => boolean,
): Settlement {
  const timeout = 2 * options.settings.electionTicks;
  const boundTicks = options.boundTimeouts * timeout;
  const calmTicks = calmTimeouts * timeout;
  const began = cluster.tick;
  const termBefore = termMax(cluster);
  const commitsBefore = cluster.canon.length;
  const phase: Phase = { cluster, hubs: hubs(cluster.graph), reigns: [], vainTicks: 0 };
  let current: Reign | null = null;
  let term = termBefore;
  let isDone = false;
  let changed = began;
  let isSettled = false;
  for (;;) {
    const next = workingReign(phase);
    const highest = termMax(cluster);
    if (next !== current || highest !== term) {
      changed = cluster.tick;
      isDone = false;
      current = next;
      term = highest;
    }
    if (!isDone && current !== null && isComplete()) {
      changed = cluster.tick;
      isDone = true;
    }
    const elapsed = cluster.tick - began;
    const isCalm = isDone && leadersCount(cluster) === 1;
    isSettled = isCalm && cluster.tick - changed >= calmTicks;
    if (isSettled || elapsed >= boundTicks + (isCalm ? calmTicks : 0)) break;
    elapse(cluster);
  }
  return {
    ticks: isSettled ? changed - began : null,
    reigns: phase.reigns.filter((reign) => reign.hasCommitted).length,
    terms: termMax(cluster) - termBefore,
    commits: cluster.canon.length - commitsBefore,
    vainTicks: phase.vainTicks,
  };
}

/**
 * Gives each new leader a command; the one of the highest term that has committed its own and still
 * leads, or null. Where there are hubs, other leaders get none: it would change who is electable.
 */
function workingReign(phase: Phase): Reign | null {
  let working: Reign | null = null;
  for (const host of phase.cluster.hosts) {
    if (host.raft.role !== "leader") continue;
    const reign = reignOf(phase, host);
    const isVain = !phase.hubs.includes(host.at);
    if (isVain) phase.vainTicks = Math.max(phase.vainTicks, phase.cluster.tick - reign.since);
    if (reign.index !== null && host.raft.commit >= reign.index) reign.hasCommitted = true;
    if (reign.hasCommitted && reign.term > (working?.term ?? 0)) working = reign;
  }
  return working;
}

function reignOf(phase: Phase, host: Host): Reign {
  const { term } = host.raft.hardState;
  for (const known of phase.reigns) {
    if (known.host === host && known.term === term) return known;
  }
  const mayWork = phase.hubs.length === 0 || phase.hubs.includes(host.at);
  const index = mayWork ? offer(phase.cluster, host, 1) : null;
  const reign = { host, term, index, since: phase.cluster.tick, hasCommitted: false };
  phase.reigns.push(reign);
  return reign;
}
