/**
 * Bugs to plant: each a few replacements in the core's source, one line of what it is, and known to
 * history or to the paper. The walk is worth what it finds of these (`run-mutants.ts`).
 */

/** `search` occurs exactly once in `file`, a path below `packages/raft/src`. */
export interface Patch {
  readonly file: string;
  readonly search: string;
  readonly replace: string;
}

export interface Mutant {
  readonly name: string;
  readonly bug: string;
  readonly patches: readonly Patch[];
}

function mutant(name: string, bug: string, ...patches: readonly Patch[]): Mutant {
  return { name, bug, patches };
}

function patch(file: string, search: string, replace: string): Patch {
  return { file: `core/${file}`, search, replace };
}

function lines(...parts: readonly string[]): string {
  return parts.join("\n");
}

const elections: readonly Mutant[] = [
  mutant(
    "vote-before-disk",
    "A vote leaves before it is durable.",
    patch(
      "election.ts",
      'after: raft.hardStateUnit,\n    message: {\n      kind: "request-vote-response"',
      'after: raft.durableUnit,\n    message: {\n      kind: "request-vote-response"',
    ),
  ),
  mutant(
    "candidacy-before-disk",
    "A candidate asks for votes before its own term and vote are durable.",
    patch(
      "election.ts",
      'after: raft.hardStateUnit,\n      message: {\n        kind: "request-vote"',
      'after: raft.durableUnit,\n      message: {\n        kind: "request-vote"',
    ),
  ),
  mutant(
    "own-vote-before-disk",
    "The own vote counts before it is durable; a single member leads at once.",
    patch(
      "election.ts",
      "becomeCandidate(raft);\n  requestVotes(raft);",
      "becomeCandidate(raft);\n  requestVotes(raft);\n  onOwnVoteDurable(raft);",
    ),
    patch("roles.ts", "raft.durableUnit >= raft.hardStateUnit", "true"),
  ),
  mutant(
    "vote-twice",
    "A voter grants every candidate of its term.",
    patch(
      "election.ts",
      'if (voter.votedFor !== null && voter.votedFor !== request.from) return "voted-for-other";',
      "",
    ),
  ),
  mutant(
    "vote-reset-same-term",
    "Stepping down in the same term forgets the vote.",
    patch(
      "roles.ts",
      'raft.role = "follower";\n  raft.leader = leader;',
      lines(
        'raft.role = "follower";',
        "  raft.leader = leader;",
        "  raft.hardState = { ...raft.hardState, votedFor: null };",
        "  raft.hardStateUnit = raft.nextUnit;",
        "  raft.outbox.hardStateChanged = true;",
      ),
    ),
  ),
  mutant(
    "no-log-check",
    "Votes do not look at the candidate's log.",
    patch(
      "election.ts",
      'isUpToDate(request.last, voter.last) ? null : "log-behind"',
      "null as VoteRefusal | null",
    ),
  ),
  mutant(
    "log-check-index-only",
    "Logs are compared by length alone.",
    patch(
      "log.ts",
      "a.term > b.term || (a.term === b.term && a.index >= b.index)",
      "a.index >= b.index",
    ),
  ),
  mutant(
    "log-check-term-only",
    "Logs are compared by their last term alone.",
    patch(
      "log.ts",
      "a.term > b.term || (a.term === b.term && a.index >= b.index)",
      "a.term >= b.term",
    ),
  ),
  mutant(
    "log-check-strict",
    "An equal log is refused: nobody wins among equals.",
    patch(
      "log.ts",
      "a.term === b.term && a.index >= b.index",
      "a.term === b.term && a.index > b.index",
    ),
  ),
  mutant(
    "majority-half",
    "Half of the members, rounded down, count as a majority.",
    patch(
      "configuration.ts",
      "Math.floor(voterCount / 2) + 1",
      "Math.max(1, Math.floor(voterCount / 2))",
    ),
  ),
  mutant(
    "majority-even",
    "Half of an even number of members counts as a majority.",
    patch("configuration.ts", "Math.floor(voterCount / 2) + 1", "Math.ceil(voterCount / 2)"),
  ),
  mutant(
    "pre-vote-moves-term",
    "A pre-vote request is adopted as if it were a term.",
    patch(
      "election.ts",
      "if (!request.pre && request.term > raft.hardState.term && !hasLiveLeader(raft))",
      "if (request.term > raft.hardState.term && !hasLiveLeader(raft))",
    ),
  ),
  mutant(
    "old-grants-count",
    "Grants of an older campaign count for this one.",
    patch("election.ts", "if (current.term !== response.campaignTerm) return;", ""),
  ),
  mutant(
    "live-leader-disturbed",
    "Pre-votes are given though a leader is heard.",
    patch("election.ts", 'if (voter.hasLiveLeader) return "leader-alive";', ""),
  ),
  mutant(
    "term-not-stored",
    "A new term without a vote is not stored.",
    patch(
      "take.ts",
      "hardState: hardStateChanged ? raft.hardState : null",
      "hardState: hardStateChanged && raft.hardState.votedFor !== null ? raft.hardState : null",
    ),
  ),
  mutant(
    "abstainer-votes",
    "A member that lost acknowledged entries votes.",
    patch("election.ts", 'if (voter.mustCatchUp) return "must-catch-up";', ""),
  ),
  mutant(
    "caught-up-too-early",
    "A member that lost entries trusts a leader that counts its lost acknowledgements.",
    patch(
      "commitment.ts",
      "if (raft.hardState.term > raft.recoveredTerm) {",
      "if (raft.leader !== null) {",
    ),
  ),
];

const logs: readonly Mutant[] = [
  mutant(
    "commit-old-term",
    "Entries of earlier terms are committed by counting (Figure 8).",
    patch(
      "commitment.ts",
      "if (index <= raft.commit || termAt(raft.log, index) !== raft.hardState.term) return;",
      "if (index <= raft.commit) return;",
    ),
    patch("commitment.ts", "index >= leadership.termStart", "true"),
  ),
  mutant(
    "ack-before-disk",
    "A follower acknowledges what is not on its disk.",
    patch(
      "acknowledgement.ts",
      "acknowledge(raft, owed, raft.verified, after);",
      "acknowledge(raft, owed, raft.verified, raft.hardStateUnit);",
    ),
  ),
  mutant(
    "ack-last-index",
    "A follower acknowledges all it has instead of what matched.",
    patch(
      "replication.ts",
      "const through = prev.index + request.entries.length;",
      "const through = lastIndex(raft.log);",
    ),
  ),
  mutant(
    "leader-counts-memory",
    "A leader counts its own entries before they are on its disk.",
    patch(
      "commitment.ts",
      "if (id === raft.id) return raft.durableIndex;",
      "if (id === raft.id) return lastIndex(raft.log);",
    ),
  ),
  mutant(
    "commit-beyond-verified",
    "A follower commits up to its last index, matching or not.",
    patch(
      "commitment.ts",
      "Math.min(raft.leaderCommit, raft.verified)",
      "Math.min(raft.leaderCommit, lastIndex(raft.log))",
    ),
  ),
  mutant(
    "verified-outlives-term",
    "What was verified against the leader before counts for the new one.",
    patch("state.ts", "  raft.verified = noIndex;\n", ""),
  ),
  mutant(
    "always-truncate",
    "A follower cuts its log after every append, conflict or not.",
    patch(
      "replication.ts",
      "if (first === undefined) return;\n",
      lines(
        "if (first === undefined) {",
        "    const end = (request.prev.index + entries.length + 1) as LogIndex;",
        "    if (end <= lastIndex(raft.log)) removeFrom(raft, end);",
        "    return;",
        "  }",
        "",
      ),
    ),
    patch("replication.ts", "from > raft.commit", "true"),
  ),
  mutant(
    "never-truncate",
    "A conflicting entry stays.",
    patch(
      "replication.ts",
      "if (entry === undefined || termAt(raft.log, entry.index) !== entry.term) break;",
      "if (entry === undefined || termAt(raft.log, entry.index) === undefined) break;",
    ),
  ),
  mutant(
    "no-previous-term-check",
    "An append fits wherever there is an entry, of whatever term.",
    patch("replication.ts", "if (term !== prev.term) {", "if (term === undefined) {"),
  ),
  mutant(
    "stale-append-accepted",
    "Appends of older terms are taken over.",
    patch("replication.ts", "if (request.term < raft.hardState.term) {", "if (request.term < 0) {"),
  ),
  mutant(
    "stale-acknowledgement-counts",
    "Acknowledgements of an earlier term count in this one.",
    patch("replication.ts", "  if (response.term < raft.hardState.term) return;\n", ""),
  ),
  mutant(
    "completion-of-replaced-entries",
    "The completion of a unit vouches for entries that replaced what it held.",
    patch(
      "replication.ts",
      "unit.lastIndex = Math.min(unit.lastIndex, end) as LogIndex;",
      "unit.lastIndex = Math.min(unit.lastIndex, unit.lastIndex) as LogIndex;",
    ),
  ),
  mutant(
    "truncation-not-stored",
    "Removed entries stay on the disk.",
    patch("take.ts", "    truncateFrom,\n", "    truncateFrom: null,\n"),
  ),
  mutant(
    "durable-survives-truncation",
    "What was durable counts as durable after it was removed.",
    patch(
      "replication.ts",
      "raft.durableIndex = Math.min(raft.durableIndex, end) as LogIndex;",
      "",
    ),
    patch("check.ts", "raft.durableIndex <= last", "true"),
    patch("check.ts", "raft.durableIndex < raft.unstableFrom", "true"),
  ),
];

const readsAndProgress: readonly Mutant[] = [
  mutant(
    "read-old-round",
    "A read is confirmed by answers to the round before it.",
    patch(
      "reads.ts",
      "if (read.round > confirmed) break;",
      "if (read.round > confirmed + 1) break;",
    ),
  ),
  mutant(
    "read-without-term-start",
    "A new leader answers reads with a commit index from before its term.",
    patch("reads.ts", "Math.max(raft.commit, leadership.termStart)", "Math.max(raft.commit, 0)"),
  ),
  mutant(
    "read-without-round",
    "A leader answers reads without asking whether it still leads.",
    patch("reads.ts", "if (read.round > confirmed) break;", ""),
  ),
  mutant(
    "read-answer-of-other-batch",
    "A follower takes any answer of its leader for its newest question.",
    patch(
      "reads.ts",
      lines(
        "if (response.boot !== raft.boot) return;",
        "  const asked = raft.readsAsked.get(response.batch);",
      ),
      "const asked = raft.readsAsked.get(raft.readBatch);",
    ),
  ),
  mutant(
    "probe-never-resumes",
    "A probe that was lost is not repeated.",
    patch("timers.ts", 'if (progress.mode === "probe") progress.probeSequence = null;', ""),
  ),
  mutant(
    "loss-unnoticed",
    "Lost appends are not noticed by later answers.",
    patch("progress.ts", "if (inflight.last > verified) return true;", ""),
  ),
  mutant(
    "lost-disk-unnoticed",
    "A peer that lost its disk's end is never fed again.",
    patch("replication.ts", "if (sequence <= progress.matchedSequence) return;", "return;"),
  ),
];

/** All of them. */
export const mutants: readonly Mutant[] = [...elections, ...logs, ...readsAndProgress];
