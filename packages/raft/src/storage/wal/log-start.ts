/**
 * Where the log begins: the file `log-start` is there once the beginning of the log has been
 * dropped, or all of it replaced by a snapshot. Its renaming is the moment at which that happened;
 * what lies before the segment that it names means nothing any more.
 */
import { type Crc32, FormatError, logIndex, term } from "../../base/index.ts";
import type { LogPosition } from "../../core/index.ts";
import { closeFile, openFile, pathIn, readAll, replaceFile, tryReadAll } from "../files.ts";
import type { DirectoryIdentity } from "../identity.ts";
import { type BlockFormat, openBlock, readId, sealBlock, writeId } from "../sealed-block.ts";
import { StorageDamage, UnknownFormatError } from "../storage-errors.ts";
import type { Task } from "../task.ts";
import type { LogDirectory } from "./log-directory.ts";

export interface LogStart {
  /** The log begins after this: a snapshot holds what is before. */
  readonly base: LogPosition;
  /** The first segment that counts. */
  readonly segment: number;
  /** The number of its first unit, and the checksum of the unit before that. */
  readonly firstUnit: number;
  readonly previousChecksum: number;
  /**
   * The log was replaced, and the segment, still empty, is made after this. Otherwise it was there
   * long before.
   */
  readonly isReplaced: boolean;
}

export const logStartFileName = "log-start";

const format: BlockFormat = { magic: "quor-sta", version: 1 };

export function encodeLogStart(
  start: LogStart,
  identity: DirectoryIdentity,
  crc32: Crc32,
): Uint8Array {
  return sealBlock(format, crc32, (writer) => {
    writeId(writer, identity.incarnation);
    writer.u64(start.base.index).u64(start.base.term);
    writer.u64(start.segment).u64(start.firstUnit).u32(start.previousChecksum);
    writer.u8(start.isReplaced ? 1 : 0);
  });
}

/**
 * The file has its name only when it is durable, so no crash excuses an unreadable one.
 *
 * @throws StorageDamage, UnknownFormatError
 */
export function decodeLogStart(
  bytes: Uint8Array,
  file: string,
  identity: DirectoryIdentity,
  crc32: Crc32,
): LogStart {
  const block = openBlock(bytes, format, crc32);
  if (block.kind === "unknown-version") {
    throw new UnknownFormatError(file, 0, `a log start of version ${block.version}`);
  }
  const fail = (reason: string): never => {
    throw new StorageDamage(`the start of the log cannot be read: ${reason}`, { file, offset: 0 });
  };
  if (block.kind === "blank") return fail("it is all zeros");
  if (block.kind === "damaged") return fail(block.reason);
  const reader = block.content;
  const incarnation = readId(reader);
  if (incarnation !== identity.incarnation) return fail(`it is of incarnation ${incarnation}`);
  try {
    const base = { index: logIndex(reader.u64()), term: term(reader.u64()) };
    const segment = reader.u64();
    const firstUnit = reader.u64();
    const previousChecksum = reader.u32();
    return { base, segment, firstUnit, previousChecksum, isReplaced: reader.u8() !== 0 };
  } catch (error) {
    if (error instanceof FormatError) return fail(error.message);
    throw error;
  }
}

/** Null where the log begins at its beginning. */
export function* readLogStart(log: LogDirectory, names: readonly string[]): Task<LogStart | null> {
  if (!names.includes(logStartFileName)) return null;
  const path = pathIn(log.directory, logStartFileName);
  const file = yield* openFile(log.disk, path, "existing");
  const bytes = log.salvages === true ? yield* tryReadAll(file) : yield* readAll(file);
  yield* closeFile(file);
  if (bytes === null) {
    throw new StorageDamage("the start of the log cannot be read: the disk refuses it", {
      file: path,
      offset: 0,
    });
  }
  return decodeLogStart(bytes, path, log.identity, log.crc32);
}

/** Makes it durable; from then on the log begins there. */
export function* writeLogStart(log: LogDirectory, start: LogStart): Task<void> {
  const bytes = encodeLogStart(start, log.identity, log.crc32);
  yield* replaceFile(log.disk, log.directory, logStartFileName, bytes);
}
