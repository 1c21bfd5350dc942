/**
 * Looks into the directory of a stopped member: all that a start would find there, and not a byte
 * of it is changed. Holds the directory's lock from then on, so that no member starts meanwhile.
 */
import type { DirectoryLock } from "../../ports/index.ts";
import { pathIn, readWhole } from "../files.ts";
import { type DirectoryIdentity, decodeIdentity, identityFileName } from "../identity.ts";
import { StorageDamage } from "../storage-errors.ts";
import { perform, type Task } from "../task.ts";
import { type OpenedLog, openLog } from "../wal/open-log.ts";
import type { BuildPlace } from "./build-directory.ts";
import { OverlayDisk } from "./overlay-disk.ts";
import { readRebuildMark, settleRebuild } from "./rebuild.ts";

/** What was found, and is held. */
export interface FoundDirectory {
  readonly lock: DirectoryLock;
  readonly identity: DirectoryIdentity;
  /** As a start would open it. Its store writes nothing to the directory; it is to be closed. */
  readonly log: OpenedLog;
  /** What a start would warn of. */
  readonly warnings: readonly string[];
}

/**
 * Finishes a rebuild that was decided before a crash, and changes nothing else.
 *
 * @throws what a start would be refused for; DiskError `ENOENT` where there is no directory,
 * `ELOCKED` where a member runs on it; StorageDamage where there is no identity
 */
export function* lookInto(place: BuildPlace): Task<FoundDirectory> {
  const { disk, directory } = place;
  yield* perform<readonly string[]>((done) => disk.list(directory, done));
  const lock = yield* perform<DirectoryLock>((done) => disk.lock(directory, done));
  try {
    return { lock, ...(yield* look(place)) };
  } catch (error) {
    yield* perform((done) => lock.release(() => done(null)));
    throw error;
  }
}

function* look(place: BuildPlace): Task<Omit<FoundDirectory, "lock">> {
  const { disk, clock, crc32, directory } = place;
  const names = yield* perform<readonly string[]>((done) => disk.list(directory, done));
  if ((yield* readRebuildMark(place, names)) !== null) yield* settleRebuild(place, names);
  const file = pathIn(directory, identityFileName);
  const now = yield* perform<readonly string[]>((done) => disk.list(directory, done));
  if (!now.includes(identityFileName)) {
    throw new StorageDamage("there is no identity, so this is no member's directory", { file });
  }
  const identity = decodeIdentity(yield* readWhole(disk, file), file, crc32);
  const warnings: string[] = [];
  const warn = (text: string): void => void warnings.push(text);
  const overlay = new OverlayDisk(disk, clock);
  const options = { disk: overlay, clock, crc32, directory, identity, warn };
  const log = yield* perform<OpenedLog>((done) => openLog(options, done));
  return { identity, log, warnings };
}

/** Lets go of all that was held. */
export function* letGo({ log, lock }: FoundDirectory): Task<void> {
  yield* perform((done) => log.store.close(() => done(null)));
  yield* perform((done) => lock.release(() => done(null)));
}
