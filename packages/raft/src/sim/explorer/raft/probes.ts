/** Interesting turns, by name: a run that never sees one proves nothing of it. */
import type { Bounds } from "./bounds.ts";
import { electorateOf, leaving, newestChange, numberAt, replacing, votesIn } from "./changes.ts";
import { isEqualUpTo, termInLog } from "./entries.ts";
import { type History, reignOf } from "./history.ts";
import { inputs } from "./member-steps.ts";
import { leadership } from "./probes-leadership.ts";
import { snapshots } from "./probes-snapshots.ts";
import { isCrash, isRead, type Turn } from "./turn.ts";

export interface Probe {
  readonly name: string;
  /** Whether the model can reach it at all. */
  readonly isMeant: (bounds: Bounds) => boolean;
  /** `history` is as after the turn. */
  readonly sees: (turn: Turn, history: History) => boolean;
}

const withCrashes = (bounds: Bounds): boolean => bounds.crashesMax > 0;
/** Crashes lose more than memory. */
const withLostUnits = (bounds: Bounds): boolean => withCrashes(bounds) && bounds.asyncDisk;
const withCommands = (bounds: Bounds): boolean =>
  bounds.proposalsMax > 0 && bounds.changes === undefined;
const withReads = (bounds: Bounds): boolean => bounds.readsMax > 0;
const withTwoCandidates = (bounds: Bounds): boolean => bounds.timeoutsMax >= 2;
const withThreeTerms = (bounds: Bounds): boolean => bounds.termMax >= 3 && bounds.timeoutsMax >= 2;

/** Where promises keep nobody from a second term for good. */
const withLateTerms = (bounds: Bounds): boolean =>
  withThreeTerms(bounds) && (bounds.clocks?.stepsMax ?? 2) > 1;

const withChanges = (bounds: Bounds): boolean => bounds.changes !== undefined;
const withLearner = (bounds: Bounds): boolean => bounds.changes === replacing;
const withLostChanges = (bounds: Bounds): boolean => withChanges(bounds) && withThreeTerms(bounds);

/** Of the configuration in force; 0: the first, and where members do not change. */
function inForce({ log, logLength }: Turn["after"]): number {
  return numberAt(log, newestChange(log, logLength));
}

function isJoint({ changes }: Turn, facts: Turn["after"]): boolean {
  return electorateOf(changes, inForce(facts)).outgoing !== 0;
}

function isBegun(turn: Turn): boolean {
  return isLed(turn) && !isJoint(turn, turn.before) && isJoint(turn, turn.after);
}

function isLeft(turn: Turn): boolean {
  return isLed(turn) && isJoint(turn, turn.before) && !isJoint(turn, turn.after);
}

function isLed({ before, after }: Turn): boolean {
  return before.role === 3 && after.role === 3;
}

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
    isMeant: (bounds) => withThreeTerms(bounds) && !withLearner(bounds),
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
    isMeant: withLateTerms,
    sees: ({ left }) =>
      left.some(
        ({ message }) =>
          message.kind === "append-entries-response" && message.outcome.kind === "conflict",
      ),
  },
  {
    name: "a command is committed",
    isMeant: withCommands,
    sees: ({ before, after }) => {
      if (after.commit <= before.commit || after.role !== 3) return false;
      return ((after.log >>> (5 * (after.commit - 2))) & 3) > 0;
    },
  },
  {
    name: "an older term's entry is committed together with a newer one",
    isMeant: withLateTerms,
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
    isMeant: withCommands,
    sees: ({ all, before, after }) =>
      after.commit > before.commit &&
      all.every(({ commit, log }) => commit >= 3 && (log & 31) % 4 === 0 && ((log >> 5) & 3) > 0),
  },
];

const crashes: readonly Probe[] = [
  {
    name: "a unit under way is lost in a crash",
    isMeant: withLostUnits,
    sees: (turn) => isCrash(turn) && turn.input - inputs.crash < turn.before.pendingCount,
  },
  {
    name: "a unit under way survives a crash before it was reported",
    isMeant: withLostUnits,
    sees: (turn) => isCrash(turn) && turn.input > inputs.crash,
  },
  {
    name: "a member starts in a term that it has voted in",
    isMeant: withCrashes,
    sees: (turn) => isCrash(turn) && turn.after.diskVote !== 3,
  },
  {
    name: "a member starts with an older term than it had",
    isMeant: withLostUnits,
    sees: (turn) => isCrash(turn) && turn.after.term < turn.before.term,
  },
  {
    name: "a leader crashes",
    isMeant: withCrashes,
    sees: (turn) => isCrash(turn) && turn.before.role === 3,
  },
  {
    name: "a vote or an acknowledgement is lost with the unit that it waited for",
    isMeant: withLostUnits,
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
      isRead(turn) && turn.after.pendingReads > 0 && turn.after.commit < turn.after.termStart,
  },
  {
    name: "a follower's read is answered",
    isMeant: (bounds) => bounds.followerReads,
    sees: ({ outcome, received }) =>
      received?.kind === "read-index-response" && outcome.answers.some(({ index }) => index >= 0),
  },
];

const members: readonly Probe[] = [
  {
    name: "a learner is added",
    isMeant: withLearner,
    sees: (turn) => isLed(turn) && inForce(turn.before) === 0 && inForce(turn.after) === 1,
  },
  {
    name: "a joint configuration is appended",
    isMeant: withChanges,
    sees: isBegun,
  },
  {
    name: "a joint configuration is committed, and left",
    isMeant: withChanges,
    sees: isLeft,
  },
  {
    name: "a leader that is removed follows once that is committed",
    isMeant: withChanges,
    sees: ({ before, after, place, changes }) =>
      before.role === 3 &&
      after.role === 0 &&
      after.term === before.term &&
      after.commit > before.commit &&
      !votesIn(electorateOf(changes, inForce(after)), place),
  },
  {
    name: "a learner that was promoted leads",
    isMeant: (bounds) => withLearner(bounds) && withThreeTerms(bounds),
    sees: ({ before, after, place }) => place === 2 && before.role !== 3 && after.role === 3,
  },
  {
    name: "an election is won in a joint configuration",
    isMeant: withLostChanges,
    sees: (turn) => turn.before.role !== 3 && turn.after.role === 3 && isJoint(turn, turn.after),
  },
  {
    name: "a joint configuration is left by another leader than began it",
    isMeant: withLostChanges,
    sees: (turn) =>
      isLeft(turn) &&
      termInLog(turn.before.log, newestChange(turn.before.log, turn.before.logLength)) <
        turn.after.term,
  },
  {
    name: "a configuration is rolled back by a truncation",
    // Where two vote, whoever has a change is needed to elect.
    isMeant: (bounds) => bounds.changes === leaving && withThreeTerms(bounds),
    sees: (turn) => !isCrash(turn) && inForce(turn.after) < inForce(turn.before),
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
  const all = [
    ...elections,
    ...logs,
    ...crashes,
    ...reads,
    ...liveLeaders,
    ...members,
    ...snapshots,
    ...leadership,
  ];
  return all.filter((probe) => probe.isMeant(bounds));
}

function isRefused(message: Turn["left"][number]["message"], why: string): boolean {
  return message.kind === "request-vote-response" && message.refused === why;
}
