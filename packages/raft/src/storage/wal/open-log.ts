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
import { type OpenError, toOpenError } from "../storage-errors.ts";
import { runTask, type Task } from "../task.ts";
import { prepareLog } from "./prepare.ts";
import { readLog } from "./read-log.ts";
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
  /** Gets what an operator should know and nobody need act on at once. */
  warn(text: string): void;
}

/** What recovery concluded about the last write. Damage is not among them: it is an error. */
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

export interface OpenedLog extends RecoveredLog {
  readonly verdict: RecoveryVerdict;
}

/**
 * Recovers the log and opens it for appending. All that it returns is on stable storage. A log
 * without entries has not been bootstrapped, whether its files were there or not.
 *
 * Refusals: `StorageDamage` names what cannot be read though it was acknowledged; nothing is cut
 * then. `UnknownFormatError`, `StorageError` as usual.
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
  const { disk, crc32, directory, identity, idleWitnessMs = 100 } = options;
  assert(segmentBytesMax >= 2 * sectorBytes, "a segment has room for a header and a unit");
  const log = { disk, crc32, directory, identity };
  const warn = (text: string) => options.warn(text);
  const read = yield* readLog(log, warn);
  const prepared = yield* prepareLog(log, read, warn);
  const segmentFile = yield* openFile(disk, read.last.file, "existing");
  const { clock } = options;
  const limits = { segmentBytesMax, unitBytesMax, idleWitnessMs };
  const store = new WriteAheadLog({ log, clock, limits, read, prepared, segmentFile });
  const { tail, file } = read.last;
  const verdict: RecoveryVerdict =
    tail.kind === "clean"
      ? { kind: "intact" }
      : tail.kind === "torn"
        ? { kind: "torn", file, offset: tail.offset, unit: tail.unit }
        : {
            kind: "unknown",
            file,
            offset: tail.offset,
            unit: tail.unit,
            suspectFile: prepared.suspectFile,
          };
  const { entries, commit } = read;
  return { store, hardState: prepared.hardState.state, entries, commit, verdict };
}
