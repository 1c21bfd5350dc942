import { type Command, Option } from "commander";
import {
  decodeRangeResponse,
  encodeRangeRequest,
  type RangeRequest,
  type SortOrder,
  type SortTarget,
} from "../../proto/index.ts";
import { type CliContext, settingsOf } from "../cli-context.ts";
import { withCaller } from "../client/caller.ts";
import { createKeyRange, type KeyRangeFlags } from "../key-range.ts";
import { formatJson } from "../output/json.ts";
import { printRange, rangeJson } from "../output/key-value.ts";
import { createNumberParser } from "../parse-values.ts";

/** `quorate get KEY [RANGE_END]`. */

export interface GetFlags extends KeyRangeFlags {
  readonly limit?: number;
  readonly rev?: number;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  readonly printValueOnly?: boolean;
  readonly consistency?: string;
  readonly serializable?: boolean;
  readonly order?: string;
  readonly sortBy?: string;
}

const orders: Readonly<Record<string, SortOrder>> = { ASCEND: "ASCEND", DESCEND: "DESCEND" };
const targets: Readonly<Record<string, SortTarget>> = {
  KEY: "KEY",
  VERSION: "VERSION",
  CREATE: "CREATE",
  MODIFY: "MOD",
  VALUE: "VALUE",
};

export function registerGet(program: Command, context: CliContext): void {
  addGetSyntax(program.command("get"))
    .description("read a key or a range of keys")
    .option("--print-value-only", "leave the keys out")
    .addHelpText(
      "after",
      "\nExamples:\n  quorate get hello\n  quorate get user/ --prefix --keys-only\n" +
        "  quorate get a z --limit 10      (from a up to, not including, z)\n" +
        "\nWith -o json keys and values are base64, as etcdctl prints them.",
    )
    .action((key: string, end: string | undefined, flags: GetFlags, command: Command) =>
      runGet(context, command, createGetRequest(key, end, flags), flags),
    );
}

/** Arguments and flags, here and in a transaction. */
export function addGetSyntax(command: Command): Command {
  const parseCount = createNumberParser(0, Number.MAX_SAFE_INTEGER);
  return command
    .argument("<key>")
    .argument("[range_end]", "the first key that is left out")
    .option("--prefix", "all keys that begin with KEY")
    .option("--from-key", "KEY and all keys after it")
    .addOption(new Option("--limit <count>", "at most so many keys").argParser(parseCount))
    .addOption(new Option("--rev <revision>", "as it was then").argParser(parseCount))
    .option("--keys-only", "leave the values out")
    .option("--count-only", "only how many keys")
    .addOption(new Option("--order <order>", "ASCEND or DESCEND").choices(Object.keys(orders)))
    .addOption(
      new Option("--sort-by <field>", "KEY, VERSION, CREATE, MODIFY or VALUE").choices(
        Object.keys(targets),
      ),
    )
    .addOption(
      new Option("--consistency <kind>", "l: linearizable, s: from this member").choices([
        "l",
        "s",
      ]),
    )
    .option("--serializable", "the same as --consistency s");
}

/** @throws CliError if the flags contradict each other */
export function createGetRequest(
  key: string,
  end: string | undefined,
  flags: GetFlags,
): RangeRequest {
  const sortTarget = targets[flags.sortBy ?? "KEY"] ?? "KEY";
  const orderDefault: SortOrder = flags.sortBy === undefined ? "NONE" : "ASCEND";
  return {
    ...createKeyRange(key, end, flags),
    limit: flags.limit ?? 0,
    revision: flags.rev ?? 0,
    sortOrder: orders[flags.order ?? ""] ?? orderDefault,
    sortTarget,
    serializable: flags.serializable === true || flags.consistency === "s",
    keysOnly: flags.keysOnly ?? false,
    countOnly: flags.countOnly ?? false,
    minModRevision: 0,
    maxModRevision: 0,
    minCreateRevision: 0,
    maxCreateRevision: 0,
  };
}

async function runGet(
  context: CliContext,
  command: Command,
  request: RangeRequest,
  flags: GetFlags,
): Promise<void> {
  const settings = settingsOf(command, context);
  await withCaller(settings, async (caller) => {
    const answer = await caller.read("/etcdserverpb.KV/Range", encodeRangeRequest(request));
    const response = decodeRangeResponse(answer);
    const { terminal } = context;
    if (settings.output === "json") {
      terminal.print(`${formatJson(rangeJson(response))}\n`);
    } else {
      const { printValueOnly: valueOnly = false } = flags;
      printRange(terminal, response, { countOnly: request.countOnly, valueOnly });
    }
  });
}
