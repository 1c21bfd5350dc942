/** The disk's watch (H16). */
import { bug, patch, type TrapBug } from "./trap-bug.ts";

export const leadershipBugs: readonly TrapBug[] = [
  bug(
    "H16",
    "Only writes that end are measured.",
    patch(
      "node/leadership/disk-watch.ts",
      "if (busyMs >= limits.stuckStorageMs) this.#illMs = this.#ownMs;",
      "",
    ),
  ),
  bug(
    "H16",
    "The verdict is told to people, and not to the core.",
    patch(
      "node/leadership/leadership.ts",
      '    this.#host.step({ kind: "disk-health", isHealthy });\n',
      "",
    ),
  ),
];
