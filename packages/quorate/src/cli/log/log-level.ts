/** The levels of the log, least first, and the names that etcd's flag knows besides. */
export const logLevels = ["debug", "info", "warn", "error"] as const;

export type LogLevel = (typeof logLevels)[number];

const synonyms: Readonly<Record<string, LogLevel>> = {
  dpanic: "error",
  panic: "error",
  fatal: "error",
};

/** Null if there is no such level. */
export function parseLogLevel(text: string): LogLevel | null {
  return logLevels.find((level) => level === text) ?? synonyms[text] ?? null;
}

/** Whether a line of `level` is shown where `least` is asked for. */
export function isShown(level: LogLevel, least: LogLevel): boolean {
  return logLevels.indexOf(level) >= logLevels.indexOf(least);
}
