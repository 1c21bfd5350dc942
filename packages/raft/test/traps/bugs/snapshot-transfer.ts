/** Snapshots on their way between members (G8, H14, H15). */
import { bug, lines, patch, type TrapBug } from "./trap-bug.ts";

export const snapshotTransferBugs: readonly TrapBug[] = [
  bug(
    "G8",
    "A snapshot is sent as fast as disk and network can.",
    patch(
      "node/snapshots/token-bucket.ts",
      "      if (this.#tokens <= 0) break;\n",
      "      // served at once\n",
    ),
  ),
  bug(
    "G8",
    "What a pause saved up is sent at once, however long it was.",
    patch(
      "node/snapshots/token-bucket.ts",
      "this.#tokens = Math.min(this.#tokens + gained, this.#bytesPerMs * burstMs);",
      "this.#tokens += gained;",
    ),
  ),
  bug(
    "H14",
    "Chunks of another snapshot are taken for those of the one that is received.",
    patch(
      "storage/snapshot/snapshot-receiver.ts",
      "if (!isSameSnapshot(identity, this.identity)) {",
      "if (identity.position.index < this.identity.position.index) {",
    ),
  ),
  bug(
    "H14",
    "The next snapshot is fetched while the host installs one.",
    patch(
      "node/snapshots/snapshot-intake.ts",
      "    if (this.#handedOver !== null) return; // its answer is news for the leader, too\n",
      "",
    ),
  ),
  bug(
    "H15",
    "A newer snapshot takes the place of the one that is under way.",
    patch(
      "node/snapshots/snapshot-intake.ts",
      "} else this.#next = offer;",
      lines("} else {", "      this.#next = offer;", '      fetch.end("superseded");', "    }"),
    ),
  ),
  bug(
    "H15",
    "What a member fetches may be removed, and the log behind it.",
    patch(
      "node/snapshots/snapshot-exchange.ts",
      "    if (offered === null || sent === null) return offered ?? sent;\n",
      "    if (offered !== null || sent !== null) return null;\n",
    ),
  ),
  bug(
    "H15",
    "A snapshot that nobody has any more is waited for, though another is offered.",
    patch(
      "node/snapshots/snapshot-fetch.ts",
      'if ((end === "gone" || isLong) && this.#handlers.onStuck()) return;',
      "if (isLong && nowMs < 0) return;",
    ),
  ),
  bug(
    "H15",
    "The log is kept for a member that is gone, because it is offered again and again.",
    patch(
      "node/snapshots/offered-snapshots.ts",
      "      if (isSameSnapshot(before.snapshot, snapshot)) return;\n",
      "",
    ),
    patch(
      "node/snapshots/offered-snapshots.ts",
      "      if (before.state !== null && this.#isKept(before)) return;\n",
      "",
    ),
  ),
];
