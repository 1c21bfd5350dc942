/**
 * What a set of machines needs of one machine to put it into a snapshot. Made by `raw-machine.ts`
 * and `reducer.ts`, used by `machine-set.ts` and its helpers.
 */
import type { StateCapture, StateRestore } from "./state-capture.ts";

export interface InstanceSnapshots {
  /** Who wrote the bytes: the two are never taken for one another. */
  readonly kind: "raw" | "typed";
  /**
   * The format of the bytes. Of a raw machine as it says itself; of a typed one the highest version
   * of all commands that made the state, so that it is the same on all members.
   */
  readonly version: number;
  /** Higher ones cannot be read. */
  readonly versionMax: number;
  capture(): StateCapture;
  /** @invariant `version` is at most `versionMax` */
  restore(version: number): StateRestore;
}
