/**
 * `quorate move-leader MEMBER`, in etcdctl's manner; the leader is found through any member, and
 * the next one may be named.
 */
import type { Command } from "commander";
import {
  type ClusterMember,
  decodeStatusResponse,
  encodeMoveLeaderRequest,
  encodeStatusRequest,
} from "../../proto/index.ts";
import { type CliContext, settingsOf } from "../cli-context.ts";
import { CliError } from "../cli-error.ts";
import { type Caller, withCaller } from "../client/caller.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatJson } from "../output/json.ts";
import { fetchMembers } from "./member.ts";

export function registerMoveLeader(program: Command, context: CliContext): void {
  program
    .command("move-leader")
    .description("hand the leadership over to another voter")
    .argument("<member>", "name or id; it leads then")
    .addHelpText(
      "after",
      "\nAny member may be asked: the leader is called where it says that it serves\n" +
        "clients. Commands wait while it hands over. See also: quorate status",
    )
    .action((member: string, _flags: object, command: Command) => run(context, command, member));
}

async function run(context: CliContext, command: Command, text: string): Promise<void> {
  const settings = settingsOf(command, context);
  await withCaller(settings, async (caller) => {
    const { members } = await fetchMembers(caller);
    const target = findMember(members, text);
    const { isAsked, leader } = await fetchLeader(caller, members);
    if (isAsked) await move(caller, target);
    else {
      const endpoints = leader.clientURLs.map((url) => url.replace(/^http:\/\//, ""));
      await withCaller({ ...settings, endpoints }, (other) => move(other, target));
    }
    const from = leader.ID.toString(16);
    const to = target.ID.toString(16);
    const { terminal } = context;
    if (settings.output === "json") terminal.print(`${formatJson({ from, to })}\n`);
    else terminal.print(`Leadership transferred from ${from} to ${to}\n`);
  });
}

function move(caller: Caller, { ID }: ClusterMember): Promise<Uint8Array> {
  const request = encodeMoveLeaderRequest({ targetID: ID });
  return caller.transfer("/etcdserverpb.Maintenance/MoveLeader", request);
}

interface FoundLeader {
  readonly leader: ClusterMember;
  /** It is the one that answers at the endpoints. */
  readonly isAsked: boolean;
}

/** @throws CliError if there is none, or it cannot be called */
async function fetchLeader(
  caller: Caller,
  members: readonly ClusterMember[],
): Promise<FoundLeader> {
  const path = "/etcdserverpb.Maintenance/Status";
  const { header, leader: ID } = decodeStatusResponse(
    await caller.read(path, encodeStatusRequest({})),
  );
  const leader = members.find((member) => member.ID === ID);
  if (leader === undefined) {
    throw notMoved(
      "NO_QUORUM",
      "the member that was asked knows no leader",
      exitCodes.unavailable,
      ["Try again: an election may be under way. See:  quorate status"],
    );
  }
  const isAsked = header?.memberId === ID;
  if (isAsked || leader.clientURLs.length > 0) return { leader, isAsked };
  const fact = `the leader ${nameOf(leader)} has not told where it serves clients`;
  throw notMoved("UNAVAILABLE", fact, exitCodes.unavailable, ["Name it with --endpoints."]);
}

/** Whom a person means: a name, or an id in hex as it is printed. @throws CliError for nobody */
export function findMember(members: readonly ClusterMember[], text: string): ClusterMember {
  const id = text.toLowerCase().replace(/^0x/, "");
  const named = members.filter(({ name }) => name === text);
  const [only] = named.length > 0 ? named : members.filter(({ ID }) => ID.toString(16) === id);
  if (only !== undefined && named.length <= 1) return only;
  const names = members.map(nameOf).sort().join(", ");
  const fact =
    only === undefined
      ? `there is no member ${text}; there are ${names}`
      : `${named.length} members are called ${text}`;
  const hint = "Name a voter, or give its id. See:  quorate member list";
  throw notMoved("MEMBER_UNKNOWN", fact, exitCodes.failed, [hint]);
}

/** One that has not started has an id only. */
function nameOf({ name, ID }: ClusterMember): string {
  return name === "" ? ID.toString(16) : name;
}

function notMoved(
  code: string,
  message: string,
  exitCode: CliError["exitCode"],
  hints: readonly string[],
): CliError {
  const lines = ["The leadership was not handed over.", ...hints];
  return new CliError(message, { code, exitCode, lines });
}
