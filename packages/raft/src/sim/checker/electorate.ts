/**
 * Who votes, as the checker reads it from the log: members are places, sets of them are bits, and
 * majorities are counted here again. It shares no arithmetic with what it checks.
 */
import { assert, type NodeId } from "../../base/index.ts";
import { type Configuration, decodeConfiguration, emptyConfiguration } from "../../core/index.ts";

/** A configuration entry, or what holds before the first. Sets of places: bit 2^k is place k. */
export interface Electorate {
  /** Of its entry; 0: nobody knows of anybody yet. */
  readonly index: number;
  readonly configuration: Configuration;
  readonly voters: number;
  /** The old half; 0: not joint. */
  readonly outgoing: number;
  readonly learners: number;
  readonly removed: number;
  /** Which was in force before. */
  readonly parent: Electorate | null;
}

export type Places = ReadonlyMap<NodeId, number>;

export const nobody: Electorate = {
  index: 0,
  configuration: emptyConfiguration,
  voters: 0,
  outgoing: 0,
  learners: 0,
  removed: 0,
  parent: null,
};

export function createElectorate(
  places: Places,
  index: number,
  data: Uint8Array,
  parent: Electorate,
): Electorate {
  const configuration = decodeConfiguration(data);
  const { voters, outgoing, learners, removed } = configuration;
  const bitsOf = (ids: readonly NodeId[]): number => {
    let bits = 0;
    for (const id of ids) {
      const at = places.get(id);
      assert(at !== undefined, "configurations speak of members of the world", () => id);
      bits |= 1 << at;
    }
    return bits;
  };
  const idsOf = (members: Configuration["voters"]): NodeId[] => members.map(({ id }) => id);
  return {
    index,
    configuration,
    voters: bitsOf(idsOf(voters)),
    outgoing: bitsOf(idsOf(outgoing ?? [])),
    learners: bitsOf(idsOf(learners)),
    removed: bitsOf(removed),
    parent,
  };
}

/** Whether `members` hold a majority, of a joint configuration one of each half. */
export function isElecting(electorate: Electorate, members: number): boolean {
  const { voters, outgoing } = electorate;
  if (2 * countBits(voters & members) <= countBits(voters)) return false;
  return outgoing === 0 || 2 * countBits(outgoing & members) > countBits(outgoing);
}

/** Whether the place votes and counts in either half. */
export function votesIn(electorate: Electorate, at: number): boolean {
  return (((electorate.voters | electorate.outgoing) >> at) & 1) === 1;
}

/** Whether the place gets the log, be it as a learner. */
export function belongsTo(electorate: Electorate, at: number): boolean {
  return votesIn(electorate, at) || ((electorate.learners >> at) & 1) === 1;
}

/** Whether some quorum of one and some quorum of the other have no member in common. */
export function canDisagree(a: Electorate, b: Electorate): boolean {
  const all = a.voters | a.outgoing | b.voters | b.outgoing;
  // All subsets of `all`, and for each what is left.
  for (let some = all; some > 0; some = (some - 1) & all) {
    if (isElecting(a, some) && isElecting(b, all & ~some)) return true;
  }
  return false;
}

export function countBits(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
