/**
 * A snapshot as a file by itself: in a member's directory, or saved elsewhere. A saved one may have
 * up to 511 zeros and a checksum of 32 bytes behind it (`docs/formats.md`, "saved snapshot"): what
 * the snapshot itself says is checked here, that checksum is not.
 */
import type { Crc32 } from "../../base/index.ts";
import type { Clock, Disk, DiskFile } from "../../ports/index.ts";
import { closeFile, openFile } from "../files.ts";
import { sectorBytes } from "../sealed-block.ts";
import { StorageDamage } from "../storage-errors.ts";
import { perform, type Task } from "../task.ts";
import { decodeHeader, isTrailer, type SnapshotDescription } from "./snapshot-format.ts";
import {
  type OpenSnapshot,
  openSnapshot,
  SnapshotReader,
  verifySnapshot,
} from "./snapshot-reader.ts";
import type { SnapshotSpace } from "./snapshot-space.ts";

export interface FilePlace {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly crc32: Crc32;
}

/** What can be said of a file. `fileBytes` counts what follows the snapshot, too. */
export type SnapshotFileFinding =
  | {
      readonly kind: "sound";
      readonly fileBytes: number;
      readonly clusterId: string;
      readonly description: SnapshotDescription;
    }
  | {
      readonly kind: "damaged";
      readonly fileBytes: number;
      readonly damage: StorageDamage;
      /** What its header, table and trailer say, where those are sound. */
      readonly described: {
        readonly clusterId: string;
        readonly description: SnapshotDescription;
      } | null;
    };

/** A snapshot that was read to its end and is sound, from its start. */
export interface OpenedSnapshotFile {
  readonly clusterId: string;
  readonly reader: SnapshotReader;
}

/**
 * Reads all of a file and says what it is.
 *
 * @throws DiskError, UnknownFormatError
 */
export function* examineSnapshotFile(place: FilePlace, path: string): Task<SnapshotFileFinding> {
  const file = yield* openFile(place.disk, path, "existing");
  let described: { readonly clusterId: string; readonly description: SnapshotDescription } | null =
    null;
  const fileBytes = yield* perform<number>((done) => file.size(done));
  try {
    const { space, open } = yield* openAny(place, file, fileBytes);
    const { clusterId } = space;
    described = { clusterId, description: open.description };
    yield* verifySnapshot(open, space);
    return { kind: "sound", fileBytes, ...described };
  } catch (error) {
    if (!(error instanceof StorageDamage)) throw error;
    return { kind: "damaged", fileBytes, damage: error, described };
  } finally {
    yield* closeFile(file);
  }
}

/**
 * Reads all of a file, and gives a reader of it if it is sound.
 *
 * @throws StorageDamage, DiskError, UnknownFormatError
 */
export function* openSnapshotFile(place: FilePlace, path: string): Task<OpenedSnapshotFile> {
  const file = yield* openFile(place.disk, path, "existing");
  try {
    const fileBytes = yield* perform<number>((done) => file.size(done));
    const { space, open } = yield* openAny(place, file, fileBytes);
    yield* verifySnapshot(open, space);
    const reader = new SnapshotReader(space, open, () => undefined);
    return { clusterId: space.clusterId, reader };
  } catch (error) {
    yield* perform((done) => file.close(() => done(null)));
    throw error;
  }
}

function* openAny(
  { disk, clock, crc32 }: FilePlace,
  file: DiskFile,
  fileBytes: number,
): Task<{ readonly space: SnapshotSpace; readonly open: OpenSnapshot }> {
  const head = yield* perform<Uint8Array>((done) => file.read(0, sectorBytes, done));
  const { clusterId } = decodeHeader(head, file.path, crc32);
  const space: SnapshotSpace = { disk, clock, crc32, directory: "", clusterId };
  const bytes = yield* findEnd(file, fileBytes, crc32);
  return { space, open: yield* openSnapshot(space, file, bytes) };
}

/** Bytes of the checksum that may follow, and the most zeros before it. */
const checksumBytes = 32;
const paddingBytesMax = 511;

/** Bytes of the snapshot itself: up to its trailer, wherever that is. */
function* findEnd(file: DiskFile, fileBytes: number, crc32: Crc32): Task<number> {
  if (fileBytes % sectorBytes !== checksumBytes) return fileBytes;
  const length = Math.min(fileBytes, sectorBytes + paddingBytesMax + checksumBytes);
  const tail = yield* perform<Uint8Array>((done) => file.read(fileBytes - length, length, done));
  if (isTrailer(tail.subarray(length - sectorBytes), crc32)) return fileBytes;
  for (let padding = 0; padding <= paddingBytesMax; padding++) {
    const end = length - checksumBytes - padding;
    if (end < sectorBytes || (padding > 0 && tail[end] !== 0)) break;
    if (isTrailer(tail.subarray(end - sectorBytes, end), crc32)) return fileBytes - length + end;
  }
  return fileBytes;
}
