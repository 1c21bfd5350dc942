/**
 * Whole files: reading them, and replacing them so that a crash leaves the old or the new one,
 * never a mix.
 */
import { type Disk, DiskError, type DiskFile } from "../ports/index.ts";
import { perform, type Task } from "./task.ts";

/** Files of this ending are unfinished and mean nothing; removed when a directory is opened. */
export const temporarySuffix = ".tmp";

export function pathIn(directory: string, name: string): string {
  return `${directory}/${name}`;
}

export function* openFile(disk: Disk, path: string, mode: "create" | "existing"): Task<DiskFile> {
  return yield* perform<DiskFile>((done) => disk.open(path, mode, done));
}

export function* closeFile(file: DiskFile): Task<void> {
  yield* perform((done) => file.close(done));
}

/** All bytes of an open file. */
export function* readAll(file: DiskFile): Task<Uint8Array> {
  const size = yield* perform<number>((done) => file.size(done));
  return yield* perform<Uint8Array>((done) => file.read(0, size, done));
}

/** What systems say where a disk cannot give back what it holds. */
const unreadableCodes = ["EIO", "EBADMSG", "EUCLEAN"];
/** Some disks give at a second or third try what they refused before. */
const readTriesMax = 4;
/** In the place of what cannot be read: not zeros, which would look like "never written". */
const unreadableFill = 0xee;
const readUnit = 512;

/** Whether the disk has lost what is asked for, rather than refused to be asked. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof DiskError && unreadableCodes.includes(error.code);
}

/** All bytes of an open file; null if some of them cannot be read, at several tries. */
export function* tryReadAll(file: DiskFile): Task<Uint8Array | null> {
  for (let tries = 1; ; tries++) {
    try {
      return yield* readAll(file);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      if (tries === readTriesMax) return null;
    }
  }
}

/** As much of a file as comes before the first sector that cannot be read. */
export interface ReadableBytes {
  /** As long as the file; from `unreadableFrom` on it is filled with a pattern. */
  readonly bytes: Uint8Array;
  readonly unreadableFrom: number | null;
}

/** What lies behind the first unreadable sector is of no use, so it is not looked at. */
export function* readReadable(file: DiskFile): Task<ReadableBytes> {
  const whole = yield* tryReadAll(file);
  if (whole !== null) return { bytes: whole, unreadableFrom: null };
  const size = yield* perform<number>((done) => file.size(done));
  let low = 0;
  let high = Math.ceil(size / readUnit);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (yield* canRead(file, low * readUnit, middle * readUnit)) low = middle;
    else high = middle;
  }
  const bytes = new Uint8Array(size).fill(unreadableFill);
  const end = low * readUnit;
  bytes.set(yield* perform<Uint8Array>((done) => file.read(0, end, done)));
  return { bytes, unreadableFrom: end };
}

function* canRead(file: DiskFile, from: number, to: number): Task<boolean> {
  try {
    yield* perform<Uint8Array>((done) => file.read(from, to - from, done));
    return true;
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return false;
  }
}

/** All bytes of a file. */
export function* readWhole(disk: Disk, path: string): Task<Uint8Array> {
  const file = yield* openFile(disk, path, "existing");
  const bytes = yield* readAll(file);
  yield* closeFile(file);
  return bytes;
}

/** Writes at `offset` and waits until it is on stable storage. */
export function* writeSynced(file: DiskFile, offset: number, bytes: Uint8Array): Task<void> {
  yield* perform((done) => file.write(offset, [bytes], done));
  yield* perform((done) => file.sync(done));
}

/**
 * Puts `bytes` under `name`, durable when it returns: a temporary file, synced, renamed over,
 * directory synced. A crash at any point leaves what was there before or all of the new.
 */
export function* replaceFile(
  disk: Disk,
  directory: string,
  name: string,
  bytes: Uint8Array,
): Task<void> {
  const temporary = pathIn(directory, name + temporarySuffix);
  const file = yield* openFile(disk, temporary, "create");
  try {
    yield* writeSynced(file, 0, bytes);
  } catch (error) {
    // Gives back what space it took on a full disk. The first error is the one that counts.
    yield* perform((done) => file.close(() => done(null)));
    yield* perform((done) => disk.remove(temporary, () => done(null)));
    throw error;
  }
  yield* closeFile(file);
  yield* perform((done) => disk.rename(temporary, pathIn(directory, name), done));
  yield* perform((done) => disk.syncDirectory(directory, done));
}

/** Removes what an interrupted `replaceFile` left. */
export function* removeTemporaries(
  disk: Disk,
  directory: string,
  names: readonly string[],
): Task<void> {
  for (const name of names) {
    if (!name.endsWith(temporarySuffix) || !isOurs(name)) continue;
    yield* perform((done) => disk.remove(pathIn(directory, name), done));
  }
}

const ownNames = [
  /^identity$/,
  /^peers$/,
  /^hard-state\.[01]$/,
  /^log-(end|start)$/,
  /^log-\d{16}\.wal(\.unit-\d+\.\d+\.suspect)?$/,
  /^(log-start|log-\d{16}\.wal|snapshot-\d{16}\.snap)\.\d+\.damaged$/,
  /^snapshot-\d{16}\.(snap|\d+)$/,
  /^rebuild$/,
];

/** Whether a file is one that recovery took out of the way and keeps for people to look at. */
export function isSetAside(name: string): boolean {
  return isOurs(name) && (name.endsWith(".suspect") || name.endsWith(".damaged"));
}

/** Whether this room could have written a file of this name. */
export function isOurs(name: string): boolean {
  const isTemporary = name.endsWith(temporarySuffix);
  const stem = isTemporary ? name.slice(0, -temporarySuffix.length) : name;
  return ownNames.some((pattern) => pattern.test(stem));
}
