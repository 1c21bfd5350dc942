/** What the tools for stopped members are refused for, each with what to do. */
import { FormatError, QuorateError } from "../../base/index.ts";
import { DiskError } from "../../ports/index.ts";
import {
  StorageDamage,
  StorageError,
  UnfinishedRestoreError,
  UnknownFormatError,
} from "../../storage/index.ts";
import { fromOpenError, unreadableLog } from "../errors.ts";

/** `action`: `recover`, `restore`. */
export function refused(
  action: string,
  option: string,
  value: string,
  fact: string,
  hint: string,
): QuorateError<"BAD_CONFIG"> {
  return new QuorateError("BAD_CONFIG", `Cannot ${action} with ${option} ${value}: ${fact}`, {
    outcome: "not-applied",
    retry: "never",
    hint,
    details: { option, value },
  });
}

/** What to do about damage: in a member's directory, and in a saved snapshot. */
export const damageHints: Readonly<Record<"directory" | "snapshot", string>> = {
  directory:
    "Look at the directories of the other members; the best of them, or the newest saved " +
    "snapshot (quorate snapshot restore), makes the new cluster.",
  snapshot: "Use another snapshot; quorate snapshot status says whether one is sound.",
};

/** What went wrong with a directory or file, in the words of who repairs it. */
export function fromOfflineError(
  error: Error,
  directory: string,
  damageHint: string = damageHints.directory,
): Error {
  if (error instanceof QuorateError) return error;
  if (error instanceof FormatError) return unreadableLog(error, directory);
  if (error instanceof StorageDamage) {
    const { file, offset, unit } = error.place;
    return new QuorateError("CORRUPT", error.message, {
      outcome: "not-applied",
      retry: "never",
      hint: damageHint,
      details: { file, offset, record: unit === null ? null : `unit ${unit}` },
      cause: error,
    });
  }
  if (error instanceof DiskError) {
    return fromDisk(new StorageError(error.message, error.path, error.code), directory);
  }
  if (error instanceof StorageError) return fromDisk(error, directory);
  const isOurs = error instanceof UnknownFormatError || error instanceof UnfinishedRestoreError;
  return isOurs ? fromOpenError(error, directory) : error;
}

function fromDisk(error: StorageError, directory: string): QuorateError {
  if (error.systemCode !== "ENOENT") return fromOpenError(error, directory);
  const hint = "Name what is there; nothing was changed.";
  return new QuorateError("BAD_CONFIG", error.message, {
    outcome: "not-applied",
    retry: "never",
    hint,
    details: { option: "dir", value: directory },
    cause: error,
  });
}
