/** Memory and flow control: what followers say of their room (G7). */
import { bug, patch, type TrapBug } from "./trap-bug.ts";

export const flowBugs: readonly TrapBug[] = [
  bug(
    "G7",
    "A follower takes whatever comes, and says nothing.",
    patch(
      "core/backlog.ts",
      "if (held + bytes <= limit) return true;\n  for",
      "return true;\n  for",
    ),
    patch("core/backlog.ts", "if (held > limit / 2) becomeFull(", "if (held < 0) becomeFull("),
  ),
  bug(
    "G7",
    "The leader does not listen.",
    patch("core/progress.ts", "    !progress.isFull &&\n", ""),
    patch("core/replication.ts", "if (asks && !progress.isFull)", "if (asks)"),
    patch(
      "core/backlog.ts",
      "if (held + bytes <= limit) return true;\n  for",
      "return true;\n  for",
    ),
  ),
  bug(
    "G7",
    "A follower that has room again waits to be asked.",
    patch("core/acknowledgement.ts", "raft.pendingAck ?? findRoomToTell(raft)", "raft.pendingAck"),
  ),
  bug(
    "G7",
    "What waits for the machines does not count.",
    patch(
      "core/backlog.ts",
      "return backlog.unsyncedBytes + backlog.unappliedBytes;",
      "return backlog.unsyncedBytes;",
    ),
  ),
  bug(
    "G7",
    "What waits for the disk does not count.",
    patch(
      "core/backlog.ts",
      "return backlog.unsyncedBytes + backlog.unappliedBytes;",
      "return backlog.unappliedBytes;",
    ),
  ),
];
