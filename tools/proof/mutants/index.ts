/** Every bug that is planted to see whether it is found. */
import { configurationMutants } from "./configuration.ts";
import { electionsMutants } from "./elections.ts";
import { flowMutants } from "./flow.ts";
import { leadershipMutants } from "./leadership.ts";
import { livenessMutants } from "./liveness.ts";
import { logsMutants } from "./logs.ts";
import type { Mutant } from "./mutant.ts";
import { nodeMutants } from "./node.ts";
import { readsMutants } from "./reads.ts";
import { repairMutants } from "./repair.ts";
import { sessionsMutants } from "./sessions.ts";
import { snapshotsMutants } from "./snapshots.ts";
import { storageMutants } from "./storage.ts";
import { wholeFeaturesMutants } from "./whole-features.ts";
import { wholeSnapshotsMutants } from "./whole-snapshots.ts";

export type { Mutant, Patch } from "./mutant.ts";

export const mutants: readonly Mutant[] = [
  ...electionsMutants,
  ...logsMutants,
  ...readsMutants,
  ...storageMutants,
  ...nodeMutants,
  ...configurationMutants,
  ...snapshotsMutants,
  ...leadershipMutants,
  ...sessionsMutants,
  ...livenessMutants,
  ...flowMutants,
  ...repairMutants,
  ...wholeSnapshotsMutants,
  ...wholeFeaturesMutants,
];

/** Hundreds of seeds of whole members each: CI leaves them out, the full run does not. */
export const slowMutants: ReadonlySet<string> = new Set([
  "failed-sync-trusted",
  "any-incarnation-welcome",
]);
