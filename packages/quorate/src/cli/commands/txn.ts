import type { Command } from "commander";
import { decodeTxnResponse, encodeTxnRequest } from "../../proto/index.ts";
import { type CliContext, settingsOf } from "../cli-context.ts";
import { withCaller } from "../client/caller.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatJson } from "../output/json.ts";
import { printTxn, txnJson } from "../output/key-value.ts";
import type { Terminal } from "../terminal.ts";
import { sectionTitles, TxnReader } from "../txn/txn-reader.ts";

/** `quorate txn`: the transaction comes from stdin. */

export function registerTxn(program: Command, context: CliContext): void {
  program
    .command("txn")
    .description("read a transaction from stdin and run it")
    .option("-i, --interactive", "accepted for etcdctl's sake: a terminal is asked anyway")
    .addHelpText(
      "after",
      "\nThree parts, each ended by an empty line: conditions, what to do if all hold,\n" +
        "what to do otherwise.\n\nExample:\n  quorate txn <<END\n" +
        '  mod("hello") > "0"\n\n  put hello again\n\n  get hello\n  END\n' +
        "\nExit code 5 if the conditions did not hold.",
    )
    .action((_flags: object, command: Command) => runTxn(context, command));
}

async function runTxn(context: CliContext, command: Command): Promise<void> {
  const { terminal } = context;
  const settings = settingsOf(command, context);
  const reader = new TxnReader();
  let asked = -1;
  const ask = (): void => {
    if (asked === reader.section) return;
    asked = reader.section;
    prompt(terminal, asked);
  };
  ask();
  await terminal.readLines((line) => {
    const wantsMore = reader.push(line);
    if (wantsMore) ask();
    return wantsMore;
  });
  const request = encodeTxnRequest(reader.finish());
  await withCaller(settings, async (caller) => {
    const response = decodeTxnResponse(await caller.write("/etcdserverpb.KV/Txn", request));
    if (settings.output === "json") terminal.print(`${formatJson(txnJson(response))}\n`);
    else printTxn(terminal, response);
    if (!response.succeeded) context.setExitCode(exitCodes.precondition);
  });
}

function prompt(terminal: Terminal, section: number): void {
  if (terminal.isInputPerson) terminal.say(`${sectionTitles[section] ?? ""}\n`);
}
