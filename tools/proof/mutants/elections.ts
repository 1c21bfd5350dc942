/** Elections: votes, terms, campaigns. */
import { lines, type Mutant, type Patch, patch } from "./mutant.ts";

function mutant(name: string, bug: string, ...patches: readonly Patch[]): Mutant {
  return { name, bug, world: "cores", patches };
}

export const electionsMutants: readonly Mutant[] = [
  mutant(
    "vote-before-disk",
    "A vote leaves before it is durable.",
    patch(
      "core/election.ts",
      'after: raft.hardStateUnit,\n    message: {\n      kind: "request-vote-response"',
      'after: raft.durableUnit,\n    message: {\n      kind: "request-vote-response"',
    ),
  ),
  mutant(
    "candidacy-before-disk",
    "A candidate asks for votes before its own term and vote are durable.",
    patch(
      "core/election.ts",
      'after: raft.hardStateUnit,\n      message: {\n        kind: "request-vote"',
      'after: raft.durableUnit,\n      message: {\n        kind: "request-vote"',
    ),
  ),
  mutant(
    "own-vote-before-disk",
    "The own vote counts before it is durable; a single member leads at once.",
    patch(
      "core/election.ts",
      "becomeCandidate(raft, isTransfer);\n  requestVotes(raft);",
      "becomeCandidate(raft, isTransfer);\n  requestVotes(raft);\n  onOwnVoteDurable(raft);",
    ),
    patch("core/roles.ts", "raft.durableUnit >= raft.hardStateUnit", "true"),
  ),
  mutant(
    "vote-twice",
    "A voter grants every candidate of its term.",
    patch(
      "core/election.ts",
      'if (voter.votedFor !== null && voter.votedFor !== request.from) return "voted-for-other";',
      "",
    ),
  ),
  mutant(
    "vote-reset-same-term",
    "Stepping down in the same term forgets the vote.",
    patch(
      "core/roles.ts",
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
      "core/election.ts",
      'isUpToDate(request.last, voter.last) ? null : "log-behind"',
      "null as VoteRefusal | null",
    ),
  ),
  mutant(
    "log-check-index-only",
    "Logs are compared by length alone.",
    patch(
      "core/log.ts",
      "a.term > b.term || (a.term === b.term && a.index >= b.index)",
      "a.index >= b.index",
    ),
  ),
  mutant(
    "log-check-term-only",
    "Logs are compared by their last term alone.",
    patch(
      "core/log.ts",
      "a.term > b.term || (a.term === b.term && a.index >= b.index)",
      "a.term >= b.term",
    ),
  ),
  mutant(
    "log-check-strict",
    "An equal log is refused: nobody wins among equals.",
    patch(
      "core/log.ts",
      "a.term === b.term && a.index >= b.index",
      "a.term === b.term && a.index > b.index",
    ),
  ),
  mutant(
    "majority-half",
    "Half of the members, rounded down, count as a majority.",
    patch(
      "core/configuration.ts",
      "Math.floor(voterCount / 2) + 1",
      "Math.max(1, Math.floor(voterCount / 2))",
    ),
  ),
  mutant(
    "majority-even",
    "Half of an even number of members counts as a majority.",
    patch("core/configuration.ts", "Math.floor(voterCount / 2) + 1", "Math.ceil(voterCount / 2)"),
  ),
  mutant(
    "pre-vote-moves-term",
    "A pre-vote request is adopted as if it were a term.",
    patch(
      "core/election.ts",
      "const isNewer = !request.pre && request.term > raft.hardState.term;",
      "const isNewer = request.term > raft.hardState.term;",
    ),
  ),
  mutant(
    "old-grants-count",
    "Grants of an older campaign count for this one.",
    patch("core/election.ts", "if (current.term !== response.campaignTerm) return;", ""),
  ),
  mutant(
    "live-leader-disturbed",
    "Pre-votes are given though a leader is heard.",
    patch("core/election.ts", 'if (voter.hasLiveLeader) return "leader-alive";', ""),
  ),
  mutant(
    "term-not-stored",
    "A new term without a vote is not stored.",
    patch(
      "core/take.ts",
      "hardState: hardStateChanged ? raft.hardState : null",
      "hardState: hardStateChanged && raft.hardState.votedFor !== null ? raft.hardState : null",
    ),
  ),
  mutant(
    "abstainer-votes",
    "A member that lost acknowledged entries votes.",
    patch("core/election.ts", 'if (voter.mustCatchUp) return "must-catch-up";', ""),
  ),
  mutant(
    "caught-up-too-early",
    "A member that lost entries trusts a leader that counts its lost acknowledgements.",
    patch(
      "core/commitment.ts",
      "if (raft.hardState.term > raft.recoveredTerm) {",
      "if (raft.leader !== null) {",
    ),
  ),
];
