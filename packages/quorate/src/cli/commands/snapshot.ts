import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { inspectSnapshot, type SnapshotReport } from "@quorate/raft";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatFacts } from "../offline/format.ts";
import { type Checksum, verifyChecksum } from "../offline/saved-file.ts";
import { registerSnapshotRestore } from "./snapshot-restore.ts";
import { registerSnapshotSave } from "./snapshot-save.ts";

/** `quorate snapshot`: saved states of a cluster. Here: what a file is. */

interface StatusFlags {
  readonly json?: boolean;
}

export function registerSnapshot(program: Command, context: CliContext): void {
  const snapshot = program.command("snapshot").description("saved states: save, look, restore");
  registerSnapshotSave(snapshot, context);
  snapshot
    .command("status")
    .description("read snapshots to their ends and say what they are")
    .argument("<file>", "a saved snapshot, or a data directory")
    .option("--json", "one line of JSON instead of text")
    .addHelpText(
      "after",
      "\nOf a data directory all snapshots are read, the newest first; its member may\nrun. " +
        "Exit code 1 if one of them is not sound.",
    )
    .action((path: string, flags: StatusFlags) => runStatus(context, path, flags));
  registerSnapshotRestore(snapshot, context);
}

/** What was found of a file, its checksum included. */
export interface CheckedSnapshot {
  readonly report: SnapshotReport;
  readonly checksum: Checksum;
}

/** @throws QuorateError */
export async function checkSnapshot(file: string): Promise<CheckedSnapshot> {
  const report = await inspectSnapshot({ file });
  const { contents, fileBytes, damage } = report;
  if (contents === null || damage !== null) return { report, checksum: "none" };
  return { report, checksum: await verifyChecksum(file, fileBytes, contents.bytes) };
}

/** Null: sound. */
export function describeDamage({ report, checksum }: CheckedSnapshot): string | null {
  const { damage, fileBytes } = report;
  if (damage !== null) {
    const at = damage.offset === null ? "" : ` at byte ${damage.offset}`;
    return `damaged${at}: ${damage.reason}`;
  }
  return checksum === "wrong"
    ? `damaged at byte ${fileBytes - 32}: the SHA-256 at its end is not that of what is before it`
    : null;
}

async function runStatus(context: CliContext, path: string, flags: StatusFlags): Promise<void> {
  const { terminal } = context;
  const found: CheckedSnapshot[] = [];
  for (const file of await listSnapshots(path)) found.push(await checkSnapshot(file));
  if (flags.json === true) {
    terminal.print(`${JSON.stringify({ snapshots: found.map(toJson) })}\n`);
  } else {
    terminal.print(found.map((one) => formatSnapshot(one, terminal.width)).join("\n"));
  }
  if (found.some((one) => describeDamage(one) !== null)) context.setExitCode(exitCodes.failed);
}

/** The file, or those of a directory, the newest first. */
async function listSnapshots(path: string): Promise<readonly string[]> {
  const status = await stat(path).catch((error: unknown) => {
    throw notRead(path, error instanceof Error ? error.message : String(error));
  });
  if (!status.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => /^snapshot-\d{16}\.snap$/.test(name));
  if (names.length === 0) throw notRead(path, "there is no snapshot in it");
  return names
    .sort()
    .reverse()
    .map((name) => join(path, name));
}

function notRead(path: string, why: string): CliError {
  const hint = "Name a saved snapshot, or a data directory with snapshot-*.snap in it.";
  return new CliError(`Cannot read ${path}: ${why}`, {
    ...{ exitCode: exitCodes.failed, code: "BAD_CONFIG", lines: [hint] },
  });
}

/** Facts in a column, the verdict last. */
export function formatSnapshot(checked: CheckedSnapshot, width: number): string {
  const { file, fileBytes, contents } = checked.report;
  const verdict = describeDamage(checked) ?? "sound";
  const facts: [string, string][] = [["File", `${file}, ${fileBytes} bytes`]];
  if (contents !== null) {
    const { index, term, clusterId, members, hash, sections } = contents;
    const names = members?.map(({ id, address }) => `${id}=${address}`).join(", ");
    facts.push(
      ["Position", `entry ${index} of term ${term}`],
      ["Cluster", clusterId],
      ["Members", names ?? "written in a form that this version does not know"],
      ["Hash", hash],
      ["Sections", sections.map(({ name, bytes }) => `${name} (${bytes} bytes)`).join(", ")],
    );
  }
  facts.push(["Verdict", verdict]);
  return formatFacts(facts, width);
}

function toJson(checked: CheckedSnapshot): object {
  const { report, checksum } = checked;
  return { ...report, checksum, sound: describeDamage(checked) === null };
}
