/**
 * Whole files: reading them, and replacing them so that a crash leaves the old or the new one,
 * never a mix.
 */
import type { Disk, DiskFile } from "../ports/index.ts";
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
  /^snapshot-\d{16}\.(snap|\d+)$/,
  /^rebuild$/,
];

/** Whether this room could have written a file of this name. */
export function isOurs(name: string): boolean {
  const isTemporary = name.endsWith(temporarySuffix);
  const stem = isTemporary ? name.slice(0, -temporarySuffix.length) : name;
  return ownNames.some((pattern) => pattern.test(stem));
}
