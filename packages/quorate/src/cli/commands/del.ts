import type { Command } from "commander";
import {
  type DeleteRangeRequest,
  decodeDeleteRangeResponse,
  encodeDeleteRangeRequest,
} from "../../proto/index.ts";
import { type CliContext, settingsOf } from "../cli-context.ts";
import { withCaller } from "../client/caller.ts";
import { createKeyRange, type KeyRangeFlags } from "../key-range.ts";
import { formatJson } from "../output/json.ts";
import { deleteJson, printDelete } from "../output/key-value.ts";

/** `quorate del KEY [RANGE_END]`. */

export interface DelFlags extends KeyRangeFlags {
  readonly prevKv?: boolean;
}

export function registerDel(program: Command, context: CliContext): void {
  addDelSyntax(program.command("del"))
    .description("delete a key or a range of keys; prints how many")
    .addHelpText("after", "\nExamples:\n  quorate del hello\n  quorate del user/ --prefix")
    .action((key: string, end: string | undefined, flags: DelFlags, command: Command) =>
      runDel(context, command, createDelRequest(key, end, flags)),
    );
}

/** Arguments and flags, here and in a transaction. */
export function addDelSyntax(command: Command): Command {
  return command
    .argument("<key>")
    .argument("[range_end]", "the first key that is left alone")
    .option("--prefix", "all keys that begin with KEY")
    .option("--from-key", "KEY and all keys after it")
    .option("--prev-kv", "print what was there before");
}

/** @throws CliError if the flags contradict each other */
export function createDelRequest(
  key: string,
  end: string | undefined,
  flags: DelFlags,
): DeleteRangeRequest {
  return { ...createKeyRange(key, end, flags), prevKv: flags.prevKv ?? false };
}

async function runDel(
  context: CliContext,
  command: Command,
  request: DeleteRangeRequest,
): Promise<void> {
  const { terminal } = context;
  const settings = settingsOf(command, context);
  await withCaller(settings, async (caller) => {
    const bytes = encodeDeleteRangeRequest(request);
    const answer = await caller.write("/etcdserverpb.KV/DeleteRange", bytes);
    const response = decodeDeleteRangeResponse(answer);
    if (settings.output === "json") terminal.print(`${formatJson(deleteJson(response))}\n`);
    else printDelete(terminal, response);
  });
}
