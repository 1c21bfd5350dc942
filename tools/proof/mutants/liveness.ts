/** What keeps a cluster going. */
import { type Mutant, type Patch, patch } from "./mutant.ts";

function mutant(name: string, bug: string, ...patches: readonly Patch[]): Mutant {
  return { name, bug, world: "cores", patches };
}

export const livenessMutants: readonly Mutant[] = [
  mutant(
    "no-check-quorum",
    "A leader that nobody answers leads on.",
    patch(
      "core/timers.ts",
      "if (raft.settings.checkQuorum && !hasQuorumContact(raft, leadership)) {",
      "if (raft.settings.checkQuorum && hasQuorumContact === undefined) {",
    ),
  ),
  mutant(
    "no-pre-vote",
    "Whose election timer runs out raises the term without asking.",
    patch("core/election.ts", "if (raft.settings.preVote) {", "if (raft.settings === undefined) {"),
  ),
  mutant(
    "probe-never-backs-off",
    "After a conflict the same is sent again.",
    patch(
      "core/replication.ts",
      "const next = Math.max(shared.index, progress.matched) + 1;",
      "const next = Math.max(progress.next, shared.index + 1, progress.matched + 1);",
    ),
  ),
  mutant(
    "window-never-frees",
    "What was acknowledged stays in the window of appends under way.",
    patch("core/progress.ts", "  if (freed > 0) progress.inflight.splice(0, freed);\n", ""),
    patch("core/progress.ts", "    progress.inflightBytes -= inflight.bytes;\n", ""),
  ),
];
