/**
 * What a passing tick does: heartbeats and the step down of a leader, the election timer of the
 * others.
 */
import { maybeCaughtUp } from "./commitment.ts";
import { onElectionTimeout } from "./election.ts";
import type { Tick } from "./inputs.ts";
import { tickPromise } from "./lease.ts";
import { isChangePending } from "./membership.ts";
import { hasContact } from "./membership-preflight.ts";
import { isQuorum } from "./quorum.ts";
import { failUnansweredReads } from "./reads.ts";
import { startRound } from "./replication.ts";
import { becomeFollower } from "./roles.ts";
import { expireOffer } from "./snapshot-offer.ts";
import type { Leadership, Raft } from "./state.ts";
import { maybeGiveUpTransfer, maybeHandOver } from "./transfer.ts";

export function onTick(raft: Raft, tick: Tick): void {
  raft.nowTick++;
  raft.nowMs = tick.nowMs;
  raft.jitter = tick.jitter;
  tickPromise(raft);
  if (raft.leadership !== null) tickLeader(raft, raft.leadership);
  else tickOther(raft);
}

function tickLeader(raft: Raft, leadership: Leadership): void {
  if (raft.settings.checkQuorum && !hasQuorumContact(raft, leadership)) {
    becomeFollower(raft, null);
    return;
  }
  maybeGiveUpTransfer(raft, leadership);
  leadership.heartbeatElapsed++;
  if (leadership.heartbeatElapsed < raft.settings.heartbeatTicks) return;
  leadership.heartbeatElapsed = 0;
  startRound(raft, leadership);
  for (const progress of leadership.peers.values()) {
    if (progress.mode === "probe") progress.probeSequence = null;
    if (progress.mode === "snapshot") expireOffer(raft, progress);
  }
  maybeHandOver(raft, leadership);
}

/**
 * Whether a majority of each half, oneself included, answered something sent within an election
 * timeout.
 * @thesis §6.2
 */
function hasQuorumContact(raft: Raft, leadership: Leadership): boolean {
  return isQuorum(raft.configuration, (id) => hasContact(raft, leadership, id));
}

function tickOther(raft: Raft): void {
  failUnansweredReads(raft);
  maybeCaughtUp(raft);
  raft.electionElapsed++;
  if (raft.electionElapsed >= raft.electionTimeout || isAlone(raft)) onElectionTimeout(raft);
}

/** The only voter waits for nobody; while that is not committed, another may still lead. */
function isAlone(raft: Raft): boolean {
  const { voters } = raft.configuration;
  if (voters.length !== 1 || raft.role !== "follower") return false;
  return voters[0]?.id === raft.id && !isChangePending(raft);
}
