/**
 * What a change of the members is to lead to, as questions to a configuration: so that a change can
 * be asked for again, by whoever does not know what became of it. Pure.
 */
import type { NodeId } from "../../base/index.ts";
import { allMembers, type Configuration, type MemberChange } from "../../core/index.ts";

/**
 * Whether every step is made already, as far as the entry goes that would be appended for it: a
 * learner that is to become a voter is there, or is one.
 */
export function isMade(changes: readonly MemberChange[], now: Configuration): boolean {
  return changes.every((change) => isStepMade(change, now));
}

function isStepMade(change: MemberChange, now: Configuration): boolean {
  const { id } = change;
  const member = allMembers(now).find((one) => one.id === id);
  const votes = now.voters.some((one) => one.id === id);
  switch (change.kind) {
    case "add":
      if (member?.address !== change.address) return false;
      if (change.as === "voter") return votes;
      if (change.whenReady === undefined) return true;
      return votes || member.whenReady?.replaces === change.whenReady.replaces;
    case "promote":
      return votes;
    case "demote":
      return now.learners.some((one) => one.id === id);
    case "remove":
      return member === undefined && now.removed.includes(id);
    case "update-address":
      return member?.address === change.address;
    default:
      return change satisfies never;
  }
}

/**
 * Learners of `changes` that are to become voters and are none in `now`: `waiting`; or are no
 * members any more: `gone`.
 */
export function promotionsOf(
  changes: readonly MemberChange[],
  now: Configuration,
): { readonly waiting: readonly NodeId[]; readonly gone: readonly NodeId[] } {
  const waiting: NodeId[] = [];
  const gone: NodeId[] = [];
  for (const change of changes) {
    if (change.kind !== "add" || change.whenReady === undefined) continue;
    const { id } = change;
    if (now.voters.some((one) => one.id === id)) continue;
    (allMembers(now).some((one) => one.id === id) ? waiting : gone).push(id);
  }
  return { waiting, gone };
}

/**
 * Whether it does no harm when it is made twice: an id is added once and removed once for all time.
 */
export function isRepeatable(changes: readonly MemberChange[]): boolean {
  return changes.every(({ kind }) => kind === "add" || kind === "remove");
}

/** Whether `self` is to leave. */
export function removesSelf(changes: readonly MemberChange[], self: NodeId): boolean {
  return changes.some(({ kind, id }) => kind === "remove" && id === self);
}
