/**
 * Damaged logs that the other members mend: what a member may not do until it has all again. First
 * found by the seeds 12, 18, 90, 12, 11, 12 and 12 of members, in this order.
 */
import { type Mutant, type Patch, patch } from "./mutant.ts";

function mutant(name: string, bug: string, ...patches: readonly Patch[]): Mutant {
  return { name, bug, world: "members", patches };
}

export const repairMutants: readonly Mutant[] = [
  mutant(
    "repairing-member-votes",
    "A member whose log was cut because of damage votes and stands on.",
    patch(
      "storage/wal/repair.ts",
      "const state = { ...numbered.state, mustCatchUp: true };",
      "const state = { ...numbered.state };",
    ),
  ),
  mutant(
    "repair-forgotten",
    "That a member is being repaired is known to the process only.",
    patch(
      "storage/wal/repair.ts",
      "yield* writeHardState(files, next, identity, crc32);",
      "yield* writeHardState(files, { ...next, state: numbered.state }, identity, crc32);",
    ),
    patch(
      "storage/wal/open-log.ts",
      "hardState: prepared.hardState.state,",
      "hardState: sound.repair === null ? prepared.hardState.state : " +
        "{ ...prepared.hardState.state, mustCatchUp: true },",
    ),
  ),
  mutant(
    "repair-recorded-too-late",
    "The damaged range is taken away before it is written down that the member abstains.",
    patch(
      "storage/wal/repair.ts",
      "const hardState = yield* abstain(log, error, warn);",
      "yield* cutLog(log, cut, { sequence: 1, state: firstHardState.state });",
    ),
    patch(
      "storage/wal/repair.ts",
      "const files = yield* cutLog(log, cut, hardState);",
      "const hardState = yield* abstain(log, error, warn);\n" +
        "      const files = yield* cutLog(log, cut, hardState);",
    ),
    patch(
      "storage/wal/repair.ts",
      "import { hardStateFileNames, type NumberedHardState, writeHardState }",
      "import { firstHardState, hardStateFileNames, type NumberedHardState, writeHardState }",
    ),
  ),
  mutant(
    "repairing-member-acknowledges-all",
    "A member in repair acknowledges all that its leader has committed, as if it had it.",
    patch(
      "core/acknowledgement.ts",
      "const onDisk = Math.min(raft.verified, raft.durableIndex) as LogIndex;",
      "if (raft.hardState.mustCatchUp) raft.verified = Math.max(raft.verified, " +
        "Math.min(raft.leaderCommit, raft.log.base.index + raft.log.entries.length)) as LogIndex;" +
        "\n" +
        "  const onDisk = Math.min(raft.verified, raft.durableIndex) as LogIndex;",
    ),
  ),
  mutant(
    "repair-ends-at-first-leader",
    "A member in repair votes again as soon as it hears a leader of a later term.",
    patch(
      "core/commitment.ts",
      "if (target > raft.verified || target > raft.durableIndex) return;",
      "",
    ),
    patch(
      "core/commitment.ts",
      "if (termAt(raft.log, target) !== raft.hardState.term) return;",
      "",
    ),
  ),
  mutant(
    "repair-ends-under-old-leader",
    "A member in repair votes again once it holds what the leader of its old term has committed.",
    patch(
      "core/commitment.ts",
      "if (raft.hardState.term > raft.recoveredTerm) {",
      "if (raft.hardState.term >= raft.recoveredTerm) {",
    ),
  ),
  mutant(
    "repair-commits-what-is-left",
    "All that is left of a damaged log counts as committed, also what the lost part replaced.",
    patch(
      "storage/wal/repair.ts",
      "hardStateSequence: sequence, commit: logIndex(0) };",
      "hardStateSequence: sequence, commit: logIndex(2 ** 40) };",
    ),
  ),
];
