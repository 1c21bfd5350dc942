/**
 * Finds out which snapshots of a directory are sound. The newest sound one is read to its end,
 * those before it are not: their blocks are checked when they are read. Changes nothing. Called
 * when a log is opened.
 */
import { logIndex } from "../../base/index.ts";
import { closeFile, isUnreadable, openFile, pathIn } from "../files.ts";
import { StorageDamage } from "../storage-errors.ts";
import { perform, type Task } from "../task.ts";
import { parseSnapshotFileName, type SnapshotDescription } from "./snapshot-format.ts";
import { openSnapshot, verifySnapshot } from "./snapshot-reader.ts";
import type { SnapshotSpace } from "./snapshot-space.ts";

export interface FoundSnapshots {
  /** Oldest first. */
  readonly sound: readonly SnapshotDescription[];
  /** What kept each of the others from being one; newest first. */
  readonly damaged: readonly StorageDamage[];
  /** The indexes in the names of those. */
  readonly damagedIndexes: readonly number[];
}

/** Some disks give at a second or third try what they refused before. */
const triesMax = 4;

/**
 * `salvages`: one that the disk cannot read is damaged, else an error.
 *
 * @throws UnknownFormatError, DiskError
 */
export function* findSnapshots(
  space: SnapshotSpace,
  names: readonly string[],
  salvages = false,
): Task<FoundSnapshots> {
  const sound: SnapshotDescription[] = [];
  const damaged: StorageDamage[] = [];
  const damagedIndexes: number[] = [];
  for (const name of [...names].sort().reverse()) {
    const index = parseSnapshotFileName(name);
    if (index === null) continue;
    const path = pathIn(space.directory, name);
    const found: SnapshotDescription | StorageDamage = salvages
      ? yield* examineReadable(space, path, index, sound.length === 0)
      : yield* examine(space, path, index, sound.length === 0);
    if (found instanceof StorageDamage) {
      damaged.push(found);
      damagedIndexes.push(index);
    } else {
      sound.unshift(found);
    }
  }
  return { sound, damaged, damagedIndexes };
}

function* examineReadable(
  space: SnapshotSpace,
  path: string,
  index: number,
  toItsEnd: boolean,
): Task<SnapshotDescription | StorageDamage> {
  for (let tries = 1; ; tries++) {
    try {
      return yield* examine(space, path, index, toItsEnd);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      const reason = "the disk refuses to read it";
      if (tries === triesMax) return new StorageDamage(reason, { file: path });
    }
  }
}

function* examine(
  space: SnapshotSpace,
  path: string,
  index: number,
  toItsEnd: boolean,
): Task<SnapshotDescription | StorageDamage> {
  const file = yield* openFile(space.disk, path, "existing");
  try {
    const open = yield* openSnapshot(space, file);
    const { identity } = open.description;
    if (identity.position.index !== logIndex(index)) {
      const reason = `it is the snapshot of ${identity.position.index} under another's name`;
      return new StorageDamage(reason, { file: path, offset: 0 });
    }
    if (toItsEnd) yield* verifySnapshot(open, space);
    // What survived the end of a process may be in the page cache only.
    yield* perform((done) => file.sync(done));
    return open.description;
  } catch (error) {
    if (error instanceof StorageDamage) return error;
    throw error;
  } finally {
    yield* closeFile(file);
  }
}
