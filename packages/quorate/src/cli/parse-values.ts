/**
 * Reads the values of flags; what cannot be read is refused in a sentence that says what to write.
 */
import { InvalidArgumentError } from "commander";

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/**
 * `5s`, `500ms`, `1m`, or a number of milliseconds; as milliseconds. @throws InvalidArgumentError
 */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text);
  const ms = match === null ? 0 : Number(match[1]) * (unitMs[match[2] ?? "ms"] ?? 1);
  if (ms < 1 || ms > 3_600_000) {
    throw new InvalidArgumentError("Write 5s, 500ms or a number of milliseconds, at most an hour.");
  }
  return Math.round(ms);
}

/** A whole number in a range. @returns a parser for commander, which throws InvalidArgumentError */
export function createNumberParser(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) {
      throw new InvalidArgumentError(`Write a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** Comma-separated, blanks trimmed. @throws InvalidArgumentError if an item or all is empty */
export function parseList(text: string): string[] {
  const items = text.split(",").map((item) => item.trim());
  if (items.includes("")) {
    throw new InvalidArgumentError("Write one or more items with a comma between them.");
  }
  return items;
}
