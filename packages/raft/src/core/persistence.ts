/** What the host reports back of disk and machines. Completions are merged monotonically. */
import { assert, type LogIndex, noIndex, type PersistUnit } from "../base/index.ts";
import { onSynced, onWorkedOff } from "./backlog.ts";
import { maybeCommit } from "./commitment.ts";
import { onOwnVoteDurable } from "./election.ts";
import type { PlacedSnapshot, Raft } from "./state.ts";

/**
 * Unit `unit` and all before it are on disk. What a later unit removed again does not count:
 * `removeFrom` lowered the outstanding units when it happened, so an old completion cannot vouch
 * for a new entry at the same index.
 */
export function onPersisted(raft: Raft, unit: PersistUnit): void {
  assert(unit < raft.nextUnit, "only units that were handed out complete", () => `${unit}`);
  if (unit <= raft.durableUnit) return;
  const voteWasDurable = raft.durableUnit >= raft.hardStateUnit;
  raft.durableUnit = unit;
  while ((raft.outstanding[0]?.unit ?? Number.POSITIVE_INFINITY) <= unit) {
    const done = raft.outstanding.shift();
    if (done === undefined) break;
    onSynced(raft, done.lastIndex);
    if (isNewer(done.snapshot, raft.snapshot)) raft.snapshot = done.snapshot;
  }
  if (!voteWasDurable && raft.durableUnit >= raft.hardStateUnit) onOwnVoteDurable(raft);
  maybeCommit(raft);
}

function isNewer(a: PlacedSnapshot | null, b: PlacedSnapshot | null): boolean {
  return a !== null && a.position.index > (b?.position.index ?? noIndex);
}

export function onApplied(raft: Raft, index: LogIndex): void {
  assert(index <= raft.applying, "only what was handed out is applied", () => `${index}`);
  onWorkedOff(raft, index);
}
