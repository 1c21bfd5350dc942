/** The disk of a member of the lab: what a crash leaves, and what is on its way there. */
import { assert, type LogIndex, logIndex } from "../../src/base/index.ts";
import type {
  Entry,
  HardState,
  InstallSnapshot,
  LogPosition,
  Persist,
  PlacedSnapshot,
} from "../../src/core/index.ts";
import { snapshotEffect } from "../../src/storage/snapshot-effect.ts";

/** Its machine's state is all that the machine had applied. */
export interface LabSnapshot extends PlacedSnapshot {
  readonly state: readonly Entry[];
}

/** What a crash leaves. */
export interface DiskImage {
  hardState: HardState;
  base: LogPosition;
  /** From `base.index + 1` on. */
  entries: Entry[];
  commit: LogIndex;
  snapshot: LabSnapshot | null;
}

/** What a disk does one after the other, each whole or not at all. */
export type DiskWrite =
  | Persist
  /** A received snapshot, and what follows from it for the log. */
  | (InstallSnapshot & { readonly snapshot: LabSnapshot })
  /** One of the own machines. */
  | { readonly kind: "save"; readonly snapshot: LabSnapshot }
  | { readonly kind: "compact"; readonly base: LogPosition };

export function write(image: DiskImage, what: DiskWrite): void {
  switch (what.kind) {
    case "persist":
      writeUnit(image, what);
      break;
    case "install-snapshot":
      installSnapshot(image, what.snapshot, what.replacesLog);
      break;
    case "save":
      image.snapshot = what.snapshot;
      break;
    case "compact":
      compact(image, what.base);
      break;
    default:
      what satisfies never;
  }
  assert(image.commit <= lastIndexOn(image), "no commit index without its entries on disk");
}

export function lastIndexOn(image: DiskImage): LogIndex {
  return logIndex(image.base.index + image.entries.length);
}

function writeUnit(image: DiskImage, unit: Persist): void {
  if (unit.hardState !== null) image.hardState = unit.hardState;
  const { truncateFrom } = unit;
  if (truncateFrom !== null) {
    image.entries = image.entries.filter((entry) => entry.index < truncateFrom);
  }
  const [first] = unit.entries;
  assert(first === undefined || first.index === lastIndexOn(image) + 1, "a disk has no gaps");
  image.entries.push(...unit.entries);
  image.commit = unit.commit;
}

/** As storage does, by its own judgement, which has to be the core's. */
function installSnapshot(image: DiskImage, snapshot: LabSnapshot, replacesLog: boolean): void {
  const { position } = snapshot;
  const { base, commit, entries } = image;
  const last = entries.at(-1) ?? base;
  const termAt = (index: number) =>
    index === base.index ? base.term : entries[index - base.index - 1]?.term;
  const effect = snapshotEffect({ base, last, commit, termAt }, position);
  const expected = replacesLog ? "replaces-log" : "keeps-log";
  assert(effect === expected, "disk and core agree on a snapshot", () => `${effect}`);
  assert(position.term <= image.hardState.term, "the disk has the term before the snapshot");
  if (replacesLog) {
    image.base = position;
    image.entries = [];
  }
  image.commit = logIndex(Math.max(image.commit, position.index));
  image.snapshot = snapshot;
}

function compact(image: DiskImage, base: LogPosition): void {
  assert(base.index <= (image.snapshot?.position.index ?? 0), "what is dropped is in a snapshot");
  if (base.index <= image.base.index) return;
  image.entries = image.entries.filter((entry) => entry.index > base.index);
  image.base = base;
}
