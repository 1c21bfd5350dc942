/**
 * Whether a change leaves a cluster that can still decide: asked by the leader before it appends
 * one, of what it knows of its peers now. Safety does not depend on it; a cluster that nobody can
 * change any more does.
 *
 * @thesis §4.2.1 (catching up new servers)
 */
import type { LogIndex, NodeId } from "../base/index.ts";
import type { Configuration, Member } from "./configuration.ts";
import { majority } from "./configuration.ts";
import type { MemberChange } from "./membership-plan.ts";
import type { Leadership, Raft } from "./state.ts";

/**
 * Committed entries that a learner may lack to become a voter: little enough to be sent within an
 * election timeout, more than are under way in a busy cluster.
 */
export const promotionLagMax = 1000;

/** `silent`: not heard from within an election timeout. `behind`: lacks too many entries. */
export type Unreadiness = "silent" | "behind";

/** The arithmetic of a change that would stop the cluster. */
export interface QuorumLoss {
  /** Which half of the joint configuration could not decide. */
  readonly half: "old" | "new";
  readonly voters: number;
  /** Voters that are needed for a majority of the half. */
  readonly needed: number;
  /** Voters of the half that are heard from and have the log. */
  readonly ready: number;
  readonly unready: readonly { readonly id: NodeId; readonly why: Unreadiness }[];
}

export type PreflightRefusal =
  | { readonly why: "would-lose-quorum"; readonly loss: QuorumLoss }
  | {
      readonly why: "learner-not-ready";
      readonly id: NodeId;
      readonly because: Unreadiness;
      readonly matched: LogIndex;
      readonly commit: LogIndex;
    };

/** Null: the change may begin. Only changes of the voters can be refused. */
export function checkReadiness(
  raft: Raft,
  leadership: Leadership,
  changes: readonly MemberChange[],
  next: Configuration,
): PreflightRefusal | null {
  if (next.outgoing === null) return null;
  for (const change of changes) {
    if (change.kind !== "promote") continue;
    const { id } = change;
    const because = unreadinessOf(raft, leadership, id);
    if (because === null) continue;
    const matched = leadership.peers.get(id)?.matched ?? raft.log.base.index;
    return { why: "learner-not-ready", id, because, matched, commit: raft.commit };
  }
  const loss =
    findLoss(raft, leadership, "old", next.outgoing) ??
    findLoss(raft, leadership, "new", next.voters);
  return loss === null ? null : { why: "would-lose-quorum", loss };
}

function findLoss(
  raft: Raft,
  leadership: Leadership,
  half: QuorumLoss["half"],
  voters: readonly Member[],
): QuorumLoss | null {
  const unready: { id: NodeId; why: Unreadiness }[] = [];
  for (const { id } of voters) {
    const why = unreadinessOf(raft, leadership, id);
    if (why !== null) unready.push({ id, why });
  }
  const needed = majority(voters.length);
  const ready = voters.length - unready.length;
  return ready >= needed ? null : { half, voters: voters.length, needed, ready, unready };
}

/** A peer counts once it has answered this leader, and not for what it was before. */
function unreadinessOf(raft: Raft, leadership: Leadership, id: NodeId): Unreadiness | null {
  if (id === raft.id) return null;
  const progress = leadership.peers.get(id);
  if (progress === undefined || progress.ackedRound === 0) return "silent";
  if (!hasContact(raft, leadership, id)) return "silent";
  return raft.commit - progress.matched > promotionLagMax ? "behind" : null;
}

/** Whether this is the leader itself, or answered something sent within an election timeout. */
export function hasContact(raft: Raft, leadership: Leadership, id: NodeId): boolean {
  if (id === raft.id) return true;
  const progress = leadership.peers.get(id);
  if (progress === undefined) return false;
  return raft.nowTick - progress.contactTick < raft.settings.electionTicks;
}
