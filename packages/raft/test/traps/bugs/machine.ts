/** State machine and clients (I). */
import { bug, lines, patch, type TrapBug } from "./trap-bug.ts";

const apply = "result = this.#parts.machines.apply(entry.data, entry.index, entry.term, wanted);";

export const machineBugs: readonly TrapBug[] = [
  bug(
    "H14",
    "Entries are applied while a snapshot is taken in.",
    patch(
      "machine/machine-set.ts",
      'assert(!this.#isRestoring, "nothing is applied while a snapshot is taken in");',
      "",
    ),
  ),
  bug(
    "H14",
    "Two snapshots are taken in at once.",
    patch(
      "machine/machine-set.ts",
      'assert(!this.#isRestoring, "one snapshot is taken in at a time");',
      "",
    ),
  ),
  bug(
    "I3",
    "The sessions of a snapshot are not taken over.",
    patch("machine/machine-set.ts", "this.#sessions = sessions;", "void sessions;"),
  ),
  bug(
    "I4",
    "A session counts as active when its snapshot is taken in.",
    patch(
      "machine/session-table.ts",
      "const session: Session = { ttlMs, activeMs,",
      "const session: Session = { ttlMs, activeMs: timeMs,",
    ),
  ),
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
    "I5",
    "A version is enabled without asking the members.",
    patch(
      "node/versions/version-gate.ts",
      'if (lacking.length > 0) return { kind: "held", held: this.#held(one, lacking) };',
      "",
    ),
    patch(
      "node/versions/version-gate.ts",
      "version = Math.min(version, this.#versionOf(id, machine, true) ?? 0);",
      'if (id === "") version = 0;',
    ),
  ),
  bug(
    "I5",
    "A leader takes commands of a version that is not enabled.",
    patch(
      "node/versions/version-gate.ts",
      "return lack === null ? free : this.#judgeLack(lack);",
      "return lack === null || lack.version > 1 ? free : this.#judgeLack(lack);",
    ),
  ),
  bug(
    "I5",
    "What is enabled is not in snapshots.",
    patch("machine/machine-set.ts", "if (versions.length > 0) {", "if (versions.length > 999) {"),
  ),
  bug(
    "I5",
    "An older program starts on a log that enables a newer version.",
    patch("node/open-member.ts", "if (tooNew !== null) {", "if (tooNew?.version === 0) {"),
  ),
  bug(
    "I6",
    "A member keeps the hash of its state to itself.",
    patch(
      "node/state-comparison.ts",
      'this.#host.send({ kind: "state-hash", from: raft.id, to: id, index, hash });',
      "",
    ),
  ),
  bug(
    "I6",
    "Who has another state than a majority goes on.",
    patch(
      "node/state-comparison.ts",
      "if (hash !== own && ids.length >= needed) throw diverged(raft.id, index, ids);",
      "",
    ),
  ),
  bug(
    "I6",
    "The guard lets a reducer ask for chance and time.",
    patch("machine/reducer-guard.ts", "used ??= refusal(", "void refusal("),
  ),
  bug(
    "I6",
    "The guard runs a command once.",
    patch(
      "machine/reducer-guard.ts",
      "const second = runOnce(guarded, watch);",
      "const second = first;",
    ),
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
