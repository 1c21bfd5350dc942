/** What a member begins with, of what was found on its disk. Called by `open-member.ts`. */
import type { PlacedSnapshot } from "../../core/index.ts";
import type { RecoveredLog, SnapshotDescription } from "../../storage/index.ts";
import { canSnapshot, type SnapshotMachines } from "./member-snapshots.ts";
import { placeSnapshot } from "./snapshot-configuration.ts";

export interface Start extends Pick<RecoveredLog, "hardState" | "base" | "entries" | "commit"> {
  /** What the machines are to hold before the first entry is applied; null: their first state. */
  readonly snapshot: PlacedSnapshot | null;
  /** The same, as it lies on the disk. */
  readonly description: SnapshotDescription | null;
}

/**
 * Null: the log does not begin with its first entry, and there is no sound snapshot. Machines that
 * cannot take one begin with the first entry if it is there.
 *
 * @throws FormatError
 */
export function findStart(log: RecoveredLog, machines: SnapshotMachines): Start | null {
  const { hardState, base, entries, commit, snapshot: description } = log;
  const found = { hardState, base, entries, commit };
  const isWhole = base.index === 0;
  if (description === null || (isWhole && !canSnapshot(machines))) {
    return isWhole ? { ...found, snapshot: null, description: null } : null;
  }
  return { ...found, snapshot: placeSnapshot(description), description };
}
