import { readFile } from "node:fs/promises";
import { type Replay, type ReplayedStep, replayRecording } from "@quorate/raft";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { exitCodes } from "../exit-codes.ts";
import { pad } from "../output/table.ts";

/** `quorate replay FILE`: what a member's core did, and whether it does so again. */

interface ReplayFlags {
  readonly last?: string;
}

export function registerReplay(program: Command, context: CliContext): void {
  program
    .command("replay")
    .description("run a member's recording again, step by step")
    .argument("<file>", "recording-*.jsonl of a data directory")
    .option("--last <count>", "print the last steps only")
    .addHelpText(
      "after",
      "\nExit code 1 if it does not come out as it was recorded. Formats and members\nare in " +
        "docs/formats.md; nothing is changed anywhere.",
    )
    .action(async (file: string, flags: ReplayFlags) => {
      const replay = readReplay(file, await readText(file));
      const { terminal } = context;
      terminal.print(formatReplay(replay, countOf(flags.last)));
      if (replay.verdict.kind !== "same") context.setExitCode(exitCodes.failed);
    });
}

/** All unless it is given. */
function countOf(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 0) return count;
  const message = `--last ${text}: it must be a number of steps, 0 or more`;
  throw new CliError(message, { exitCode: exitCodes.usage, code: null });
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw notReplayed(file, why, "Name a file recording-*.jsonl of a data directory.", error);
  }
}

function readReplay(file: string, text: string): Replay {
  try {
    return replayRecording(text);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "FormatError") throw error;
    const hint = "Name a whole recording of this version of the program.";
    throw notReplayed(file, error.message, hint, error);
  }
}

function notReplayed(file: string, why: string, hint: string, cause: unknown): CliError {
  const message = `Cannot replay ${file}: ${why}`;
  return new CliError(message, { exitCode: exitCodes.failed, code: null, lines: [hint], cause });
}

/** A line for each step in fixed columns, and what came of it. */
export function formatReplay({ recording, steps, verdict }: Replay, lastCount: number): string {
  const { member, wallMs, error } = recording;
  const lines = [
    `member ${member}, written ${new Date(wallMs).toISOString()}, ` +
      (error === null ? "on request" : `ended by: ${error}`),
    formatStep(["STEP", "MS", "ROLE", "TERM", "COMMIT", "LAST"], "INPUT"),
  ];
  const from = Math.max(0, steps.length - lastCount);
  for (const step of steps.slice(from)) lines.push(formatStep(cellsOf(step), step.what));
  lines.push(describeVerdict(verdict, error));
  return `${lines.join("\n")}\n`;
}

function cellsOf({ number, atMs, role, term, commit, last }: ReplayedStep): readonly string[] {
  return [String(number), atMs.toFixed(1), role, String(term), String(commit), String(last)];
}

const widths = [7, 12, 13, 6, 9, 9];

function formatStep(cells: readonly string[], what: string): string {
  const padded = cells.map((cell, at) => pad(cell, widths[at] ?? 0, at === 2 ? "left" : "right"));
  return `${padded.join("  ")}  ${what}`;
}

function describeVerdict(verdict: Replay["verdict"], error: string | null): string {
  switch (verdict.kind) {
    case "same": {
      const head = `reproduced: ${verdict.steps} steps and the state at the end are the same`;
      if (error === null) return head;
      if (verdict.isErrorReproduced) return `reproduced: ${verdict.steps} steps, and the error`;
      return `${head}; the error did not come from the core`;
    }
    case "differs":
      return `not reproduced: at step ${verdict.number}, ${verdict.why}`;
    case "other-version":
      return `not reproduced: another version of the core wrote it (${verdict.why})`;
    default:
      return verdict satisfies never;
  }
}
