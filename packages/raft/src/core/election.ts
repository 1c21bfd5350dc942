/**
 * Chapter 3, leader election: who stands, who votes for whom, who wins.
 *
 * @paper §5.2, §5.4.1; @thesis §9.6 (PreVote), §4.2.3 (a live leader is not disturbed)
 */
import { assert, type NodeId, type Term } from "../base/index.ts";
import { allVoters, isVoter } from "./configuration.ts";
import type { LogPosition } from "./entry.ts";
import { isLeaderLost } from "./failover.ts";
import { holdsPromise } from "./lease.ts";
import { isUpToDate, lastPosition } from "./log.ts";
import type { RequestVote, RequestVoteResponse, VoteRefusal } from "./messages.ts";
import { isQuorum } from "./quorum.ts";
import {
  becomeCandidate,
  becomeFollower,
  becomeLeader,
  becomePreCandidate,
  resetElectionTimer,
} from "./roles.ts";
import { type Campaign, isWilling, mayCampaign, type Raft, setHardState } from "./state.ts";
import { adoptTerm } from "./terms.ts";

/**
 * The election timer ran out: the leader is lost, or an election found no winner. Who does not
 * stand has lost its leader all the same: nobody waits for one that is silent. @paper §5.2
 */
export function onElectionTimeout(raft: Raft): void {
  resetElectionTimer(raft);
  if (!mayStand(raft) || !isWilling(raft)) {
    if (raft.leader !== null) becomeFollower(raft, null);
    return;
  }
  if (raft.settings.preVote) {
    preCampaign(raft);
  } else {
    campaign(raft, false);
  }
}

/** Whether nothing forbids it to stand for election. */
export function mayStand(raft: Raft): boolean {
  return mayCampaign(raft) && !raft.hardState.mustCatchUp && !holdsPromise(raft);
}

/** Asks whether an election could be won. @thesis §9.6 */
export function preCampaign(raft: Raft): void {
  becomePreCandidate(raft);
  requestVotes(raft);
  maybeWin(raft);
}

/** Raises the term and asks for votes. */
export function campaign(raft: Raft, isTransfer: boolean): void {
  becomeCandidate(raft, isTransfer);
  requestVotes(raft);
}

function requestVotes(raft: Raft): void {
  const current = raft.campaign;
  assert(current !== null, "requestVotes: there is a campaign");
  for (const member of allVoters(raft.configuration)) {
    if (member.id === raft.id) continue;
    raft.outbox.sends.push({
      kind: "send",
      after: raft.hardStateUnit,
      message: {
        kind: "request-vote",
        from: raft.id,
        to: member.id,
        term: current.term,
        pre: current.pre,
        last: lastPosition(raft.log),
        ...(current.isTransfer ? { transfer: true } : null),
      },
    });
  }
}

/** The own term and vote reached the disk: only now does the own vote count. */
export function onOwnVoteDurable(raft: Raft): void {
  if (raft.role !== "candidate" || raft.campaign === null) return;
  raft.campaign.grants.add(raft.id);
  maybeWin(raft);
}

/** What a vote is decided on; a member satisfies it after it has adopted a newer term. */
export interface Voter {
  readonly term: Term;
  readonly votedFor: NodeId | null;
  readonly mustCatchUp: boolean;
  /** Heard from a leader within the shortest election timeout (with CheckQuorum), or leads. */
  readonly hasLiveLeader: boolean;
  /** Promised to elect nobody, and that time has not run out. @thesis §6.4.1 */
  readonly holdsPromise: boolean;
  /** Knows the leader of `term`: that term's election is over. */
  readonly knowsLeader: boolean;
  readonly last: LogPosition;
}

/**
 * Decides a vote, or with `pre` what the vote would be: the same predicate. Changes nothing. Null:
 * granted.
 *
 * @paper §5.2 (one vote a term), §5.4.1 (election restriction); @thesis §4.2.3
 */
export function decideVote(voter: Voter, request: RequestVote): VoteRefusal | null {
  if (request.term < voter.term) return "stale-term";
  if (voter.holdsPromise) return "leader-alive";
  if (request.term > voter.term) {
    if (voter.hasLiveLeader) return "leader-alive";
  } else {
    if (voter.votedFor !== null && voter.votedFor !== request.from) return "voted-for-other";
    if (voter.votedFor === null && voter.knowsLeader) return "leader-alive";
  }
  if (voter.mustCatchUp) return "must-catch-up";
  return isUpToDate(request.last, voter.last) ? null : "log-behind";
}

/**
 * Whoever asks and whatever this member takes itself for: the configurations of both may be older
 * than the one that counts its vote. @thesis §4.1, §4.2.1
 */
export function onRequestVote(raft: Raft, request: RequestVote): void {
  const isNewer = !request.pre && request.term > raft.hardState.term;
  if (isNewer && !holdsPromise(raft) && (!hasLiveLeader(raft) || isHandover(raft, request))) {
    adoptTerm(raft, request.term, null);
  }
  const refused = decideVote(voterOf(raft), request);
  if (refused === null && !request.pre) {
    assert(request.term === raft.hardState.term, "a vote is given in the own term");
    if (raft.hardState.votedFor === null) {
      setHardState(raft, { ...raft.hardState, votedFor: request.from });
    }
    resetElectionTimer(raft);
  }
  raft.outbox.sends.push({
    kind: "send",
    after: raft.hardStateUnit,
    message: {
      kind: "request-vote-response",
      from: raft.id,
      to: request.from,
      term: raft.hardState.term,
      pre: request.pre,
      campaignTerm: request.term,
      refused,
    },
  });
}

/**
 * Whether the leader of this term itself has told the candidate to stand, by the candidate's word:
 * it stands in the very next term, and a late copy of its request is of no later one. @thesis
 * §4.2.3
 */
function isHandover(raft: Raft, request: RequestVote): boolean {
  return request.transfer === true && request.term === raft.hardState.term + 1;
}

function voterOf(raft: Raft): Voter {
  return {
    term: raft.hardState.term,
    votedFor: raft.hardState.votedFor,
    mustCatchUp: raft.hardState.mustCatchUp,
    hasLiveLeader: hasLiveLeader(raft),
    holdsPromise: holdsPromise(raft),
    knowsLeader: raft.leader !== null,
    last: lastPosition(raft.log),
  };
}

/**
 * Whether this member leads, or heard its leader within the shortest election timeout and has not
 * seen since that it is gone. @thesis §4.2.3
 */
export function hasLiveLeader(raft: Raft): boolean {
  if (!raft.settings.checkQuorum) return false;
  if (raft.role === "leader") return true;
  if (raft.leader === null || raft.leaderContactTick === null) return false;
  if (isLeaderLost(raft)) return false;
  return raft.nowTick - raft.leaderContactTick < raft.settings.electionTicks;
}

/** Answers to older campaigns, and to campaigns that are over, count for nothing. */
export function onRequestVoteResponse(raft: Raft, response: RequestVoteResponse): void {
  const isPreGrant = response.pre && response.refused === null; // its term is nobody's yet
  if (response.term > raft.hardState.term && !isPreGrant) {
    adoptTerm(raft, response.term, null);
    return;
  }
  const current = raft.campaign;
  if (current === null || current.pre !== response.pre) return;
  if (current.term !== response.campaignTerm) return;
  if (!isVoter(raft.configuration, response.from)) return;
  if (response.refused === null) {
    if (!current.refusals.has(response.from)) current.grants.add(response.from);
    maybeWin(raft);
  } else {
    if (!current.grants.has(response.from)) current.refusals.add(response.from);
    maybeLose(raft, current);
  }
}

/**
 * A majority of n/2 + 1 wins, in a joint configuration one of each half. The own vote is needed on
 * disk, even where it does not count.
 *
 * @paper §5.2; @thesis §4.3
 */
function maybeWin(raft: Raft): void {
  const current = raft.campaign;
  if (current === null) return;
  if (!isQuorum(raft.configuration, (id) => current.grants.has(id))) return;
  if (current.pre) campaign(raft, false);
  else if (current.grants.has(raft.id)) becomeLeader(raft);
}

/**
 * Too many refusals to win any more: a follower again, of the same term, until the timer runs out.
 */
function maybeLose(raft: Raft, current: Campaign): void {
  if (isQuorum(raft.configuration, (id) => !current.refusals.has(id))) return;
  raft.campaign = null;
  raft.role = "follower";
}
