import type { Command } from "commander";
import { decodePutResponse, encodePutRequest, type PutRequest } from "../../proto/index.ts";
import { type CliContext, settingsOf } from "../cli-context.ts";
import { usageError } from "../cli-error.ts";
import { withCaller } from "../client/caller.ts";
import { formatJson } from "../output/json.ts";
import { printPut, putJson } from "../output/key-value.ts";

/** `quorate put KEY VALUE`. */

export interface PutFlags {
  readonly prevKv?: boolean;
  readonly ignoreValue?: boolean;
}

export function registerPut(program: Command, context: CliContext): void {
  addPutSyntax(program.command("put"))
    .description("write a key")
    .addHelpText(
      "after",
      "\nExamples:\n  quorate put hello world\n  quorate put config - < config.json\n" +
        "  quorate put -- -key -value      (-- ends the flags)",
    )
    .action((key: string, value: string | undefined, flags: PutFlags, command: Command) =>
      runPut(context, command, key, value, flags),
    );
}

/** Arguments and flags, here and in a transaction. */
export function addPutSyntax(command: Command): Command {
  return command
    .argument("<key>")
    .argument("[value]", "- reads it from stdin")
    .option("--prev-kv", "print what was there before")
    .option("--ignore-value", "keep the value that is there");
}

/** @throws CliError without a value, or with one too many */
export function createPutRequest(
  key: string,
  value: Uint8Array | undefined,
  flags: PutFlags,
): PutRequest {
  const { prevKv = false, ignoreValue = false } = flags;
  if (value === undefined && !ignoreValue) {
    throw usageError(`put ${JSON.stringify(key)} needs a value`, "Write:  quorate put KEY VALUE");
  }
  if (value !== undefined && ignoreValue) {
    throw usageError("--ignore-value and a value exclude each other");
  }
  return {
    key: new TextEncoder().encode(key),
    value: value ?? new Uint8Array(),
    lease: 0n,
    prevKv,
    ignoreValue,
    ignoreLease: false,
  };
}

async function runPut(
  context: CliContext,
  command: Command,
  key: string,
  text: string | undefined,
  flags: PutFlags,
): Promise<void> {
  const { terminal } = context;
  const settings = settingsOf(command, context);
  const input = text === undefined ? undefined : new TextEncoder().encode(text);
  const value = text === "-" ? await terminal.readInput() : input;
  const request = encodePutRequest(createPutRequest(key, value, flags));
  await withCaller(settings, async (caller) => {
    const response = decodePutResponse(await caller.write("/etcdserverpb.KV/Put", request));
    if (settings.output === "json") terminal.print(`${formatJson(putJson(response))}\n`);
    else printPut(terminal, response);
  });
}
