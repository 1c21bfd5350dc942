import { osConsole } from "../ports/os/index.ts";

/**
 * Where a member talks to its operator. Anything with these four fits: pino, console, a test's
 * list.
 */
export interface Logger {
  debug(fields: object, text: string): void;
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

/** Says nothing: for programs that listen to the events instead. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/**
 * Warnings and errors on the console, the rest nowhere: what an embedded library may say unasked.
 */
export function createConsoleLogger(): Logger {
  return {
    ...silentLogger,
    warn: (_fields, text) => osConsole.warn(`quorate: ${text}`),
    error: (_fields, text) => osConsole.error(`quorate: ${text}`),
  };
}

/** What was thrown, for a log: with its stack, where it has one. */
export function describeThrown(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
