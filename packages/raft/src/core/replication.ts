/**
 * Chapter 4, log replication: appending at the leader, sending to the peers, taking over at the
 * follower, and hearing back. AppendEntries is the carrier and, empty, the heartbeat.
 *
 * @paper §5.3
 */
import { assert, type LogIndex, type NodeId, noIndex, type Term } from "../base/index.ts";
import { fullnessOf, hasRoomFor, onAdded, onRemoving, takesWhole, withoutNew } from "./backlog.ts";
import { maybeCommit, maybeCommitAsFollower } from "./commitment.ts";
import {
  type Entry,
  type EntryKind,
  entryBytes,
  entryOverheadBytes,
  type LogPosition,
} from "./entry.ts";
import { givePromise, promiseAsked, recordPromise } from "./lease.ts";
import {
  appendToLog,
  entriesWithin,
  isBelowBase,
  type Log,
  lastIndex,
  lastPosition,
  lastPossibleMatch,
  positionAt,
  termAt,
  truncateLog,
} from "./log.ts";
import { refreshConfiguration } from "./membership.ts";
import {
  type AppendEntries,
  type AppendEntriesResponse,
  type AppendOutcome,
  usualStanding,
} from "./messages.ts";
import {
  advanceMatched,
  becomeProbe,
  becomeReplicate,
  hasLost,
  mayReplicate,
  type Progress,
  recordFullness,
  recordInflight,
} from "./progress.ts";
import { maybeConfirmReads } from "./reads.ts";
import { becomeFollower, resetElectionTimer } from "./roles.ts";
import { offerSnapshot } from "./snapshot-offer.ts";
import { type Leadership, type Raft, standingOf } from "./state.ts";
import { adoptTerm } from "./terms.ts";
import { maybeCallOff } from "./transfer.ts";

// --- at the leader -------------------------------------------------------------------------------

export type ProposeResult =
  /** Appended from `first` on, consecutively, in the leader's term; committed is another matter. */
  | { readonly kind: "appended"; readonly first: LogIndex; readonly term: Term }
  /** `transferring`: ask again when the transfer has ended, or the leader that comes of it. */
  | { readonly kind: "refused"; readonly why: "not-leader" | "overloaded" | "transferring" };

/**
 * Appends commands at the leader, all or none. Refused as `overloaded` before anything is appended
 * when the bytes that are appended and uncommitted, inherited ones included, would pass
 * `uncommittedBytesMax` (a first one always passes), and when those that wait for the own disk and
 * machines would pass `backlogBytesMax`.
 */
export function propose(raft: Raft, commands: readonly Uint8Array[]): ProposeResult {
  const leadership = raft.leadership;
  if (leadership === null) return { kind: "refused", why: "not-leader" };
  if (leadership.transfer !== null) return { kind: "refused", why: "transferring" };
  if (leadership.uncommittedBytes > 0) {
    let bytes = leadership.uncommittedBytes;
    for (const command of commands) bytes += command.length + entryOverheadBytes;
    if (bytes > raft.settings.uncommittedBytesMax) return { kind: "refused", why: "overloaded" };
  }
  if (!hasRoomFor(raft, commands)) return { kind: "refused", why: "overloaded" };
  const first = (lastIndex(raft.log) + 1) as LogIndex; // index plus one
  appendOwn(raft, leadership, "command", commands);
  return { kind: "appended", first, term: raft.hardState.term };
}

/** The leader only ever appends to its log. @paper §5.3 (leader append-only) */
export function appendOwn(
  raft: Raft,
  leadership: Leadership,
  kind: EntryKind,
  payloads: readonly Uint8Array[],
): void {
  const term = raft.hardState.term;
  let index = lastIndex(raft.log);
  for (const data of payloads) {
    index = (index + 1) as LogIndex; // index plus one
    const entry: Entry = { index, term, kind, data };
    leadership.uncommittedBytes += entryBytes(entry);
    onAdded(raft, entryBytes(entry));
    raft.log.entries.push(entry);
  }
}

/** Opens a heartbeat round: every peer's next message carries it. */
export function startRound(raft: Raft, leadership: Leadership): void {
  leadership.round++;
  const newest = leadership.roundTicks.at(-1);
  if (newest === undefined || newest.tick < raft.nowTick) {
    leadership.roundTicks.push({ round: leadership.round, tick: raft.nowTick, ms: raft.nowMs });
  }
  const oldest = raft.nowTick - 2 * raft.settings.electionTicks;
  while ((leadership.roundTicks[1]?.tick ?? oldest) < oldest) leadership.roundTicks.shift();
}

/**
 * Sends each peer what it lacks and may have; called once a take, so appends of a turn are one
 * message.
 */
export function sendAppends(raft: Raft, leadership: Leadership): void {
  for (const [peer, progress] of leadership.peers) {
    if (progress.mode !== "replicate") {
      const asks = progress.mode === "probe" && progress.probeSequence === null;
      if (asks && !progress.isFull) sendProbe(raft, leadership, peer, progress);
      else if (progress.sentRound < leadership.round)
        sendHeartbeat(raft, leadership, peer, progress);
      continue;
    }
    const last = lastIndex(raft.log);
    while (progress.next <= last && mayReplicate(progress, raft.settings)) {
      sendEntries(raft, leadership, peer, progress);
    }
    if (progress.sentRound < leadership.round || progress.sentCommit < leadership.commitTaken) {
      sendHeartbeat(raft, leadership, peer, progress);
    }
  }
}

/**
 * One message, and no other with entries until it is answered or a heartbeat interval has passed;
 * none at all with entries once a whole window of them was not answered: the question is enough.
 */
function sendProbe(raft: Raft, leadership: Leadership, peer: NodeId, progress: Progress): void {
  const prev = positionAt(raft.log, (progress.next - 1) as LogIndex); // next is 1 or more
  const last = lastIndex(raft.log);
  const window = raft.settings.inflightBytesMax - progress.probeBytes;
  const bytesMax = Math.min(raft.settings.appendBytesMax, window);
  const entries = window > 0 ? entriesWithin(raft.log, progress.next, last, bytesMax) : [];
  for (const entry of entries) progress.probeBytes += entryBytes(entry);
  sendAppend(raft, leadership, peer, progress, prev, entries);
  progress.probeSequence = progress.sequence;
}

function sendEntries(raft: Raft, leadership: Leadership, peer: NodeId, progress: Progress): void {
  const prev = positionAt(raft.log, (progress.next - 1) as LogIndex); // next is 1 or more
  const window = raft.settings.inflightBytesMax - progress.inflightBytes;
  const bytesMax = Math.min(raft.settings.appendBytesMax, window);
  const entries = entriesWithin(raft.log, progress.next, lastIndex(raft.log), bytesMax);
  let bytes = 0;
  for (const entry of entries) bytes += entryBytes(entry);
  sendAppend(raft, leadership, peer, progress, prev, entries);
  progress.next = (progress.next + entries.length) as LogIndex; // index plus a count
  const last = (progress.next - 1) as LogIndex; // at least one entry was sent
  recordInflight(progress, { sequence: progress.sequence, last, bytes });
}

/**
 * Empty, after a position that is known to match: never refused by a healthy peer. Where that is
 * not in the log any more it is the base, and a refusal says that the peer needs a snapshot.
 */
export function sendHeartbeat(
  raft: Raft,
  leadership: Leadership,
  peer: NodeId,
  progress: Progress,
): void {
  const { base } = raft.log;
  const prev = progress.matched < base.index ? base : positionAt(raft.log, progress.matched);
  sendAppend(raft, leadership, peer, progress, prev, []);
}

function sendAppend(
  raft: Raft,
  leadership: Leadership,
  peer: NodeId,
  progress: Progress,
  prev: LogPosition,
  entries: readonly Entry[],
): void {
  progress.sequence++;
  progress.sentRound = leadership.round;
  progress.sentCommit = raft.commit;
  raft.outbox.sends.push({
    kind: "send",
    after: raft.hardStateUnit,
    message: {
      kind: "append-entries",
      from: raft.id,
      to: peer,
      term: raft.hardState.term,
      prev,
      entries,
      commit: raft.commit,
      round: leadership.round,
      sequence: progress.sequence,
      ...promiseAsked(raft, leadership),
    },
  });
}

export function onAppendEntriesResponse(raft: Raft, response: AppendEntriesResponse): void {
  if (response.term > raft.hardState.term) {
    adoptTerm(raft, response.term, null);
    return;
  }
  const leadership = raft.leadership;
  const progress = leadership?.peers.get(response.from);
  if (leadership === null || progress === undefined) return;
  if (response.term < raft.hardState.term) return;
  const outcome = response.outcome;
  if (outcome.kind === "stale-term") return;
  recordPromise(raft, leadership, progress, response);
  recordContact(leadership, progress, response.round);
  progress.standing = response.standing ?? usualStanding;
  recordFullness(progress, response.sequence, response.isFull === true);
  maybeCallOff(raft, leadership, response.from, progress);
  if (outcome.kind === "accepted") onAccepted(raft, progress, response.sequence, outcome);
  else if (isBelowBase(raft.log, outcome.hint)) {
    onBelowBase(raft, response.from, progress, response.sequence, outcome.prev);
  } else onConflict(raft, progress, response.sequence, outcome);
  maybeConfirmReads(raft);
}

/**
 * Contact counts from when the answered round was sent, not from when the answer came.
 * @thesis §6.4.1
 */
function recordContact(leadership: Leadership, progress: Progress, round: number): void {
  assert(round <= leadership.round, "a peer answers rounds that were sent");
  if (round <= progress.ackedRound) return;
  progress.ackedRound = round;
  for (const sent of leadership.roundTicks) {
    if (sent.round > round) break;
    progress.contactTick = Math.max(progress.contactTick, sent.tick);
  }
}

function onAccepted(
  raft: Raft,
  progress: Progress,
  sequence: number,
  outcome: Extract<AppendOutcome, { kind: "accepted" }>,
): void {
  const { base } = raft.log;
  const last = lastIndex(raft.log);
  assert(outcome.matched <= outcome.verified, "what is on disk was verified");
  assert(outcome.verified <= last, "a peer verifies only what this leader sent");
  const advanced = advanceMatched(progress, outcome.matched, sequence);
  if (progress.mode !== "replicate") {
    // A heartbeat's answer that verifies less than the probe asked about is not the probe's answer.
    const isProbed = sequence >= progress.probeSince;
    // What it has may be more than our base by now; answers overtake each other.
    const known = Math.max(base.index, progress.matched);
    const least = progress.mode === "snapshot" ? known : progress.next - 1;
    if (isProbed && outcome.verified >= least) {
      becomeReplicate(progress, outcome.verified, sequence);
    }
  } else if (hasLost(progress, sequence, outcome.verified)) {
    const resume = Math.max(outcome.verified, progress.matched, base.index) + 1;
    becomeProbe(progress, resume as LogIndex); // index plus one
  }
  if (advanced) maybeCommit(raft);
}

/**
 * Goes back to the last position that both logs may share, a whole term at a time. A conflict below
 * what the peer once acknowledged, in answer to a later message, means that it lost its disk's end:
 * it is fed again.
 */
function onConflict(
  raft: Raft,
  progress: Progress,
  sequence: number,
  outcome: Extract<AppendOutcome, { kind: "conflict" }>,
): void {
  if (progress.mode !== "replicate" && sequence < progress.probeSince) return;
  const shared = lastPossibleMatch(raft.log, outcome.hint);
  if (outcome.prev.index <= progress.matched) {
    if (sequence <= progress.matchedSequence) return;
    progress.matched = Math.min(progress.matched, shared.index) as LogIndex; // one of two indexes
  } else if (outcome.prev.index >= progress.next) {
    return; // an answer to what was already taken back
  }
  const next = Math.max(shared.index, progress.matched) + 1;
  becomeProbe(progress, next as LogIndex); // index plus one
}

/**
 * The peer has nothing beyond our base in common with us, and not the base either: what it needs is
 * not in our log. Only an answer to a question counts: another may be from before the peer got it.
 */
function onBelowBase(
  raft: Raft,
  peer: NodeId,
  progress: Progress,
  sequence: number,
  prev: LogPosition,
): void {
  if (progress.mode !== "replicate" && sequence < progress.probeSince) return;
  if (prev.index >= progress.next) return; // an answer to what was already taken back
  if (prev.index <= progress.matched) {
    const isNews = sequence > progress.matchedSequence;
    if (!isNews) return;
    progress.matched = noIndex; // it lost its disk's end, and how much of it is unknown
  }
  if (progress.offer !== null && !progress.offer.isSent) return; // it is on its way
  if (progress.mode !== "replicate" && progress.matched < raft.log.base.index) {
    offerSnapshot(raft, peer, progress);
    return;
  }
  const next = Math.max(raft.log.base.index, progress.matched) + 1;
  becomeProbe(progress, next as LogIndex); // index plus one
}

/** What was in flight to the peer may be lost with its connection; a snapshot has its own. */
export function onPeerUnreachable(raft: Raft, peer: NodeId): void {
  raft.reachable.delete(peer);
  const progress = raft.leadership?.peers.get(peer);
  if (progress === undefined || progress.mode === "snapshot") return;
  const next = Math.max(progress.matched, raft.log.base.index) + 1;
  becomeProbe(progress, next as LogIndex); // index plus one
  progress.probeSequence = progress.sequence; // wait for the heartbeat or for `peer-reachable`
  progress.isFull = false; // of who comes back nothing is known
}

export function onPeerReachable(raft: Raft, peer: NodeId): void {
  if (raft.failover?.peer === peer) raft.failover = null;
  raft.reachable.add(peer);
  const progress = raft.leadership?.peers.get(peer);
  if (progress?.mode === "probe") progress.probeSequence = null;
}

// --- at the follower -----------------------------------------------------------------------------

export function onAppendEntries(raft: Raft, request: AppendEntries): void {
  if (request.term < raft.hardState.term) {
    respond(raft, request, { kind: "stale-term" });
    return;
  }
  if (request.term > raft.hardState.term) adoptTerm(raft, request.term, request.from);
  recognizeLeader(raft, request.from);
  raft.heardRound = Math.max(raft.heardRound, request.round);
  const { prev } = request;
  if (prev.index < raft.log.base.index) {
    onAppendEntries(raft, skipCovered(raft.log, request));
    return;
  }
  if (!takesWhole(raft, request)) {
    onAppendEntries(raft, withoutNew(raft.log, request));
    return;
  }
  const promisedMs = givePromise(raft, request);
  const term = termAt(raft.log, prev.index);
  if (term !== prev.term) {
    assert(
      prev.index > raft.commit,
      "a leader's log has every committed entry",
      () => `${request.from} has term ${prev.term} at ${prev.index}, committed here with ${term}`,
    );
    const hint = lastPossibleMatch(raft.log, prev);
    respond(raft, request, { kind: "conflict", prev, hint }, promisedMs);
    return;
  }
  takeOver(raft, request);
  const through = prev.index + request.entries.length;
  raft.verified = Math.max(raft.verified, through) as LogIndex; // one of two indexes
  raft.leaderCommit = Math.max(raft.leaderCommit, request.commit) as LogIndex; // as above
  maybeCommitAsFollower(raft);
  oweAck(raft, request, promisedMs);
}

/**
 * What is at or below our base is committed, so the leader has it, too: the rest of the request, as
 * if it followed the base.
 */
function skipCovered(log: Log, request: AppendEntries): AppendEntries {
  const { base } = log;
  const count = base.index - request.prev.index;
  const last = request.entries[count - 1];
  assert(
    last === undefined || last.term === base.term,
    "a leader's log has every committed entry",
    () => `${request.from} has term ${last?.term} at ${base.index}, the base here has ${base.term}`,
  );
  return { ...request, prev: base, entries: request.entries.slice(count) };
}

/** A leader of an equal or newer term turns candidates back. @paper §5.2 */
function recognizeLeader(raft: Raft, leader: NodeId): void {
  assert(raft.role !== "leader", "at most one leader in a term", () => `${leader} and ${raft.id}`);
  assert(
    raft.leader === null || raft.leader === leader,
    "at most one leader in a term",
    () => `${leader} and ${raft.leader}`,
  );
  if (raft.role !== "follower" || raft.leader !== leader) becomeFollower(raft, leader);
  raft.leaderContactTick = raft.nowTick;
  raft.failover = null;
  resetElectionTimer(raft);
}

/**
 * Entries that match stay untouched; the first that differs and all after it are replaced.
 * @paper §5.3
 */
function takeOver(raft: Raft, request: AppendEntries): void {
  const { entries } = request;
  let known = 0;
  for (; known < entries.length; known++) {
    const entry = entries[known];
    if (entry === undefined || termAt(raft.log, entry.index) !== entry.term) break;
  }
  const first = entries[known];
  if (first === undefined) return;
  assert(first.index === request.prev.index + known + 1, "entries follow `prev` without a gap");
  if (first.index <= lastIndex(raft.log)) removeFrom(raft, first.index);
  const added = known === 0 ? entries : entries.slice(known);
  for (const entry of added) onAdded(raft, entryBytes(entry));
  appendToLog(raft.log, added);
  assert(lastPosition(raft.log).term <= raft.hardState.term, "no entry is above its leader's term");
  if (added.some((entry) => entry.kind === "configuration")) refreshConfiguration(raft);
}

function removeFrom(raft: Raft, from: LogIndex): void {
  assert(from > raft.commit, "what is committed is never removed", () => `${from}, ${raft.commit}`);
  const end = (from - 1) as LogIndex; // from is 1 or more
  onRemoving(raft, from);
  truncateLog(raft.log, from);
  raft.durableIndex = Math.min(raft.durableIndex, end) as LogIndex; // one of two indexes
  raft.verified = Math.min(raft.verified, end) as LogIndex; // as above
  for (const unit of raft.outstanding) {
    unit.lastIndex = Math.min(unit.lastIndex, end) as LogIndex; // as above
  }
  if (from < raft.unstableFrom) {
    raft.unstableFrom = from;
    const before = raft.outbox.truncateFrom;
    raft.outbox.truncateFrom = before === null || from < before ? from : before;
  }
  if (from <= raft.configurationIndex) refreshConfiguration(raft);
}

/** One acknowledgement a take covers every append of the turn. */
function oweAck(raft: Raft, request: AppendEntries, promisedMs: number): void {
  const owed = raft.pendingAck;
  const { from: to, round, sequence } = request;
  if (owed === null) {
    raft.pendingAck = { to, round, sequence, promisedMs };
    return;
  }
  if (round >= owed.round) owed.promisedMs = promisedMs;
  owed.round = Math.max(owed.round, request.round);
  owed.sequence = Math.max(owed.sequence, request.sequence);
}

function respond(raft: Raft, request: AppendEntries, outcome: AppendOutcome, promisedMs = 0): void {
  const { round, sequence } = request;
  if (outcome.kind === "conflict" && raft.backlog.isFull) raft.backlog.told = { round, sequence };
  raft.outbox.sends.push({
    kind: "send",
    after: raft.hardStateUnit,
    message: {
      kind: "append-entries-response",
      from: raft.id,
      to: request.from,
      term: raft.hardState.term,
      round,
      sequence,
      outcome,
      ...standingOf(raft),
      ...fullnessOf(raft),
      ...(promisedMs > 0 ? { promisedMs } : null),
    },
  });
}
