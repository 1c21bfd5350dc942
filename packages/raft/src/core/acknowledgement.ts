/**
 * What a follower promises its leader: that its log equals the leader's up to an index and is on
 * its disk. Contact is confirmed without waiting for the disk, the promise is not.
 *
 * @paper §5.3; the popular "acknowledge, then write" is the trap this file exists for
 */
import { assert, type LogIndex, type PersistUnit } from "../base/index.ts";
import { fullnessOf, refreshFull } from "./backlog.ts";
import { type PendingAck, type Raft, standingOf, unitHolding } from "./state.ts";

/** Called once a take. */
export function sendAcknowledgement(raft: Raft): void {
  refreshFull(raft);
  const owed = raft.pendingAck ?? findRoomToTell(raft);
  if (owed === null) return;
  raft.pendingAck = null;
  const tells = tellFullness(raft, owed);
  assert(raft.leader === owed.to, "acknowledgements go to the leader of the term");
  const isNewRound = owed.round > raft.answeredRound;
  if (isNewRound) raft.answeredRound = owed.round;
  const onDisk = Math.min(raft.verified, raft.durableIndex) as LogIndex; // one of two indexes
  if (onDisk === raft.verified) {
    acknowledge(raft, owed, onDisk, raft.hardStateUnit);
    return;
  }
  if (isNewRound || tells) acknowledge(raft, owed, onDisk, raft.hardStateUnit);
  const unit = unitHolding(raft, raft.verified);
  const after = Math.max(unit, raft.hardStateUnit) as PersistUnit; // one of two units
  acknowledge(raft, owed, raft.verified, after);
}

/**
 * Whether the leader has to hear of this member's room now: what waits for the disk comes too late
 * to make it stop, or go on.
 */
function tellFullness({ backlog }: Raft, { round, sequence }: PendingAck): boolean {
  const wasFull = backlog.told !== null;
  backlog.told = backlog.isFull ? { round, sequence } : null;
  return wasFull || backlog.isFull;
}

/** The leader waits to hear that there is room again: the same answer as the last, once more. */
function findRoomToTell({ backlog, leader, role }: Raft): PendingAck | null {
  const { told, isFull } = backlog;
  if (told === null || isFull || leader === null || role !== "follower") return null;
  return { to: leader, ...told, promisedMs: 0 };
}

function acknowledge(raft: Raft, owed: PendingAck, matched: LogIndex, after: PersistUnit): void {
  raft.outbox.sends.push({
    kind: "send",
    after,
    message: {
      kind: "append-entries-response",
      from: raft.id,
      to: owed.to,
      term: raft.hardState.term,
      round: owed.round,
      sequence: owed.sequence,
      outcome: { kind: "accepted", matched, verified: raft.verified },
      ...standingOf(raft),
      ...fullnessOf(raft),
      ...(owed.promisedMs > 0 ? { promisedMs: owed.promisedMs } : null),
    },
  });
}
