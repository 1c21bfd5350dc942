/** What the world of whole members checks besides the cores' invariants, and how often it did. */
import { Violation } from "../violation.ts";

export const memberInvariants = {
  D2: "what was on disk is there after a restart",
  D3: "damage is noticed: a member that lost something abstains or stays down",
  D5: "a machine rebuilt by replay is what it was at every index",
  D6: "machines restored from a snapshot are as those that applied",
  D7: "machines that have applied the same have the same state",
  R: "every request settles within its time, once",
  T: "who was asked to hand over, and did, says who leads",
  X1: "a member stops only for what was done to it",
  X3: "a member that lost its directory is not taken for who it was",
  V1: "after healing there is a leader in time",
  V2: "after healing every client gets its work done in time",
  V3: "after healing all members agree in time",
  V4: "after healing terms grow little",
  V8: "queues stay within their limits",
  L: "the machines' own invariants hold",
  H: "what clients saw fits the order of the log",
  L3: "what clients saw fits some order, whatever the log says",
} as const;

export type MemberInvariant = keyof typeof memberInvariants;

export type MemberEvaluations = Record<MemberInvariant, number>;

export function createMemberEvaluations(): MemberEvaluations {
  const counts: Partial<MemberEvaluations> = {};
  const ids = Object.keys(memberInvariants) as MemberInvariant[]; // made of these keys
  for (const id of ids) counts[id] = 0;
  return counts as MemberEvaluations; // every id was just set
}

/** Counts, and throws unless `holds`. */
export function expect(
  evaluations: MemberEvaluations,
  invariant: MemberInvariant,
  holds: boolean,
  detail: () => string,
): void {
  evaluations[invariant]++;
  if (!holds) throw new Violation(invariant, detail());
}
