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
import { decodePeerRecords, type PeerRecord, peersFileName } from "./peer-records.ts";
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
  /** A new directory is that of a member that joins. */
  readonly joins?: boolean;
}

export interface OpenedDirectory {
  /** To be released when the log is closed. */
  readonly lock: DirectoryLock;
  readonly identity: DirectoryIdentity;
  /** What it remembers of others; empty in a new directory. */
  readonly peers: readonly PeerRecord[];
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

/**
 * Whether a directory holds the log of a member, without a lock and without changing anything. One
 * that is not there holds none.
 */
export function findsLog(
  disk: Disk,
  directory: string,
  done: (error: OpenError | null, found?: boolean) => void,
): void {
  runTask(listLog(disk, directory), (error, found) => {
    if (error !== null) done(toOpenError(error));
    else done(null, found);
  });
}

function* listLog(disk: Disk, directory: string): Task<boolean> {
  yield* perform((done) => disk.makeDirectory(directory, done));
  const names = yield* perform<readonly string[]>((done) => disk.list(directory, done));
  return names.some(isOfLog);
}

/** Everything of ours but what says whose it is, and what it remembers of others. */
function isOfLog(name: string): boolean {
  if (!isOurs(name) || name.endsWith(temporarySuffix)) return false;
  return name !== identityFileName && name !== peersFileName;
}

/**
 * Whose directory it is, without a lock and without changing anything; null of one that holds no
 * identity. `hasLog` as `findsLog` says.
 */
export function readIdentity(
  { disk, crc32, directory }: Pick<OpenDirectoryOptions, "disk" | "crc32" | "directory">,
  done: (error: OpenError | null, found?: FoundIdentity | null) => void,
): void {
  runTask(findIdentity(disk, crc32, directory), (error, found) => {
    if (error !== null) done(toOpenError(error));
    else done(null, found);
  });
}

/** What a directory says of itself. */
export interface FoundIdentity {
  readonly identity: DirectoryIdentity;
  readonly hasLog: boolean;
}

function* findIdentity(disk: Disk, crc32: Crc32, directory: string): Task<FoundIdentity | null> {
  yield* perform((done) => disk.makeDirectory(directory, done));
  const names = yield* perform<readonly string[]>((done) => disk.list(directory, done));
  if (!names.includes(identityFileName)) return null;
  const file = pathIn(directory, identityFileName);
  const identity = decodeIdentity(yield* readWhole(disk, file), file, crc32);
  return { identity, hasLog: names.some(isOfLog) };
}

function* identify(options: OpenDirectoryOptions): Task<Omit<OpenedDirectory, "lock">> {
  const { disk, directory, crc32 } = options;
  const names = yield* perform<readonly string[]>((done) => disk.list(directory, done));
  const file = pathIn(directory, identityFileName);
  const ofLog = names.filter(isOfLog);
  if (names.includes(identityFileName)) {
    const identity = decodeIdentity(yield* readWhole(disk, file), file, crc32);
    checkIdentity(options, identity);
    // Alone it says "never used" as well as "its log was removed". The first has never met a peer,
    // and the second must not be taken for what it was: both begin anew.
    if (ofLog.length > 0) {
      return { identity, peers: yield* readPeers(options, names, identity), fresh: false };
    }
  } else if (ofLog.length > 0) {
    const text = `there are log files (${ofLog[0]}) but no identity; restore it from a backup`;
    throw new StorageDamage(text, { file });
  }
  yield* removeTemporaries(disk, directory, names);
  if (names.includes(peersFileName)) {
    yield* perform((done) => disk.remove(pathIn(directory, peersFileName), done));
  }
  const { clusterId, member, joins } = options;
  const incarnation = options.random.id64();
  const joined = joins === true ? ({ joined: true } as const) : {};
  const identity = { clusterId, member, incarnation, ...joined };
  yield* replaceFile(disk, directory, identityFileName, encodeIdentity(identity, crc32));
  return { identity, peers: [], fresh: true };
}

function* readPeers(
  { disk, directory, crc32 }: OpenDirectoryOptions,
  names: readonly string[],
  { clusterId }: DirectoryIdentity,
): Task<readonly PeerRecord[]> {
  if (!names.includes(peersFileName)) return [];
  const file = pathIn(directory, peersFileName);
  return decodePeerRecords(yield* readWhole(disk, file), clusterId, file, crc32);
}

function checkIdentity(options: OpenDirectoryOptions, found: DirectoryIdentity): void {
  const { directory, member } = options;
  if (found.member !== member) {
    throw new ForeignDirectoryError(directory, member, found.member);
  }
}
