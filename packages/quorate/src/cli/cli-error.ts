/** What a command fails with: told to the person at the terminal, never a stack. */
import { QuorateError } from "@quorate/raft";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { wrapLines } from "./output/wrap.ts";

export interface CliErrorOptions {
  readonly exitCode: ExitCode;
  /** Stable, for scripts and searches, such as `NO_QUORUM`; null for a wrong command line. */
  readonly code: string | null;
  /** What follows below the message, indented: details, and what to do. */
  readonly lines?: readonly string[];
  readonly cause?: unknown;
}

export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: ExitCode;
  readonly code: string | null;
  readonly lines: readonly string[];

  constructor(message: string, options: CliErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode;
    this.code = options.code;
    this.lines = options.lines ?? [];
  }
}

/** A command line that cannot be understood. */
export function usageError(message: string, ...lines: string[]): CliError {
  return new CliError(message, { exitCode: exitCodes.usage, code: null, lines });
}

/** Whatever was thrown, as an error for people; what is not ours is a bug and keeps its stack. */
export function toCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof QuorateError) {
    const { code, message, hint }: QuorateError = error;
    return new CliError(message, { exitCode: exitCodes.failed, code, lines: [hint], cause: error });
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new CliError(text, { exitCode: exitCodes.failed, code: "BUG", cause: error });
}

/**
 * The text on stderr, with its line end: `quorate: CODE  message`, then the lines.
 *
 * @param width Columns of the terminal
 */
export function describeCliError(error: CliError, width: number): string {
  const code = error.code === null ? "" : `${error.code}  `;
  const head = wrapLines(`quorate: ${code}${error.message}`, width, "  ");
  const below = error.lines.map((line) => wrapLines(`  ${line}`, width, "  "));
  return `${[head, ...below].join("\n")}\n`;
}
