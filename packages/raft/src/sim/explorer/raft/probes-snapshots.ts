/** Interesting turns with snapshots. */
import type { Bounds } from "./bounds.ts";
import { isEqualUpTo } from "./entries.ts";
import { inputs } from "./member-steps.ts";
import type { Probe } from "./probes.ts";
import { isCrash, type Turn } from "./turn.ts";

const withSnapshots = (bounds: Bounds): boolean => (bounds.snapshotsMax ?? 0) > 0;
const withCommands = (bounds: Bounds): boolean => withSnapshots(bounds) && bounds.proposalsMax > 0;
const withLostInstalls = (bounds: Bounds): boolean =>
  withSnapshots(bounds) && bounds.crashesMax > 0 && bounds.asyncDisk;
const withThreeTerms = (bounds: Bounds): boolean =>
  withSnapshots(bounds) && bounds.termMax >= 3 && bounds.timeoutsMax >= 2;

/** It was not known here that all of it is committed. */
function isInstalled({ received, before, after }: Turn): boolean {
  return received?.kind === "snapshot" && after.commit > before.commit;
}

export const snapshots: readonly Probe[] = [
  {
    name: "a snapshot is taken, and the log behind it goes",
    isMeant: withSnapshots,
    sees: ({ input, before, after }) => input === inputs.snapshot && after.base > before.base,
  },
  {
    name: "the log is kept for a peer that is getting a snapshot",
    isMeant: (bounds) => withCommands(bounds) && (bounds.snapshotsMax ?? 0) > 1,
    sees: ({ input, after }) =>
      input === inputs.snapshot && after.offers !== 0 && after.base < after.diskSnapshot,
  },
  {
    name: "a peer needs a snapshot",
    isMeant: withSnapshots,
    sees: ({ left }) => left.some(({ message }) => message.kind === "snapshot"),
  },
  {
    name: "a snapshot takes the place of the log",
    isMeant: withSnapshots,
    sees: (turn) => isInstalled(turn) && turn.after.base > turn.before.base,
  },
  {
    name: "a snapshot takes the place of entries that it contradicts",
    isMeant: withThreeTerms,
    sees: (turn) =>
      isInstalled(turn) &&
      turn.after.base > turn.before.base &&
      !isEqualUpTo(
        turn.before.log,
        turn.after.log,
        Math.min(turn.before.logLength, turn.after.logLength),
      ),
  },
  {
    name: "a snapshot is installed and the log stays",
    isMeant: withSnapshots,
    sees: (turn) => isInstalled(turn) && turn.after.base === turn.before.base,
  },
  {
    name: "a snapshot is installed and entries behind it stay",
    isMeant: withCommands,
    sees: (turn) =>
      isInstalled(turn) &&
      turn.after.base === turn.before.base &&
      turn.after.logLength > turn.after.commit,
  },
  {
    name: "a snapshot comes that stands for nothing new",
    isMeant: withSnapshots,
    sees: ({ received, before, after }) =>
      received?.kind === "snapshot" && after.commit === before.commit,
  },
  {
    name: "an append reaches below the base",
    isMeant: withSnapshots,
    sees: ({ received, before }) =>
      received?.kind === "append-entries" && received.prev.index < before.base,
  },
  {
    name: "a peer that needed a snapshot is fed again",
    isMeant: (bounds) => withSnapshots(bounds) && bounds.ticksMax > 0,
    sees: ({ received, before, after }) =>
      received?.kind === "append-entries-response" &&
      after.role === 3 &&
      (before.offers & ~after.offers) !== 0,
  },
  {
    name: "a leader hears that a peer has its snapshot",
    isMeant: withSnapshots,
    sees: ({ received, before }) =>
      received?.kind === "snapshot-report" && before.role === 3 && before.offers !== 0,
  },
  {
    name: "a peer does not get its snapshot, and is asked anew",
    isMeant: withSnapshots,
    sees: ({ input }) => input > inputs.fail && input <= inputs.transfer,
  },
  {
    name: "a leader is elected whose log begins behind a snapshot",
    isMeant: withThreeTerms,
    sees: ({ before, after }) => before.role !== 3 && after.role === 3 && after.base > 0,
  },
  {
    name: "a member starts from a snapshot",
    isMeant: (bounds) => withSnapshots(bounds) && bounds.crashesMax > 0,
    sees: (turn) => isCrash(turn) && turn.after.base > 0,
  },
  {
    name: "a snapshot on its way to the disk is lost in a crash",
    isMeant: withLostInstalls,
    sees: (turn) =>
      isCrash(turn) &&
      turn.before.isInstalling &&
      turn.after.diskSnapshot === turn.before.diskSnapshot,
  },
  {
    name: "a snapshot on its way to the disk survives a crash before it was reported",
    isMeant: withLostInstalls,
    sees: (turn) =>
      isCrash(turn) &&
      turn.before.isInstalling &&
      turn.after.diskSnapshot > turn.before.diskSnapshot,
  },
];
