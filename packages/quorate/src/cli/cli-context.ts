import type { Command } from "commander";
import {
  type ClientFlags,
  type ClientSettings,
  createClientSettings,
} from "./client/client-settings.ts";
import type { ExitCode } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

/** What every command gets. */
export interface CliContext {
  readonly terminal: Terminal;
  /** What the process ends with where the command does not fail; 0 unless it is called. */
  setExitCode(code: ExitCode): void;
}

/** The settings of a client command, from its own place in the tree of commands. */
export function settingsOf(command: Command, { terminal }: CliContext): ClientSettings {
  return createClientSettings(command.optsWithGlobals<ClientFlags>(), terminal.environment);
}
