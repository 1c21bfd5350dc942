/** The tree of commands, and how what goes wrong is told. */
import { Command, CommanderError, type Help } from "commander";
import { etcdVersion, quorateVersion } from "../server/index.ts";
import type { CliContext } from "./cli-context.ts";
import { describeCliError, toCliError, usageError } from "./cli-error.ts";
import { addClientFlags } from "./client/client-settings.ts";
import { registerDel } from "./commands/del.ts";
import { registerDev } from "./commands/dev.ts";
import { registerGet } from "./commands/get.ts";
import { registerMember } from "./commands/member.ts";
import { registerMoveLeader } from "./commands/move-leader.ts";
import { registerPut } from "./commands/put.ts";
import { registerRecover } from "./commands/recover.ts";
import { registerReplay } from "./commands/replay.ts";
import { registerServer } from "./commands/server.ts";
import { registerSnapshot } from "./commands/snapshot.ts";
import { registerStatus } from "./commands/status.ts";
import { registerTxn } from "./commands/txn.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { wrapLines } from "./output/wrap.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Runs a command line and says what is to be said. Never rejects. @returns what the process ends
 * with
 */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const context: CliContext = {
    terminal,
    setExitCode: (code) => {
      exitCode = code;
    },
  };
  try {
    await createProgram(context).parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage; // it was told already
    }
    const told = toCliError(error);
    terminal.say(describeCliError(told, terminal.width));
    return told.exitCode;
  }
}

/** Commands that ask no member, and take none of the client's flags. */
const ownCommands: ReadonlySet<string> = new Set([
  ...["dev", "server", "replay", "recover"],
  ...["snapshot status", "snapshot restore"],
]);

function createProgram(context: CliContext): Command {
  const { terminal } = context;
  const program = new Command("quorate");
  program
    .description("A consistent key-value store that speaks etcd's API.")
    .usage("<command> [flags]")
    .version(describeVersion(), "-V, --version", "print the versions")
    .helpOption("-h, --help", "print help")
    .helpCommand(false)
    .exitOverride()
    .configureHelp({ ...helpForm, helpWidth: terminal.width, showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => terminal.print(text),
      writeErr: (text) => terminal.say(text),
      outputError: (text, write) => write(formatUsageError(text, terminal.width)),
    })
    .addHelpText("after", exampleText);
  addClientFlags(program);
  registerDev(program, context);
  registerServer(program, context);
  registerPut(program, context);
  registerGet(program, context);
  registerDel(program, context);
  registerTxn(program, context);
  registerMember(program, context);
  registerMoveLeader(program, context);
  registerStatus(program, context);
  registerReplay(program, context);
  registerRecover(program, context);
  registerSnapshot(program, context);
  for (const command of program.commands) {
    if (ownCommands.has(command.name())) setApart(command, program, terminal.width);
    for (const inner of command.commands) {
      const name = `${command.name()} ${inner.name()}`;
      if (ownCommands.has(name)) setApart(inner, program, terminal.width);
    }
  }
  return program;
}

/** The client's flags are neither shown nor taken silently. */
function setApart(command: Command, program: Command, helpWidth: number): void {
  command.configureHelp({ ...helpForm, helpWidth, showGlobalOptions: false });
  command.hook("preAction", () => {
    const given = Object.keys(program.opts());
    const [flag] = given;
    if (flag === undefined) return;
    const name = flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw usageError(`${command.name()} takes no --${name}: it is for the commands of clients`);
  });
}

/** Short: what a flag does and its default; the rest is said once, below. */
const helpForm: Partial<Help> = {
  optionDescription: ({ description, defaultValue, defaultValueDescription }) => {
    const value = defaultValueDescription ?? defaultValue;
    return value === undefined ? description : `${description} (${String(value)})`;
  },
  subcommandTerm: (command) => {
    const names = command.commands.map((each) => each.name());
    const inner = names.length > 3 ? `${names.slice(0, 2).join("|")}|…` : names.join("|");
    const given = command.registeredArguments.map((argument) => {
      const shown = argument.name().toUpperCase();
      return argument.required ? shown : `[${shown}]`;
    });
    return [command.name(), ...(inner === "" ? [] : [inner]), ...given].join(" ");
  },
};

const exampleText = `
Examples:
  quorate dev                     three members on this machine, ready to use
  quorate put hello world
  quorate get hello
  quorate status --endpoints 127.0.0.1:22379

Endpoints come from --endpoints, QUORATE_ENDPOINTS, ETCDCTL_ENDPOINTS, or are
127.0.0.1:2379. Exit codes: 0 ok, 1 failed, 2 usage, 3 cluster unavailable,
4 not allowed, 5 condition not met.`;

/** In two lines: ours, and whose API it is. */
export function describeVersion(): string {
  return `quorate ${quorateVersion()}\nspeaks etcd ${etcdVersion} (API v3)`;
}

/** commander's own errors, in our words: `quorate: …`, the suggestion indented. */
function formatUsageError(text: string, width: number): string {
  const [head = "", ...rest] = text
    .trimEnd()
    .replace(/^error: /, "quorate: ")
    .split("\n");
  const lines = rest.map((line) => `  ${line.replace(/^\((Did you mean .*)\)$/, "$1")}`);
  if (/unknown option '-[^-]/.test(head)) {
    lines.push("  What begins with a dash and is no flag comes after --");
  }
  return `${wrapLines([head, ...lines].join("\n"), width, "  ")}\n`;
}
