/** Terms and votes (A), PreVote and CheckQuorum (B). */
import { bug, lines, noPatch, patch, type TrapBug } from "./trap-bug.ts";

const voteResponse = 'message: {\n      kind: "request-vote-response"';
const voteRequest = 'message: {\n        kind: "request-vote"';

export const electionBugs: readonly TrapBug[] = [
  bug(
    "A1",
    "The vote is left out where the term is stored.",
    patch(
      "core/take.ts",
      "hardState: hardStateChanged ? raft.hardState : null",
      "hardState: hardStateChanged ? { ...raft.hardState, votedFor: null } : null",
    ),
  ),
  bug(
    "A1",
    "Only the second copy of the hard state has the vote.",
    patch(
      "storage/wal/hard-state-files.ts",
      'string(state.votedFor ?? "")',
      'string(copy === 0 ? "" : (state.votedFor ?? ""))',
    ),
  ),
  bug(
    "A2",
    "A vote does not wait for the disk.",
    patch(
      "core/election.ts",
      `after: raft.hardStateUnit,\n    ${voteResponse}`,
      `after: raft.durableUnit,\n    ${voteResponse}`,
    ),
  ),
  bug(
    "A2",
    "A request for votes does not wait for the disk.",
    patch(
      "core/election.ts",
      `after: raft.hardStateUnit,\n      ${voteRequest}`,
      `after: raft.durableUnit,\n      ${voteRequest}`,
    ),
  ),
  bug(
    "A3",
    "The log goes on after a hard state that could not be written.",
    patch(
      "storage/wal/write-ahead-log.ts",
      lines(
        "runTask(this.#writeFirst(hardState), (error) => {",
        "      if (error !== null) this.#fail(error, batch);",
        "      else this.#writeRecords(batch);",
      ),
      lines("runTask(this.#writeFirst(hardState), () => {", "      this.#writeRecords(batch);"),
    ),
  ),
  bug(
    "A4",
    "Becoming a follower forgets the vote.",
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
  bug(
    "A5",
    "A vote's answer of a higher term counts as the grant it is not.",
    patch(
      "core/election.ts",
      "if (response.term > raft.hardState.term && !isPreGrant) {",
      "if (response.term > raft.hardState.term && response.refused !== null && !isPreGrant) {",
    ),
  ),
  bug(
    "A5",
    "An acknowledgement of a higher term counts.",
    patch(
      "core/replication.ts",
      lines(
        "if (response.term > raft.hardState.term) {",
        "    adoptTerm(raft, response.term, null);",
        "    return;",
        "  }",
        "  const leadership",
      ),
      "const leadership",
    ),
  ),
  bug(
    "A6",
    "Votes look at the part of the log that is on disk.",
    patch(
      "core/election.ts",
      "    last: lastPosition(raft.log),\n  };",
      lines(
        "    last: lastPosition({",
        "      ...raft.log,",
        "      entries: raft.log.entries.slice(0, raft.durableIndex),",
        "    }),",
        "  };",
      ),
    ),
  ),
  bug(
    "A7",
    "Both term and index must be at least as high.",
    patch(
      "core/log.ts",
      "a.term > b.term || (a.term === b.term && a.index >= b.index)",
      "a.term >= b.term && a.index >= b.index",
    ),
  ),
  bug(
    "A8",
    "Who does not find itself among the voters refuses.",
    patch(
      "core/election.ts",
      "const refused = decideVote(voterOf(raft), request);",
      lines(
        "const isKnown = isVoter(raft.configuration, raft.id);",
        '  const refused = isKnown ? decideVote(voterOf(raft), request) : "log-behind";',
      ),
    ),
  ),
  bug(
    "A11",
    "Another incarnation is welcome.",
    patch(
      "transport/handshake.ts",
      "if (before === null || before === peer.incarnation) return null;",
      'if (before !== "nobody") return null;',
    ),
  ),
  bug(
    "A11",
    "What is remembered of the others ends with the process.",
    patch(
      "node/membership/peer-memory.ts",
      "    if (store === null) {\n      this.#onSaved",
      "    if (store !== undefined) {\n      this.#onSaved",
    ),
  ),
  bug(
    "A11",
    "A peer's messages count before its incarnation is on disk.",
    patch("node/membership/peer-memory.ts", "    this.#waiting.push(done);\n", "    done();\n"),
  ),
  bug(
    "A12",
    "A second leader in a term is followed like the first.",
    patch("core/replication.ts", "raft.leader === null || raft.leader === leader,", "true,"),
  ),
  bug(
    "A13",
    "Frames of a peer's former incarnation are heard.",
    patch(
      "transport/handshake.ts",
      "if (before === null || before === peer.incarnation) return null;",
      'if (before !== "nobody") return null;',
    ),
  ),
  bug(
    "A14",
    "A leader's append of an older term is dropped without an answer.",
    patch(
      "core/replication.ts",
      '    respond(raft, request, { kind: "stale-term" });\n    return;',
      "    return;",
    ),
  ),
  bug(
    "A14",
    "The term of an answer to a read is overlooked.",
    patch(
      "core/reads.ts",
      "if (response.term > raft.hardState.term) adoptTerm(raft, response.term, null);",
      "",
    ),
  ),
  bug(
    "B1",
    "A leader's append of an older term is dropped without an answer.",
    patch(
      "core/replication.ts",
      '    respond(raft, request, { kind: "stale-term" });\n    return;',
      "    return;",
    ),
  ),
  bug(
    "B2",
    "Terms in answers to pre-votes are overlooked.",
    patch(
      "core/election.ts",
      "const isPreGrant = response.pre && response.refused === null;",
      "const isPreGrant = response.pre;",
    ),
  ),
  bug(
    "B2",
    "The term of a granted pre-vote is adopted.",
    patch(
      "core/election.ts",
      "const isPreGrant = response.pre && response.refused === null;",
      "const isPreGrant = false;",
    ),
  ),
  bug(
    "B3",
    "A pre-candidate keeps its leader.",
    patch(
      "core/roles.ts",
      'raft.role = "pre-candidate";\n  raft.leader = null;',
      'raft.role = "pre-candidate";',
    ),
  ),
  bug(
    "B3",
    "A pre-candidate keeps the reads that it asked its leader for.",
    patch(
      "core/roles.ts",
      '"a leader does not campaign");\n  failAskedReads(raft);\n  raft.role = "pre-candidate";',
      '"a leader does not campaign");\n  raft.role = "pre-candidate";',
    ),
  ),
  bug(
    "B4",
    "A leader's append of an older term is dropped without an answer.",
    patch(
      "core/replication.ts",
      '    respond(raft, request, { kind: "stale-term" });\n    return;',
      "    return;",
    ),
  ),
  bug(
    "B5",
    "Pre-votes do not look at the log.",
    patch(
      "core/election.ts",
      'isUpToDate(request.last, voter.last) ? null : "log-behind"',
      'request.pre || isUpToDate(request.last, voter.last) ? null : "log-behind"',
    ),
  ),
  bug(
    "B6",
    "Whoever speaks any version is taken for one that speaks ours.",
    patch(
      "transport/inbound-connection.ts",
      "const version = commonVersion(versions, ours);",
      "const version = commonVersion(versions, ours) ?? versions.oldest;",
    ),
    patch(
      "transport/inbound-connection.ts",
      "if (hello === null || version === null) {",
      "if (hello === null) return;\n    if (version === null) {",
    ),
  ),
  bug(
    "B6",
    "An older program is sent what it does not know.",
    patch(
      "transport/codec/message-codec.ts",
      "if (version > 1) return message;",
      "return message;",
    ),
  ),
  bug(
    "B6",
    "What a newer program says beyond our version ends its connection.",
    patch(
      "transport/inbound-connection.ts",
      "this.#isNewer = versions.newest > ours.newest;",
      "this.#isNewer = false;",
    ),
  ),
  bug(
    "B7",
    "A grant of a pre-vote starts the election, whatever the role.",
    patch(
      "core/election.ts",
      "if (current === null || current.pre !== response.pre) return;",
      lines(
        "if (current === null && isPreGrant) campaign(raft);",
        "  if (current === null || current.pre !== response.pre) return;",
      ),
    ),
  ),
  bug(
    "B9",
    "Contact counts from when the answer came.",
    patch(
      "core/replication.ts",
      "recordContact(leadership, progress, response.round);",
      lines(
        "recordContact(leadership, progress, response.round);",
        "  progress.contactTick = raft.nowTick;",
      ),
    ),
  ),
  bug(
    "B10",
    "Election timeouts are drawn once.",
    patch("core/roles.ts", "raft.electionTimeout = drawElectionTimeout(", "drawElectionTimeout("),
  ),
  bug(
    "B10",
    "Each tick is counted from when the last one ran.",
    patch(
      "node/member.ts",
      "this.#nextTickMs += this.#parts.limits.tickMs;",
      "this.#nextTickMs = nowMs + this.#parts.limits.tickMs;",
    ),
  ),
  bug(
    "B11",
    "A granted pre-vote starts the election timer again.",
    patch(
      "core/election.ts",
      "const refused = decideVote(voterOf(raft), request);",
      lines(
        "const refused = decideVote(voterOf(raft), request);",
        "  if (refused === null) resetElectionTimer(raft);",
      ),
    ),
  ),
  bug(
    "B12",
    "A leader without a majority stays.",
    patch(
      "core/timers.ts",
      "raft.settings.checkQuorum && !hasQuorumContact(raft, leadership)",
      "raft.settings.checkQuorum && !hasQuorumContact(raft, leadership) && leadership.round === 0",
    ),
  ),
  noPatch(
    "B13",
    "Heartbeats come from a thread of their own.",
    "heartbeats are messages of the core, and the core runs in the loop that works",
  ),
  bug(
    "B14",
    "Only appends that fit are contact.",
    patch(
      "core/replication.ts",
      lines(
        "recognizeLeader(raft, request.from);",
        "  raft.heardRound = Math.max(raft.heardRound, request.round);",
        "  const { prev } = request;",
      ),
      lines(
        "const { prev } = request;",
        "  const fits = termAt(raft.log, prev.index) === prev.term;",
        "  if (fits || raft.leader === null) recognizeLeader(raft, request.from);",
      ),
    ),
  ),
];
