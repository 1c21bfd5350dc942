/**
 * Writes the directory of a member from what is to be in it: identity, hard state, a snapshot,
 * entries. Either in the place of another content, or into an empty directory; both count from one
 * moment on (`rebuild.ts`). Called for the recovery of a cluster and for the restore of a snapshot.
 */
import { assert, type Crc32, type LogIndex, persistUnit } from "../../base/index.ts";
import type { Entry, HardState, LogPosition } from "../../core/index.ts";
import type { Clock, Disk } from "../../ports/index.ts";
import { isOurs, pathIn, readWhole, replaceFile, temporarySuffix } from "../files.ts";
import {
  type DirectoryIdentity,
  decodeIdentity,
  encodeIdentity,
  identityFileName,
} from "../identity.ts";
import type { LogStore, PersistRequest } from "../log-store.ts";
import type { SnapshotPart, SnapshotReader } from "../snapshot/snapshot-reader.ts";
import type { SealedSnapshot } from "../snapshot/snapshot-space.ts";
import type { SnapshotWriter } from "../snapshot/snapshot-writer.ts";
import { perform, type Task } from "../task.ts";
import { type OpenedLog, openLog } from "../wal/open-log.ts";
import {
  discardStaged,
  markRebuild,
  type RebuildPlace,
  readRebuildMark,
  removeMarkTemporary,
  settleRebuild,
} from "./rebuild.ts";
import { StagedDisk } from "./staged-disk.ts";

/** What a directory is to hold. */
export interface DirectoryContent {
  readonly identity: DirectoryIdentity;
  /** Its term is at least those of the snapshot and of the entries. */
  readonly hardState: HardState;
  /**
   * Where the log begins; null: at its beginning. The reader stands at the start of its content.
   */
  readonly snapshot: {
    readonly position: LogPosition;
    readonly configuration: Uint8Array;
    readonly reader: SnapshotReader;
  } | null;
  /** What follows the snapshot, without a gap. */
  readonly entries: readonly Entry[];
  /** All up to here is committed. */
  readonly commit: LogIndex;
}

export interface BuildPlace {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly crc32: Crc32;
  readonly directory: string;
}

/** Bytes of entries in one unit: as the log's own limit. */
const unitBytesMax = 8 * 1024 * 1024;

/**
 * Puts `content` in the place of what the directory holds. The old content is untouched until all
 * of the new one is on stable storage, and is gone when this returns.
 *
 * @invariant the directory's lock is held, and nobody has its log open
 * @throws DiskError, StorageDamage of the snapshot that is read
 */
export function* replaceContent(place: BuildPlace, content: DirectoryContent): Task<void> {
  yield* settleRebuild(place, yield* listOf(place));
  yield* stage(place, content);
  yield* decide(place, content);
}

/**
 * Whether a directory is free for a new content. `finished`: an earlier filling of it had been
 * decided, and is whole now; whose it is. `taken`: it holds this file already.
 *
 * @invariant the directory's lock is held
 */
export function* prepareEmpty(
  place: BuildPlace,
): Task<
  | { readonly kind: "empty" }
  | { readonly kind: "finished"; readonly identity: DirectoryIdentity }
  | { readonly kind: "taken"; readonly name: string }
> {
  const names = yield* listOf(place);
  const mark = yield* readRebuildMark(place, names);
  if (mark?.stage === "begun") return { kind: "empty" };
  if (mark !== null) {
    yield* settleRebuild(place, names);
    const file = pathIn(place.directory, identityFileName);
    const identity = decodeIdentity(yield* readWhole(place.disk, file), file, place.crc32);
    return { kind: "finished", identity };
  }
  const name = names.find((each) => isOurs(each) && !each.endsWith(temporarySuffix));
  return name === undefined ? { kind: "empty" } : { kind: "taken", name };
}

/**
 * Puts `content` into an empty directory. Until all of it is on stable storage, no member starts on
 * it.
 *
 * @invariant the directory's lock is held, and `prepareEmpty` called it empty
 * @throws DiskError, StorageDamage of the snapshot that is read
 */
export function* fillDirectory(place: BuildPlace, content: DirectoryContent): Task<void> {
  const { clusterId } = content.identity;
  yield* removeMarkTemporary(place, yield* listOf(place));
  yield* markRebuild(place, { stage: "begun", clusterId });
  yield* discardStaged(place, yield* listOf(place));
  yield* stage(place, content);
  yield* decide(place, content);
}

function* decide(place: RebuildPlace, { identity }: DirectoryContent): Task<void> {
  yield* markRebuild(place, { stage: "decided", clusterId: identity.clusterId });
  const names = yield* listOf(place);
  yield* settleRebuild(place, names);
}

function listOf({ disk, directory }: RebuildPlace): Task<readonly string[]> {
  return perform<readonly string[]>((done) => disk.list(directory, done));
}

/** Beside what is there, whole and synced; nothing rests on it yet. */
function* stage(place: BuildPlace, content: DirectoryContent): Task<void> {
  const { clock, crc32, directory } = place;
  const disk = new StagedDisk(place.disk, directory);
  const { identity } = content;
  yield* replaceFile(disk, directory, identityFileName, encodeIdentity(identity, crc32));
  const options = { disk, clock, crc32, directory, identity, warn: () => undefined };
  const log = yield* perform<OpenedLog>((done) => openLog(options, done));
  try {
    yield* writeLog(log.store, content);
  } catch (error) {
    yield* perform((done) => log.store.close(() => done(null)));
    throw error;
  }
  yield* perform((done) => log.store.close(done));
  yield* perform((done) => disk.syncDirectory(directory, done));
}

function* writeLog(store: LogStore, content: DirectoryContent): Task<void> {
  const { hardState, snapshot, entries, commit } = content;
  const nothing = {
    unit: persistUnit(0),
    hardState: null,
    truncateFrom: null,
    entries: [],
    commit,
  };
  yield* append(store, { ...nothing, hardState });
  if (snapshot !== null) {
    const sealed = yield* copySnapshot(store, snapshot);
    yield* perform((done) => store.install(sealed, done));
  }
  for (const batch of batchesOf(entries)) yield* append(store, { ...nothing, entries: batch });
}

function* append(store: LogStore, request: PersistRequest): Task<void> {
  yield* perform((done) => store.append(request, done));
}

function batchesOf(entries: readonly Entry[]): readonly (readonly Entry[])[] {
  const batches: Entry[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    bytes += entry.data.length;
    if (bytes > unitBytesMax) {
      batches.push([]);
      bytes = entry.data.length;
    }
    batches.at(-1)?.push(entry);
  }
  return batches;
}

/** Section by section, under the identity of the new directory. */
function* copySnapshot(
  store: LogStore,
  { position, configuration, reader }: NonNullable<DirectoryContent["snapshot"]>,
): Task<SealedSnapshot> {
  const writer = yield* perform<SnapshotWriter>((done) =>
    store.snapshots.begin(position, configuration, done),
  );
  try {
    yield* copySections(reader, writer);
  } catch (error) {
    yield* perform((done) => writer.abort(() => done(null)));
    throw error;
  }
  return yield* perform<SealedSnapshot>((done) => writer.finish(done));
}

function* copySections(reader: SnapshotReader, writer: SnapshotWriter): Task<void> {
  let open: string | null = null;
  for (;;) {
    const part = yield* perform<SnapshotPart | null>((done) => reader.next(done));
    if (part === null) break;
    if (open === null) writer.section(part.section);
    yield* perform((done) => writer.write(part.data, done));
    open = part.isLast ? null : part.section;
  }
  assert(open === null, "a snapshot ends with a section's end");
}
