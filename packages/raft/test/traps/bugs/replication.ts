/** Log and commitment (C), reads (D), memory and flow (G). */
import { bug, lines, patch, type TrapBug } from "./trap-bug.ts";

const logBugs: readonly TrapBug[] = [
  bug(
    "C1",
    "Entries of any term are committed by counting.",
    patch(
      "core/commitment.ts",
      "if (index <= raft.commit || termAt(raft.log, index) !== raft.hardState.term) return;",
      "if (index <= raft.commit) return;",
    ),
    patch("core/commitment.ts", "index >= leadership.termStart", "true"),
  ),
  bug(
    "C2",
    "A follower commits up to its last index.",
    patch(
      "core/commitment.ts",
      "Math.min(raft.leaderCommit, raft.verified)",
      "Math.min(raft.leaderCommit, lastIndex(raft.log))",
    ),
  ),
  bug(
    "C3",
    "A follower acknowledges its last index.",
    patch(
      "core/replication.ts",
      "const through = prev.index + request.entries.length;",
      "const through = lastIndex(raft.log);",
    ),
  ),
  bug(
    "C4",
    "What follows `prev` is always replaced.",
    patch(
      "core/replication.ts",
      "for (; known < entries.length; known++) {",
      "for (; known < 0; known++) {",
    ),
    patch("core/replication.ts", "from > raft.commit", "true"),
  ),
  bug(
    "C5",
    "Nobody looks whether entries follow one another.",
    patch("core/log.ts", "entry.index === index + 1", "true"),
    patch("core/replication.ts", "first.index === request.prev.index + known + 1", "true"),
  ),
  bug(
    "C6",
    "Acknowledgements of an earlier term count.",
    patch("core/replication.ts", "  if (response.term < raft.hardState.term) return;\n", ""),
  ),
  bug(
    "C7",
    "Indexes are sorted as text.",
    patch("core/quorum.ts", "values.sort((a, b) => b - a);", "values.sort().reverse();"),
  ),
  bug(
    "C7",
    "One copy less than a majority is enough.",
    patch(
      "core/quorum.ts",
      "values[majority(values.length) - 1]",
      "values[Math.max(0, majority(values.length) - 2)]",
    ),
  ),
  bug(
    "C8",
    "What is committed may be removed.",
    patch("core/replication.ts", "from > raft.commit", "true"),
  ),
  bug(
    "C9",
    "Stepping down leaves the leader's office in place.",
    patch("core/roles.ts", "raft.leadership = null;\n", ""),
  ),
  bug(
    "C10",
    "A unit vouches for entries that replaced what it held.",
    patch(
      "core/replication.ts",
      "unit.lastIndex = Math.min(unit.lastIndex, end) as LogIndex;",
      "unit.lastIndex = Math.min(unit.lastIndex, unit.lastIndex) as LogIndex;",
    ),
  ),
  bug(
    "C11",
    "The completion that comes last counts.",
    patch("core/persistence.ts", "  if (unit <= raft.durableUnit) return;\n", ""),
  ),
  bug(
    "C12",
    "The first removed entry stays in memory.",
    patch(
      "core/log.ts",
      "Math.min(log.entries.length, from - log.base.index - 1);",
      "Math.min(log.entries.length, from - log.base.index);",
    ),
  ),
  bug(
    "C12",
    "What is removed from memory stays on the disk.",
    patch("core/take.ts", "    truncateFrom,\n", "    truncateFrom: null,\n"),
  ),
  bug(
    "C13",
    "The leader counts its own entries before they are on its disk.",
    patch(
      "core/commitment.ts",
      "if (id === raft.id) return raft.durableIndex;",
      "if (id === raft.id) return lastIndex(raft.log);",
    ),
    patch(
      "core/replication.ts",
      'appendOwn(raft, leadership, "command", commands);',
      'appendOwn(raft, leadership, "command", commands);\n  maybeCommit(raft);',
    ),
  ),
  bug(
    "C14",
    "A failed append is waited for, for ever.",
    patch(
      "node/member.ts",
      "if (error !== null) this.#fail(storageFailed(error));",
      "if (error !== null) return;",
    ),
  ),
  bug(
    "C15",
    "The leader asks again where it was refused.",
    patch(
      "core/replication.ts",
      "const next = Math.max(shared.index, progress.matched) + 1;",
      "const next = Math.max(progress.next - 1, progress.matched) + 1;",
    ),
  ),
  bug(
    "C16",
    "The leader goes back by one entry.",
    patch(
      "core/replication.ts",
      "const shared = lastPossibleMatch(raft.log, outcome.hint);",
      "const shared = positionAt(raft.log, (outcome.prev.index - 1) as LogIndex);",
    ),
  ),
  bug(
    "C17",
    "A late refusal decides where to go on.",
    patch("core/replication.ts", "    if (sequence <= progress.matchedSequence) return;\n", ""),
    patch(
      "core/replication.ts",
      "    progress.matched = Math.min(progress.matched, shared.index) as LogIndex;",
      "    progress.matched = Math.min(progress.matched, progress.matched) as LogIndex;",
    ),
    patch(
      "core/replication.ts",
      "const next = Math.max(shared.index, progress.matched) + 1;",
      "const next = shared.index + 1;",
    ),
  ),
  bug(
    "C18",
    "A peer that lost the end of its disk is not fed again.",
    patch("core/replication.ts", "if (sequence <= progress.matchedSequence) return;", "return;"),
  ),
  bug(
    "C18",
    "A member that lost entries trusts a leader that counts them.",
    patch(
      "core/commitment.ts",
      "if (raft.hardState.term > raft.recoveredTerm) {",
      "if (raft.leader !== null) {",
    ),
  ),
  bug(
    "C18",
    "It raises the term, whoever can be reached.",
    patch(
      "core/commitment.ts",
      "isQuorum(raft.configuration, (id) => raft.reachable.has(id))",
      "raft.reachable.size >= 0",
    ),
  ),
  bug(
    "C19",
    "What is sent to one peer waits for the answer of the one before.",
    patch(
      "core/replication.ts",
      "sendHeartbeat(raft, leadership, peer, progress);\n      continue;",
      "sendHeartbeat(raft, leadership, peer, progress);\n      return;",
    ),
  ),
  bug(
    "C20",
    "Repeated appends are acknowledged as far as they were verified.",
    patch(
      "core/acknowledgement.ts",
      "const onDisk = Math.min(raft.verified, raft.durableIndex) as LogIndex;",
      "const onDisk = raft.verified;",
    ),
  ),
  bug(
    "C21",
    "A leader that lacks a committed entry is only refused.",
    patch("core/replication.ts", "prev.index > raft.commit", "true"),
  ),
];

const readBugs: readonly TrapBug[] = [
  bug(
    "D1",
    "A new leader answers with the commit index from before its term.",
    patch(
      "core/reads.ts",
      "Math.max(raft.commit, leadership.termStart)",
      "Math.max(raft.commit, 0)",
    ),
  ),
  bug(
    "D2",
    "Answers to the round before confirm a read.",
    patch(
      "core/reads.ts",
      "if (read.round > confirmed) break;",
      "if (read.round > confirmed + 1) break;",
    ),
  ),
  bug(
    "D3",
    "The end of a leader's office says nothing to its reads.",
    patch(
      "core/roles.ts",
      "if (raft.leadership !== null) failLeaderReads(raft, raft.leadership);",
      "",
    ),
  ),
  bug(
    "D3",
    "A question that was lost is never given up.",
    patch("core/timers.ts", "  failUnansweredReads(raft);\n", ""),
  ),
  bug(
    "D4",
    "A read is served when its index is known.",
    patch(
      "node/reads.ts",
      "else if (this.#isReadable(answer.index)) request.settle(null);",
      "else if (answer.index >= 0) request.settle(null);",
    ),
  ),
  bug(
    "D7",
    "Answers that came during the sleep confirm what was asked after it.",
    patch("core/reads.ts", "  startRound(raft, leadership);\n", ""),
  ),
  bug(
    "D11",
    "Without a leader a read is served by what is known here.",
    patch(
      "core/reads.ts",
      'else failReads(raft, [id], "no-leader");',
      'else raft.outbox.answers.push({ kind: "read-answered", ids: [id], index: raft.applied });',
    ),
  ),
  bug(
    "D11",
    "A member is there before its machines are.",
    patch(
      "node/node.ts",
      "member.whenApplied(member.raft.commit, resolve)",
      "member.whenApplied(member.raft.applied, resolve)",
    ),
  ),
  bug(
    "D12",
    "Reads are looked at when a peer answers, and only then.",
    patch(
      "core/reads.ts",
      "leadership.newReads = [];\n  maybeConfirmReads(raft);",
      "leadership.newReads = [];",
    ),
  ),
  bug(
    "D12",
    "A member that is alone leads from its start on what it finds.",
    patch(
      "core/reads.ts",
      'else failReads(raft, [id], "no-leader");',
      lines(
        "else if (raft.configuration.voters.length === 1) {",
        '    raft.outbox.answers.push({ kind: "read-answered", ids: [id], index: raft.commit });',
        '  } else failReads(raft, [id], "no-leader");',
      ),
    ),
  ),
  bug(
    "D13",
    "Entries count as applied before the machine has them.",
    patch(
      "node/member.ts",
      "  #apply(effect: Apply): void {\n",
      lines(
        "  #apply(effect: Apply): void {",
        "    const end = effect.entries.at(-1);",
        '    if (end !== undefined) this.#core.step({ kind: "applied", index: end.index });',
        "    if (end !== undefined) this.#reads.onApplied(end.index);",
        "",
      ),
    ),
  ),
];

const flowBugs: readonly TrapBug[] = [
  bug(
    "G1",
    "Proposals are never too much.",
    patch(
      "core/replication.ts",
      "if (bytes > raft.settings.uncommittedBytesMax) return",
      "if (bytes > Number.MAX_VALUE) return",
    ),
  ),
  bug(
    "G2",
    "What was inherited costs nothing.",
    patch("core/roles.ts", "uncommittedBytes: inheritedBytes(raft)", "uncommittedBytes: 0"),
    patch("core/commitment.ts", "leadership.uncommittedBytes >= 0", "true"),
  ),
  bug(
    "G3",
    "What is committed is not given back to the budget.",
    patch(
      "core/commitment.ts",
      "leadership.uncommittedBytes -= onCommitting(raft, index);",
      "onCommitting(raft, index);",
    ),
  ),
  bug(
    "G3",
    "A request that was given up goes on counting.",
    patch(
      "node/proposals.ts",
      "    request.settle(error);\n    if (this.#waiting",
      "    request.settle(error);\n    this.#pendingCount++;\n    if (this.#waiting",
    ),
  ),
  bug(
    "G3",
    "The bytes of a request that was given up stay with those that wait.",
    patch(
      "node/proposals.ts",
      "if (this.#waiting.delete(request)) this.#waitingBytes -= request.data.length;",
      "this.#waiting.delete(request);",
    ),
  ),
  bug(
    "G3",
    "A read that ended goes on counting.",
    patch("node/reads.ts", "    this.#pendingCount--;\n", ""),
  ),
  bug(
    "G4",
    "An acknowledgement frees only the very message it answers.",
    patch(
      "core/progress.ts",
      "if (inflight.last > matched) break;",
      "if (inflight.last !== matched) break;",
    ),
  ),
  bug(
    "G4",
    "Lost appends are not noticed by later answers.",
    patch("core/progress.ts", "if (inflight.last > verified) return true;", ""),
  ),
  bug(
    "G6",
    "Failures are counted over the whole life.",
    patch(
      "transport/outbound-peer.ts",
      "this.#failureCount = livedLong ? 1 : this.#failureCount + 1;",
      "this.#failureCount = livedLong ? this.#failureCount + 1 : this.#failureCount + 1;",
    ),
  ),
];

export const replicationBugs: readonly TrapBug[] = [...logBugs, ...readBugs, ...flowBugs];
