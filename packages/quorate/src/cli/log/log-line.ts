import type { Colours } from "../output/colours.ts";
import type { LogLevel } from "./log-level.ts";

/**
 * A line of the log for a person: time, level, text. Texts are whole sentences, so the fields stay
 * away.
 */
export function formatLogLine(level: LogLevel, time: Date, text: string, colours: Colours): string {
  const clock = time.toTimeString().slice(0, 8);
  const millis = String(time.getMilliseconds()).padStart(3, "0");
  const paint = {
    debug: colours.dim,
    info: colours.green,
    warn: colours.yellow,
    error: colours.red,
  }[level];
  return `${colours.dim(`${clock}.${millis}`)} ${paint(level.toUpperCase().padEnd(5))} ${text}`;
}

/** The same from a JSON line of a member; what is no such line stays as it is. */
export function formatJsonLine(line: string, colours: Colours): string {
  const parsed = parseJsonLine(line);
  if (parsed === null) return line;
  return formatLogLine(parsed.level, new Date(parsed.ts), parsed.msg, colours);
}

interface ParsedLine {
  readonly level: LogLevel;
  readonly ts: string;
  readonly msg: string;
}

function parseJsonLine(line: string): ParsedLine | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  if (!("level" in value && "ts" in value && "msg" in value)) return null;
  const { level, ts, msg } = value;
  if (level !== "debug" && level !== "info" && level !== "warn" && level !== "error") return null;
  return typeof ts === "string" && typeof msg === "string" ? { level, ts, msg } : null;
}
