/**
 * What survives. The paper writes before it answers; here a write takes its time, and the member
 * goes on meanwhile. @paper Figure 2, persistent state; §5.1
 */
import type { Server, SpecDisk, SpecLog, SpecSnapshot } from "./specification.ts";
import {
  change,
  countCommon,
  createLife,
  type Heard,
  lifeOf,
  memberOf,
  noteOnDisk,
  type Past,
  pastOf,
  refuse,
  startedFrom,
  termAt,
  type World,
} from "./world.ts";

/**
 * Notes how much of what was found equal to a leader's log is on the disk. It counts under the
 * leader's term or a newer one: then no older leader can take it back after a loss of power.
 */
export function settle(heard: Heard, disk: SpecDisk): void {
  if (disk.currentTerm < heard.term || heard.onDisk === heard.verified) return;
  heard.onDisk = Math.max(heard.onDisk, countCommon(disk.log, heard.log, heard.verified));
}

/** A snapshot comes to the disk beside the writes, and none takes it away again. */
function newer(left: SpecSnapshot | null, right: SpecSnapshot | null): SpecSnapshot | null {
  return (left?.index ?? 0) > (right?.index ?? 0) ? left : right;
}

export function noteSnapshot(past: Past, snapshot: SpecSnapshot | null): void {
  if (snapshot !== null) past.snapshots.set(snapshot.index, snapshot);
}

export function write(world: World, server: Server): void {
  const member = memberOf(world, server);
  const { currentTerm, votedFor, log, snapshot, compacted, abstains, promised, writes } = member;
  const next = { currentTerm, votedFor, log, snapshot, compacted, abstains, promised };
  change(world, server, { writes: [...writes, next] });
}

export function sync(world: World, server: Server): void {
  const { writes, disk: before } = memberOf(world, server);
  const next = writes[0] ?? refuse(`Server ${server} has no write under way.`);
  const disk = { ...next, snapshot: newer(before.snapshot, next.snapshot) };
  const life = lifeOf(world, server);
  const past = pastOf(world, server);
  noteOnDisk(past, before.log, disk.log);
  noteSnapshot(past, disk.snapshot);
  for (const heard of life.unsettled) settle(heard, disk);
  life.unsettled = life.unsettled.filter((heard) => heard.term >= disk.currentTerm);
  change(world, server, { disk, writes: writes.slice(1) });
}

export function restart(
  world: World,
  server: Server,
  kept: number,
  commitIndex: number,
  keptTerms: number = kept,
): void {
  const { writes, disk: before } = memberOf(world, server);
  const past = pastOf(world, server);
  if (!(Number.isInteger(kept) && kept >= 0 && kept <= keptTerms && keptTerms <= writes.length)) {
    refuse(
      `Of ${writes.length} writes under way on server ${server}, ${kept} logs and ${keptTerms} ` +
        "terms cannot be kept.",
    );
  }
  const all = [before, ...writes];
  const { log, compacted, snapshot: written } = all[kept] ?? before;
  const snapshot = newer(before.snapshot, written);
  const disk: SpecDisk = { ...(all[keptTerms] ?? before), log, compacted, snapshot };
  if (!(commitIndex >= 0 && commitIndex <= past.commitIndex)) {
    refuse(`Server ${server} knew ${past.commitIndex} to be committed, not ${commitIndex}.`);
  }
  const common = countCommon(disk.log, past.committedLog, commitIndex);
  if (common < commitIndex) {
    refuse(
      `The disk of server ${server} has ${common} of the ${commitIndex} entries that it takes ` +
        "for committed.",
    );
  }
  for (let at = 1; at <= kept; at++) noteOnDisk(past, all[at - 1]?.log ?? [], all[at]?.log ?? []);
  noteSnapshot(past, snapshot);
  world.members[server] = startedFrom(disk, commitIndex);
  world.lives[server] = createLife(disk.currentTerm, disk.promised);
}

export function loseEntries(
  world: World,
  server: Server,
  kept: number,
  restored: SpecLog = [],
): void {
  const { disk: before, commitIndex } = memberOf(world, server);
  if (!lifeOf(world, server).isFresh) {
    refuse(`A disk loses entries while its member is down, and server ${server} is at work.`);
  }
  if (!(Number.isInteger(kept) && kept >= 0 && kept <= before.log.length)) {
    refuse(`A disk of ${before.log.length} entries cannot keep ${kept}.`);
  }
  if (kept < (before.snapshot?.index ?? 0)) {
    refuse(`Server ${server} has a snapshot of ${before.snapshot?.index} entries, above ${kept}.`);
  }
  const log = [...before.log.slice(0, kept), ...restored];
  const past = pastOf(world, server);
  for (const [at, { term, value }] of restored.entries()) {
    const known = past.everOnDisk.get(`${kept + at + 1}/${term}`);
    if (known?.value !== value || known.prevTerm !== (log[kept + at - 1]?.term ?? 0)) {
      refuse(
        `The disk of server ${server} never had this entry ${kept + at + 1} of term ${term} ` +
          "behind what is left.",
      );
    }
  }
  const disk = { ...before, log, abstains: true };
  past.termOfLoss = disk.currentTerm;
  world.members[server] = startedFrom(disk, Math.min(commitIndex, kept));
}

/**
 * A leader of a newer term was elected without this member, so it has all that was ever committed
 * with its help; and so has this disk, once an entry of that leader's term is committed and on it.
 */
export function stopAbstaining(world: World, server: Server): void {
  const { abstains, currentTerm, log } = memberOf(world, server);
  const { termOfLoss } = pastOf(world, server);
  if (!abstains) refuse(`Server ${server} does not abstain.`);
  if (currentTerm <= termOfLoss) {
    refuse(
      `Server ${server} lost entries in term ${termOfLoss}; a leader of term ${currentTerm} may ` +
        "still count what was lost.",
    );
  }
  const heard =
    lifeOf(world, server).heard.get(currentTerm) ??
    refuse(`Server ${server} heard from no leader of term ${currentTerm}.`);
  const caughtUp = Math.min(heard.leaderCommit, heard.onDisk);
  if (termAt(log, caughtUp) !== currentTerm) {
    refuse(
      `Server ${server} has ${heard.onDisk} of the leader's entries on disk, ` +
        `${heard.leaderCommit} are said to be committed, none of term ${currentTerm} is both.`,
    );
  }
  change(world, server, { abstains: false });
}
