/**
 * For each trap the bugs that fall into it, as patches of the sources that only the runner's tests
 * load (`run-bugs.ts`).
 */
import { electionBugs } from "./bugs/elections.ts";
import { flowBugs } from "./bugs/flow.ts";
import { leadershipBugs } from "./bugs/leadership.ts";
import { leaseBugs } from "./bugs/leases.ts";
import { machineBugs } from "./bugs/machine.ts";
import { memberSnapshotBugs } from "./bugs/member-snapshots.ts";
import { membershipBugs } from "./bugs/membership.ts";
import { replicationBugs } from "./bugs/replication.ts";
import { snapshotTransferBugs } from "./bugs/snapshot-transfer.ts";
import { snapshotBugs } from "./bugs/snapshots.ts";
import { storageBugs } from "./bugs/storage.ts";
import { transferBugs } from "./bugs/transfer.ts";
import type { TrapBug } from "./bugs/trap-bug.ts";

export type { TrapBug } from "./bugs/trap-bug.ts";

export const bugs: readonly TrapBug[] = [
  ...electionBugs,
  ...replicationBugs,
  ...storageBugs,
  ...snapshotBugs,
  ...machineBugs,
  ...snapshotTransferBugs,
  ...memberSnapshotBugs,
  ...transferBugs,
  ...leaseBugs,
  ...leadershipBugs,
  ...membershipBugs,
  ...flowBugs,
];
