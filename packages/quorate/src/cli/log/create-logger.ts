import type { Logger } from "@quorate/raft";
import { pino } from "pino";
import type { Terminal } from "../terminal.ts";
import { isShown, type LogLevel } from "./log-level.ts";
import { formatLogLine } from "./log-line.ts";
import { limitRepeats } from "./repeat-limiter.ts";

/**
 * The server's log on stderr: short lines for a person, JSON lines with zap's keys (`level`, `ts`,
 * `logger`, `msg`, then the fields) for programs. Repeats are limited.
 */
export function createServerLogger(terminal: Terminal, level: LogLevel, name: string): Logger {
  const sink = terminal.isSayPerson
    ? createPersonLogger(terminal, level)
    : createJsonLogger(terminal, level, name);
  return limitRepeats(sink, (delayMs, callback) => {
    setTimeout(callback, delayMs).unref();
  });
}

function createPersonLogger(terminal: Terminal, least: LogLevel): Logger {
  const write = (level: LogLevel, text: string): void => {
    if (!isShown(level, least)) return;
    terminal.say(`${formatLogLine(level, new Date(), text, terminal.sayColours)}\n`);
  };
  return {
    debug: (_fields, text) => write("debug", text),
    info: (_fields, text) => write("info", text),
    warn: (_fields, text) => write("warn", text),
    error: (_fields, text) => write("error", text),
  };
}

function createJsonLogger(terminal: Terminal, level: LogLevel, name: string): Logger {
  return pino(
    {
      level,
      base: { logger: "quorate", member: name },
      messageKey: "msg",
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => terminal.say(line) },
  );
}
