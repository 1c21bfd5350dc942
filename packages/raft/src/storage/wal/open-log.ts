/**
 * The second door of a data directory: opens its log, or makes an empty one. See `docs/formats.md`,
 * "recovery".
 */
import { assert, type Crc32 } from "../../base/index.ts";
import type { Clock, Disk } from "../../ports/index.ts";
import { openFile } from "../files.ts";
import type { DirectoryIdentity } from "../identity.ts";
import type { RecoveredLog } from "../log-store.ts";
import { sectorBytes } from "../sealed-block.ts";
import { SnapshotStore } from "../snapshot/snapshot-store.ts";
import { type OpenError, type StorageDamage, toOpenError } from "../storage-errors.ts";
import { perform, runTask, type Task } from "../task.ts";
import { type PreparedLog, prepareLog } from "./prepare.ts";
import type { ReadLog } from "./read-log.ts";
import { type Repair, type RepairPolicy, readRepairing } from "./repair.ts";
import { WriteAheadLog } from "./write-ahead-log.ts";

export interface OpenLogOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly crc32: Crc32;
  readonly directory: string;
  /** As `openDirectory` found it; the directory's lock is held. */
  readonly identity: DirectoryIdentity;
  /**
   * Bytes after which the next unit goes into a new file. Default 64 MiB: few files, quick to copy.
   */
  readonly segmentBytesMax?: number;
  /**
   * Bytes up to which waiting requests are merged into one unit. Default 8 MiB: about 10 ms of a
   * slow disk.
   */
  readonly unitBytesMax?: number;
  /** Milliseconds without a write after which the witness is written. Default 100. */
  readonly idleWitnessMs?: number;
  /**
   * Says whether other members can give back what is damaged. Then it is set aside, and the log is
   * opened without it, with `mustCatchUp`. Left out: damage is refused.
   */
  readonly repair?: RepairPolicy;
  /** Gets what an operator should know and nobody need act on at once. */
  warn(text: string): void;
}

/**
 * What recovery concluded about the last write. Damage is not among them: it is an error, or
 * repaired.
 */
export type RecoveryVerdict =
  | { readonly kind: "intact" }
  | { readonly kind: "torn"; readonly file: string; readonly offset: number; readonly unit: number }
  | {
      readonly kind: "unknown";
      readonly file: string;
      readonly offset: number;
      readonly unit: number;
      /** The copy of what could not be read; null while a full disk keeps it in its place. */
      readonly suspectFile: string | null;
    };

/** What recovery concluded about the snapshots. `damaged` names what could not be read. */
export type SnapshotVerdict =
  /** There is none, and the log begins at its beginning. */
  | { readonly kind: "none" }
  /** The newest is sound. */
  | { readonly kind: "sound" }
  /** The newest is damaged; an older one does, or none, since the log reaches back to it. */
  | { readonly kind: "fallback"; readonly damaged: readonly StorageDamage[] }
  /**
   * No sound one is new enough for the log. Term, vote and what is left of the log are sound, so
   * this member may vote and acknowledge; it cannot apply anything before it has got a snapshot.
   */
  | { readonly kind: "lost"; readonly damaged: readonly StorageDamage[] };

export interface OpenedLog extends RecoveredLog {
  readonly verdict: RecoveryVerdict;
  readonly snapshotVerdict: SnapshotVerdict;
  /** Null: nothing that was acknowledged is missing, as far as this start has found. */
  readonly repair: Repair | null;
  /** Paths of all files that recoveries took out of the way: kept until a person removes them. */
  readonly aside: readonly string[];
}

/**
 * Recovers the log and opens it for appending. All that it returns is on stable storage. A log
 * without entries has not been bootstrapped, whether its files were there or not.
 *
 * Refusals: `StorageDamage` names what cannot be read though it was acknowledged, and may not be
 * repaired; nothing is cut then. `UnknownFormatError`, `StorageError` as usual.
 */
export function openLog(
  options: OpenLogOptions,
  done: (error: OpenError | null, opened?: OpenedLog) => void,
): void {
  runTask(recover(options), (error, opened) => {
    if (error !== null) done(toOpenError(error));
    else done(null, opened);
  });
}

function* recover(options: OpenLogOptions): Task<OpenedLog> {
  const { segmentBytesMax = 64 * 1024 * 1024, unitBytesMax = 8 * 1024 * 1024 } = options;
  const { disk, clock, crc32, directory, identity, idleWitnessMs = 100 } = options;
  assert(segmentBytesMax >= 2 * sectorBytes, "a segment has room for a header and a unit");
  const { repair: policy = null } = options;
  const log = { disk, crc32, directory, identity, salvages: policy !== null };
  const warn = (text: string) => options.warn(text);
  const space = { disk, clock, crc32, directory, clusterId: identity.clusterId };
  const sound = yield* readRepairing(log, space, policy, warn);
  const { read, found, choice } = sound;
  const prepared = yield* prepareLog(log, read, warn);
  const segmentFile = yield* openFile(disk, read.last.file, "existing");
  const limits = { segmentBytesMax, unitBytesMax, idleWitnessMs };
  const snapshots = new SnapshotStore(space, found.sound, found.damagedIndexes);
  const store = new WriteAheadLog({ log, clock, limits, read, prepared, snapshots, segmentFile });
  for (const damage of found.damaged) warn(damage.message);
  const { replaceBy } = choice;
  if (replaceBy !== null) yield* perform((done) => store.replaceBy(replaceBy, done));
  return {
    store,
    hardState: prepared.hardState.state,
    base: replaceBy ?? read.base,
    entries: replaceBy === null ? read.entries : [],
    commit: choice.commit,
    snapshot: choice.snapshot,
    verdict: verdictOf(read, prepared),
    snapshotVerdict: choice.verdict,
    repair: sound.repair,
    aside: sound.aside,
  };
}

function verdictOf(read: ReadLog, prepared: PreparedLog): RecoveryVerdict {
  const { tail, file } = read.last;
  switch (tail.kind) {
    case "clean":
      return { kind: "intact" };
    case "torn":
      return { kind: "torn", file, offset: tail.offset, unit: tail.unit };
    case "unknown": {
      const { suspectFile } = prepared;
      return { kind: "unknown", file, offset: tail.offset, unit: tail.unit, suspectFile };
    }
    default:
      return tail satisfies never;
  }
}
