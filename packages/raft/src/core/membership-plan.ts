/**
 * What a change of the members makes of a configuration: a pure function of both, without a leader,
 * a log or a clock. Whether it is wise is asked in `membership-preflight.ts`, and it is carried out
 * in `membership.ts`.
 *
 * @thesis §4.3: every change of the voters, of one or of many, goes through a joint configuration
 */
import { type NodeId, unreachable } from "../base/index.ts";
import {
  allMembers,
  type Configuration,
  type Member,
  membersMax,
  removedMax,
  sortMembers,
} from "./configuration.ts";

/** One step of a change; the steps of a change are taken in order and come into force together. */
export type MemberChange =
  | {
      readonly kind: "add";
      readonly id: NodeId;
      readonly address: string;
      readonly as: "voter" | "learner";
    }
  /** A learner becomes a voter. */
  | { readonly kind: "promote"; readonly id: NodeId }
  /** A voter becomes a learner. */
  | { readonly kind: "demote"; readonly id: NodeId }
  /** For good: its id is never used again. */
  | { readonly kind: "remove"; readonly id: NodeId }
  | { readonly kind: "update-address"; readonly id: NodeId; readonly address: string };

/** What is wrong with a change, whoever asks for it and whenever. */
export type PlanRefusal =
  | {
      readonly why:
        | "unknown-member"
        | "already-member"
        | "already-voter"
        | "already-learner"
        | "was-removed";
      readonly id: NodeId;
    }
  | { readonly why: "address-taken"; readonly id: NodeId; readonly by: NodeId }
  | { readonly why: "too-many-members" | "too-many-removed"; readonly max: number }
  | { readonly why: "no-voters" | "nothing-changes" };

export type PlanResult =
  /** The configuration to append: a joint one if the voters change. */
  | { readonly kind: "planned"; readonly configuration: Configuration }
  | ({ readonly kind: "refused" } & PlanRefusal);

interface Draft {
  readonly members: Map<NodeId, { readonly address: string; readonly isVoter: boolean }>;
  readonly removed: Set<NodeId>;
}

/**
 * What follows `now`, which is not joint. Changes nothing.
 *
 * @invariant every quorum of the result meets every quorum of `now`
 */
export function planChange(now: Configuration, changes: readonly MemberChange[]): PlanResult {
  const draft = draftOf(now);
  for (const change of changes) {
    const refusal = applyChange(draft, change);
    if (refusal !== null) return { kind: "refused", ...refusal };
  }
  const next = configurationOf(draft, now);
  const refusal = checkPlan(now, next);
  return refusal === null
    ? { kind: "planned", configuration: next }
    : { kind: "refused", ...refusal };
}

/** The new half alone: what a committed joint configuration becomes. @thesis §4.3 */
export function withoutOutgoing(joint: Configuration): Configuration {
  return { ...joint, outgoing: null };
}

function draftOf(now: Configuration): Draft {
  const members: Draft["members"] = new Map();
  for (const { id, address } of now.voters) members.set(id, { address, isVoter: true });
  for (const { id, address } of now.learners) members.set(id, { address, isVoter: false });
  return { members, removed: new Set(now.removed) };
}

function applyChange(draft: Draft, change: MemberChange): PlanRefusal | null {
  const { members, removed } = draft;
  const { id } = change;
  const member = members.get(id);
  if (change.kind === "add") {
    if (removed.has(id)) return { why: "was-removed", id };
    if (member !== undefined) return { why: "already-member", id };
    members.set(id, { address: change.address, isVoter: change.as === "voter" });
    return addressRefusal(draft, change);
  }
  if (member === undefined) return { why: "unknown-member", id };
  switch (change.kind) {
    case "promote":
      members.set(id, { ...member, isVoter: true });
      return member.isVoter ? { why: "already-voter", id } : null;
    case "demote":
      members.set(id, { ...member, isVoter: false });
      return member.isVoter ? null : { why: "already-learner", id };
    case "remove":
      members.delete(id);
      removed.add(id);
      return null;
    case "update-address":
      members.set(id, { ...member, address: change.address });
      return addressRefusal(draft, change);
    default:
      return unreachable(change, "planChange: a change of unknown kind");
  }
}

function addressRefusal(
  draft: Draft,
  { id, address }: { readonly id: NodeId; readonly address: string },
): PlanRefusal | null {
  for (const [by, member] of draft.members) {
    if (by !== id && member.address === address) return { why: "address-taken", id, by };
  }
  return null;
}

function configurationOf({ members, removed }: Draft, now: Configuration): Configuration {
  const voters: Member[] = [];
  const learners: Member[] = [];
  for (const [id, { address, isVoter }] of members) {
    (isVoter ? voters : learners).push({ id, address });
  }
  const next: Configuration = {
    voters: sortMembers(voters),
    outgoing: null,
    learners: sortMembers(learners),
    removed: [...removed].sort(),
  };
  if (hasSameIds(now.voters, next.voters)) return next;
  const outgoing = now.voters.map(({ id, address }) => {
    return { id, address: members.get(id)?.address ?? address }; // one address everywhere
  });
  return { ...next, outgoing };
}

function checkPlan(now: Configuration, next: Configuration): PlanRefusal | null {
  if (next.voters.length === 0) return { why: "no-voters" };
  if (allMembers(next).length > membersMax) return { why: "too-many-members", max: membersMax };
  if (next.removed.length > removedMax) return { why: "too-many-removed", max: removedMax };
  const isSame = isEqual(now.voters, next.voters) && isEqual(now.learners, next.learners);
  return isSame ? { why: "nothing-changes" } : null;
}

function hasSameIds(a: readonly Member[], b: readonly Member[]): boolean {
  return a.length === b.length && a.every((member, i) => member.id === b[i]?.id);
}

function isEqual(a: readonly Member[], b: readonly Member[]): boolean {
  return hasSameIds(a, b) && a.every((member, i) => member.address === b[i]?.address);
}
