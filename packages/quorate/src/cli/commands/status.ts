import type { Command } from "commander";
import { type CliContext, settingsOf } from "../cli-context.ts";
import { withCaller } from "../client/caller.ts";
import {
  fetchMemberReport,
  type MemberFigures,
  type MemberReport,
} from "../client/member-report.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatJson, type JsonValue } from "../output/json.ts";
import { type Column, formatTable } from "../output/table.ts";
import { fetchMembers } from "./member.ts";

/** `quorate status`: all members, whichever of them is asked. */

export function registerStatus(program: Command, context: CliContext): void {
  program
    .command("status")
    .description("all members in one table, asked through any")
    .addHelpText(
      "after",
      "\nExit code 3 if the members that answer are no majority, or know no leader.",
    )
    .action((_flags: object, command: Command) => runStatus(context, command));
}

async function runStatus(context: CliContext, command: Command): Promise<void> {
  const settings = settingsOf(command, context);
  const { terminal } = context;
  const reports = await withCaller(settings, async (caller) => {
    const { members } = await fetchMembers(caller);
    return await Promise.all(
      members.map((member) => fetchMemberReport(member, settings.timeoutMs)),
    );
  });
  reports.sort((a, b) => (a.name < b.name ? -1 : 1));
  if (settings.output === "json") {
    terminal.print(`${formatJson({ members: reports.map(reportJson) })}\n`);
  } else {
    terminal.print(formatStatus(reports, terminal.width));
  }
  if (!isAvailable(reports)) context.setExitCode(exitCodes.unavailable);
}

/** Whether a majority of the voters answers and one of them leads. */
export function isAvailable(reports: readonly MemberReport[]): boolean {
  const voters = reports.filter(({ isVoter }) => isVoter);
  const figures = voters.flatMap(({ answer }) => (answer.kind === "status" ? answer.status : []));
  const isMajority = figures.length > voters.length / 2;
  return isMajority && figures.some(({ role }) => role === "leader");
}

/** The table, and below it why members are missing in it. */
export function formatStatus(reports: readonly MemberReport[], width: number): string {
  const unreachable = reports.flatMap(({ name, answer }) =>
    answer.kind === "unreachable" ? `${name}: ${answer.reason}\n` : [],
  );
  const below = unreachable.length === 0 ? "" : `\n${unreachable.join("")}`;
  return formatTable(columns, reports, width) + below;
}

const columns: readonly Column<MemberReport>[] = [
  { title: "NAME", cell: ({ name }) => name },
  { title: "CLIENT", cell: ({ clientUrl }) => (clientUrl ?? "-").replace(/^http:\/\//, "") },
  { title: "ROLE", cell: figure(({ role }) => role, "down") },
  { title: "TERM", cell: figure(({ term }) => String(term)), align: "right" },
  {
    title: "INDEX/APPLIED",
    cell: figure(({ index, applied }) => `${index}/${applied}`),
    align: "right",
  },
  { title: "DB SIZE", cell: figure((it) => formatBytes(it.dbSizeBytes)), align: "right" },
  { title: "VERSION", cell: figure(({ version }) => version) },
  { title: "LATENCY", cell: figure((it) => `${it.latencyMs.toFixed(1)} ms`), align: "right" },
];

function figure(
  cell: (figures: MemberFigures) => string,
  otherwise = "-",
): (report: MemberReport) => string {
  return ({ answer }) => (answer.kind === "status" ? cell(answer.status) : otherwise);
}

/** In units of 1,000, as etcdctl does. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let at = 0;
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1_000;
    at++;
  }
  return `${at > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[at] ?? ""}`;
}

function reportJson({ name, clientUrl, peerUrl, answer }: MemberReport): JsonValue {
  const about = { name, clientUrl, peerUrl };
  if (answer.kind === "unreachable") return { ...about, role: "down", error: answer.reason };
  const { latencyMs, ...figures } = answer.status;
  return { ...about, ...figures, latencyMs: Math.round(latencyMs * 10) / 10 };
}
