/**
 * What a member makes of damage on its disk: whether the others can give back what is missing, what
 * it tells of that, and with whom it begins when nothing of its log is left. Called by
 * `open-member.ts`; the repair itself is in `storage/wal/repair.ts`.
 */
import { FormatError, type NodeId } from "../base/index.ts";
import { allVoters, type Configuration, decodeConfiguration } from "../core/index.ts";
import {
  describePlace,
  type FoundConfiguration,
  type OpenedLog,
  type RecoveredLog,
  type RepairEvidence,
  type RepairPolicy,
} from "../storage/index.ts";
import { firstHardState } from "./first-configuration.ts";
import { decodeSnapshotConfiguration } from "./snapshots/snapshot-configuration.ts";

/** What was found on the disk of a member, at this start and before. Paths. */
export interface DiskDamage {
  /** One sentence each, of this start. */
  readonly reasons: readonly string[];
  /** What this start has set aside. */
  readonly setAside: readonly string[];
  /** All that lies aside. */
  readonly kept: readonly string[];
  /** The last entry that was left. */
  readonly last: number;
}

/** Null where nothing lies aside and nothing was missing. */
export function damageOf({ repair, aside, entries, base }: OpenedLog): DiskDamage | null {
  if (repair === null && aside.length === 0) return null;
  return {
    reasons: repair?.damages.map(({ place, reason }) => `${describePlace(place)}: ${reason}`) ?? [],
    setAside: repair?.setAside ?? [],
    kept: aside,
    last: entries.at(-1)?.index ?? base.index,
  };
}

/**
 * A member is repaired by other voters: they have what it had acknowledged. `first`: who they were
 * in the beginning, as the options say. `hasPeers`: it remembers to have met others.
 */
export function createRepairPolicy(
  id: NodeId,
  first: Configuration,
  hasPeers: boolean,
): RepairPolicy {
  return ({ configuration }: RepairEvidence): string | null => {
    try {
      const known = configuration === null ? first : decodeFound(configuration);
      const voters = allVoters(known);
      if (voters.some((voter) => voter.id !== id)) return null;
      if (voters.length === 0 && hasPeers) return null;
      if (voters.length === 0) return "no other member is known that could give it back";
      return (
        "this member is the only voter, so nobody else has it: restore a saved snapshot, or look " +
        "at the directory with quorate recover"
      );
    } catch (error) {
      if (error instanceof FormatError) return "its members are of a later version";
      throw error;
    }
  };
}

/** @throws FormatError */
function decodeFound({ from, data }: FoundConfiguration): Configuration {
  if (from === "entry") return decodeConfiguration(data);
  return decodeSnapshotConfiguration(data).configuration;
}

/**
 * Whether all of the log was lost to damage: the member waits for its leader, as one that has just
 * joined. It must not write the first entry again, for the options may be others by now.
 */
export function hasLostLog({ hardState, entries, snapshot }: RecoveredLog): boolean {
  if (entries.length > 0 || snapshot !== null || !hardState.mustCatchUp) return false;
  return hardState.term > firstHardState.term || hardState.votedFor !== null;
}
