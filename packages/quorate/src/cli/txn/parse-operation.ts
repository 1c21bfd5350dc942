import { Command, CommanderError } from "commander";
import type { RequestOp } from "../../proto/index.ts";
import { usageError } from "../cli-error.ts";
import { addDelSyntax, createDelRequest, type DelFlags } from "../commands/del.ts";
import { addGetSyntax, createGetRequest, type GetFlags } from "../commands/get.ts";
import { addPutSyntax, createPutRequest, type PutFlags } from "../commands/put.ts";
import { splitWords } from "./words.ts";

/**
 * One operation of a transaction: `put`, `get` or `del` with the arguments and flags of the
 * command.
 */

/** @throws CliError that shows the line */
export function parseOperation(line: string): RequestOp {
  const words = splitWords(line);
  if (words === null) throw badOperation(line, "a quote does not end");
  const [name = "", ...rest] = words;
  const parse = Object.hasOwn(parsers, name) ? parsers[name] : undefined;
  if (parse === undefined) throw badOperation(line, "it is none of put, get and del");
  try {
    return parse(rest);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw badOperation(line, error.message.replace(/^error: /, ""));
  }
}

const parsers: Readonly<Record<string, (words: readonly string[]) => RequestOp>> = {
  put: (words) => {
    const command = parseWords(addPutSyntax(createQuiet("put")), words);
    const [key = "", text] = command.args;
    const value = text === undefined ? undefined : new TextEncoder().encode(text);
    const request = createPutRequest(key, value, command.opts<PutFlags>());
    return { kind: "put", request };
  },
  get: (words) => {
    const command = parseWords(addGetSyntax(createQuiet("get")), words);
    const [key = "", end] = command.args;
    return { kind: "range", request: createGetRequest(key, end, command.opts<GetFlags>()) };
  },
  del: (words) => {
    const command = parseWords(addDelSyntax(createQuiet("del")), words);
    const [key = "", end] = command.args;
    return { kind: "delete-range", request: createDelRequest(key, end, command.opts<DelFlags>()) };
  },
};

/** Reports by exceptions only. */
function createQuiet(name: string): Command {
  const quiet = { writeOut: () => undefined, writeErr: () => undefined };
  return new Command(name).exitOverride().configureOutput(quiet).helpOption(false);
}

function parseWords(command: Command, words: readonly string[]): Command {
  return command.allowExcessArguments(false).parse([...words], { from: "user" });
}

function badOperation(line: string, fact: string): Error {
  return usageError(
    `cannot read the operation: ${line.trim()}: ${fact}`,
    "Write:  put KEY VALUE   or  get KEY [RANGE_END]   or  del KEY [RANGE_END]",
    "An empty line ends the operations.",
  );
}
