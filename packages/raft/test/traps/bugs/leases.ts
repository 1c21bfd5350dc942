/** Leases (D). */
import { bug, lines, patch, type TrapBug } from "./trap-bug.ts";

export const leaseBugs: readonly TrapBug[] = [
  bug(
    "D7",
    "The host gives the core the clock as of the last tick.",
    patch("node/reads.ts", "nowMs: this.#host.nowMs() });", "nowMs: this.#host.raft.nowMs });"),
  ),
  bug(
    "D5",
    "A lease is compared with a clock that starts with the member's first tick.",
    patch(
      "core/replication.ts",
      "tick: raft.nowTick, ms: raft.nowMs }",
      "tick: raft.nowTick, ms: 0 }",
    ),
  ),
  bug(
    "D6",
    "A promise counts from when it came.",
    patch(
      "core/lease.ts",
      "const untilMs = sent.ms + withoutDrift(raft, promisedMs);",
      "const untilMs = raft.nowMs + 450 + withoutDrift(raft, promisedMs);",
    ),
  ),
  bug(
    "D6",
    "A lease is checked at ticks only.",
    patch("core/lease.ts", "return nowMs < untilMs;", "return raft.nowMs < untilMs;"),
  ),
  bug(
    "D7",
    "A leader that wakes looks at the clock of before.",
    patch("core/lease.ts", "return nowMs < untilMs;", "return raft.nowMs < untilMs;"),
  ),
  bug(
    "D8",
    "The lease outlives the beginning of a transfer.",
    patch(
      "core/lease.ts",
      "if (!raft.settings.leaseReads || leadership.transfer !== null) return false;",
      "if (!raft.settings.leaseReads) return false;",
    ),
    patch("core/lease.ts", "progress.leaseUntilMs = 0;", ""),
  ),
  bug(
    "D8",
    "The mark of a transfer frees voters of their promises.",
    patch("core/election.ts", "isNewer && !holdsPromise(raft) &&", "isNewer &&"),
    patch(
      "core/election.ts",
      'if (voter.holdsPromise) return "leader-alive";',
      'if (voter.holdsPromise && request.transfer !== true) return "leader-alive";',
    ),
  ),
  bug(
    "D8",
    "The target is told to stand before promises are given back.",
    patch("core/transfer.ts", "  if (!isReleased(raft, leadership, transfer)) return;\n", ""),
  ),
  bug(
    "D8",
    "Answers from before a transfer make a lease after it.",
    patch(
      "core/lease.ts",
      "leaseFromRound === null || round < leaseFromRound",
      "leaseFromRound === null",
    ),
    patch("core/lease.ts", " || round <= progress.ackedRound", ""),
  ),
  bug(
    "D8",
    "What gave old promises back gives back the new ones, too.",
    patch("core/lease.ts", "if (isSameLeader && round < promise.round) return 0;", ""),
  ),
  bug(
    "D9",
    "A promise is forgotten at a restart.",
    patch("core/state.ts", "formerPendingMs: promisedMs }", "formerPendingMs: 0 * promisedMs }"),
  ),
  bug(
    "D9",
    "A promise from before the start is given back like one of this life.",
    patch(
      "core/lease.ts",
      "  promise.untilMs = 0;\n  promise.pendingMs = 0;",
      lines(
        "  promise.untilMs = 0;",
        "  promise.pendingMs = 0;",
        "  promise.formerPendingMs = 0;",
        "  promise.formerUntilMs = 0;",
      ),
    ),
  ),
  bug(
    "D9",
    "A promise leaves before it is on the disk.",
    patch(
      "core/lease.ts",
      "setHardState(raft, { ...hardState, promisedMs });",
      "raft.hardState = { ...hardState, promisedMs };",
    ),
    patch("core/lease.ts", "type Raft, setHardState }", "type Raft }"),
  ),
  bug(
    "D10",
    "The new half's promises are enough.",
    patch(
      "core/lease.ts",
      "quorumValue(raft.configuration, (id)",
      "quorumValue({ ...raft.configuration, outgoing: null }, (id)",
    ),
  ),
  bug(
    "D10",
    "The old half's promises are enough.",
    patch(
      "core/lease.ts",
      "quorumValue(raft.configuration, (id)",
      lines(
        "quorumValue({",
        "    ...raft.configuration,",
        "    voters: raft.configuration.outgoing ?? raft.configuration.voters,",
        "  }, (id)",
      ),
    ),
  ),
];
