import type { Command } from "commander";
import {
  type ClusterMember,
  decodeMemberListResponse,
  encodeMemberListRequest,
  type MemberListResponse,
} from "../../proto/index.ts";
import { type CliContext, settingsOf } from "../cli-context.ts";
import { type Caller, withCaller } from "../client/caller.ts";
import { formatJson, type JsonValue, omitEmpty } from "../output/json.ts";
import { headerJson } from "../output/key-value.ts";
import { fetchOperatorMembers, registerMemberChanges } from "./member-changes.ts";
import { formatOperatorMembers } from "./operator-members.ts";

/** `quorate member`: list, in etcdctl's forms, and the commands that change the members. */

export function registerMember(program: Command, context: CliContext): void {
  const member = program.command("member").description("the members of the cluster");
  member
    .command("list")
    .description("one line a member: id, state, name, peer and client URLs, learner")
    .option("--wide", "a table with names and roles, as a majority knows them")
    .option("--json", "the same as -o json")
    .action((flags: ListFlags, command: Command) => runList(context, command, flags));
  registerMemberChanges(member, context);
}

interface ListFlags {
  readonly wide?: boolean;
  readonly json?: boolean;
}

/** Asks one member who the members are. */
export async function fetchMembers(caller: Caller): Promise<MemberListResponse> {
  const request = encodeMemberListRequest({ linearizable: false });
  return decodeMemberListResponse(await caller.read("/etcdserverpb.Cluster/MemberList", request));
}

async function runList(context: CliContext, command: Command, flags: ListFlags): Promise<void> {
  const settings = settingsOf(command, context);
  if (flags.wide === true) {
    const response = await withCaller(settings, (caller) => fetchOperatorMembers(caller));
    const isJson = flags.json === true || settings.output === "json";
    context.terminal.print(formatOperatorMembers(response, isJson, context.terminal.width));
    return;
  }
  await withCaller(settings, async (caller) => {
    const { header, members } = await fetchMembers(caller);
    const { terminal } = context;
    if (flags.json === true || settings.output === "json") {
      const json = { header: headerJson(header), members: members.map(memberJson) };
      terminal.print(`${formatJson(json)}\n`);
    } else {
      for (const member of members) terminal.print(`${describeMember(member)}\n`);
    }
  });
}

/** etcdctl's line. */
export function describeMember(member: ClusterMember): string {
  const { ID, name, peerURLs, clientURLs, isLearner } = member;
  const state = name === "" ? "unstarted" : "started";
  const urls = [peerURLs.join(","), clientURLs.join(",")];
  return [ID.toString(16), state, name, ...urls, String(isLearner)].join(", ");
}

function memberJson(member: ClusterMember): Record<string, JsonValue> {
  const { ID, name, peerURLs, clientURLs, isLearner } = member;
  return omitEmpty({ ID, name, peerURLs, clientURLs, isLearner });
}
