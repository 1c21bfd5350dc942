/** The command lines of the proofs: options that say what they do, and a usage made of them. */
import { type ParseArgsConfig, parseArgs } from "node:util";

/** A command that cannot be obeyed: its message goes to people, without a stack. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

type ParsedOption = NonNullable<ParseArgsConfig["options"]>[string];

/** An option of `parseArgs`, for people: `value` names what follows it. */
export type CommandOption = ParsedOption & { readonly value?: string; readonly does: string };

export interface Command {
  /** As it is typed: `npm run sim --`. */
  readonly name: string;
  /** What it does, in a sentence. */
  readonly does: string;
  readonly options: Readonly<Record<string, CommandOption>>;
}

type Values<Given extends Command> = ReturnType<
  typeof parseArgs<{ options: Given["options"]; allowNegative: true }>
>["values"];

/** What a bad command ends with. */
const badCommand = 2;

/** Every option with what it does, one to a line. */
export function describeUsage({ name, does, options }: Command): string {
  const all: Command["options"] = { ...options, help: helpOption };
  const rows = Object.entries(all).map(([option, { value, does, ...rest }]) => {
    const given = "default" in rest ? rest.default : undefined;
    const isWorthTelling = typeof given === "string" && given !== "";
    const usual = isWorthTelling ? ` (${given} unless given)` : "";
    return [`--${option}${value === undefined ? "" : ` ${value}`}`, `${does}${usual}`] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length));
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
  return [`${name}: ${does}`, "", ...lines, ""].join("\n");
}

const helpOption = { type: "boolean", does: "prints this" } as const;

/**
 * Reads the command line. With `--help` it prints the usage and ends the process with 0; what
 * cannot be obeyed is said in a line, and ends it with 2.
 */
export function readCommand<const Given extends Command>(command: Given): Values<Given> {
  if (process.argv.slice(2).includes("--help")) {
    process.stdout.write(describeUsage(command));
    process.exit(0);
  }
  try {
    const { options } = command;
    // `--no-x` means "x: false", unless it is an option of its own somewhere.
    const allowNegative = Object.keys(options).every((option) => !option.startsWith("no-"));
    const { values } = parseArgs({ options, allowNegative });
    return values as Values<Given>; // a generic call does not see which options are given
  } catch (error) {
    return refuse(command.name, describeRefusal(error));
  }
}

/** Runs a command: one that cannot be obeyed is a line for people, and 2. */
export async function obey({ name }: Command, run: () => void | Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    refuse(name, error.message);
  }
}

function refuse(name: string, why: string): never {
  process.stderr.write(`${why}; ${name} --help lists the options\n`);
  process.exit(badCommand);
}

/** The first sentence of what `parseArgs` throws; anything else is thrown on. */
function describeRefusal(error: unknown): string {
  const isExpected =
    error instanceof TypeError && "code" in error && String(error.code).includes("PARSE_ARGS");
  if (!isExpected) throw error;
  const [sentence = error.message] = error.message.split(/\. |\n/);
  return sentence;
}
