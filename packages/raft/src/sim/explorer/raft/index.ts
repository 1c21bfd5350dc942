/**
 * Models of the real core for the explorer, by name: `crash` (disks, lost units, elections, logs)
 * and `reads` (PreVote, CheckQuorum, ReadIndex), `membership` (a learner joins and replaces a
 * voter), `snapshots` (logs are dropped behind snapshots, and these brought to who lags), `leases`
 * (promises on clocks that drift) and `failover` (members see that their leader is gone), each in
 * several sizes; `membership-leave` (a voter leaves); `transfers` and `leases-transfer` (a leader
 * hands over, without a lease and with one); `duplicates` where every message may arrive again and
 * again.
 * `-small` is for unit tests, `-ci` for every change, the full ones for as long as one likes.
 */
import type { Model } from "../model.ts";
import type { Bounds } from "./bounds.ts";
import { leaving, replacing } from "./changes.ts";
import { RaftModel } from "./raft-model.ts";

export type { Bounds } from "./bounds.ts";
export { RaftModel } from "./raft-model.ts";

/** Two members stand for election, one after the other or at once; any one crashes at any time. */
const crash: Bounds = {
  name: "crash",
  preVote: false,
  checkQuorum: false,
  termMax: 3,
  timeoutsMax: 2,
  proposalsMax: 1,
  crashesMax: 1,
  roundsMax: 1,
  ticksMax: 0,
  readsMax: 0,
  duplicatesMax: 0,
  followerReads: false,
  asyncDisk: true,
  storesCommit: false,
};

/** Leaders are replaced while they are asked for reads, and may not know it. */
const reads: Bounds = {
  ...crash,
  name: "reads",
  preVote: true,
  checkQuorum: true,
  asyncDisk: false,
  proposalsMax: 0,
  crashesMax: 0,
  roundsMax: 2,
  readsMax: 1,
};

/** A learner joins and takes a voter's place, while leaders are lost. */
const membership: Bounds = { ...crash, name: "membership", changes: replacing, proposalsMax: 2 };

/** A voter leaves, perhaps the leader; the others may go on without what it began. */
const membershipLeave: Bounds = {
  ...crash,
  name: "membership-leave",
  changes: leaving,
  proposalsMax: 1,
  crashesMax: 0,
  asyncDisk: false,
};

/** Members drop their logs behind snapshots, and bring these to who lags behind. */
const snapshots: Bounds = {
  ...crash,
  name: "snapshots",
  roundsMax: 2,
  ticksMax: 1,
  snapshotsMax: 1,
};

/**
 * Leaders read by leases, on clocks as far apart as is declared: who promised elects nobody else
 * before they are over. Timers run out at any time, and nobody minds that a leader is alive, so
 * nothing but promises keeps others from leading.
 */
const leases: Bounds = {
  ...crash,
  name: "leases",
  proposalsMax: 0,
  crashesMax: 1,
  asyncDisk: false,
  roundsMax: 2,
  ticksMax: 1,
  clocks: { stepsMax: 2, slow: [1] },
};

const oneLease = { crashesMax: 0, roundsMax: 1, ticksMax: 0 };

/** A leader with a lease hands over, which may fail: it gives the lease up and gets it back. */
const handover: Bounds = {
  ...leases,
  name: "leases-transfer",
  crashesMax: 0,
  roundsMax: 5,
  ticksMax: 2,
  transfersMax: 1,
  clocks: { stepsMax: 1, slow: [1] },
};

/** A leader hands over while disks are slow: without leases, so at once. */
const transfers: Bounds = {
  ...crash,
  name: "transfers-ci",
  timeoutsMax: 1,
  proposalsMax: 0,
  crashesMax: 0,
  transfersMax: 1,
};

/** Members see that their leader is gone, truly or not, and stand at once. */
const failover: Bounds = {
  ...crash,
  name: "failover",
  preVote: true,
  checkQuorum: true,
  timeoutsMax: 1,
  proposalsMax: 0,
  crashesMax: 0,
  asyncDisk: false,
  gonesMax: 2,
  wakesMax: 2,
};

const oneTerm = { termMax: 2, timeoutsMax: 1, proposalsMax: 0 };

const all: readonly Bounds[] = [
  { ...crash, name: "crash-small", termMax: 2, timeoutsMax: 2, proposalsMax: 0 },
  { ...crash, name: "crash-ci", proposalsMax: 0 },
  {
    ...crash,
    name: "duplicates-small",
    termMax: 2,
    timeoutsMax: 2,
    proposalsMax: 0,
    duplicatesMax: "unlimited",
  },
  crash,
  { ...reads, name: "reads-small", termMax: 2, timeoutsMax: 1, ticksMax: 2 },
  // Who leads is learned the hard way only: what keeps elections away is in the two others.
  { ...reads, name: "reads-ci", preVote: false, checkQuorum: false },
  { ...reads, ticksMax: 2 },
  {
    ...membership,
    name: "membership-small",
    termMax: 2,
    timeoutsMax: 1,
    crashesMax: 0,
    asyncDisk: false,
  },
  { ...membership, name: "membership-ci", crashesMax: 0, asyncDisk: false },
  membership,
  membershipLeave,
  { ...snapshots, ...oneTerm, name: "snapshots-small", crashesMax: 0, asyncDisk: false },
  { ...snapshots, ...oneTerm, name: "snapshots-crash-ci" },
  {
    ...snapshots,
    name: "snapshots-ci",
    proposalsMax: 0,
    ticksMax: 0,
    roundsMax: 1,
    crashesMax: 0,
    asyncDisk: false,
  },
  {
    ...snapshots,
    ...oneTerm,
    name: "snapshots-log",
    proposalsMax: 1,
    ticksMax: 2,
    roundsMax: 3,
    crashesMax: 0,
    asyncDisk: false,
  },
  { ...snapshots, proposalsMax: 1, snapshotsMax: 2 },
  { ...leases, ...oneLease, name: "leases-small", clocks: { stepsMax: 1, slow: [1] } },
  { ...leases, ...oneLease, name: "leases-ci" },
  { ...leases, ...oneLease, name: "leases-crash", crashesMax: 1 },
  { ...leases, crashesMax: 0, name: "leases-rounds" },
  { ...leases, clocks: { stepsMax: 3, slow: [0, 1, 2, 3] } },
  { ...handover, name: "leases-transfer-ci", timeoutsMax: 1, ticksMax: 0, roundsMax: 2 },
  handover,
  transfers,
  { ...failover, name: "failover-small", gonesMax: 1, wakesMax: 1, isNeverSilent: true },
  { ...failover, name: "failover-ci", wakesMax: 1, isNeverSilent: true },
  failover,
];

/** The bounds of every model. */
export const raftBounds: readonly Bounds[] = all;

/** A new model each time: what a model learned of the core stays with it. */
export const raftModels: Readonly<Record<string, () => Model>> = Object.fromEntries(
  all.map((bounds) => [bounds.name, () => new RaftModel(bounds)]),
);
