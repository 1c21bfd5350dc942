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
  type WhenReady,
} from "./configuration.ts";

/** One step of a change; the steps of a change are taken in order and come into force together. */
export type MemberChange =
  | {
      readonly kind: "add";
      readonly id: NodeId;
      readonly address: string;
      readonly as: "voter" | "learner";
      /** Of a learner only. */
      readonly whenReady?: WhenReady;
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

interface DraftMember {
  readonly address: string;
  readonly isVoter: boolean;
  /** Undefined for who becomes nothing by itself. */
  readonly whenReady: WhenReady | undefined;
}

interface Draft {
  readonly members: Map<NodeId, DraftMember>;
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
  for (const { id, address } of now.voters) {
    members.set(id, { address, isVoter: true, whenReady: undefined });
  }
  for (const { id, address, whenReady } of now.learners) {
    members.set(id, { address, isVoter: false, whenReady });
  }
  return { members, removed: new Set(now.removed) };
}

function applyChange(draft: Draft, change: MemberChange): PlanRefusal | null {
  const { members, removed } = draft;
  const { id } = change;
  if (change.kind === "add") return applyAdd(draft, change);
  const member = members.get(id);
  if (member === undefined) return { why: "unknown-member", id };
  switch (change.kind) {
    case "promote":
      members.set(id, { ...member, isVoter: true, whenReady: undefined });
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

function applyAdd(
  draft: Draft,
  change: Extract<MemberChange, { kind: "add" }>,
): PlanRefusal | null {
  const { members, removed } = draft;
  const { id, address, whenReady } = change;
  if (removed.has(id)) return { why: "was-removed", id };
  if (members.has(id)) return { why: "already-member", id };
  const replaces = whenReady?.replaces ?? null;
  if (replaces !== null && !members.has(replaces)) return { why: "unknown-member", id: replaces };
  const isVoter = change.as === "voter";
  members.set(id, { address, isVoter, whenReady: isVoter ? undefined : whenReady });
  return addressRefusal(draft, change);
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
  for (const [id, { address, isVoter, whenReady }] of members) {
    if (isVoter) voters.push({ id, address });
    else if (whenReady === undefined) learners.push({ id, address });
    else learners.push({ id, address, whenReady });
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
