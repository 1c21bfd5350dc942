/** Interesting turns, by name: a run that never sees one proves nothing of it. */
import type { Bounds } from "./bounds.ts";
import { isEqualUpTo, termInLog } from "./entries.ts";
import { type History, reignOf } from "./history.ts";
import { inputs } from "./member-steps.ts";
import { isCrash, type Turn } from "./turn.ts";

export interface Probe {
  readonly name: string;
  /** Whether the model can reach it at all. */
  readonly isMeant: (bounds: Bounds) => boolean;
  /** `history` is as after the turn. */
  readonly sees: (turn: Turn, history: History) => boolean;
}

const withCrashes = (bounds: Bounds): boolean => bounds.crashesMax > 0;
const withReads = (bounds: Bounds): boolean => bounds.readsMax > 0;
const withTwoCandidates = (bounds: Bounds): boolean => bounds.timeoutsMax >= 2;
const withThreeTerms = (bounds: Bounds): boolean => bounds.termMax >= 3 && bounds.timeoutsMax >= 2;

const elections: readonly Probe[] = [
  {
    name: "two leaders in different terms at once",
    isMeant: withThreeTerms,
    sees: ({ all, after, before }) =>
      after.role === 3 && before.role !== 3 && all.filter((facts) => facts.role === 3).length > 1,
  },
  {
    name: "two candidates in one term",
    isMeant: withTwoCandidates,
    sees: ({ all, after, place }) =>
      after.role === 2 &&
      all.some((other, at) => at !== place && other.role === 2 && other.term === after.term),
  },
  {
    name: "a vote refused for a stale log",
    isMeant: withThreeTerms,
    sees: ({ left }) => left.some((post) => isRefused(post.message, "log-behind")),
  },
  {
    name: "a vote refused because it was given already",
    isMeant: withTwoCandidates,
    sees: ({ left }) => left.some((post) => isRefused(post.message, "voted-for-other")),
  },
  {
    name: "a leader learns of a newer term",
    isMeant: withThreeTerms,
    sees: ({ before, after }) => before.role === 3 && after.role !== 3 && after.term > before.term,
  },
  {
    name: "a message of an older term arrives",
    isMeant: withThreeTerms,
    sees: ({ received, before }) =>
      received?.kind === "append-entries" && received.term < before.term,
  },
];

const logs: readonly Probe[] = [
  {
    name: "a follower removes uncommitted entries",
    isMeant: withThreeTerms,
    sees: (turn) =>
      !isCrash(turn) &&
      !isEqualUpTo(
        turn.before.log,
        turn.after.log,
        Math.min(turn.before.logLength, turn.after.logLength),
      ),
  },
  {
    name: "a follower reports a conflict",
    isMeant: withThreeTerms,
    sees: ({ left }) =>
      left.some(
        ({ message }) =>
          message.kind === "append-entries-response" && message.outcome.kind === "conflict",
      ),
  },
  {
    name: "a command is committed",
    isMeant: (bounds) => bounds.proposalsMax > 0,
    sees: ({ before, after }) => {
      if (after.commit <= before.commit || after.role !== 3) return false;
      return ((after.log >>> (5 * (after.commit - 2))) & 3) > 0;
    },
  },
  {
    name: "an older term's entry is committed together with a newer one",
    isMeant: withThreeTerms,
    sees: ({ before, after }) =>
      after.role === 3 &&
      after.commit > before.commit &&
      termInLog(after.log, before.commit + 1) < after.term &&
      before.commit + 1 < after.commit,
  },
  {
    name: "a leader is elected without an entry that is on another's disk",
    isMeant: withThreeTerms,
    sees: ({ before, after, all }) =>
      after.role === 3 &&
      before.role !== 3 &&
      all.some(
        (other) =>
          other.diskLength >= after.logLength ||
          !isEqualUpTo(other.diskLog, after.log, other.diskLength),
      ),
  },
  {
    name: "all commit the same command",
    isMeant: (bounds) => bounds.proposalsMax > 0,
    sees: ({ all, before, after }) =>
      after.commit > before.commit &&
      all.every(({ commit, log }) => commit >= 3 && (log & 31) % 4 === 0 && ((log >> 5) & 3) > 0),
  },
];

const crashes: readonly Probe[] = [
  {
    name: "a unit under way is lost in a crash",
    isMeant: withCrashes,
    sees: (turn) => isCrash(turn) && turn.input - inputs.crash < turn.before.pendingCount,
  },
  {
    name: "a unit under way survives a crash before it was reported",
    isMeant: withCrashes,
    sees: (turn) => isCrash(turn) && turn.input > inputs.crash,
  },
  {
    name: "a member starts in a term that it has voted in",
    isMeant: withCrashes,
    sees: (turn) => isCrash(turn) && turn.after.diskVote !== 3,
  },
  {
    name: "a member starts with an older term than it had",
    isMeant: withCrashes,
    sees: (turn) => isCrash(turn) && turn.after.term < turn.before.term,
  },
  {
    name: "a leader crashes",
    isMeant: withCrashes,
    sees: (turn) => isCrash(turn) && turn.before.role === 3,
  },
  {
    name: "a vote or an acknowledgement is lost with the unit that it waited for",
    isMeant: withCrashes,
    sees: (turn) => isCrash(turn) && turn.before.heldCount > 0,
  },
];

const reads: readonly Probe[] = [
  {
    name: "a read is answered",
    isMeant: withReads,
    sees: ({ outcome }) => outcome.answers.some(({ index }) => index >= 0),
  },
  {
    name: "a read asked of a leader that another one replaced is not answered",
    isMeant: (bounds) => withReads(bounds) && withThreeTerms(bounds),
    sees: ({ outcome, before }, history) =>
      before.role === 3 &&
      outcome.answers.some(({ index }) => index < 0) &&
      history.reigns.some((reign, term) => term > before.term && reign.place >= 0),
  },
  {
    name: "a replaced leader hears an answer and confirms nothing by it",
    isMeant: (bounds) => withReads(bounds) && withThreeTerms(bounds),
    sees: ({ received, before, after, outcome }, history) =>
      received?.kind === "append-entries-response" &&
      before.pendingReads > 0 &&
      after.pendingReads === before.pendingReads &&
      outcome.answers.length === 0 &&
      reignOf(history, before.term + 1).place >= 0,
  },
  {
    name: "a read waits for the leader's own term",
    isMeant: withReads,
    sees: (turn) =>
      turn.input > inputs.read &&
      turn.input < inputs.crash &&
      turn.after.pendingReads > 0 &&
      turn.after.commit < turn.after.termStart,
  },
  {
    name: "a follower's read is answered",
    isMeant: (bounds) => bounds.followerReads,
    sees: ({ outcome, received }) =>
      received?.kind === "read-index-response" && outcome.answers.some(({ index }) => index >= 0),
  },
];

const liveLeaders: readonly Probe[] = [
  {
    name: "a pre-vote is given",
    isMeant: (bounds) => bounds.preVote,
    sees: ({ left }) =>
      left.some(
        ({ message }) =>
          message.kind === "request-vote-response" && message.pre && message.refused === null,
      ),
  },
  {
    name: "a pre-vote is refused because a leader is alive",
    isMeant: (bounds) => bounds.preVote && bounds.checkQuorum && withTwoCandidates(bounds),
    sees: ({ left }) =>
      left.some(
        ({ message }) =>
          message.kind === "request-vote-response" &&
          message.pre &&
          message.refused === "leader-alive",
      ),
  },
  {
    name: "a vote is refused because a leader is alive",
    isMeant: (bounds) => bounds.checkQuorum && withThreeTerms(bounds),
    sees: ({ left }) =>
      left.some(
        ({ message }) =>
          message.kind === "request-vote-response" &&
          !message.pre &&
          message.campaignTerm > message.term &&
          message.refused === "leader-alive",
      ),
  },
  {
    name: "a leader without a majority steps down",
    isMeant: (bounds) => bounds.checkQuorum && bounds.ticksMax > 1,
    sees: (turn) => turn.input === inputs.tick && turn.before.role === 3 && turn.after.role !== 3,
  },
  {
    name: "a leader with a majority stays beyond an election timeout",
    isMeant: (bounds) => bounds.checkQuorum && bounds.ticksMax > 1 && bounds.roundsMax > 2,
    sees: (turn) => turn.input === inputs.tick && turn.after.role === 3 && turn.after.round > 2,
  },
];

/** Those that the model can reach. */
export function probesOf(bounds: Bounds): readonly Probe[] {
  const all = [...elections, ...logs, ...crashes, ...reads, ...liveLeaders];
  return all.filter((probe) => probe.isMeant(bounds));
}

function isRefused(message: Turn["left"][number]["message"], why: string): boolean {
  return message.kind === "request-vote-response" && message.refused === why;
}
