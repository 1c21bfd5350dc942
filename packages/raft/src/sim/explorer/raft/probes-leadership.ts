/** Interesting turns with leases, transfers, and leaders that are gone. */
import type { Bounds } from "./bounds.ts";
import type { History } from "./history.ts";
import { inputs, type MemberFacts } from "./member-steps.ts";
import type { Probe } from "./probes.ts";
import { digitAfter, isCrash, isLeaseRead, isTimeout, type Turn } from "./turn.ts";

const withLeases = (bounds: Bounds): boolean => bounds.clocks !== undefined;
const withTwoTimeouts = (bounds: Bounds): boolean => withLeases(bounds) && bounds.timeoutsMax >= 2;
const withTwoLeaders = (bounds: Bounds): boolean =>
  withTwoTimeouts(bounds) && bounds.termMax >= 3 && (bounds.clocks?.stepsMax ?? 0) > 1;
const withRestarts = (bounds: Bounds): boolean => withLeases(bounds) && bounds.crashesMax > 0;
const withTransfers = (bounds: Bounds): boolean => (bounds.transfersMax ?? 0) > 0;
const withGone = (bounds: Bounds): boolean => (bounds.gonesMax ?? 0) > 0;
const withTwoGone = (bounds: Bounds): boolean => (bounds.gonesMax ?? 0) > 1;

function isElected({ before, after }: Turn): boolean {
  return before.role !== 3 && after.role === 3;
}

/** Another leader, of an older term, that had a lease and does not know yet that it is replaced. */
function isLeaseOver({ all, after }: Turn): boolean {
  return all.some((other) => other.role === 3 && other.term < after.term && leaseOf(other) > 0);
}

function leaseOf({ leaseUntilMs }: MemberFacts): number {
  return Math.max(...leaseUntilMs);
}

function isLeaseValid(facts: MemberFacts, { time }: History): boolean {
  return leaseOf(facts) > time * facts.rateMs;
}

/** Votes and pre-votes that leave, given or refused. */
function answers({ left }: Turn, isGiven: boolean): boolean {
  return left.some(
    ({ message }) =>
      message.kind === "request-vote-response" && (message.refused === null) === isGiven,
  );
}

const leases: readonly Probe[] = [
  {
    name: "a read is answered by a lease",
    isMeant: withLeases,
    sees: ({ input, outcome }) => isLeaseRead(input) && outcome.answers.length > 0,
  },
  {
    name: "a read is answered by a lease though another one stands for a newer term",
    isMeant: withTwoTimeouts,
    sees: ({ input, outcome, all, before }) =>
      isLeaseRead(input) &&
      outcome.answers.length > 0 &&
      all.some(({ role, term }) => role === 2 && term > before.term),
  },
  {
    name: "a vote is refused because of a promise",
    isMeant: withTwoTimeouts,
    sees: (turn) => turn.before.holdsPromise && answers(turn, false),
  },
  {
    name: "a promise keeps a member from standing",
    isMeant: withTwoTimeouts,
    sees: (turn) => isTimeout(turn) && turn.after.role === 0 && turn.after.holdsPromise,
  },
  {
    name: "a promise runs out, and a vote is given for another leader",
    isMeant: withTwoLeaders,
    sees: (turn) => answers(turn, true) && isLeaseOver(turn),
  },
  {
    name: "another leader is elected after a lease",
    isMeant: withTwoLeaders,
    sees: (turn) => isElected(turn) && isLeaseOver(turn),
  },
  {
    name: "another leader commits after a lease",
    isMeant: withTwoLeaders,
    sees: (turn) =>
      turn.after.role === 3 && turn.after.commit > turn.before.commit && isLeaseOver(turn),
  },
  {
    name: "a lease is renewed by a later round",
    isMeant: (bounds) => withLeases(bounds) && bounds.ticksMax > 0 && bounds.roundsMax > 1,
    sees: ({ before, after }) => leaseOf(before) > 0 && leaseOf(after) > leaseOf(before),
  },
  {
    name: "a promise outlives a restart",
    isMeant: withRestarts,
    sees: (turn) => isCrash(turn) && turn.before.holdsPromise && turn.after.holdsFormerPromise,
  },
  {
    name: "a vote is refused because of a promise of before the start",
    isMeant: (bounds) => withRestarts(bounds) && bounds.timeoutsMax >= 2,
    sees: (turn) => turn.before.holdsFormerPromise && answers(turn, false),
  },
];

const transfers: readonly Probe[] = [
  {
    name: "a leader that hands over gives its lease up",
    isMeant: (bounds) => withLeases(bounds) && withTransfers(bounds),
    sees: ({ before, after }, history) =>
      isLeaseValid(before, history) && after.role === 3 && leaseOf(after) === 0,
  },
  {
    name: "a promise is given back",
    isMeant: (bounds) => withLeases(bounds) && withTransfers(bounds),
    sees: ({ before, after, received }) =>
      received?.kind === "append-entries" && before.holdsPromise && !after.holdsPromise,
  },
  {
    name: "a member is told to stand, and does",
    isMeant: withTransfers,
    sees: ({ received, after }) => received?.kind === "timeout-now" && after.role === 2,
  },
  {
    name: "who was told to stand leads",
    isMeant: withTransfers,
    sees: (turn) => turn.before.isTransfer && isElected(turn),
  },
];

const gone: readonly Probe[] = [
  {
    name: "a member sees that its leader is gone",
    isMeant: withGone,
    sees: ({ input, after }) => digitAfter(input, inputs.gone) > 0 && after.isLeaderLost,
  },
  {
    name: "a member stands because its leader is gone",
    isMeant: withGone,
    sees: ({ input, before, after }) =>
      input === inputs.wake && before.role === 0 && after.role === 1,
  },
  {
    name: "who hears the leader refuses one that does not",
    isMeant: withGone,
    sees: (turn) =>
      turn.received?.kind === "request-vote" &&
      turn.received.pre &&
      turn.before.hearsLeader &&
      turn.before.knowsLeader &&
      answers(turn, false),
  },
  {
    name: "a leader that was thought to be gone is heard again",
    isMeant: withGone,
    sees: ({ received, before, after }) =>
      received?.kind === "append-entries" && before.isLeaderLost && !after.isLeaderLost,
  },
  {
    name: "who has seen that the leader is gone elects another, however lately it was heard",
    isMeant: withTwoGone,
    sees: (turn, history) =>
      turn.received?.kind === "request-vote" &&
      turn.before.hearsLeader &&
      history.lost[turn.place] === turn.before.term &&
      answers(turn, true),
  },
  {
    name: "who stood because its leader is gone leads",
    isMeant: withTwoGone,
    sees: (turn, history) => isElected(turn) && history.wakes > 0 && turn.after.term > 2,
  },
];

export const leadership: readonly Probe[] = [...leases, ...transfers, ...gone];
