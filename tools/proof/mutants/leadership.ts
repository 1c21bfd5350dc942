/** Transfer, failover and leases. */
import { lines, type Mutant, type Patch, patch } from "./mutant.ts";

function mutant(name: string, bug: string, ...patches: readonly Patch[]): Mutant {
  return { name, bug, world: "cores", patches };
}

export const leadershipMutants: readonly Mutant[] = [
  mutant(
    "transfer-order-any-term",
    "An order to stand is obeyed from anybody, in any term.",
    patch(
      "core/transfer.ts",
      "if (order.term < raft.hardState.term || order.from !== raft.leader) return;",
      'if (raft.role === "leader") return;',
    ),
  ),
  mutant(
    "transfer-before-caught-up",
    "The target is told to stand whatever it has.",
    patch(
      "core/transfer.ts",
      "if (progress === undefined || progress.matched < lastIndex(raft.log)) return;",
      "if (progress === undefined) return;",
    ),
  ),
  mutant(
    "transfer-without-deadline",
    "A transfer that fails freezes the leader.",
    patch("core/timers.ts", "  maybeGiveUpTransfer(raft, leadership);\n", ""),
  ),
  mutant(
    "transfer-waives-any-term",
    "A request after a transfer waives stickiness in every later term.",
    patch("core/election.ts", " && request.term === raft.hardState.term + 1;", ";"),
  ),
  mutant(
    "failover-without-pre-vote",
    "Who sees a broken link raises the term at once.",
    patch("core/failover.ts", "  preCampaign(raft);", "  campaign(raft, false);"),
    patch("core/failover.ts", "mayStand, preCampaign }", "campaign, mayStand }"),
  ),
  mutant(
    "failover-never-forgotten",
    "Hearing the leader again does not count.",
    patch(
      "core/replication.ts",
      "  raft.failover = null;\n  resetElectionTimer",
      "  resetElectionTimer",
    ),
    patch("core/replication.ts", "if (raft.failover?.peer === peer) raft.failover = null;", ""),
    patch(
      "core/failover.ts",
      "message.term === failover.term) raft.failover = null;",
      "message.term < 0) raft.failover = null;",
    ),
  ),
  mutant(
    "lease-from-arrival",
    "A promise counts from when it came.",
    patch("core/lease.ts", "sent.ms + withoutDrift", "raft.nowMs + withoutDrift"),
  ),
  mutant(
    "lease-without-pause-check",
    "A lease is checked by the clock of the last tick.",
    patch("core/lease.ts", "return nowMs < untilMs;", "return raft.nowMs < untilMs;"),
  ),
  mutant(
    "lease-through-transfer",
    "A leader that hands over keeps its lease.",
    patch("core/lease.ts", " || leadership.transfer !== null) return false;", ") return false;"),
    patch("core/lease.ts", "progress.leaseUntilMs = 0;", "progress.leaseUntilMs += 0;"),
  ),
  mutant(
    "lease-one-half",
    "In a joint configuration the new half's promises are enough.",
    patch(
      "core/lease.ts",
      "quorumValue(raft.configuration, (id)",
      "quorumValue({ ...raft.configuration, outgoing: null }, (id)",
    ),
  ),
  mutant(
    "lease-without-drift",
    "Clocks are taken to be equal.",
    patch(
      "core/lease.ts",
      "(durationMs * (1000 - drift)) / (1000 + drift)",
      "durationMs + 0 * drift",
    ),
  ),
  mutant(
    "lease-before-term-start",
    "A new leader answers by a lease before it has committed anything.",
    patch("core/lease.ts", " || commit < leadership.termStart", ""),
  ),
  mutant(
    "promise-forgotten-by-vote",
    "Who promised votes all the same.",
    patch("core/election.ts", "isNewer && !holdsPromise(raft) &&", "isNewer &&"),
    patch("core/election.ts", 'if (voter.holdsPromise) return "leader-alive";', ""),
  ),
  mutant(
    "promise-forgotten-by-candidate",
    "Who promised stands all the same.",
    patch("core/election.ts", " && !holdsPromise(raft);", ";"),
    patch("core/roles.ts", "assert(!holdsPromise(raft),", "assert(true,"),
    patch("core/roles.ts", 'import { holdsPromise } from "./lease.ts";\n', ""),
    patch("core/check.ts", "assert(!holdsPromise(raft),", "assert(true,"),
    patch("core/check.ts", 'import { holdsPromise } from "./lease.ts";\n', ""),
  ),
  mutant(
    "promise-forgotten-by-restart",
    "A promise does not outlive the process.",
    patch("core/state.ts", "formerPendingMs: promisedMs }", "formerPendingMs: 0 * promisedMs }"),
  ),
  mutant(
    "promise-counts-from-last-tick",
    "Who promised counts from the tick before the receipt.",
    patch(
      "core/lease.ts",
      "promise.pendingMs = Math.max(promise.pendingMs, promisedMs);",
      "promise.untilMs = Math.max(promise.untilMs, raft.nowMs + promisedMs);",
    ),
  ),
  mutant(
    "transfer-takes-work",
    "A leader that hands over appends commands.",
    patch(
      "core/replication.ts",
      '  if (leadership.transfer !== null) return { kind: "refused", why: "transferring" };\n',
      "",
    ),
  ),
  mutant(
    "transfer-end-untold",
    "Nobody is told that a transfer ended with the stint.",
    patch(
      "core/roles.ts",
      'if (raft.leadership !== null) endTransfer(raft, raft.leadership, "stepped-down");',
      'if (raft.leadership === undefined) endTransfer(raft, raft.leadership, "stepped-down");',
    ),
  ),
  mutant(
    "priority-without-handover",
    "A leader keeps what a member of higher priority should have.",
    patch("core/timers.ts", "  maybeHandOver(raft, leadership);\n", ""),
  ),
  mutant(
    "failover-of-anybody",
    "Somebody else's end passes for the leader's.",
    patch("core/failover.ts", " || raft.leader !== peer || ", " || "),
    patch(
      "core/failover.ts",
      "raft.failover = { peer, term",
      "raft.failover = { peer: raft.leader ?? peer, term",
    ),
  ),
  mutant(
    "lease-after-failed-transfer",
    "Promises that were given back count again once the transfer has failed.",
    patch(
      "core/transfer.ts",
      "leadership.leaseFromRound = leadership.round;",
      "leadership.leaseFromRound = 0;",
    ),
  ),
  mutant(
    "promise-given-back-late",
    "A message that was overtaken gives promises back.",
    patch("core/lease.ts", "if (isSameLeader && round < promise.round) return 0;", ""),
  ),
  mutant(
    "promise-not-stored",
    "A promise leaves that is not on disk.",
    patch(
      "core/lease.ts",
      "if (promisedMs > (hardState.promisedMs ?? 0)) setHardState",
      "if (promisedMs < (hardState.promisedMs ?? 0)) setHardState",
    ),
  ),
  mutant(
    "former-promise-given-back",
    "A leader gives back what was promised before the start.",
    patch(
      "core/lease.ts",
      "  promise.untilMs = 0;\n  promise.pendingMs = 0;\n  return 0;",
      "  promise.untilMs = 0;\n  promise.pendingMs = 0;\n  promise.formerUntilMs = 0;\n  return 0;",
    ),
  ),
  mutant(
    "failover-by-hearsay",
    "Who is asked for a pre-vote takes the asker's word that the leader is gone.",
    patch(
      "core/election.ts",
      "  const isNewer = !request.pre && request.term > raft.hardState.term;",
      lines(
        '  if (request.pre && raft.role === "follower" && raft.leader !== null) {',
        "    raft.failover = { peer: raft.leader, term: raft.hardState.term, wakes: 0 };",
        "  }",
        "  const isNewer = !request.pre && request.term > raft.hardState.term;",
      ),
    ),
  ),
];
