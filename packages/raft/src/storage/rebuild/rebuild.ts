/**
 * Gives a directory a new content in one moment: the new files are written beside the old ones
 * under a prefix, then the file `rebuild` says that they count, then the old ones go and the new
 * ones get their names. A crash before that moment leaves the old content; after it, whoever opens
 * the directory next does the rest. See `docs/formats.md`, "rebuild".
 *
 * An empty directory has no old content to fall back on: there `rebuild` says from the beginning
 * that it is not to be used yet.
 */
import type { Crc32 } from "../../base/index.ts";
import type { Disk } from "../../ports/index.ts";
import { isOurs, isSetAside, pathIn, readWhole, replaceFile, temporarySuffix } from "../files.ts";
import { type BlockFormat, openBlock, readId, sealBlock, writeId } from "../sealed-block.ts";
import { StorageDamage, UnfinishedRestoreError, UnknownFormatError } from "../storage-errors.ts";
import { perform, type Task } from "../task.ts";
import { isStaged, rebuildFileName, stagedPrefix } from "./staged-names.ts";

/**
 * `begun`: an empty directory is being filled. `decided`: the staged files count, the others are
 * to go. `cleared`: those have gone, the staged ones get their names.
 */
export type RebuildStage = "begun" | "decided" | "cleared";

export interface RebuildMark {
  readonly stage: RebuildStage;
  /** The cluster that the new content is of. */
  readonly clusterId: string;
}

export interface RebuildPlace {
  readonly disk: Disk;
  readonly crc32: Crc32;
  readonly directory: string;
}

const format: BlockFormat = { magic: "quor-rbd", version: 1 };
const stages: readonly RebuildStage[] = ["begun", "decided", "cleared"];

export function encodeRebuildMark({ stage, clusterId }: RebuildMark, crc32: Crc32): Uint8Array {
  return sealBlock(format, crc32, (writer) => {
    writer.u8(stages.indexOf(stage) + 1);
    writeId(writer, clusterId);
  });
}

/**
 * The file has its name only when it is durable, so no crash excuses an unreadable one.
 *
 * @throws StorageDamage, UnknownFormatError
 */
export function decodeRebuildMark(bytes: Uint8Array, file: string, crc32: Crc32): RebuildMark {
  const block = openBlock(bytes, format, crc32);
  if (block.kind === "unknown-version") {
    throw new UnknownFormatError(file, 0, `a mark of a rebuild of version ${block.version}`);
  }
  const fail = (reason: string): never => {
    throw new StorageDamage(`the mark of a rebuild cannot be read: ${reason}`, { file, offset: 0 });
  };
  if (block.kind === "blank") return fail("it is all zeros");
  if (block.kind === "damaged") return fail(block.reason);
  const number = block.content.u8();
  const stage = stages[number - 1];
  if (stage === undefined) return fail(`it is at stage ${number}`);
  return { stage, clusterId: readId(block.content) };
}

/** How far a rebuild has come here; null where none is under way. */
export function* readRebuildMark(
  { disk, crc32, directory }: RebuildPlace,
  names: readonly string[],
): Task<RebuildMark | null> {
  if (!names.includes(rebuildFileName)) return null;
  const path = pathIn(directory, rebuildFileName);
  return decodeRebuildMark(yield* readWhole(disk, path), path, crc32);
}

/** Makes the stage durable. `decided` is the moment from which on the new content counts. */
export function* markRebuild(place: RebuildPlace, mark: RebuildMark): Task<void> {
  const bytes = encodeRebuildMark(mark, place.crc32);
  yield* replaceFile(place.disk, place.directory, rebuildFileName, bytes);
}

/**
 * To be called before anything else in the directory is looked at, with its lock held: does the
 * rest of what was decided, and removes what an undecided rebuild left.
 *
 * @throws UnfinishedRestoreError for a directory that was being filled
 */
export function* settleRebuild(place: RebuildPlace, names: readonly string[]): Task<void> {
  const mark = yield* readRebuildMark(place, names);
  yield* removeMarkTemporary(place, names);
  if (mark?.stage === "begun") throw new UnfinishedRestoreError(place.directory);
  if (mark !== null) yield* finishRebuild(place, mark, names);
  else yield* discardStaged(place, names);
}

/** From `decided` on. Every step may be done again. */
function* finishRebuild(
  place: RebuildPlace,
  { stage, clusterId }: RebuildMark,
  names: readonly string[],
): Task<void> {
  const { disk, directory } = place;
  if (stage === "decided") {
    for (const name of names.filter(isReplaced)) {
      yield* perform((done) => disk.remove(pathIn(directory, name), done));
    }
    yield* perform((done) => disk.syncDirectory(directory, done));
    yield* markRebuild(place, { stage: "cleared", clusterId });
  }
  for (const name of names.filter(isStaged)) {
    const path = pathIn(directory, name);
    const target = pathIn(directory, name.slice(stagedPrefix.length));
    if (name.endsWith(temporarySuffix)) yield* perform((done) => disk.remove(path, done));
    else yield* perform((done) => disk.rename(path, target, done));
  }
  yield* perform((done) => disk.syncDirectory(directory, done));
  yield* perform((done) => disk.remove(pathIn(directory, rebuildFileName), done));
  yield* perform((done) => disk.syncDirectory(directory, done));
}

/** What was kept for a person to look at stays. */
function isReplaced(name: string): boolean {
  const isMark = name === rebuildFileName || name === rebuildFileName + temporarySuffix;
  return isOurs(name) && !isMark && !isSetAside(name);
}

/** Removes what is written beside the content and does not count. */
export function* discardStaged(place: RebuildPlace, names: readonly string[]): Task<void> {
  const { disk, directory } = place;
  for (const name of names.filter(isStaged)) {
    yield* perform((done) => disk.remove(pathIn(directory, name), done));
  }
}

/** What an interrupted `markRebuild` left. */
export function* removeMarkTemporary(place: RebuildPlace, names: readonly string[]): Task<void> {
  const name = rebuildFileName + temporarySuffix;
  if (!names.includes(name)) return;
  yield* perform((done) => place.disk.remove(pathIn(place.directory, name), done));
}
