/** A change of role in a sentence, for the log. */
import type { NodeId } from "../base/index.ts";
import type { RoleChanged } from "../core/index.ts";

export function describeRole(effect: RoleChanged, self: NodeId): string {
  const { role, term, leader } = effect;
  if (role === "leader") return `${self} leads term ${term}`;
  if (role === "follower") {
    const whom = leader === null ? "and knows no leader" : `of ${leader}`;
    return `${self} is a follower ${whom} in term ${term}`;
  }
  return `${self} is a ${role} in term ${term}`;
}
