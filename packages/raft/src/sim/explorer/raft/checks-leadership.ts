/** What must hold of leases, transfers, and leaders that are gone: L1, L4, L5, L6, V5. */
import type { AppendEntriesResponse } from "../../../core/index.ts";
import { check } from "./check.ts";
import { isEqualUpTo } from "./entries.ts";
import { type History, withLost } from "./history.ts";
import { inputs, isAfterLull, type MemberFacts } from "./member-steps.ts";
import { digitAfter, isCrash, isTimeout, placeOn, type Turn } from "./turn.ts";

/**
 * L1: while a leader has a lease by its own clock, nobody else has committed anything, asked for
 * reads or not.
 */
export function checkLeases(turn: Turn, history: History): void {
  if (turn.bounds.clocks === undefined) return;
  for (const facts of turn.all) {
    if (facts.role !== 3 || facts.commit < facts.termStart) continue;
    if (Math.max(...facts.leaseUntilMs) <= clockOf(facts, history)) continue;
    const { canonLength } = history;
    check("L1", canonLength <= facts.commit, turn, () => {
      return `${canonLength} is committed; the lease of term ${facts.term} has ${facts.commit}`;
    });
  }
}

function clockOf({ rateMs }: MemberFacts, history: History): number {
  return rateMs * history.time;
}

/** L5: a promise is on disk before it leaves. */
export function checkPromised(turn: Turn, { promisedMs = 0 }: AppendEntriesResponse): void {
  const isStored = turn.after.diskPromisedMs >= promisedMs;
  check("L5", isStored, turn, () => "promises what is not on disk");
}

/** L5: nobody stands, or votes for others, on whose promise a leader counts at this moment. */
function checkKept(turn: Turn, history: History, campaignTerm: number): void {
  if (turn.bounds.clocks === undefined) return;
  for (const digit of [1, 2]) {
    const leader = turn.all[placeOn(turn.place, digit)];
    if (leader === undefined || leader.role !== 3 || leader.term >= campaignTerm) continue;
    const untilMs = leader.leaseUntilMs[2 - digit] ?? 0;
    const isOver = untilMs <= clockOf(leader, history);
    check("L5", isOver, turn, () => `elects for ${campaignTerm} and promised ${leader.term}`);
  }
}

/** L6: who is told to stand has all of its leader's log on its disk. */
export function checkOrder(turn: Turn, place: number): void {
  const target = turn.all[place];
  const { log, logLength } = turn.after;
  const has =
    target !== undefined &&
    target.diskLength >= logLength &&
    isEqualUpTo(target.diskLog, log, logLength);
  check("L6", has, turn, () => `tells ${place} to stand, which lacks some of ${logLength}`);
}

/** Who stands does so by its own timer, its own sight, or its leader's word: V5; and L5. */
export function checkStands(turn: Turn, history: History): void {
  const { before, after, bounds, place, input, received } = turn;
  if (isCrash(turn) || after.role === 0 || after.role === 3) return;
  if (after.role === before.role && after.term === before.term) return;
  if (after.role === 2) checkKept(turn, history, after.term);
  const isOrdered = received?.kind === "timeout-now" && received.term === before.term;
  const isElected = before.role === 1 && after.role === 2;
  const isSeen = input === inputs.wake && after.role === 1 && (history.lost[place] ?? 0) > 0;
  const isDue = isTimeout(turn) && (after.role === 1 || !bounds.preVote);
  check("V5", isDue || isSeen || isElected || isOrdered, turn, () => {
    return `role ${before.role} to ${after.role}, for no reason of its own`;
  });
}

/**
 * A vote or pre-vote is given, for a newer term. L4: not by who hears a leader, or leads, unless it
 * has seen itself that the leader is gone, or that leader hands over.
 */
export function checkElects(turn: Turn, history: History, campaignTerm: number): void {
  checkKept(turn, history, campaignTerm);
  const { before, bounds, input, place, received } = turn;
  if (!bounds.checkQuorum || received?.kind !== "request-vote") return;
  if (campaignTerm <= before.term || isAfterLull(input)) return;
  if (received.transfer === true && campaignTerm === before.term + 1) return;
  const isHearing = before.role === 3 || before.hearsLeader;
  const isLost = history.lost[place] === before.term;
  check("L4", !isHearing || isLost, turn, () => `elects for ${campaignTerm} and hears a leader`);
}

/** Keeps count of who has seen that its leader is gone, and has not heard it since. */
export function observeLost(turn: Turn, history: History): History {
  const { bounds, before, after, place, input, received } = turn;
  if ((bounds.gonesMax ?? 0) === 0) return history;
  const digit = digitAfter(input, inputs.gone);
  if (digit > 0) {
    const isLeader = before.role === 0 && before.leader === digit;
    return isLeader ? withLost(history, place, before.term) : history;
  }
  const lost = history.lost[place] ?? 0;
  if (lost === 0) return history;
  if (isCrash(turn) || after.role === 3) return withLost(history, place, 0);
  // Its appends alone are heard as a leader's; the core may believe more, and does.
  const isHeard = received?.kind === "append-entries" && received.term >= before.term;
  return isHeard ? withLost(history, place, 0) : history;
}
