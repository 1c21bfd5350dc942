/**
 * What a quorum has: the one place where voters are counted, for elections, commitment, reads,
 * CheckQuorum, and what a change of members would leave. A quorum is a majority of the voters, in a
 * joint configuration of both halves separately; learners and removed members never count.
 *
 * @paper §5.2; @thesis §4.3
 */
import type { NodeId } from "../base/index.ts";
import { type Configuration, type Member, majority } from "./configuration.ts";

/**
 * The highest value that a quorum has reached, where `reached` tells each voter's; 0 where
 * there are no voters: nothing is ever decided by nobody. Values are at least 0.
 *
 * @invariant the (n/2 + 1)-th largest value of all voters; of two halves the smaller one
 */
export function quorumValue(configuration: Configuration, reached: (id: NodeId) => number): number {
  const value = majorityValue(configuration.voters, reached);
  if (configuration.outgoing === null) return value;
  return Math.min(value, majorityValue(configuration.outgoing, reached));
}

/** Whether the voters with `has` are a quorum. */
export function isQuorum(configuration: Configuration, has: (id: NodeId) => boolean): boolean {
  return quorumValue(configuration, (id) => (has(id) ? 1 : 0)) === 1;
}

function majorityValue(voters: readonly Member[], reached: (id: NodeId) => number): number {
  const values: number[] = [];
  for (const member of voters) values.push(reached(member.id));
  values.sort((a, b) => b - a);
  return values[majority(values.length) - 1] ?? 0;
}
