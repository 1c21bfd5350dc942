/** Reads, and what keeps replication going. */
import { lines, type Mutant, type Patch, patch } from "./mutant.ts";

function mutant(name: string, bug: string, ...patches: readonly Patch[]): Mutant {
  return { name, bug, world: "cores", patches };
}

export const readsMutants: readonly Mutant[] = [
  mutant(
    "read-old-round",
    "A read is confirmed by answers to the round before it.",
    patch(
      "core/reads.ts",
      "if (read.round > confirmed) break;",
      "if (read.round > confirmed + 1) break;",
    ),
  ),
  mutant(
    "read-without-term-start",
    "A new leader answers reads with a commit index from before its term.",
    patch(
      "core/reads.ts",
      "Math.max(raft.commit, leadership.termStart)",
      "Math.max(raft.commit, 0)",
    ),
  ),
  mutant(
    "read-without-round",
    "A leader answers reads without asking whether it still leads.",
    patch("core/reads.ts", "if (read.round > confirmed) break;", ""),
  ),
  mutant(
    "read-answer-of-other-batch",
    "A follower takes any answer of its leader for its newest question.",
    patch(
      "core/reads.ts",
      lines(
        "if (response.boot !== raft.boot) return;",
        "  const asked = raft.readsAsked.get(response.batch);",
      ),
      "const asked = raft.readsAsked.get(raft.readBatch);",
    ),
  ),
  mutant(
    "probe-never-resumes",
    "A probe that was lost is not repeated.",
    patch("core/timers.ts", 'if (progress.mode === "probe") progress.probeSequence = null;', ""),
  ),
  mutant(
    "loss-unnoticed",
    "Lost appends are not noticed by later answers.",
    patch("core/progress.ts", "if (inflight.last > verified) return true;", ""),
  ),
  mutant(
    "lost-disk-unnoticed",
    "A peer that lost its disk's end is never fed again.",
    patch("core/replication.ts", "if (sequence <= progress.matchedSequence) return;", "return;"),
  ),
];
