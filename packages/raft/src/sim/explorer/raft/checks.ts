/**
 * What must hold in every world, checked after every turn for what the turn may have changed: the
 * ids are those of the page of invariants. Arithmetic of its own on facts and history; of the core
 * only its state is looked at. `checkState`, the core's own invariants, ran when the step was made.
 */
import type { AppendEntriesResponse } from "../../../core/index.ts";
import { memberCount } from "./bounds.ts";
import {
  countBits,
  type Electorate,
  electorateOf,
  isElecting,
  newestChange,
  numberAt,
  votesIn,
} from "./changes.ts";
import { check } from "./check.ts";
import {
  checkElects,
  checkLeases,
  checkOrder,
  checkPromised,
  checkStands,
  observeLost,
} from "./checks-leadership.ts";
import { describeLog, isEqualUpTo, termInLog } from "./entries.ts";
import {
  type History,
  readOf,
  reignOf,
  voteOf,
  withCommit,
  withoutReadsOf,
  withRead,
  withReign,
  withVote,
} from "./history.ts";
import { inputs, type MemberFacts } from "./member-steps.ts";
import {
  digitAfter,
  isCrash,
  isLeaderTick,
  isLeaseRead,
  isProposal,
  isRead,
  isTimeout,
  placeOn,
  type Turn,
} from "./turn.ts";

/** Follower to pre-candidate or candidate to leader, and all to follower. By role numbers. */
const movesTo: readonly (readonly number[])[] = [
  [0, 1, 2],
  [0, 1, 2],
  [0, 1, 2, 3],
  [0, 3],
];

/**
 * Calls back for each acknowledgement of the member at `place` that was under way before the turn.
 */
export type Acknowledgements = (
  place: number,
  visit: (response: AppendEntriesResponse, to: number) => void,
) => void;

/** Checks the turn; gives what the world remembers after it. */
export function checkTurn(turn: Turn, history: History, acks: Acknowledgements): History {
  const { before, after, place } = turn;
  let next = countUse(turn, history);
  if (before !== after) {
    checkMoves(turn);
    if (after.role === 3) next = observeLeader(turn, next);
    checkLogs(turn, next);
    if (turn.changes !== null) checkMembers(turn);
    checkStands(turn, history);
  }
  next = observeLost(turn, next);
  for (const post of turn.left) next = observeLeaving(turn, next, post.message, post.direction);
  if (before !== after) {
    if (after.commit !== before.commit) next = observeCommit(turn, next);
    if (isDiskChanged(before, after)) checkDisk(turn, next, acks);
    if (after.role === 3) checkMatched(turn, acks);
  }
  for (const answer of turn.outcome.answers) next = settleRead(turn, next, answer);
  if (isCrash(turn)) next = withoutReadsOf(next, place);
  checkLeases(turn, next);
  return next;
}

function isDiskChanged(before: MemberFacts, after: MemberFacts): boolean {
  return (
    before.diskTerm !== after.diskTerm ||
    before.diskLength !== after.diskLength ||
    before.diskLog !== after.diskLog
  );
}

/** Of the bounds, and what a read must see at least: what was committed when it was asked for. */
function countUse(turn: Turn, history: History): History {
  if (turn.isDuplicate) return { ...history, duplicates: history.duplicates + 1 };
  if (isTimeout(turn)) return { ...history, timeouts: history.timeouts + 1 };
  if (isLeaderTick(turn)) return { ...history, ticks: history.ticks + 1 };
  if (turn.input === inputs.wake) return { ...history, wakes: history.wakes + 1 };
  if (digitAfter(turn.input, inputs.gone) > 0) return { ...history, gones: history.gones + 1 };
  if (digitAfter(turn.input, inputs.transfer) > 0) {
    return { ...history, transfers: history.transfers + 1 };
  }
  if (isCrash(turn)) return { ...history, crashes: history.crashes + 1 };
  if (turn.input === inputs.snapshot) return { ...history, snapshots: history.snapshots + 1 };
  if (isProposal(turn)) return { ...history, proposals: history.proposals + 1 };
  if (!isRead(turn)) return history;
  const id = turn.input - inputs.read;
  return withRead({ ...history, reads: history.reads + 1 }, id, turn.place);
}

// --- terms, roles, votes -------------------------------------------------------------------------

function checkMoves(turn: Turn): void {
  const { before, after } = turn;
  check("S10", after.diskTerm >= before.diskTerm, turn, () => "the term on disk falls");
  const isVoteKept =
    after.diskTerm > before.diskTerm || before.diskVote === 3 || after.diskVote === before.diskVote;
  check("S11", isVoteKept, turn, () => `the vote on disk in ${after.diskTerm} changes`);
  const isFirst = after.role !== 2 || before.role === 2 || after.term > before.diskTerm;
  check("S16", isFirst, turn, () => `stands again for term ${after.term}`);
  if (isCrash(turn)) return;
  check("S10", after.term >= before.term, turn, () => `term ${before.term} to ${after.term}`);
  const isLegal = movesTo[before.role]?.includes(after.role) ?? false;
  check("S16", isLegal, turn, () => `role ${before.role} to ${after.role}`);
}

function observeLeader(turn: Turn, history: History): History {
  const { before, after, place } = turn;
  const { term } = after;
  const known = reignOf(history, term);
  const led = before.role === 3 && before.term === term;
  if (!led) {
    check("S1", known.place < 0, turn, () => `leads term ${term}, which ${known.place} led`);
    checkElected(turn, history);
    checkComplete(turn, history);
  } else {
    const isKept =
      after.logLength >= before.logLength && isEqualUpTo(before.log, after.log, before.logLength);
    check("S2", isKept, turn, () => `leader's log ${describeLog(before.log, before.logLength)}`);
    if (after.logLength === before.logLength) return history;
  }
  return withReign(history, term, { place, length: after.logLength, log: after.log });
}

function checkElected(turn: Turn, history: History): void {
  const { after, place } = turn;
  let votes = after.diskTerm === after.term && after.diskVote === 0 ? 1 << place : 0;
  for (let other = 0; other < memberCount; other++) {
    if (other !== place && voteOf(history, other, after.term) === place) votes |= 1 << other;
  }
  const isElected = isElecting(electorateIn(turn, after), votes);
  check("S12", isElected, turn, () => `leads ${after.term} by ${countBits(votes)} durable votes`);
}

/** A new leader has everything that was committed in earlier terms. */
function checkComplete(turn: Turn, history: History): void {
  const { after } = turn;
  let length = history.canonLength;
  while (length > 1 && (history.commitTerms[length] ?? 0) >= after.term) length--;
  const has = after.logLength >= length && isEqualUpTo(after.log, history.canon, length);
  check("S4", has, turn, () => `leads ${after.term} without committed ${length}`);
}

function observeLeaving(
  turn: Turn,
  history: History,
  message: Turn["left"][number]["message"],
  direction: number,
): History {
  const { after, place } = turn;
  const isAsking = message.kind === "request-vote" && message.pre;
  const isPromised = message.term <= after.diskTerm + (isAsking ? 1 : 0);
  check("S10", isPromised, turn, () => `${message.kind} of term ${message.term} leaves too early`);
  if (message.kind === "append-entries-response") {
    checkPromise(turn, history, message);
    checkPromised(turn, message);
  }
  if (message.kind === "timeout-now") checkOrder(turn, placeOn(place, direction));
  if (message.kind === "request-vote" && !message.pre) {
    return observeVote(turn, history, message.term, place, 0);
  }
  if (message.kind !== "request-vote-response" || message.refused !== null) return history;
  checkElects(turn, history, message.campaignTerm);
  if (message.pre) return history;
  return observeVote(turn, history, message.campaignTerm, placeOn(place, direction), direction);
}

/** A vote leaves, in a response or by asking for others'. */
function observeVote(
  turn: Turn,
  history: History,
  term: number,
  candidate: number,
  digit: number,
): History {
  const { after, place } = turn;
  // A disk beyond the term: a turn that voted and went on stores the newer term alone.
  const isStored = after.diskTerm > term || (after.diskTerm === term && after.diskVote === digit);
  check("S11", isStored, turn, () => `a vote in term ${term} leaves before it is on disk`);
  const known = voteOf(history, place, term);
  const isOnce = known < 0 || known === candidate;
  check("S11", isOnce, turn, () => `votes in ${term} for ${candidate}, after ${known}`);
  return known < 0 ? withVote(history, place, term, candidate) : history;
}

// --- logs and disks ------------------------------------------------------------------------------

function checkLogs(turn: Turn, history: History): void {
  const { before, after } = turn;
  if (after.log !== before.log || after.logLength !== before.logLength) {
    checkMatching(turn, history, after.log, after.logLength);
    if (!isCrash(turn)) {
      const keeps =
        after.logLength >= before.commit && isEqualUpTo(before.log, after.log, before.commit);
      check("S6", keeps, turn, () => `cuts its log below its commit index ${before.commit}`);
    }
  }
  if (isDiskChanged(before, after)) checkMatching(turn, history, after.diskLog, after.diskLength);
}

/** Each entry and all before it are as in the log of the leader of its term. */
function checkMatching(turn: Turn, history: History, log: number, length: number): void {
  for (let k = 2; k <= length; k++) {
    const term = termInLog(log, k);
    check("S14", term >= termInLog(log, k - 1), turn, () => `terms fall at ${k}`);
    const reign = reignOf(history, term);
    const isSame = reign.length >= k && isEqualUpTo(reign.log, log, k);
    check("S3", isSame, turn, () => {
      const theirs = describeLog(reign.log, reign.length);
      return `entry ${k} of ${describeLog(log, length)}; the leader of ${term} has ${theirs}`;
    });
  }
}

function checkDisk(turn: Turn, history: History, acks: Acknowledgements): void {
  const { after, place } = turn;
  acks(place, (response) => {
    const { outcome, term } = response;
    if (outcome.kind !== "accepted" || term !== after.diskTerm) return;
    const kept = holdsLeaders(after, history, term, outcome.matched);
    check("A", kept, turn, () => `lost ${outcome.matched}, acknowledged in term ${term}`);
  });
  for (const digit of [1, 2]) {
    const leader = turn.all[placeOn(place, digit)];
    if (leader === undefined || leader.role !== 3 || leader.term !== after.diskTerm) continue;
    const matched = leader.matched[2 - digit] ?? 0;
    const kept = holdsLeaders(after, history, leader.term, matched);
    check("A", kept, turn, () => `lost ${matched}, which its leader counts on`);
  }
  checkDurable("S7", turn, history);
}

function holdsLeaders(facts: MemberFacts, history: History, term: number, index: number): boolean {
  const reign = reignOf(history, term);
  const reaches = facts.diskLength >= index && (reign.length >= index || index <= 1);
  return reaches && isEqualUpTo(facts.diskLog, reign.log, index);
}

function checkPromise(turn: Turn, history: History, response: AppendEntriesResponse): void {
  const { outcome, term } = response;
  if (outcome.kind !== "accepted") return;
  const holds = holdsLeaders(turn.after, history, term, outcome.matched);
  check("A", holds, turn, () => `acknowledges ${outcome.matched} in ${term}; its disk differs`);
}

/** A leader believes what was acknowledged to it in its term, and that is on the peer's disk. */
function checkMatched(turn: Turn, acks: Acknowledgements): void {
  const { before, after, place } = turn;
  for (const digit of [1, 2] as const) {
    const matched = after.matched[digit - 1] ?? 0;
    // To believe less than before is always safe: a conflict that was overtaken leads to that.
    const isSameStint = before.role === 3 && before.term === after.term;
    if (matched <= (isSameStint ? (before.matched[digit - 1] ?? 0) : 0)) continue;
    const peer = placeOn(place, digit);
    let promised = 0;
    acks(peer, ({ outcome, term }, to) => {
      if (to === place && term === after.term && outcome.kind === "accepted") {
        promised = Math.max(promised, outcome.matched);
      }
    });
    check("S15", matched <= promised, turn, () => `${matched} of ${peer}, promised ${promised}`);
    const facts = turn.all[peer];
    if (facts === undefined || facts.diskTerm !== after.term) continue;
    const has = facts.diskLength >= matched && isEqualUpTo(facts.diskLog, after.log, matched);
    check("S15", has, turn, () => `believes ${peer} to have ${matched}; its disk differs`);
  }
}

// --- what is committed ---------------------------------------------------------------------------

function observeCommit(turn: Turn, history: History): History {
  const { before, after } = turn;
  const { commit, term } = after;
  check("S13", isCrash(turn) || commit > before.commit, turn, () => `commit falls to ${commit}`);
  check("S13", commit <= after.logLength, turn, () => `commit ${commit} is beyond its log`);
  if (after.role === 3) {
    const isOwn = termInLog(after.log, commit) === term;
    check("S9", isOwn, turn, () => `leads ${term} and commits ${commit} of an earlier term`);
  }
  const both = Math.min(commit, history.canonLength);
  const isSame = isEqualUpTo(after.log, history.canon, both);
  check("S6", isSame, turn, () => {
    const canon = describeLog(history.canon, history.canonLength);
    const log = describeLog(after.log, after.logLength);
    return `commits ${commit} of ${log}; committed was ${canon}`;
  });
  if (commit <= history.canonLength) return history;
  // A leader counts by what was in force before the turn, in which it may leave a joint one.
  const decidedBy = numberInForce(turn, before.role === 3 ? before : after);
  const next = withCommit(history, commit, after.log, term, decidedBy);
  checkDurable("S8", turn, next);
  for (let later = term + 1; later < next.reigns.length; later++) {
    const reign = reignOf(next, later);
    if (reign.place < 0) continue;
    const has = reign.length >= commit && isEqualUpTo(reign.log, after.log, commit);
    check("S4", has, turn, () => `commits ${commit}, which the leader of ${later} has not`);
  }
  return next;
}

/** A majority has all that is committed on disk: no fault here takes that away. */
function checkDurable(id: string, turn: Turn, history: History): void {
  const { canonLength, canon, decidedBy } = history;
  let holders = 0;
  for (const [place, facts] of turn.all.entries()) {
    if (facts.diskLength >= canonLength && isEqualUpTo(facts.diskLog, canon, canonLength)) {
      holders |= 1 << place;
    }
  }
  const isHeld = isElecting(electorateOf(turn.changes, decidedBy), holders);
  check(id, isHeld, turn, () => `committed ${canonLength} is on ${countBits(holders)} disks`);
}

function settleRead(
  turn: Turn,
  history: History,
  answer: { readonly id: number; readonly index: number },
): History {
  const { id, index } = answer;
  if (isLeaseRead(turn.input)) {
    const { canonLength } = history;
    check("L2", index < 0 || index >= canonLength, turn, () => `lease: ${index}, ${canonLength}`);
    return history;
  }
  const { place, least } = readOf(history, id);
  check("R", place === turn.place, turn, () => `read ${id} is answered and was not asked for`);
  if (index >= 0) {
    check("L2", index >= least, turn, () => `read ${id} may see ${index}; ${least} was committed`);
  }
  return withRead(history, id, -1);
}

// --- members -------------------------------------------------------------------------------------

/** Of the configuration in force. */
function numberInForce(turn: Turn, { log, logLength }: MemberFacts): number {
  return turn.changes !== null ? numberAt(log, newestChange(log, logLength)) : 0;
}

function electorateIn(turn: Turn, facts: MemberFacts): Electorate {
  return electorateOf(turn.changes, numberInForce(turn, facts));
}

/** C2, C6: what a leader appends; C7: who stands and leads. */
function checkMembers(turn: Turn): void {
  const { before, after, place } = turn;
  const { log, logLength, commit, role, term } = after;
  if (role === 0) return;
  const newest = newestChange(log, logLength);
  const earlier = newestChange(log, newest - 1);
  const now = electorateOf(turn.changes, numberAt(log, newest));
  if (role !== 3) {
    const committed = Math.max(earlier, newestChange(log, commit));
    const isVoter =
      votesIn(now, place) || votesIn(electorateOf(turn.changes, numberAt(log, committed)), place);
    check("C7", isVoter, turn, () => "stands and is no voter");
    return;
  }
  const hasServed = newest <= commit && now.outgoing === 0 && !votesIn(now, place);
  check("C7", !hasServed, turn, () => "leads and is no voter of what is committed");
  if (newest === 1 || newest <= before.logLength) return;
  const isNext = numberAt(log, newest) === numberAt(log, earlier) + 1;
  check("C6", isNext, turn, () => `configuration ${numberAt(log, newest)} follows another`);
  check("C2", earlier <= commit, turn, () => `a change at ${newest}; that at ${earlier} is open`);
  const isOwn = termInLog(log, commit) === term;
  check("C2", isOwn, turn, () => `a change at ${newest} before its term is committed`);
}
