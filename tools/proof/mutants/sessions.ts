/** Sessions of clients: what the machines remember of commands, and for how long. */
import { lines, type Mutant, type Patch, patch } from "./mutant.ts";

function mutant(name: string, bug: string, ...patches: readonly Patch[]): Mutant {
  return { name, bug, world: "sessions", patches };
}

const table = "machine/session-table.ts";

export const sessionsMutants: readonly Mutant[] = [
  mutant(
    "session-ends-by-own-clock",
    "Sessions end by a clock of the process, not by the log's.",
    patch(
      table,
      "if (stampMs > this.#timeMs) this.#timeMs = stampMs;",
      lines(
        "const clock = globalThis as { sessionsMs?: number };",
        "    clock.sessionsMs = (clock.sessionsMs ?? 0) + 1;",
        "    this.#timeMs = Math.max(this.#timeMs, stampMs, clock.sessionsMs);",
      ),
    ),
  ),
  mutant(
    "session-time-goes-back",
    "A new leader's clock turns the time of the sessions back.",
    patch(table, "if (stampMs > this.#timeMs) this.#timeMs = stampMs;", "this.#timeMs = stampMs;"),
  ),
  mutant(
    "session-never-ends",
    "Sessions do not end by silence.",
    patch(table, "if (endMs <= this.#timeMs) this.close(id);", "if (endMs < 0) this.close(id);"),
  ),
  mutant(
    "session-ends-though-alive",
    "Entries of a session do not keep it alive.",
    patch(table, "    session.activeMs = this.#timeMs;\n", ""),
  ),
  mutant(
    "session-duplicate-applied",
    "A command that comes a second time is applied a second time.",
    patch(
      table,
      'return reply === undefined ? { kind: "fresh" } : { kind: "duplicate", reply: reply.bytes };',
      'return reply === null ? { kind: "duplicate", reply } : { kind: "fresh" };',
    ),
    patch(table, 'assert(!session.replies.has(sequence), "a sequence is applied once");', ""),
  ),
  mutant(
    "session-forgotten-applied",
    "A command whose answer was forgotten is applied once more.",
    patch(table, 'if (sequence < session.floor) return { kind: "forgotten" };', ""),
  ),
  mutant(
    "session-replies-not-kept",
    "A command that comes a second time is known, its answer is not.",
    patch(table, "const fits = bytes !== null && ", "const fits = bytes === undefined && "),
  ),
  mutant(
    "session-floor-ignored",
    "What a client has the answer of is remembered for ever.",
    patch(table, "if (floor <= session.floor) return;", "if (floor >= 0) return;"),
  ),
  mutant(
    "snapshot-without-sessions",
    "A snapshot's sessions are not taken over.",
    patch("machine/machine-set.ts", "          this.#sessions = sessions;\n", ""),
    patch(
      "machine/machine-set.ts",
      "SessionTable.restore((sessions) => {",
      "SessionTable.restore(() => {",
    ),
  ),
  mutant(
    "snapshot-without-replies",
    "A snapshot says that commands were applied, and not what they were answered.",
    patch(
      table,
      "const reply: Reply = { session, sequence, ...image };",
      "const reply: Reply = { session, sequence, ...image, bytes: null };",
    ),
  ),
  mutant(
    "snapshot-sessions-not-frozen",
    "A snapshot has answers of commands that came after it.",
    patch(table, "      session.isShared = true;\n", ""),
  ),
  mutant(
    "snapshot-sessions-never-end",
    "Sessions that come from a snapshot do not end.",
    patch(
      table,
      "table.#earliestEndMs = Math.min(table.#earliestEndMs, activeMs + ttlMs);",
      "table.#earliestEndMs = Number.POSITIVE_INFINITY;",
    ),
  ),
];
