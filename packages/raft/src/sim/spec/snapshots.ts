/**
 * What takes the place of the beginning of a log. The logs of this world stay whole, as the
 * paper's are; how much of them a real member has is said beside. @paper §7; @thesis chapter 5
 */
import { noteSnapshot } from "./disk.ts";
import { checkDelivered } from "./network.ts";
import { followSender, know, verify } from "./replication.ts";
import type {
  Server,
  SpecAppendEntries,
  SpecInstallSnapshot,
  SpecSnapshot,
} from "./specification.ts";
import {
  change,
  checkSnapshot,
  type Heard,
  isSameEntry,
  lifeOf,
  memberOf,
  pastOf,
  refuse,
  snapshotKey,
  termAt,
  type World,
} from "./world.ts";

/** @paper §7 */
export function takeSnapshot(world: World, server: Server, snapshot: SpecSnapshot): void {
  const { log, lastApplied, snapshot: last, disk } = memberOf(world, server);
  const { index } = snapshot;
  checkSnapshot(world, log, lastApplied, snapshot);
  if (index <= (last?.index ?? 0)) {
    refuse(`§7, a snapshot replaces an older one: ${last?.index} entries by ${index}.`);
  }
  if (!isSameEntry(disk.log[index - 1], log[index - 1])) {
    refuse(`§7, the log on the disk of server ${server} does not reach entry ${index} yet.`);
  }
  noteSnapshot(pastOf(world, server), snapshot);
  change(world, server, { snapshot, disk: { ...disk, snapshot } });
}

/** @paper §7 */
export function compact(world: World, server: Server, index: number): void {
  const { compacted, disk } = memberOf(world, server);
  const covered = disk.snapshot?.index ?? 0;
  if (!(index >= compacted)) {
    refuse(`§7, what was dropped is not back: ${compacted} entries, then ${index}.`);
  }
  if (index > covered) {
    refuse(`§7, server ${server} has ${covered} entries in a snapshot on disk, not ${index}.`);
  }
  change(world, server, { compacted: index });
}

/** @paper §7, Figure 13 */
export function installSnapshot(world: World, server: Server, request: SpecInstallSnapshot): void {
  const { log, commitIndex } = memberOf(world, server);
  checkDelivered(world, server, request);
  const { snapshot } = request;
  const { index } = snapshot;
  if (index <= commitIndex) {
    refuse(`§7, server ${server} has ${commitIndex} committed entries: ${index} are no news.`);
  }
  const heard = hearSender(world, server, request);
  const holdsLast = termAt(log, index) === snapshot.term;
  const kept = holdsLast ? log : (world.covered.get(snapshotKey(snapshot)) ?? []);
  if (heard !== undefined) verify(world, server, heard, kept, index);
  change(world, server, { log: kept, snapshot, compacted: index, lastApplied: index });
  know(world, server, kept, index);
}

/**
 * Whose log is known to equal the snapshot's beginning: the sender's, who leads the current term.
 * Or whoever leads it, if the sender led an older one: leader completeness, Figure 3. That sender
 * is not followed; of the own leader perhaps nothing was heard yet.
 */
function hearSender(world: World, server: Server, request: SpecInstallSnapshot): Heard | undefined {
  const { role, currentTerm } = memberOf(world, server);
  if (request.term >= currentTerm) return followSender(world, server, request);
  if (role !== "follower") {
    refuse(`§7, server ${server} is a ${role} of term ${currentTerm} and takes no snapshot.`);
  }
  return lifeOf(world, server).heard.get(currentTerm);
}

export function followLeader(
  world: World,
  server: Server,
  request: SpecAppendEntries | SpecInstallSnapshot,
): void {
  const heard = followSender(world, server, request);
  if (request.kind === "append-entries") return;
  const { log } = memberOf(world, server);
  const { index, term } = request.snapshot;
  if (termAt(log, index) === term) verify(world, server, heard, log, index);
}
