/**
 * What may keep a data directory from being opened, as typed values. The node turns them into
 * `QuorateError`s: `StorageDamage` and `UnknownFormatError` into CORRUPT, `ForeignDirectoryError`
 * into WRONG_CLUSTER.
 */
import { DiskError } from "../ports/index.ts";
import { StorageError } from "./log-store.ts";

/** Where the damage is. Numbers are null where the damaged thing itself held them. */
export interface DamagePlace {
  readonly file: string;
  /** Bytes from the start of the file. */
  readonly offset: number | null;
  /** The number of the write unit, counted from 1 over the life of the log. */
  readonly unit: number | null;
  /** Log indexes of the entries that are in it, as far as is known. */
  readonly firstIndex: number | null;
  readonly lastIndex: number | null;
}

/** Bytes that were once durable cannot be read back. Nothing was cut and nothing was changed. */
export class StorageDamage extends Error {
  override readonly name = "StorageDamage";
  readonly place: DamagePlace;
  readonly reason: string;

  /** `advice`: what to do where it is not repaired. */
  constructor(
    reason: string,
    place: Partial<DamagePlace> & { readonly file: string },
    advice: string | null = null,
  ) {
    const full = { offset: null, unit: null, firstIndex: null, lastIndex: null, ...place };
    super(`Cannot open ${describePlace(full)}: ${reason}${advice === null ? "" : `; ${advice}`}`);
    this.place = full;
    this.reason = reason;
  }
}

/** `data/log-0000000000000001.wal at offset 512, unit 3, entries 7 to 9`. */
export function describePlace(place: DamagePlace): string {
  let text = place.file;
  if (place.offset !== null) text += ` at offset ${place.offset}`;
  if (place.unit !== null) text += `, unit ${place.unit}`;
  if (place.firstIndex !== null && place.lastIndex !== null) {
    text += `, entries ${place.firstIndex} to ${place.lastIndex}`;
  }
  return text;
}

/** A sound file of a format that this version does not know: a stop, never a guess. */
export class UnknownFormatError extends Error {
  override readonly name = "UnknownFormatError";
  readonly file: string;
  readonly offset: number;

  constructor(file: string, offset: number, found: string) {
    super(
      `Cannot read ${file} at offset ${offset}: ${found}. ` +
        "Start a version of quorate that knows it.",
    );
    this.file = file;
    this.offset = offset;
  }
}

/** The directory belongs to another member. */
export class ForeignDirectoryError extends Error {
  override readonly name = "ForeignDirectoryError";
  readonly directory: string;
  readonly expected: string;
  readonly found: string;

  constructor(directory: string, expected: string, found: string) {
    super(
      `Cannot use ${directory}: it belongs to member ${found}, and this is member ${expected}. ` +
        `Start with the directory of member ${expected}, or with an empty one for a new member.`,
    );
    this.directory = directory;
    this.expected = expected;
    this.found = found;
  }
}

/** A snapshot was being restored into the directory, and that did not come to its end. */
export class UnfinishedRestoreError extends Error {
  override readonly name = "UnfinishedRestoreError";
  readonly directory: string;

  constructor(directory: string) {
    super(`Cannot use ${directory}: a snapshot was being restored into it and is not all there`);
    this.directory = directory;
  }
}

/** All that opening a directory or a log may be refused for. */
export type OpenError =
  | StorageError
  | StorageDamage
  | UnknownFormatError
  | ForeignDirectoryError
  | UnfinishedRestoreError;

/** Whether it is one that this room tells of a disk and what is on it. */
export function isOpenError(error: Error): error is OpenError {
  return (
    error instanceof StorageError ||
    error instanceof StorageDamage ||
    error instanceof UnknownFormatError ||
    error instanceof ForeignDirectoryError
  );
}

/** Passes the errors of this room on, wraps those of the disk, and rethrows what is a bug. */
export function toOpenError(error: Error): OpenError {
  if (
    error instanceof StorageError ||
    error instanceof StorageDamage ||
    error instanceof UnknownFormatError ||
    error instanceof ForeignDirectoryError ||
    error instanceof UnfinishedRestoreError
  ) {
    return error;
  }
  return toStorageError(error);
}

/** As `StorageError`; rethrows what did not come from the disk. */
export function toStorageError(error: Error): StorageError {
  if (error instanceof StorageError) return error;
  if (error instanceof DiskError) return new StorageError(error.message, error.path, error.code);
  throw error;
}
