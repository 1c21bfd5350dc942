/**
 * Time in the models with leases. It passes in steps for all members at once, and each has a clock
 * that runs fast or slow throughout, as far apart as is declared: the argument of a lease compares
 * one stretch of time on two clocks, and is tightest where both keep their rate. A member sees its
 * clock when it ticks, whenever that is; in between it may stand still for any number of steps.
 *
 * A lease is two steps of a fast clock, and counts for two steps of a slow one.
 */
import type { Settings } from "../../../core/index.ts";

export interface Clocks {
  /** Steps of time: half a lease each. */
  readonly stepsMax: number;
  /** How many members' clocks are slow; one first world for each of these numbers. */
  readonly slow: readonly number[];
}

/** Milliseconds in a step, by a clock that runs fast by `leaseDriftPermille`. */
export const fastMs = 3;
/** By one that runs slow by as much. */
export const slowMs = 2;

/** For settings: two fast steps, and 1.2 to 0.8 is 3 to 2. */
export const leaseSettings: Pick<Settings, "leaseReads" | "leaseMs" | "leaseDriftPermille"> = {
  leaseReads: true,
  leaseMs: 2 * fastMs,
  leaseDriftPermille: 200,
};

/** Steps of a world at most: numbers of inputs are kept free for them. */
export const stepsLimit = 7;
