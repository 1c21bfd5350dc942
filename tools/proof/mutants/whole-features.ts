/**
 * What a complete Raft does besides commands, in node and storage: only whole members have this
 * code, and only their seeds with the feature find the bug.
 */
import { type Mutant, type Patch, patch } from "./mutant.ts";

function mutant(name: string, bug: string, ...patches: readonly Patch[]): Mutant {
  return { name, bug, world: "members", patches };
}

const reads = "node/reads.ts";
const hardState = "storage/wal/hard-state-files.ts";

export const wholeFeaturesMutants: readonly Mutant[] = [
  mutant(
    "promise-not-written",
    "The file of term and vote leaves out what was promised.",
    patch(hardState, "sealBlock(promisedMs === 0 ? format : promisedFormat,", "sealBlock(format,"),
    patch(hardState, "if (promisedMs > 0) writer.u32(promisedMs);", ""),
  ),
  mutant(
    "lease-read-before-applied",
    "A read by a lease does not wait for the machines.",
    patch(
      reads,
      "else if (this.#isReadable(answer.index)) request.settle(null);",
      "else if (request.byLease || this.#isReadable(answer.index)) request.settle(null);",
    ),
  ),
];
