/**
 * The one place where the command line meets stdin, stdout and stderr: stdout is data, stderr is
 * talk.
 */
import { type Colours, createColours } from "./output/colours.ts";

export interface Terminal {
  /** Data, as it is. */
  print(data: string | Uint8Array): void;
  /** Talk: errors, prompts, progress. */
  say(text: string): void;
  /** All of stdin. */
  readInput(): Promise<Uint8Array>;
  /** Lines of stdin, until it ends or `take` returns false. */
  readLines(take: (line: string) => boolean): Promise<void>;
  /** Whether a person types at stdin, and whether one reads stdout and stderr. */
  readonly isInputPerson: boolean;
  readonly isPrintPerson: boolean;
  readonly isSayPerson: boolean;
  /** Columns of stdout and stderr; 80 unless a terminal says less or more. */
  readonly width: number;
  readonly printColours: Colours;
  readonly sayColours: Colours;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Columns where no terminal says how many it has. */
const widthDefault = 80;
/** Columns below which lines are not broken further. */
const widthMin = 40;

/** The real one. */
export function createProcessTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  // Whoever reads us may stop reading: `quorate get --prefix "" | head`.
  stdout.on("error", () => process.exit());
  stderr.on("error", () => undefined);
  return {
    print: (data) => stdout.write(data),
    say: (text) => stderr.write(text),
    readInput: () => readAll(stdin),
    readLines: (take) => readLinesOf(stdin, take),
    isInputPerson: stdin.isTTY === true,
    isPrintPerson: stdout.isTTY === true,
    isSayPerson: stderr.isTTY === true,
    get width() {
      return Math.max(widthMin, stdout.columns ?? stderr.columns ?? widthDefault);
    },
    printColours: createColours(stdout.isTTY === true, env),
    sayColours: createColours(stderr.isTTY === true, env),
    environment: env,
  };
}

async function readAll(input: AsyncIterable<Uint8Array | string>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

async function readLinesOf(
  input: NodeJS.ReadStream,
  take: (line: string) => boolean,
): Promise<void> {
  const { createInterface } = await import("node:readline");
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    if (!take(line)) break;
  }
  lines.close();
}
