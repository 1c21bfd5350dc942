/**
 * Models of the real core for the explorer, by name: `crash` (disks, lost units, elections, logs)
 * and `reads` (PreVote, CheckQuorum, ReadIndex), `membership` (a learner joins and replaces a
 * voter), `snapshots` (logs are dropped behind snapshots, and these brought to who lags), each in
 * several sizes; `membership-leave` (a voter leaves); `duplicates` where every message may arrive
 * again and again.
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
];

/** The bounds of every model. */
export const raftBounds: readonly Bounds[] = all;

/** A new model each time: what a model learned of the core stays with it. */
export const raftModels: Readonly<Record<string, () => Model>> = Object.fromEntries(
  all.map((bounds) => [bounds.name, () => new RaftModel(bounds)]),
);
