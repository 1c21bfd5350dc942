/** Replication and commitment. */
import { lines, type Mutant, type Patch, patch } from "./mutant.ts";

function mutant(name: string, bug: string, ...patches: readonly Patch[]): Mutant {
  return { name, bug, world: "cores", patches };
}

export const logsMutants: readonly Mutant[] = [
  mutant(
    "commit-old-term",
    "Entries of earlier terms are committed by counting (Figure 8).",
    patch(
      "core/commitment.ts",
      "if (index <= raft.commit || termAt(raft.log, index) !== raft.hardState.term) return;",
      "if (index <= raft.commit) return;",
    ),
    patch("core/commitment.ts", "index >= leadership.termStart", "true"),
  ),
  mutant(
    "ack-before-disk",
    "A follower acknowledges what is not on its disk.",
    patch(
      "core/acknowledgement.ts",
      "acknowledge(raft, owed, raft.verified, after);",
      "acknowledge(raft, owed, raft.verified, raft.hardStateUnit);",
    ),
  ),
  mutant(
    "ack-last-index",
    "A follower acknowledges all it has instead of what matched.",
    patch(
      "core/replication.ts",
      "const through = prev.index + request.entries.length;",
      "const through = lastIndex(raft.log);",
    ),
  ),
  mutant(
    "leader-counts-memory",
    "A leader counts its own entries before they are on its disk.",
    patch(
      "core/commitment.ts",
      "if (id === raft.id) return raft.durableIndex;",
      "if (id === raft.id) return lastIndex(raft.log);",
    ),
  ),
  mutant(
    "commit-beyond-verified",
    "A follower commits up to its last index, matching or not.",
    patch(
      "core/commitment.ts",
      "Math.min(raft.leaderCommit, raft.verified)",
      "Math.min(raft.leaderCommit, lastIndex(raft.log))",
    ),
  ),
  mutant(
    "verified-outlives-term",
    "What was verified against the leader before counts for the new one.",
    patch("core/state.ts", "  raft.verified = noIndex;\n", ""),
  ),
  mutant(
    "always-truncate",
    "A follower cuts its log after every append, conflict or not.",
    patch(
      "core/replication.ts",
      "if (first === undefined) return;\n",
      lines(
        "if (first === undefined) {",
        "    const end = (request.prev.index + entries.length + 1) as LogIndex;",
        "    if (end <= lastIndex(raft.log)) removeFrom(raft, end);",
        "    return;",
        "  }",
        "",
      ),
    ),
    patch("core/replication.ts", "from > raft.commit", "true"),
  ),
  mutant(
    "never-truncate",
    "A conflicting entry stays.",
    patch(
      "core/replication.ts",
      "if (entry === undefined || termAt(raft.log, entry.index) !== entry.term) break;",
      "if (entry === undefined || termAt(raft.log, entry.index) === undefined) break;",
    ),
  ),
  mutant(
    "no-previous-term-check",
    "An append fits wherever there is an entry, of whatever term.",
    patch("core/replication.ts", "if (term !== prev.term) {", "if (term === undefined) {"),
  ),
  mutant(
    "stale-append-accepted",
    "Appends of older terms are taken over.",
    patch(
      "core/replication.ts",
      "if (request.term < raft.hardState.term) {",
      "if (request.term < 0) {",
    ),
  ),
  mutant(
    "stale-acknowledgement-counts",
    "Acknowledgements of an earlier term count in this one.",
    patch("core/replication.ts", "  if (response.term < raft.hardState.term) return;\n", ""),
  ),
  mutant(
    "completion-of-replaced-entries",
    "The completion of a unit vouches for entries that replaced what it held.",
    patch(
      "core/replication.ts",
      "unit.lastIndex = Math.min(unit.lastIndex, end) as LogIndex;",
      "unit.lastIndex = Math.min(unit.lastIndex, unit.lastIndex) as LogIndex;",
    ),
  ),
  mutant(
    "truncation-not-stored",
    "Removed entries stay on the disk.",
    patch("core/take.ts", "    truncateFrom,\n", "    truncateFrom: null,\n"),
  ),
  mutant(
    "durable-survives-truncation",
    "What was durable counts as durable after it was removed.",
    patch(
      "core/replication.ts",
      "raft.durableIndex = Math.min(raft.durableIndex, end) as LogIndex;",
      "",
    ),
    patch("core/check.ts", "raft.durableIndex <= last", "true"),
    patch("core/check.ts", "raft.durableIndex < raft.unstableFrom", "true"),
  ),
];
