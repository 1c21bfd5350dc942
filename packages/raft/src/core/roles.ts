/**
 * Chapter 1, roles. All start as followers; in calm times there are one leader and followers.
 * Legal moves: follower to (pre-)candidate to leader to follower, and every role to follower.
 *
 * @paper §5.1, Figure 4
 */
import { assert, type LogIndex, type NodeId } from "../base/index.ts";
import { allMembers } from "./configuration.ts";
import { holdsPromise } from "./lease.ts";
import { bytesBetween, lastIndex } from "./log.ts";
import { createProgress, type Progress } from "./progress.ts";
import { failAskedReads, failLeaderReads } from "./reads.ts";
import { appendOwn, startRound } from "./replication.ts";
import { drawElectionTimeout, forgetLeaderOfTerm, type Raft, setHardState } from "./state.ts";
import { endTransfer } from "./transfer.ts";

/**
 * `leader` null: of this term none is known. Changes neither term nor vote, and of the election
 * timer only that a leader's starts: a newer term alone, of a candidate that gets no vote here,
 * delays nobody. @paper Figure 2
 */
export function becomeFollower(raft: Raft, leader: NodeId | null): void {
  if (raft.leadership !== null) failLeaderReads(raft, raft.leadership);
  if (raft.leadership !== null) endTransfer(raft, raft.leadership, "stepped-down");
  if (leader !== raft.leader) failAskedReads(raft);
  if (raft.role === "leader") resetElectionTimer(raft);
  raft.role = "follower";
  raft.leader = leader;
  raft.campaign = null;
  raft.leadership = null;
  raft.pendingAck = null;
}

/** Changes role and leader only: neither term nor vote. @thesis §9.6 */
export function becomePreCandidate(raft: Raft): void {
  assert(raft.role !== "leader", "a leader does not campaign");
  failAskedReads(raft);
  raft.role = "pre-candidate";
  raft.leader = null;
  raft.pendingAck = null;
  const term = (raft.hardState.term + 1) as typeof raft.hardState.term; // term plus one
  raft.campaign = {
    pre: true,
    term,
    grants: new Set([raft.id]),
    refusals: new Set(),
    isTransfer: false,
  };
  resetElectionTimer(raft);
}

/**
 * Opens a new term with a vote for itself, which counts once it is on disk. `isTransfer`: because
 * its leader said so. @paper §5.2; @thesis §3.10
 */
export function becomeCandidate(raft: Raft, isTransfer: boolean): void {
  assert(!holdsPromise(raft), "who promised to elect nobody does not stand");
  assert(raft.role !== "leader", "a leader does not campaign");
  failAskedReads(raft);
  const term = (raft.hardState.term + 1) as typeof raft.hardState.term; // term plus one
  setHardState(raft, { ...raft.hardState, term, votedFor: raft.id });
  raft.role = "candidate";
  raft.leader = null;
  raft.pendingAck = null;
  forgetLeaderOfTerm(raft);
  raft.campaign = { pre: false, term, grants: new Set(), refusals: new Set(), isTransfer };
  resetElectionTimer(raft);
}

/**
 * The winner's first act is a no-op of its term: with it everything before is committed, too. It
 * owns its index before anybody sees the role. @paper §5.4.2, §8
 */
export function becomeLeader(raft: Raft): void {
  assert(raft.role === "candidate", "only a candidate becomes leader");
  assert(raft.hardState.votedFor === raft.id, "a leader voted for itself");
  assert(raft.durableUnit >= raft.hardStateUnit, "a leader's term and vote are on its disk");
  const next = (lastIndex(raft.log) + 1) as LogIndex; // index plus one
  const peers = new Map<NodeId, Progress>();
  for (const member of allMembers(raft.configuration)) {
    if (member.id !== raft.id) peers.set(member.id, createProgress(next, raft.nowTick));
  }
  raft.role = "leader";
  raft.failover = null;
  raft.leader = raft.id;
  raft.campaign = null;
  raft.leadership = {
    termStart: next,
    peers,
    round: 0,
    roundTicks: [],
    heartbeatElapsed: 0,
    commitTaken: raft.commit,
    uncommittedBytes: inheritedBytes(raft),
    newReads: [],
    pendingReads: [],
    sinceTick: raft.nowTick,
    transfer: null,
    transferEndedTick: null,
    leaseFromRound: 0,
  };
  appendOwn(raft, raft.leadership, "no-op", [new Uint8Array(0)]);
  startRound(raft, raft.leadership);
}

function inheritedBytes(raft: Raft): number {
  return bytesBetween(raft.log, raft.commit + 1, lastIndex(raft.log));
}

export function resetElectionTimer(raft: Raft): void {
  raft.electionElapsed = 0;
  raft.electionTimeout = drawElectionTimeout(raft.settings, raft.jitter, raft.leader !== null);
}
