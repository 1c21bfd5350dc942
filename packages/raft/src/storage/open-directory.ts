/**
 * The first door of a data directory: makes it, locks it, and finds out or decides whose it is.
 * Nothing else in the directory is touched before the lock is held.
 */
import type { Crc32, NodeId } from "../base/index.ts";
import type { DirectoryLock, Disk, Random } from "../ports/index.ts";
import {
  isOurs,
  pathIn,
  readWhole,
  removeTemporaries,
  replaceFile,
  temporarySuffix,
} from "./files.ts";
import {
  type DirectoryIdentity,
  decodeIdentity,
  encodeIdentity,
  identityFileName,
} from "./identity.ts";
import { settleRebuild } from "./rebuild/rebuild.ts";
import {
  ForeignDirectoryError,
  type OpenError,
  StorageDamage,
  toOpenError,
} from "./storage-errors.ts";
import { perform, runTask, type Task } from "./task.ts";

export interface OpenDirectoryOptions {
  readonly disk: Disk;
  readonly random: Random;
  readonly crc32: Crc32;
  readonly directory: string;
  /** 16 hex digits, for a new directory; an old one says itself whose it is. */
  readonly clusterId: string;
  readonly member: NodeId;
}

export interface OpenedDirectory {
  /** To be released when the log is closed. */
  readonly lock: DirectoryLock;
  readonly identity: DirectoryIdentity;
  /**
   * The identity was made just now. A log without entries says "not yet bootstrapped", this does
   * not.
   */
  readonly fresh: boolean;
}

/**
 * Makes and locks the directory, and reads its identity, or writes one if it holds nothing of ours.
 * A crash afterwards and before the first append leaves a directory with an identity and an empty
 * log: it counts as not yet bootstrapped. With nothing but an identity it gets another one.
 *
 * Whether the cluster is the right one is not asked here: of a directory that was used, the log
 * decides.
 *
 * Finishes what a `recover` or a restore had decided before a crash.
 *
 * Refusals: `ForeignDirectoryError` for another member's; `UnfinishedRestoreError`; `StorageDamage`
 * for an unreadable identity, and for log files without one (never taken for empty); `StorageError`
 * with code `ELOCKED` if another process has it. The lock is not held after a refusal.
 */
export function openDirectory(
  options: OpenDirectoryOptions,
  done: (error: OpenError | null, opened?: OpenedDirectory) => void,
): void {
  runTask(openLocked(options), (error, opened) => {
    if (error !== null) done(toOpenError(error));
    else done(null, opened);
  });
}

function* openLocked(options: OpenDirectoryOptions): Task<OpenedDirectory> {
  const { disk, directory } = options;
  yield* perform((done) => disk.makeDirectory(directory, done));
  const lock = yield* perform<DirectoryLock>((done) => disk.lock(directory, done));
  try {
    const names = yield* perform<readonly string[]>((done) => disk.list(directory, done));
    yield* settleRebuild(options, names);
    return { lock, ...(yield* identify(options)) };
  } catch (error) {
    yield* perform((done) => lock.release(() => done(null)));
    throw error;
  }
}

function* identify(
  options: OpenDirectoryOptions,
): Task<{ readonly identity: DirectoryIdentity; readonly fresh: boolean }> {
  const { disk, directory, crc32 } = options;
  const names = yield* perform<readonly string[]>((done) => disk.list(directory, done));
  const file = pathIn(directory, identityFileName);
  const ours = names.filter((name) => isOurs(name) && !name.endsWith(temporarySuffix));
  if (names.includes(identityFileName)) {
    const identity = decodeIdentity(yield* readWhole(disk, file), file, crc32);
    checkIdentity(options, identity);
    // Alone it says "never used" as well as "its log was removed". The first has never met a peer,
    // and the second must not be taken for what it was: both begin anew.
    if (ours.length > 1) return { identity, fresh: false };
  } else if (ours.length > 0) {
    const text = `there are log files (${ours[0]}) but no identity; restore the file from a backup`;
    throw new StorageDamage(text, { file });
  }
  yield* removeTemporaries(disk, directory, names);
  const { clusterId, member } = options;
  const identity = { clusterId, member, incarnation: options.random.id64() };
  yield* replaceFile(disk, directory, identityFileName, encodeIdentity(identity, crc32));
  return { identity, fresh: true };
}

function checkIdentity(options: OpenDirectoryOptions, found: DirectoryIdentity): void {
  const { directory, member } = options;
  if (found.member !== member) {
    throw new ForeignDirectoryError(directory, member, found.member);
  }
}
