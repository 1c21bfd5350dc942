/**
 * What one seed explores: cluster size, settings, which faults exist and how often. Each seed draws
 * its own mix (swarm testing): faults that are always all there hide each other.
 */
import { defaultSettings, entryOverheadBytes, type Settings } from "../../core/index.ts";
import { pick, type Random } from "../random.ts";
import type { FlowOptions } from "./flow.ts";
import type { LeadershipOptions } from "./leadership.ts";
import type { PlanOptions } from "./plans.ts";

/**
 * Probabilities per opportunity, unless said otherwise; 0: this fault does not exist for the seed.
 */
export interface Faults {
  /** A message is dropped when it would be delivered. */
  readonly loss: number;
  /** A message is delivered and stays in the queue. */
  readonly duplication: number;
  /** A message overtakes others of its link. */
  readonly reordering: number;
  /** A sent message is also kept for ever, to be delivered at any time, in any later term. */
  readonly ancient: number;
  /** Weight of the action that cuts or heals links. */
  readonly partition: number;
  /**
   * A cut link and one to a member that is down keep their messages until later, rather than drop
   * them.
   */
  readonly cutKeeps: boolean;
  /**
   * Weight of crashes (process and power), of restarts, of stalls, of connection news true or
   * false.
   */
  readonly crash: number;
  readonly stall: number;
  readonly connectionNews: number;
  /** A crash takes acknowledged entries with it: the member restarts with `mustCatchUp`. */
  readonly amnesia: number;
}

/** That the members of a world change. */
export interface MembershipOptions {
  /** Members besides the first ones, which may join; they begin with empty disks. */
  readonly spareCount: number;
  /** Weight of the action that changes the members. */
  readonly weight: number;
  /** Of all, the spare ones included: see `CoresOptions.outage`. */
  readonly outage: readonly number[];
}

/** That members take snapshots and drop what these stand for. */
export interface SnapshotOptions {
  /** Weight of the action that begins a snapshot, of that which drops entries of a log. */
  readonly take: number;
  readonly compact: number;
  /** Of the disk writing snapshots and dropping entries, and of machines that are restored. */
  readonly disk: number;
  /** Of a snapshot that is on its way to a peer. Small: it takes long. */
  readonly transfer: number;
  /** Of a leader's host that brings its snapshot to a peer that nobody has asked about. */
  readonly offer: number;
  /** Of reports of the host to a leader that nothing has led to, but what led to others. */
  readonly report: number;
  /** That a transfer ends without its snapshot, and that a snapshot that came comes again. */
  readonly loss: number;
  readonly duplication: number;
  /** That the leader's host hears how a transfer went. */
  readonly telling: number;
}

export interface CoresOptions {
  /** First voters. */
  readonly memberCount: number;
  readonly settings: Settings;
  readonly faults: Faults;
  /** Of the first phase. */
  readonly actions: number;
  /** Ticks of one member for one of the average member. */
  readonly tickRates: readonly number[];
  /** Weights of the actions that make progress. */
  readonly weights: {
    readonly tick: number;
    readonly deliver: number;
    readonly disk: number;
    readonly report: number;
    readonly apply: number;
    readonly propose: number;
    readonly read: number;
  };
  /** That effects are not taken at once after a step: turns of many inputs. */
  readonly batching: number;
  /** That the completion of a unit is reported at once. */
  readonly promptReports: number;
  /** Of the first starts, by member. */
  readonly boots: readonly number[];
  readonly jitters: readonly number[];
  /** Members that stay down in the second phase, as far as a majority can do without them. */
  readonly outage: readonly number[];
  /** Left out: the members never change. */
  readonly membership?: MembershipOptions;
  /** Left out: nobody takes snapshots. */
  readonly snapshots?: SnapshotOptions;
  /** Left out: nobody hands over, sees leaders go, or reads by leases; all clocks are equal. */
  readonly leadership?: LeadershipOptions;
  /** Left out: there is room for everything. Its `backlogBytesMax` is in `settings`. */
  readonly flow?: FlowOptions;
  /** Left out: nothing is planned. */
  readonly plans?: PlanOptions;
}

const noFaults: Faults = {
  loss: 0,
  duplication: 0,
  reordering: 0,
  ancient: 0,
  partition: 0,
  cutKeeps: false,
  crash: 0,
  stall: 0,
  connectionNews: 0,
  amnesia: 0,
};

export function drawOptions(random: Random, actions: number): CoresOptions {
  const memberCount = pick(random, [1, 2, 3, 3, 3, 3, 4, 5, 5, 5]);
  const tickRates: number[] = [];
  const boots: number[] = [];
  const jitters: number[] = [];
  for (let at = 0; at < memberCount; at++) {
    tickRates.push(0.5 + random.unit());
    boots.push(random.below(2 ** 31));
    jitters.push(random.unit());
  }
  return {
    memberCount,
    settings: drawSettings(random),
    faults: drawFaults(random),
    actions,
    tickRates,
    weights: {
      tick: 3 + random.below(12),
      deliver: 20 + random.below(60),
      disk: pick(random, [1, 4, 12, 30]),
      report: 4 + random.below(20),
      apply: 2 + random.below(20),
      propose: pick(random, [0.5, 2, 5, 10]),
      read: pick(random, [0.2, 1, 4, 10]),
    },
    batching: pick(random, [0, 0, 0.2, 0.7]),
    promptReports: pick(random, [0, 0.5, 1]),
    boots,
    jitters,
    outage: random.chance(0.4) ? drawMinority(random, memberCount) : [],
  };
}

/** Members in all: more make a world slow and no mistake likelier. */
const membersMax = 8;

/** Null: the members of this seed never change. */
export function drawMembership(
  random: Random,
  memberCount: number,
  chance: number,
): MembershipOptions | null {
  if (!random.chance(chance)) return null;
  const spareCount = random.between(1, membersMax - memberCount);
  const weight = pick(random, [0.5, 2, 8]);
  const isOut = random.chance(0.4);
  const outage: number[] = [];
  for (let at = 0; isOut && at < memberCount + spareCount; at++) {
    if (random.chance(0.3)) outage.push(at);
  }
  return { spareCount, weight, outage };
}

/** Null: nobody takes snapshots in this seed. */
export function drawSnapshots(random: Random, chance: number): SnapshotOptions | null {
  if (!random.chance(chance)) return null;
  return {
    take: pick(random, [0.5, 2, 6]),
    compact: pick(random, [0.5, 2, 6]),
    disk: pick(random, [1, 4, 12]),
    transfer: pick(random, [0.3, 2, 8]),
    offer: pick(random, [0, 1, 5]),
    report: pick(random, [0, 0.1, 1]),
    loss: pick(random, [0, 0.1, 0.5]),
    duplication: pick(random, [0, 0.1, 0.5]),
    telling: pick(random, [0, 0.5, 1]),
  };
}

/** Ticks without a sign of a snapshot: some seeds are impatient. */
export function drawSnapshotTicks(random: Random, { electionTicks }: Settings): number {
  return electionTicks * pick(random, [1, 3, 8]);
}

function drawMinority(random: Random, memberCount: number): number[] {
  const size = random.between(0, (memberCount - 1) >> 1);
  const members = Array.from({ length: memberCount }, (_, at) => at);
  for (let rest = memberCount; rest > size; rest--) members.splice(random.below(rest), 1);
  return members;
}

function drawSettings(random: Random): Settings {
  const heartbeatTicks = random.between(1, 3);
  const electionTicks = heartbeatTicks * random.between(2, 8);
  const tiny = random.chance(0.5);
  const entry = entryOverheadBytes + 8;
  const appendBytesMax = tiny
    ? pick(random, [1, entry, 3 * entry])
    : defaultSettings.appendBytesMax;
  return {
    heartbeatTicks,
    electionTicks,
    preVote: random.chance(0.6),
    checkQuorum: random.chance(0.6),
    appendBytesMax,
    inflightMessagesMax: tiny ? random.between(1, 4) : 256,
    inflightBytesMax: tiny ? appendBytesMax * random.between(1, 4) : 8 * 1024 * 1024,
    uncommittedBytesMax: random.chance(0.4)
      ? pick(random, [1, 4 * entry, 20 * entry])
      : 1024 * 1024,
    backlogBytesMax: defaultSettings.backlogBytesMax,
    applyBytesMax: random.chance(0.5) ? pick(random, [1, 2 * entry]) : 1024 * 1024,
    priority: defaultSettings.priority,
    failoverDelayMsMin: defaultSettings.failoverDelayMsMin,
    failoverDelayMsMax: defaultSettings.failoverDelayMsMax,
    leaseReads: false,
    leaseMs: defaultSettings.leaseMs,
    leaseDriftPermille: defaultSettings.leaseDriftPermille,
    snapshotTicks: defaultSettings.snapshotTicks,
  };
}

/** One seed in twenty knows no fault, two only one kind and much of it. */
function drawFaults(random: Random): Faults {
  const all: Faults = {
    loss: pick(random, [0.01, 0.05, 0.2, 0.4]),
    duplication: pick(random, [0.01, 0.1, 0.4]),
    reordering: pick(random, [0.01, 0.1, 0.5, 1]),
    ancient: pick(random, [0.002, 0.02, 0.1]),
    partition: pick(random, [0.2, 1, 5]),
    cutKeeps: random.chance(0.5),
    crash: pick(random, [0.2, 1, 4]),
    stall: pick(random, [0.2, 1]),
    connectionNews: pick(random, [0.1, 0.5, 2]),
    amnesia: pick(random, [0.1, 0.4, 0.8]),
  };
  const dice = random.unit();
  if (dice < 0.05) return noFaults;
  const only = dice < 0.15 ? random.below(8) : null;
  const has = (kind: number): boolean => (only === null ? random.chance(0.6) : only === kind);
  const crash = has(5) ? all.crash : 0;
  return {
    loss: has(0) ? all.loss : 0,
    duplication: has(1) ? all.duplication : 0,
    reordering: has(2) ? all.reordering : 0,
    ancient: has(3) ? all.ancient : 0,
    partition: has(4) ? all.partition : 0,
    cutKeeps: all.cutKeeps,
    crash,
    stall: has(6) ? all.stall : 0,
    connectionNews: has(7) ? all.connectionNews : 0,
    amnesia: crash > 0 && random.chance(0.5) ? all.amnesia : 0,
  };
}
