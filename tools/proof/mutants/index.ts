/** Every bug that is planted to see whether it is found. */
import { electionsMutants } from "./elections.ts";
import { logsMutants } from "./logs.ts";
import type { Mutant } from "./mutant.ts";
import { nodeMutants } from "./node.ts";
import { readsMutants } from "./reads.ts";
import { storageMutants } from "./storage.ts";

export type { Mutant, Patch } from "./mutant.ts";

export const mutants: readonly Mutant[] = [
  ...electionsMutants,
  ...logsMutants,
  ...readsMutants,
  ...storageMutants,
  ...nodeMutants,
];
