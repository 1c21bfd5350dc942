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
    "I3",
    "A command that comes again is applied again.",
    patch(
      "machine/session-table.ts",
      'return reply === undefined ? { kind: "fresh" } : { kind: "duplicate", reply: reply.bytes };',
      lines(
        "if (reply !== undefined) this.#forget(session, sequence);",
        '    return { kind: "fresh" };',
      ),
    ),
  ),
  bug(
    "I4",
    "Sessions do not expire by the stamps of entries.",
    patch(
      "machine/session-table.ts",
      "if (endMs <= this.#timeMs) this.close(id);",
      "if (endMs < 0) this.close(id);",
    ),
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
