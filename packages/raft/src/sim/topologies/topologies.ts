/**
 * Liveness of the real core under every partial connectivity: each class of graphs, each distinct
 * situation, each seed, held against the theory and against the list of known exceptions.
 */
import { fingerprint64 } from "../../base/index.ts";
import { defaultSettings, type Settings } from "../../core/index.ts";
import { type Latency, promptLatency } from "./cluster.ts";
import { type Digraph, digraphClasses, digraphName } from "./digraph.ts";
import { type Distribution, summarize } from "./distribution.ts";
import { compareExceptions, knownExceptions, knownOnFive } from "./exceptions.ts";
import { situationName, situationsOf, type Variety } from "./situations.ts";
import { type Expectation, foresee, type Situation } from "./theory.ts";
import { runTrial, type Trial, type TrialOptions } from "./trial.ts";

/**
 * The defaults at half their ticks: the ratios are the same, and so is that an answer is back
 * before the next heartbeat.
 */
export const topologySettings: Settings = {
  ...defaultSettings,
  heartbeatTicks: 5,
  electionTicks: 50,
};

/** Longest election timeouts (2 x `electionTicks`) until a leader that stays: always, and hoped. */
export const boundTimeouts = 10;
export const usualTimeouts = 3;

/** Terms that healing may cost at most; each further one takes a split vote. */
export const healingTermsMax = 10;

export interface TopologyOptions {
  readonly members: 3 | 4 | 5;
  /** How many seeds each situation runs with. */
  readonly seeds: number;
  /** Default 1. */
  readonly firstSeed?: number;
  /** Default `all`. */
  readonly variety?: Variety;
  /** Default false: cores find out by themselves what is lost. */
  readonly hasNews?: boolean;
  /** Every `of`-th class from number `index` on; default all. */
  readonly part?: { readonly index: number; readonly of: number };
  /** Other than `topologySettings`, to show what depends on them. */
  readonly settings?: Partial<Settings>;
  /** Other than `promptLatency`. */
  readonly latency?: Latency;
  /** Longest election timeouts to wait where no leader is expected; default 10. */
  readonly barrenTimeouts?: number;
  /** Longest election timeouts without any change; default 10, after healing 3. */
  readonly calmTimeouts?: number;
  readonly healedCalmTimeouts?: number;
  /** Called after each class. */
  readonly onProgress?: (patterns: number, of: number) => void;
}

export interface TopologyFailure {
  /** As `parseSituation` reads it. */
  readonly situation: string;
  readonly seed: number;
  readonly expected: Expectation;
  readonly what: string;
}

/** Durations are in longest election timeouts. */
export interface TopologyReport {
  readonly members: number;
  readonly variety: Variety;
  readonly hasNews: boolean;
  readonly patterns: number;
  readonly situations: number;
  readonly trials: number;
  /** Trials by what was expected of them. */
  readonly expected: Readonly<Record<Expectation, number>>;
  /** Trials that did what was expected. */
  readonly held: number;
  /** Situations without a leader though there is a hub, by name of the reason. */
  readonly exceptions: Readonly<Record<string, number>>;
  readonly exceptionNames: readonly string[];
  /** From the change of links to the last change of anything. */
  readonly settling: Distribution;
  /** From healing to a cluster that agrees on everything. */
  readonly healing: Distribution;
  readonly terms: {
    /** Most that the highest term grew until a leader stayed. */
    readonly settling: number;
    /** The same where nobody got elected. */
    readonly leaderless: number;
    readonly healing: number;
  };
  /** Longest time that somebody led without a majority, in *shortest* election timeouts. */
  readonly vain: number;
  readonly failureCount: number;
  /** The first hundred. */
  readonly failures: readonly TopologyFailure[];
  /** Exceptions that are not on the list (`+`), and listed ones that were not seen (`-`). */
  readonly surprises: readonly string[];
  /** Inputs to cores, ticks included. */
  readonly steps: number;
}

const failuresMax = 100;

/** What is gathered while running. */
interface Tally {
  situations: number;
  trials: number;
  held: number;
  failureCount: number;
  steps: number;
  vainTicks: number;
  readonly expected: Record<Expectation, number>;
  readonly exceptions: Map<string, Expectation>;
  readonly settling: number[];
  readonly healing: number[];
  readonly terms: { settling: number; leaderless: number; healing: number };
  readonly failures: TopologyFailure[];
}

/** Runs them all. Deterministic by its options. */
export function runTopologies(options: TopologyOptions): TopologyReport {
  const { members, variety = "all", hasNews = false } = options;
  const part = options.part ?? { index: 0, of: 1 };
  const classes = digraphClasses(members).filter((_, at) => at % part.of === part.index);
  const tally = createTally();
  for (const [at, graph] of classes.entries()) {
    for (const situation of situationsOf(graph, variety, hasNews)) {
      runSituation(tally, situation, options);
    }
    options.onProgress?.(at + 1, classes.length);
  }
  return report(tally, classes, options);
}

function createTally(): Tally {
  return {
    situations: 0,
    trials: 0,
    held: 0,
    failureCount: 0,
    steps: 0,
    vainTicks: 0,
    expected: {
      stays: 0,
      elects: 0,
      "no-hub": 0,
      "constrained-by-stale-hub": 0,
      "constrained-by-lone-tail": 0,
    },
    exceptions: new Map(),
    settling: [],
    healing: [],
    terms: { settling: 0, leaderless: 0, healing: 0 },
    failures: [],
  };
}

function runSituation(tally: Tally, situation: Situation, options: TopologyOptions): void {
  tally.situations++;
  const first = options.firstSeed ?? 1;
  for (let seed = first; seed < first + options.seeds; seed++) {
    const expected = foresee(situation);
    const isBarren = expected !== "stays" && expected !== "elects";
    const usual = trialOptionsOf(options, seed);
    const waiting = isBarren ? (options.barrenTimeouts ?? boundTimeouts) : boundTimeouts;
    const trialOptions = { ...usual, boundTimeouts: waiting };
    tally.trials++;
    tally.expected[expected]++;
    let wrong: string[];
    try {
      const trial = runTrial(situation, trialOptions);
      count(tally, situation, expected, trial, trialOptions);
      wrong = judge(expected, trial, trialOptions);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      wrong = [`${error.name}: ${error.message}`];
    }
    if (wrong.length === 0) tally.held++;
    tally.failureCount += wrong.length;
    for (const what of wrong) {
      if (tally.failures.length >= failuresMax) break;
      tally.failures.push({ situation: situationName(situation), seed, expected, what });
    }
  }
}

/** How a seed is run: for running one of a report again. */
export function trialOptionsOf(
  options: Pick<TopologyOptions, "settings" | "latency" | "calmTimeouts" | "healedCalmTimeouts">,
  seed: number,
): TrialOptions {
  return {
    settings: { ...topologySettings, ...options.settings },
    seed,
    latency: options.latency ?? promptLatency,
    boundTimeouts,
    healingTimeouts: boundTimeouts,
    calmTimeouts: options.calmTimeouts ?? 10,
    healedCalmTimeouts: options.healedCalmTimeouts ?? 3,
  };
}

function count(
  tally: Tally,
  situation: Situation,
  expected: Expectation,
  trial: Trial,
  options: TrialOptions,
): void {
  const timeout = 2 * options.settings.electionTicks;
  const { partial, healed } = trial;
  const { terms } = tally;
  tally.steps += trial.steps;
  tally.vainTicks = Math.max(tally.vainTicks, partial.vainTicks);
  terms.healing = Math.max(terms.healing, healed.terms);
  if (healed.ticks !== null) tally.healing.push(healed.ticks / timeout);
  if (partial.ticks === null) {
    terms.leaderless = Math.max(terms.leaderless, partial.terms);
    if (expected !== "no-hub") tally.exceptions.set(situationName(situation), expected);
  } else {
    terms.settling = Math.max(terms.settling, partial.terms);
    tally.settling.push(partial.ticks / timeout);
  }
}

/** What of a trial is not as it should be. */
export function judge(expected: Expectation, trial: Trial, options: TrialOptions): string[] {
  const { electionTicks } = options.settings;
  const { partial, healed } = trial;
  const wrong: string[] = [];
  if (expected === "stays" || expected === "elects") {
    const bound = options.boundTimeouts * 2 * electionTicks;
    if (partial.ticks === null) wrong.push("no leader that commits and stays");
    else if (partial.ticks > bound) wrong.push(`settled after ${partial.ticks} ticks`);
    if (expected === "stays" && !trial.hasKept) wrong.push("a leader with a majority was deposed");
  } else {
    if (partial.ticks !== null) wrong.push("a leader where there should be none");
    if (partial.terms > 0) wrong.push(`the term grew by ${partial.terms} without an election`);
    if (partial.commits > 0) wrong.push(`${partial.commits} entries committed without a majority`);
  }
  if (partial.vainTicks > electionTicks) wrong.push(`led ${partial.vainTicks} ticks in vain`);
  if (healed.ticks === null) wrong.push("no working cluster after healing");
  if (healed.terms > healingTermsMax) wrong.push(`healing took ${healed.terms} terms`);
  return wrong;
}

function report(
  tally: Tally,
  classes: readonly Digraph[],
  options: TopologyOptions,
): TopologyReport {
  const { members, variety = "all", hasNews = false } = options;
  const { electionTicks } = trialOptionsOf(options, 1).settings;
  const exceptions: Record<string, number> = {};
  for (const reason of tally.exceptions.values()) {
    exceptions[reason] = (exceptions[reason] ?? 0) + 1;
  }
  return {
    members,
    variety,
    hasNews,
    patterns: classes.length,
    situations: tally.situations,
    trials: tally.trials,
    expected: tally.expected,
    held: tally.held,
    exceptions,
    exceptionNames: [...tally.exceptions.keys()],
    settling: summarize(tally.settling),
    healing: summarize(tally.healing),
    terms: tally.terms,
    vain: tally.vainTicks / electionTicks,
    failureCount: tally.failureCount,
    failures: tally.failures,
    surprises: surprisesOf(tally, classes, options),
    steps: tally.steps,
  };
}

/** Where the exceptions seen are not those listed. Other settings and latencies have none. */
function surprisesOf(
  tally: Tally,
  classes: readonly Digraph[],
  options: TopologyOptions,
): string[] {
  const { members, variety = "all", hasNews = false } = options;
  if (options.settings !== undefined || options.latency !== undefined) return [];
  const seen = tally.exceptions;
  if (members === 5) {
    const known = knownOnFive(variety, hasNews);
    if (known === undefined || options.part !== undefined) return [];
    const fingerprint = fingerprint64([...seen.keys()].join("\n"));
    if (seen.size === known.count && fingerprint === known.fingerprint) return [];
    return [`${seen.size} exceptions (${fingerprint}), not ${known.count} (${known.fingerprint})`];
  }
  if (variety !== "all") return [];
  return compareExceptions(
    new Set(seen.keys()),
    knownExceptions(hasNews),
    new Set(classes.map(digraphName)),
  );
}
