/**
 * Brings log and snapshots together after a start: which snapshot is the state to start from, and
 * whether an installation has to be finished that a crash interrupted. Pure.
 */
import { type LogIndex, logIndex } from "../../base/index.ts";
import type { LogPosition } from "../../core/index.ts";
import { pathIn } from "../files.ts";
import type { FoundSnapshots } from "../snapshot/find-snapshots.ts";
import { type SnapshotDescription, snapshotFileName } from "../snapshot/snapshot-format.ts";
import { snapshotEffect } from "../snapshot-effect.ts";
import { StorageDamage } from "../storage-errors.ts";
import type { LogDirectory } from "./log-directory.ts";
import type { SnapshotVerdict } from "./open-log.ts";
import type { ReadLog } from "./read-log.ts";

export interface SnapshotChoice {
  readonly snapshot: SnapshotDescription | null;
  readonly verdict: SnapshotVerdict;
  /** The log is to be emptied and begins behind this. */
  readonly replaceBy: LogPosition | null;
  readonly commit: LogIndex;
}

/**
 * @throws StorageDamage if a snapshot contradicts what is committed or is of a term that the hard
 * state does not know: one of the two was put back, or comes from elsewhere
 */
export function chooseSnapshot(
  log: LogDirectory,
  read: ReadLog,
  found: FoundSnapshots,
): SnapshotChoice {
  const { damaged } = found;
  const newest = found.sound.at(-1) ?? null;
  const { base, commit } = read;
  if (newest === null || newest.identity.position.index < base.index) {
    const isWhole = base.index === 0;
    const verdict: SnapshotVerdict = !isWhole
      ? { kind: "lost", damaged }
      : damaged.length > 0
        ? { kind: "fallback", damaged }
        : { kind: "none" };
    // What the log cannot reach is in no snapshot either: it goes on behind its base all the same.
    return { snapshot: null, verdict, replaceBy: read.reachesBase ? null : base, commit };
  }
  const { position } = newest.identity;
  checkPosition(log, read, position);
  const isReplaced = !read.reachesBase || effectOn(read, position) === "replaces-log";
  return {
    snapshot: newest,
    verdict: damaged.length > 0 ? { kind: "fallback", damaged } : { kind: "sound" },
    replaceBy: isReplaced ? position : null,
    commit: logIndex(Math.max(commit, position.index)),
  };
}

function checkPosition(log: LogDirectory, read: ReadLog, position: LogPosition): void {
  const file = pathIn(log.directory, snapshotFileName(position.index));
  const termMax = read.hardState.state.term;
  if (position.term > termMax) {
    const reason = `it is of term ${position.term}, and the hard state of term ${termMax}`;
    throw new StorageDamage(`${reason}; an older copy may have been put back`, { file });
  }
  if (effectOn(read, position) !== "conflict") return;
  const reason =
    `it ends with an entry of term ${position.term}, and another one is committed there; ` +
    "remove this member and add it anew";
  throw new StorageDamage(reason, { file, firstIndex: position.index, lastIndex: position.index });
}

function effectOn(read: ReadLog, position: LogPosition) {
  const { base, entries, commit } = read;
  const last = entries.at(-1) ?? base;
  const termAt = (index: LogIndex) =>
    index === base.index ? base.term : entries[index - base.index - 1]?.term;
  return snapshotEffect({ base, last, commit, termAt }, position);
}
