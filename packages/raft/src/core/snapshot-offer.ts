/**
 * A peer that needs what the leader's log does not have any more: the host is told, and brings it a
 * snapshot in its own way. Here is when one is needed, and when that is over; no byte of it passes
 * through the core.
 *
 * @paper §7; @etcd raft/tracker/progress.go (StateSnapshot)
 */
import { assert, type LogIndex, type NodeId } from "../base/index.ts";
import { becomeProbe, becomeSnapshot, type Progress } from "./progress.ts";
import type { Raft } from "./state.ts";

/** Tells the host, once: the peer is in `snapshot` from here on. */
export function offerSnapshot(raft: Raft, peer: NodeId, progress: Progress): void {
  assert(raft.snapshot !== null, "what a log does not have any more is in a snapshot");
  const { position } = raft.snapshot;
  becomeSnapshot(progress, position, raft.nowTick);
  raft.outbox.answers.push({
    kind: "snapshot-needed",
    peer,
    position,
    term: raft.hardState.term,
  });
}

/**
 * The log behind the snapshot is kept until the peer's answers show that it has it. Says one to
 * what is sent from now on that it does not, what was offered is lost: all begins anew.
 */
export function onSnapshotSent(raft: Raft, peer: NodeId): void {
  const progress = raft.leadership?.peers.get(peer);
  if (progress?.offer == null) return;
  progress.offer.isSent = true;
  progress.offer.tick = raft.nowTick;
  progress.probeSince = progress.sequence + 1;
}

/** With the next heartbeat it is asked what it has. */
export function onSnapshotFailed(raft: Raft, peer: NodeId): void {
  const progress = raft.leadership?.peers.get(peer);
  if (progress?.offer == null) return;
  askAnew(raft, progress);
  progress.probeSequence = progress.sequence; // wait for the heartbeat
}

export function onSnapshotMoving(raft: Raft, peer: NodeId): void {
  const offer = raft.leadership?.peers.get(peer)?.offer;
  if (offer != null) offer.tick = raft.nowTick;
}

/** A report may be lost, or its sender. Called with every heartbeat. */
export function expireOffer(raft: Raft, progress: Progress): void {
  const { offer } = progress;
  if (offer === null || raft.nowTick - offer.tick < raft.settings.snapshotTicks) return;
  askAnew(raft, progress);
}

/** An answer from before the offer may have shown meanwhile that it has more than our base. */
function askAnew(raft: Raft, progress: Progress): void {
  const least = Math.max(raft.log.base.index, progress.matched);
  becomeProbe(progress, (least + 1) as LogIndex); // index plus one
}
