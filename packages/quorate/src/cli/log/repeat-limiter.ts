import type { Logger } from "@quorate/raft";
import type { LogLevel } from "./log-level.ts";

/**
 * Keeps a log readable when one thing happens many times: the first line of a text is written at
 * once, repeats within ten seconds are counted and written once, with `(x143 in 10 s)`.
 */

/** Milliseconds in which repeats are counted. */
const windowMs = 10_000;
/** Texts watched at once; beyond it lines are written as they come. */
const textsMax = 1_000;

interface Repeats {
  readonly level: LogLevel;
  readonly text: string;
  count: number;
  lastFields: object;
}

/** Calls `callback` after so many milliseconds. */
export type After = (delayMs: number, callback: () => void) => void;

/** A logger in front of another one. */
export function limitRepeats(logger: Logger, after: After): Logger {
  const open = new Map<string, Repeats>();
  const write = (level: LogLevel, fields: object, text: string): void => {
    const key = `${level} ${text}`;
    const known = open.get(key);
    if (known !== undefined) {
      known.count++;
      known.lastFields = fields;
      return;
    }
    logger[level](fields, text);
    if (open.size >= textsMax) return;
    open.set(key, { level, text, count: 0, lastFields: fields });
    after(windowMs, () => close(key));
  };
  const close = (key: string): void => {
    const repeats = open.get(key);
    open.delete(key);
    if (repeats === undefined || repeats.count === 0) return;
    const { level, text, count, lastFields } = repeats;
    const summary = count === 1 ? text : `${text} (x${count} in ${windowMs / 1_000} s)`;
    logger[level](lastFields, summary);
  };
  return {
    debug: (fields, text) => write("debug", fields, text),
    info: (fields, text) => write("info", fields, text),
    warn: (fields, text) => write("warn", fields, text),
    error: (fields, text) => write("error", fields, text),
  };
}
