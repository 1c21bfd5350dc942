/** How large a model of the real core is: what may happen in it, and how often. */
import type { Chain } from "./changes.ts";
import { type Clocks, stepsLimit } from "./clocks.ts";

export interface Bounds {
  readonly name: string;
  /** The core's options under test. */
  readonly preVote: boolean;
  readonly checkQuorum: boolean;
  /** No member campaigns for a higher term. The first that is campaigned for is 2. */
  readonly termMax: number;
  /** Election timers that run out, of all members together. */
  readonly timeoutsMax: number;
  /** Commands proposed, by whoever leads. */
  readonly proposalsMax: number;
  /** Crashes of all members together; each loses what was not durable, and starts again. */
  readonly crashesMax: number;
  /** Heartbeat rounds of one stint of leadership; the first opens it. */
  readonly roundsMax: number;
  /** Ticks of leaders, all together: each opens a round, or ends a stint. */
  readonly ticksMax: number;
  /** Linearizable reads, asked for by anybody who may. */
  readonly readsMax: number;
  /**
   * How often a message arrives once more than it was sent, all together; "unlimited": what was
   * ever sent can arrive at any later time, any number of times. Loss, delay and any order are
   * free.
   */
  readonly duplicatesMax: number | "unlimited";
  /** Whether followers ask for reads, too. */
  readonly followerReads: boolean;
  /**
   * Units become durable one by one, at any later time; otherwise within the turn that made them,
   * and crashes lose nothing but memory.
   */
  readonly asyncDisk: boolean;
  /** A start may find the commit index on disk; otherwise it never does. */
  readonly storesCommit: boolean;
  /**
   * Members change: then what is proposed are these changes, and there are no commands. Nobody is
   * like another then, so worlds are not taken together. Left out: they stay.
   */
  readonly changes?: Chain;
  /**
   * Snapshots that members take, all together; each drops the log behind it, as far as it may go.
   * Left out: none.
   */
  readonly snapshotsMax?: number;
  /** Leaders ask for promises, and are asked for reads by leases at any time. Left out: neither. */
  readonly clocks?: Clocks;
  /** Transfers that leaders are asked for, all together. Left out: none. */
  readonly transfersMax?: number;
  /**
   * Times that members see that their leader is gone, truly or not, and times that they then wake
   * to stand, all together. Left out: none.
   */
  readonly gonesMax?: number;
  readonly wakesMax?: number;
  /** Nobody who once heard a leader stops hearing it. Left out: any silence may be long. */
  readonly isNeverSilent?: boolean;
}

/** Members of every model. */
export const memberCount = 3;

/** Terms are stored in three bits: 1 is the term of the first configuration. */
export const termLimit = 7;

/** Entries after the first configuration: five bits each in a 32-bit number. */
export const entriesLimit = 6;

/** Commands are numbered 1, 2, 3 in two bits; 0 is a no-op. */
export const proposalsLimit = 3;

/** Reads have numbers 1 and 2. */
export const readsLimit = 2;

/** @throws RangeError where the encoding has no room for them */
export function checkBounds(bounds: Bounds): void {
  const { termMax, proposalsMax, readsMax, roundsMax } = bounds;
  const entries = termMax - 1 + proposalsMax;
  if (termMax < 2 || termMax > termLimit) refuse(bounds, "termMax", termMax, 2, termLimit);
  if (entries > entriesLimit - 1) {
    refuse(bounds, "termMax - 1 + proposalsMax", entries, 1, entriesLimit - 1);
  }
  if (proposalsMax > proposalsLimit) {
    refuse(bounds, "proposalsMax", proposalsMax, 0, proposalsLimit);
  }
  if (readsMax > readsLimit) refuse(bounds, "readsMax", readsMax, 0, readsLimit);
  if (bounds.timeoutsMax > 15) refuse(bounds, "timeoutsMax", bounds.timeoutsMax, 0, 15);
  if (bounds.ticksMax > 15) refuse(bounds, "ticksMax", bounds.ticksMax, 0, 15);
  if (bounds.crashesMax > 15) refuse(bounds, "crashesMax", bounds.crashesMax, 0, 15);
  const { snapshotsMax = 0 } = bounds;
  if (snapshotsMax > 15) refuse(bounds, "snapshotsMax", snapshotsMax, 0, 15);
  if (roundsMax < 1 || roundsMax > 7) refuse(bounds, "roundsMax", roundsMax, 1, 7);
  checkLeadershipBounds(bounds);
}

function checkLeadershipBounds(bounds: Bounds): void {
  const { clocks, transfersMax = 0, gonesMax = 0, wakesMax = 0 } = bounds;
  if (transfersMax > 3) refuse(bounds, "transfersMax", transfersMax, 0, 3);
  if (gonesMax > 3) refuse(bounds, "gonesMax", gonesMax, 0, 3);
  if (wakesMax > 3) refuse(bounds, "wakesMax", wakesMax, 0, 3);
  if (clocks === undefined) return;
  if (clocks.stepsMax > stepsLimit) refuse(bounds, "stepsMax", clocks.stepsMax, 0, stepsLimit);
  if (bounds.checkQuorum || bounds.followerReads || bounds.changes !== undefined) {
    throw new RangeError(
      `Cannot create the model ${bounds.name}: clocks go with neither CheckQuorum nor followers' ` +
        "reads nor changes of members",
    );
  }
}

function refuse(bounds: Bounds, what: string, value: number, low: number, high: number): never {
  throw new RangeError(
    `Cannot create the model ${bounds.name}: ${what} is ${value}; give ${low} to ${high}`,
  );
}
