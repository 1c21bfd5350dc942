/** State machine and clients (I). */
import { bug, lines, patch, type TrapBug } from "./trap-bug.ts";

const apply = "result = this.#parts.machines.apply(entry.data, entry.index, entry.term, wanted);";

export const machineBugs: readonly TrapBug[] = [
  bug(
    "I1",
    "What apply throws is swallowed.",
    patch("node/member.ts", apply, lines("try {", `          ${apply}`, "        } catch {}")),
  ),
  bug(
    "I2",
    "The end of a member says nothing to those who wait.",
    patch("node/member.ts", "    failAll(this.#deadlines, error);\n", ""),
  ),
  bug(
    "I5",
    "A command for an unknown machine is skipped.",
    patch("node/member.ts", apply, `if (this.#parts.machines.knows(entry.data)) ${apply}`),
  ),
  bug(
    "I7",
    "At the deadline a command counts as not applied.",
    patch(
      "node/proposals.ts",
      'this.abort(request, timedOut(action, waitedMs, "unknown"))',
      'this.abort(request, timedOut(action, waitedMs, "not-applied"))',
    ),
  ),
];
