/**
 * Fast failover: a follower whose host saw that the leader is gone does not wait for the election
 * timer. It stands after a few milliseconds, and votes for others that do, in spite of having heard
 * that leader a moment ago. Only by what it saw itself: so a leader that a majority still hears is
 * not deposed by the broken link of one, which finds no majority of pre-votes.
 *
 * A leader that is gone for more than its connections says so by silence only; that is the election
 * timer's business. Decision 0053.
 */
import type { NodeId } from "../base/index.ts";
import { mayStand, preCampaign } from "./election.ts";
import type { LeaderGone } from "./inputs.ts";
import type { Message } from "./messages.ts";
import { type Campaign, type Failover, isWilling, type Raft } from "./state.ts";

/**
 * Times that a member asks to be woken for one lost leader: 5 to 30 ms, then twice that and so on,
 * a second in all; by then election timers run out.
 */
export const failoverWakesMax = 6;

/** Whether this member saw that the leader of its term is gone, and has not heard of it since. */
export function isLeaderLost(raft: Raft): boolean {
  return raft.failover !== null && raft.failover.term === raft.hardState.term;
}

/** Somebody who is not the leader is nobody's loss. */
export function onLeaderGone(raft: Raft, { peer, jitter }: LeaderGone): void {
  if (raft.role !== "follower" || raft.leader !== peer || isLeaderLost(raft)) return;
  raft.failover = { peer, term: raft.hardState.term, wakes: 0 };
  askToBeWoken(raft, raft.failover, jitter);
}

function askToBeWoken(raft: Raft, failover: Failover, jitter: number): void {
  if (failover.wakes >= failoverWakesMax) return;
  const { failoverDelayMsMin, failoverDelayMsMax, priority } = raft.settings;
  // Only the first time: those of equal priority might hinder each other again and again.
  const parts = failover.wakes === 0 ? Math.max(1, priority) : 1;
  const range = (failoverDelayMsMax - failoverDelayMsMin) / parts;
  const delayMs = (failoverDelayMsMin + jitter * range) * 2 ** failover.wakes;
  failover.wakes++;
  raft.outbox.answers.push({ kind: "wake-in", delayMs });
}

/**
 * Stands for election, by way of pre-votes whatever the settings say: who sees a broken link only
 * must not raise the term. Not while its own campaign or that of one whom it voted for is under
 * way; if nothing comes of it, the next time.
 */
export function onWake(raft: Raft, jitter: number): void {
  const { failover } = raft;
  if (failover === null) return;
  askToBeWoken(raft, failover, jitter);
  if (!mayStand(raft) || !isWilling(raft)) return;
  if (isVoteUnderWay(raft.campaign) || hasVotedSince(raft, failover)) return;
  preCampaign(raft);
}

/** A real election in which nobody has refused yet. Pre-votes are repeated for what is lost. */
function isVoteUnderWay(campaign: Campaign | null): boolean {
  return campaign !== null && !campaign.pre && campaign.refusals.size === 0;
}

function hasVotedSince(raft: Raft, failover: Failover): boolean {
  const { term, votedFor } = raft.hardState;
  const isOther = (id: NodeId | null): boolean => id !== null && id !== raft.id;
  return term > failover.term && isOther(votedFor);
}

/** A message of the lost leader's term from it: it lives. Late ones cost speed only. */
export function maybeHearLost(raft: Raft, failover: Failover, message: Message): void {
  if (message.from === failover.peer && message.term === failover.term) raft.failover = null;
}
