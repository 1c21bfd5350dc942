/**
 * The form of a story: a readable text file of commands and of the exact text that answers them.
 * Parses, runs and rewrites; knows nothing of Raft. `raft-story.ts` interprets the commands,
 * `tools/stories.ts` and `stories.test.ts` call this.
 *
 *     # Why this story exists: it opens with a comment.
 *
 *     # Comments and empty lines may stand between the steps.
 *     elapse n2 election-timeouts=1
 *     request-vote from=n3 to=n2
 *     ----
 *     what the cluster prints, up to the next empty line
 */

/** One step: commands, and what they answer together. */
export interface StoryStep {
  /** The line of the first command, counted from 1. */
  readonly line: number;
  /** At least one; each as it stands in the file. */
  readonly commands: readonly string[];
  /** The text below `----`, without its last line break; empty where nothing is expected. */
  readonly expected: string;
}

export interface Story {
  /** The comment that the file opens with, without its marks. */
  readonly why: string;
  readonly steps: readonly StoryStep[];
}

/** A command, taken apart: `elapse n2 ticks=3` is `elapse`, `["n2"]`, `ticks` = `3`. */
export interface StoryCommand {
  readonly name: string;
  readonly positional: readonly string[];
  readonly named: ReadonlyMap<string, string>;
}

/** A step whose answer is not the text in the file. */
export interface StoryMismatch {
  readonly step: StoryStep;
  readonly actual: string;
}

/** Answers one command line; what it throws is part of the answer: `error: <message>`. */
export type RunCommand = (line: string) => string;

/** A story file that cannot be read; the message names the line. */
export class StoryFormatError extends Error {
  override readonly name = "StoryFormatError";
}

const separator = "----";

/**
 * Reads a story.
 *
 * @throws StoryFormatError if it does not open with a comment, has no step, or a step without
 * `----`
 */
export function parseStory(text: string): Story {
  const lines = toLines(text);
  const why = parseWhy(lines);
  const steps: StoryStep[] = [];
  let at = 0;
  while (at < lines.length) {
    if (isBetweenSteps(lines[at])) {
      at += 1;
      continue;
    }
    const { step, next } = parseStep(lines, at);
    steps.push(step);
    at = next;
  }
  if (steps.length === 0) throw new StoryFormatError("Cannot read the story: it has no step");
  return { why, steps };
}

/**
 * Takes a command line apart. A value may hold blanks in double quotes: `propose text="a b"`.
 *
 * @throws StoryFormatError for an empty line, an open quote or a name given twice
 */
export function parseCommand(line: string): StoryCommand {
  const words = line.match(/(?:[^\s"]|"[^"]*")+|"/g) ?? [];
  const [name, ...args] = words.map((word) => unquote(word, line));
  if (name === undefined) throw new StoryFormatError("Cannot read an empty command");
  const positional: string[] = [];
  const named = new Map<string, string>();
  for (const arg of args) {
    const equals = arg.indexOf("=");
    if (equals <= 0) {
      positional.push(arg);
      continue;
    }
    const key = arg.slice(0, equals);
    if (named.has(key)) throw new StoryFormatError(`Cannot read "${line}": ${key} is given twice`);
    named.set(key, arg.slice(equals + 1));
  }
  return { name, positional, named };
}

/**
 * Runs all steps, in order, against one world; returns those with another answer than the file's.
 */
export function runStory(story: Story, run: RunCommand): StoryMismatch[] {
  return story.steps.flatMap((step) => {
    const actual = answerStep(step, run);
    return actual === step.expected ? [] : [{ step, actual }];
  });
}

/**
 * The text of the story with the answers of `run` in the place of the old ones; all else is kept.
 */
export function rewriteStory(text: string, run: RunCommand): string {
  const lines = toLines(text);
  const done: string[] = [];
  let at = 0;
  for (const step of parseStory(text).steps) {
    const commandsEnd = step.line - 1 + step.commands.length;
    const answer = answerStep(step, run);
    done.push(...lines.slice(at, commandsEnd), separator);
    if (answer !== "") done.push(...answer.split("\n"));
    at = commandsEnd + 1 + lineCount(step.expected);
  }
  return [...done, ...lines.slice(at)].join("\n").concat("\n");
}

/** A mismatch for people: the command, then expected lines with `-` and actual ones with `+`. */
export function describeMismatch(path: string, { step, actual }: StoryMismatch): string {
  const mark = (sign: string, text: string): string[] =>
    text === "" ? [] : text.split("\n").map((line) => `  ${sign} ${line}`);
  return [
    `${path}:${step.line}`,
    ...step.commands.map((command) => `  ${command}`),
    `  ${separator}`,
    ...mark("-", step.expected),
    ...mark("+", actual),
  ].join("\n");
}

function answerStep(step: StoryStep, run: RunCommand): string {
  const answers = step.commands.map((command) => answerCommand(command, run));
  const answer = answers.filter((text) => text !== "").join("\n");
  if (/^\s*$/m.test(answer) && answer !== "") {
    throw new StoryFormatError(
      `Cannot tell the story at line ${step.line}: its answer has an empty line, which ends a step`,
    );
  }
  return answer;
}

function answerCommand(command: string, run: RunCommand): string {
  try {
    return run(command).trimEnd();
  } catch (error) {
    return `error: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function parseWhy(lines: readonly string[]): string {
  const end = lines.findIndex((line) => !line.startsWith("#"));
  const comment = lines.slice(0, end < 0 ? lines.length : end);
  const why = comment.map((line) => line.replace(/^#\s?/, "")).join("\n");
  if (why.trim() !== "") return why.trim();
  throw new StoryFormatError(
    "Cannot read the story: its first line must be a comment (`# ...`) that says why it exists",
  );
}

function parseStep(lines: readonly string[], start: number): { step: StoryStep; next: number } {
  const line = start + 1;
  const end = lines.indexOf(separator, start);
  const commands = end < 0 ? [] : lines.slice(start, end);
  if (commands.length === 0 || commands.some((command) => isBetweenSteps(command))) {
    throw new StoryFormatError(
      `Cannot read the story at line ${line}: the commands are not followed by "${separator}"`,
    );
  }
  let next = end + 1;
  while (next < lines.length && lines[next] !== "") next += 1;
  const expected = lines.slice(end + 1, next).join("\n");
  return { step: { line, commands, expected }, next };
}

function isBetweenSteps(line: string | undefined): boolean {
  return line === undefined || line.trim() === "" || line.startsWith("#");
}

/** Blanks at line ends are not part of a story: nobody sees them. */
function toLines(text: string): string[] {
  return text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.trimEnd());
}

function lineCount(text: string): number {
  return text === "" ? 0 : text.split("\n").length;
}

function unquote(word: string, line: string): string {
  const text = word.replaceAll(/"([^"]*)"/g, "$1");
  const quotes = word.length - word.replaceAll('"', "").length;
  if (quotes % 2 === 0) return text;
  throw new StoryFormatError(`Cannot read "${line}": a quote is not closed`);
}
