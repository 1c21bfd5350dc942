import { type FileHandle, open, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import type { Command } from "commander";
import { decodeSnapshotResponse, encodeSnapshotRequest } from "../../proto/index.ts";
import { type CliContext, settingsOf } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { withCaller } from "../client/caller.ts";
import { exitCodes } from "../exit-codes.ts";
import { type CheckedSnapshot, checkSnapshot, describeDamage, formatSnapshot } from "./snapshot.ts";

/** `quorate snapshot save FILE`: the state of a running cluster as a file. */

export function registerSnapshotSave(snapshot: Command, context: CliContext): void {
  snapshot
    .command("save")
    .description("save the state of a running cluster as a file")
    .argument("<file>", "made, or replaced when the new one is whole and sound")
    .addHelpText(
      "after",
      "\nThe first member of --endpoints that answers sends it. --command-timeout is how\n" +
        "long that may be silent, not how long the whole may take.",
    )
    .action((file: string, _flags: object, command: Command) => runSave(context, command, file));
}

async function runSave(context: CliContext, command: Command, file: string): Promise<void> {
  const settings = settingsOf(command, context);
  const part = `${file}.part`;
  const handle = await openPart(part);
  let checked: CheckedSnapshot;
  try {
    try {
      await withCaller(settings, (caller) => {
        const take = createTaker(handle, part);
        return caller.stream("/etcdserverpb.Maintenance/Snapshot", encodeSnapshotRequest({}), take);
      });
      await onDisk(part, () => handle.sync());
    } finally {
      await handle.close();
    }
    checked = await checkPart(part);
    await onDisk(file, () => rename(part, file));
  } catch (error) {
    await unlink(part);
    throw error;
  }
  await onDisk(file, () => syncDirectory(dirname(file)));
  const { report, checksum } = checked;
  const saved: CheckedSnapshot = { report: { ...report, file }, checksum };
  const { terminal } = context;
  if (settings.output === "json") terminal.print(`${JSON.stringify(saved.report)}\n`);
  else terminal.print(formatSnapshot(saved, terminal.width));
}

/** Replaces what an interrupted save left. */
function openPart(part: string): Promise<FileHandle> {
  return onDisk(part, () => open(part, "w", 0o600));
}

/** Appends blob after blob. */
function createTaker(handle: FileHandle, part: string): (message: Uint8Array) => Promise<void> {
  return (message) => {
    const { blob } = decodeSnapshotResponse(message);
    return onDisk(part, () => handle.appendFile(blob));
  };
}

/** @throws CliError for what the system refuses */
async function onDisk<Value>(path: string, act: () => Promise<Value>): Promise<Value> {
  try {
    return await act();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const hint = "Nothing was saved. Name a file that can be made, on a disk with space.";
    throw notSaved("STORAGE_FAILED", `Cannot write ${path}: ${why}`, hint);
  }
}

/** Reads it from the file again. @throws CliError if it is not whole and sound */
async function checkPart(part: string): Promise<CheckedSnapshot> {
  const checked = await checkSnapshot(part);
  const isBare = checked.checksum === "none" && checked.report.damage === null;
  const damage = describeDamage(checked) ?? (isBare ? "without its checksum" : null);
  if (damage === null) return checked;
  const text = `Cannot save a snapshot: what the member sent is ${damage}`;
  throw notSaved("CORRUPT", text, "Nothing was saved. Ask another member with --endpoints.");
}

function notSaved(code: string, message: string, hint: string): CliError {
  return new CliError(message, { exitCode: exitCodes.failed, code, lines: [hint] });
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
