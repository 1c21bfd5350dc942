/** Memory and flow control: what a member takes, what it says of its room, what is budgeted. */
import { type Mutant, type Patch, patch } from "./mutant.ts";

function mutant(name: string, bug: string, ...patches: readonly Patch[]): Mutant {
  return { name, bug, world: "cores", patches };
}

export const flowMutants: readonly Mutant[] = [
  mutant(
    "full-for-ever",
    "A follower that was full once stays so.",
    patch(
      "core/backlog.ts",
      "if (backlog.isFull && held <= backlog.resumeBytes) backlog.isFull = false;",
      "",
    ),
  ),
  mutant(
    "room-unheard",
    "A leader believes that a peer is full whatever it says later.",
    patch("core/progress.ts", "  progress.isFull = isFull;", "  progress.isFull ||= isFull;"),
    patch("core/replication.ts", "  progress.isFull = false; // of who comes back", "  // of who"),
  ),
  mutant(
    "large-append-never-taken",
    "A member without a backlog refuses an append that is larger than its bound.",
    patch(
      "core/backlog.ts",
      "if (held === 0 || entries.length === 0)",
      "if (entries.length === 0)",
    ),
  ),
  mutant(
    "uncommitted-is-backlog",
    "What only waits to be committed takes up room.",
    patch(
      "core/backlog.ts",
      "return backlog.unsyncedBytes + backlog.unappliedBytes;",
      "return backlog.unsyncedBytes + backlog.unappliedBytes + waiting(arguments[0]);",
    ),
    patch(
      "core/backlog.ts",
      "/** What the backlog may be now;",
      "function waiting({ log, commit }: Raft): number {\n" +
        "  return bytesBetween(log, commit + 1, lastIndex(log));\n" +
        "}\n\n/** What the backlog may be now;",
    ),
  ),
  mutant(
    "inherited-is-free",
    "What a leader inherits costs nothing.",
    patch("core/roles.ts", "uncommittedBytes: inheritedBytes(raft)", "uncommittedBytes: 0"),
  ),
  mutant(
    "refused-is-verified",
    "A full member counts what it did not take as the leader's log.",
    patch(
      "core/replication.ts",
      "    onAppendEntries(raft, withoutNew(raft.log, request));\n    return;",
      "    onAppendEntries(raft, withoutNew(raft.log, request));\n" +
        "    if (raft.pendingAck !== null) raft.verified = lastIndex(raft.log);\n    return;",
    ),
  ),
];
