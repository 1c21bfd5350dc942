import {
  type DirectoryReport,
  describeLosses,
  inspectDirectory,
  type RecoveredCluster,
  recoverCluster,
} from "@quorate/raft";
import type { Command } from "commander";
import type { CliContext } from "../cli-context.ts";
import { CliError, usageError } from "../cli-error.ts";
import { exitCodes } from "../exit-codes.ts";
import { askLine, formatFacts, formatList, startCommand } from "../offline/format.ts";
import type { Terminal } from "../terminal.ts";

/** `quorate recover DIR`: what a stopped member's directory holds, and a cluster of it alone. */

interface RecoverFlags {
  readonly forceNewCluster?: boolean;
  readonly clusterId?: string;
  readonly id?: string;
  readonly address?: string;
  readonly initialClusterToken?: string;
  readonly json?: boolean;
}

export function registerRecover(program: Command, context: CliContext): void {
  program
    .command("recover")
    .description("go on with one member when the rest is lost")
    .argument("<dir>", "its data directory")
    .option("--force-new-cluster", "make it a cluster of its own; asks before")
    .option("--cluster-id <id>", "the cluster that ends here: answers the question")
    .option("--id <name>", "refuse the directory of any other member")
    .option("--address <host:port>", "where others will reach it (as in its log)")
    .option("--initial-cluster-token <text>", "sets the new cluster apart (a random one)")
    .option("--json", "one line of JSON instead of text")
    .addHelpText("after", helpText)
    .action((directory: string, flags: RecoverFlags) => runRecover(context, directory, flags));
}

const helpText = `
For when the majority of a cluster is gone for good, and only then: what they
acknowledged and this member lacks is lost. Without --force-new-cluster nothing
is changed: look into the directories of all members that are left, and choose
the one whose last entry has the highest term, then the highest index. Copy it
before you go on. The new cluster has another id; members of the old one are
refused. Add the others as new members with empty directories.

Examples:
  quorate recover /var/lib/quorate/a
  quorate recover /var/lib/quorate/a --force-new-cluster`;

async function runRecover(
  { terminal }: CliContext,
  directory: string,
  flags: RecoverFlags,
): Promise<void> {
  checkFlags(flags);
  const { forceNewCluster = false, json = false, address, initialClusterToken } = flags;
  const given = { dir: directory, ...(flags.id === undefined ? {} : { id: flags.id }) };
  const report = await inspectDirectory(given);
  const losses = describeLosses(report);
  if (!forceNewCluster) {
    terminal.print(json ? toJson(report, losses, null) : formatReport(report, losses, terminal));
    return;
  }
  if (!json) terminal.print(formatReport(report, losses, terminal));
  const clusterId = flags.clusterId ?? (await confirm(terminal, report));
  const recovered = await recoverCluster({
    ...{ ...given, clusterId },
    ...(address === undefined ? {} : { address }),
    ...(initialClusterToken === undefined ? {} : { token: initialClusterToken }),
  });
  terminal.print(json ? toJson(report, losses, recovered) : formatRecovered(recovered, terminal));
}

/** What is asked for only makes sense together. */
function checkFlags(flags: RecoverFlags): void {
  if (flags.forceNewCluster === true) return;
  const given = (["clusterId", "address", "initialClusterToken"] as const).find(
    (name) => flags[name] !== undefined,
  );
  if (given === undefined) return;
  const name = given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw usageError(`--${name} is for a recovery`, "Add --force-new-cluster, or leave it out.");
}

/** The id as a person typed it. @throws CliError unless it is this cluster's */
async function confirm(terminal: Terminal, { clusterId }: DirectoryReport): Promise<string> {
  const hint = `Nothing was changed. To go on without a question:  --cluster-id ${clusterId}`;
  if (!terminal.isInputPerson) {
    throw notConfirmed("Cannot ask: nobody types at the standard input", hint);
  }
  const question = `Type the cluster's id (${clusterId}) to end it and go on with this member: `;
  const answer = await askLine(terminal, question);
  if (answer === clusterId) return answer;
  const text = answer === "" ? "nothing was typed" : `${JSON.stringify(answer)} is not its id`;
  throw notConfirmed(`Cannot recover: ${text}`, hint);
}

function notConfirmed(message: string, hint: string): CliError {
  return new CliError(message, {
    ...{ exitCode: exitCodes.failed, code: "NOT_CONFIRMED", lines: [hint] },
  });
}

function formatReport(
  report: DirectoryReport,
  losses: readonly string[],
  { width }: Terminal,
): string {
  const { directory, member, clusterId, members, term, base, last, commit, snapshot } = report;
  const names = members.map(({ id, address, role }) => {
    const note = role === "voter" ? "" : ` (${role})`;
    return `${id}=${address}${note}`;
  });
  const from = snapshot === null ? "none" : `at entry ${snapshot.index} of term ${snapshot.term}`;
  const size = snapshot === null ? "" : `, ${snapshot.bytes} bytes, hash ${snapshot.hash}`;
  const entries =
    last.index === base.index ? "no entries" : `entries ${base.index + 1} to ${last.index}`;
  const facts = formatFacts(
    [
      ["Directory", directory],
      ["Member", `${member} of cluster ${clusterId}, term ${term}`],
      ["Members", names.join(", ")],
      ["Snapshot", `${from}${size}`],
      ["Log", `${entries}; the last is of term ${last.term}`],
      ["Committed", `known up to entry ${commit}`],
    ],
    width,
  );
  const warnings =
    report.warnings.length === 0 ? "" : `\nAt a start:\n${formatList(report.warnings, width)}`;
  const text = losses.length === 0 ? ["nothing: it is the only member"] : losses;
  return `${facts}${warnings}\nIf it goes on alone:\n${formatList(text, width)}`;
}

function formatRecovered(recovered: RecoveredCluster, { width }: Terminal): string {
  const { member, clusterId, address, token, last, report } = recovered;
  const facts = formatFacts(
    [
      ["Recovered", `${member} is the only member of the new cluster ${clusterId}`],
      ["Committed", `all up to entry ${last}`],
      ["Ended", `cluster ${report.clusterId}: never start its other members again`],
    ],
    width,
  );
  const command = startCommand(member, report.directory, [{ id: member, address }], token);
  return `\n${facts}\nStart it with:\n${command}\n`;
}

function toJson(
  report: DirectoryReport,
  losses: readonly string[],
  recovered: RecoveredCluster | null,
): string {
  const done =
    recovered === null
      ? null
      : {
          ...{ clusterId: recovered.clusterId, token: recovered.token, member: recovered.member },
          ...{ address: recovered.address, term: recovered.term, last: recovered.last },
        };
  return `${JSON.stringify({ directory: report, losses, recovered: done })}\n`;
}
