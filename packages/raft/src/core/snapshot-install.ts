/**
 * A snapshot takes the place of the log, or of its beginning, at a member that has got one whole.
 *
 * @paper §7; @thesis §5.1 (what stays of the log); @etcd raft/raft.go (restore)
 */
import { assert, type LogIndex, type PersistUnit } from "../base/index.ts";
import { onCommitting, onReplaced } from "./backlog.ts";
import { configurationFor } from "./compaction.ts";
import type { SnapshotRefused } from "./effects.ts";
import type { SnapshotReceived } from "./inputs.ts";
import { lastIndex, replaceLog, termAt } from "./log.ts";
import { refreshCommitted } from "./membership.ts";
import { becomeFollower } from "./roles.ts";
import type { PlacedSnapshot, Raft } from "./state.ts";
import { queuePersist } from "./take.ts";
import { adoptTerm } from "./terms.ts";

/**
 * The term is adopted first, as any that is seen. So no leader of an older term is heard
 * afterwards, whose log may lack what is in the snapshot; and the disk has the term before the
 * snapshot.
 */
export function onSnapshotReceived(raft: Raft, received: SnapshotReceived): void {
  const { id, position, configurationIndex } = received;
  assert(received.term >= position.term, "no position is of a term above that of its commitment");
  assert(
    configurationIndex >= 1 && configurationIndex <= position.index,
    "a snapshot's configuration is in what it stands for",
    () => `${configurationIndex}, ${position.index}`,
  );
  if (received.term > raft.hardState.term) adoptTerm(raft, received.term, null);
  const why = judge(raft, received);
  if (why !== null) raft.outbox.answers.push({ kind: "snapshot-refused", id, why });
  else install(raft, received);
}

/** Null: to be installed. */
function judge(raft: Raft, received: SnapshotReceived): SnapshotRefused["why"] | null {
  const { position, configurationIndex } = received;
  const { log } = raft;
  if (position.index < log.base.index) return "covered";
  const hasPosition = termAt(log, position.index) === position.term;
  // What is committed does not change, nor what equals the leader's log: that has the position,
  // too.
  const isFixed = raft.role === "leader" || position.index <= Math.max(raft.commit, raft.verified);
  if (isFixed && !hasPosition) return "conflict";
  if (raft.role === "leader" || position.index <= raft.commit) return "covered";
  const through = hasPosition ? position.index : raft.commit;
  const own = configurationFor(raft, through as LogIndex).index; // one of two indexes
  return configurationIndex <= through && configurationIndex !== own ? "conflict" : null;
}

function install(raft: Raft, received: SnapshotReceived): void {
  const { id, position, configuration, configurationIndex } = received;
  const snapshot: PlacedSnapshot = { position, configuration, configurationIndex };
  // A candidate's log has changed, and perhaps it is no voter any more: it asks anew.
  if (raft.role !== "follower") becomeFollower(raft, null);
  queuePersist(raft); // what was asked for before, the term above all, is on disk before
  const replacesLog = termAt(raft.log, position.index) !== position.term;
  if (replacesLog) replaceBy(raft, snapshot);
  onCommitting(raft, position.index);
  raft.commit = position.index;
  raft.applying = position.index;
  // Who leads the term, or is elected later, has what was committed in it or before.
  raft.verified = Math.max(raft.verified, position.index) as LogIndex; // one of two indexes
  if (!replacesLog) refreshCommitted(raft);
  const unit = raft.nextUnit;
  raft.outbox.units.push({ kind: "install-snapshot", unit, id, position, replacesLog });
  raft.outstanding.push({ unit, lastIndex: lastIndex(raft.log), snapshot });
  raft.nextUnit = (unit + 1) as PersistUnit; // unit plus one
}

/**
 * Nothing of the log stays. What is on disk of it, or on its way there, vouches only for what is
 * the same in the snapshot: what is committed, and what equals the leader's log.
 */
function replaceBy(raft: Raft, snapshot: PlacedSnapshot): void {
  const { position } = snapshot;
  const same = Math.max(raft.commit, raft.verified) as LogIndex; // one of two indexes
  assert(same < position.index, "what is fixed is not replaced");
  onReplaced(raft);
  replaceLog(raft.log, position);
  raft.durableIndex = Math.min(raft.durableIndex, same) as LogIndex; // one of two indexes
  for (const unit of raft.outstanding) {
    unit.lastIndex = Math.min(unit.lastIndex, same) as LogIndex; // as above
  }
  raft.unstableFrom = (position.index + 1) as LogIndex; // index plus one
  raft.configuration = snapshot.configuration;
  raft.configurationIndex = snapshot.configurationIndex;
  raft.committedConfiguration = snapshot.configuration;
  raft.committedConfigurationIndex = snapshot.configurationIndex;
  raft.outbox.configurationChanged = true;
}
