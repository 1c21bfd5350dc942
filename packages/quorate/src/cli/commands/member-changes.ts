/**
 * `quorate member add`, `promote`, `remove`, `replace` and `update`. A change is done when the
 * cluster has decided it; that a new member has caught up is waited for with `--wait` only.
 */
import { type Command, Option } from "commander";
import {
  decodeOperatorResponse,
  encodeOperatorRequest,
  type OperatorAddAs,
  type OperatorChange,
  type OperatorMember,
  type OperatorRequest,
  type OperatorResponse,
} from "../../proto/index.ts";
import { type CliContext, settingsOf } from "../cli-context.ts";
import { CliError, usageError } from "../cli-error.ts";
import { type Caller, withCaller } from "../client/caller.ts";
import { exitCodes } from "../exit-codes.ts";
import { formatJson } from "../output/json.ts";
import { parseDurationMs } from "../parse-values.ts";
import { operatorJson } from "./operator-members.ts";

const path = "/quorate.Members/Do";
/** Milliseconds between two looks at a member that is to catch up. */
const lookMs = 250;

interface ChangeFlags {
  readonly address?: string;
  readonly peerUrls?: string;
  readonly learner?: boolean;
  readonly autoPromote?: boolean;
  /** Milliseconds. */
  readonly wait?: number;
  readonly json?: boolean;
}

export function registerMemberChanges(member: Command, context: CliContext): void {
  addressed(member.command("add").argument("<name>", "never used before"))
    .description("add a member: it gets the data first, then it votes")
    .option("--learner", "it stays a learner, until it is promoted")
    .option("--auto-promote", "it votes once it has caught up; so by default")
    .option("--no-auto-promote", "it votes at once, if the cluster can bear it")
    .addOption(waitFlag())
    .addHelpText("after", addHelp)
    .action((name: string, flags: ChangeFlags, command: Command) => {
      const address = addressOf(flags);
      const request = { ...noRequest, change: "ADD", member: name, address } as const;
      return run(context, command, flags, { ...request, addAs: addAsOf(flags) });
    });
  member
    .command("promote")
    .argument("<member>", "name or id")
    .description("make a voter of a learner that has caught up")
    .option("--json", "print the members as JSON")
    .action((name: string, flags: ChangeFlags, command: Command) =>
      run(context, command, flags, { ...noRequest, change: "PROMOTE", member: name }),
    );
  member
    .command("remove")
    .argument("<member>", "name or id")
    .description("remove a member for good, dead or alive")
    .option("--json", "print the members as JSON")
    .addHelpText("after", removeHelp)
    .action((name: string, flags: ChangeFlags, command: Command) =>
      run(context, command, flags, { ...noRequest, change: "REMOVE", member: name }),
    );
  const replace = member
    .command("replace")
    .argument("<old>", "name or id; it may be dead")
    .argument("<new>", "never used before");
  addressed(replace)
    .description("a new member in the place of another, in one change")
    .addOption(waitFlag())
    .addHelpText("after", replaceHelp)
    .action((old: string, name: string, flags: ChangeFlags, command: Command) => {
      const address = addressOf(flags);
      const request = { ...noRequest, change: "REPLACE", member: old, newMember: name } as const;
      return run(context, command, flags, { ...request, address });
    });
  addressed(member.command("update").argument("<member>", "name or id"))
    .description("where the others reach a member")
    .action((name: string, flags: ChangeFlags, command: Command) => {
      const address = addressOf(flags);
      const request = { ...noRequest, change: "UPDATE", member: name, address } as const;
      return run(context, command, flags, request);
    });
}

const noRequest: OperatorRequest = {
  ...{ change: "LIST", member: "", newMember: "", address: "", addAs: "PROMOTED_LEARNER" },
};

const addHelp = `
Then start it, or before; an empty directory, and members that run:
  quorate member add d --address 10.0.0.4:2380
  quorate server --name d --join 10.0.0.1:2380,10.0.0.2:2380 \\
    --listen-peer-urls http://10.0.0.4:2380 …`;

const removeHelp = `
Its process ends by itself. Its name is never used again. What would leave the
cluster without a majority that answers is refused.`;

const replaceHelp = `
The old member counts until the new one has caught up and does:
  quorate member replace b e --address 10.0.0.5:2380 --wait`;

function addressed(command: Command): Command {
  return command
    .option("--address <host:port>", "its peer port, as the others reach it")
    .option("--peer-urls <url>", "the same as a URL, as in etcdctl")
    .option("--json", "print the members as JSON");
}

function waitFlag(): Option {
  const text = "wait until it votes, a minute unless TIME is given";
  return new Option("--wait [time]", text).preset("60s").argParser(parseDurationMs);
}

/** @throws CliError unless the address is given in one of its forms */
export function addressOf({ address, peerUrls }: ChangeFlags): string {
  const given = address ?? peerUrls;
  if (given === undefined || (address !== undefined && peerUrls !== undefined)) {
    const fact = given === undefined ? "is missing" : "is given twice";
    throw usageError(`the member's address ${fact}`, "Write:  --address HOST:PORT");
  }
  return given.replace(/^http:\/\//, "").replace(/\/$/, "");
}

export function addAsOf({ learner, autoPromote }: ChangeFlags): OperatorAddAs {
  if (learner === true) return autoPromote === true ? "PROMOTED_LEARNER" : "LEARNER";
  return autoPromote === false ? "VOTER" : "PROMOTED_LEARNER";
}

/** Who the members are, as a majority knows it. @throws CliError */
export async function fetchOperatorMembers(caller: Caller): Promise<OperatorResponse> {
  return decodeOperatorResponse(await caller.read(path, encodeOperatorRequest(noRequest)));
}

async function run(
  context: CliContext,
  command: Command,
  flags: ChangeFlags,
  request: OperatorRequest,
): Promise<void> {
  const settings = settingsOf(command, context);
  const { terminal } = context;
  const isJson = flags.json === true || settings.output === "json";
  await withCaller(settings, async (caller) => {
    let response = await change(caller, request);
    const added = findAdded(request, response);
    if (!isJson) terminal.print(`${describeDone(request)}\n`);
    if (added !== null && !added.isStarted) terminal.say(describeStart(added, response.members));
    if (added !== null && flags.wait !== undefined && request.addAs === "PROMOTED_LEARNER") {
      // It may have caught up before this was asked.
      if (added.role !== "VOTER") response = await waitForVote(caller, added, flags.wait);
      if (!isJson) terminal.print(`${added.name} is a voter\n`);
    }
    if (isJson) terminal.print(`${formatJson(operatorJson(response))}\n`);
  });
}

async function change(caller: Caller, request: OperatorRequest): Promise<OperatorResponse> {
  try {
    const message = await caller.change(path, encodeOperatorRequest(request));
    return decodeOperatorResponse(message);
  } catch (error) {
    const isLoss = error instanceof CliError && error.code === "WOULD_LOSE_QUORUM";
    throw isLoss ? adviseOnLoss(error, request.change) : error;
  }
}

/** The server does not know the commands that help; the last of its lines is its own advice. */
export function adviseOnLoss(error: CliError, change: OperatorChange): CliError {
  const advice = lossAdvice[change];
  if (advice === undefined) return error;
  const { message, code, exitCode, lines } = error;
  const told = [...lines.slice(0, -1), ...advice];
  return new CliError(message, { code, exitCode, lines: told, cause: error });
}

const lossAdvice: Partial<Record<OperatorChange, readonly string[]>> = {
  ADD: ["Leave --no-auto-promote out: it then votes once it has caught up."],
  REMOVE: [
    "Start who is missing. Who is gone for good is removed first, or replaced:",
    "quorate member replace OLD NEW --address HOST:PORT",
  ],
};

function findAdded(request: OperatorRequest, { members }: OperatorResponse): OperatorMember | null {
  const { change, member, newMember } = request;
  if (change !== "ADD" && change !== "REPLACE") return null;
  const id = change === "ADD" ? member : newMember;
  return members.find((one) => one.id === id) ?? null;
}

/** What has happened, in one line. */
export function describeDone(request: OperatorRequest): string {
  const { change, member, newMember, address, addAs } = request;
  switch (change) {
    case "ADD":
      if (addAs === "VOTER") return `${member} is a voter at ${address}`;
      return addAs === "LEARNER"
        ? `${member} is a learner at ${address}`
        : `${member} is a learner at ${address}, and becomes a voter when it has caught up`;
    case "REPLACE":
      return (
        `${newMember} is a learner at ${address}, and takes the place of ${member} ` +
        "when it has caught up"
      );
    case "PROMOTE":
      return `${member} is a voter`;
    case "DEMOTE":
      return `${member} is a learner`;
    case "REMOVE":
      return `${member} is removed: its process ends, and its name is never used again`;
    case "UPDATE":
      return `${member} is reached at ${address}`;
    case "LIST":
      return "";
    default:
      return change satisfies never;
  }
}

/** How the new process is started, unless it runs already and is not heard of yet. */
function describeStart(added: OperatorMember, members: readonly OperatorMember[]): string {
  const { id, address } = added;
  const others = members.filter((one) => one.role === "VOTER" && one.id !== id);
  const seeds = others.map((one) => one.address).join(",");
  return (
    `Unless it runs, start it in an empty directory:\n  quorate server --name ${id} ` +
    `--listen-peer-urls http://${address} \\\n    --join ${seeds}\n`
  );
}

/** A leader may come and go meanwhile. @throws CliError when the time is over, or it is gone */
async function waitForVote(
  caller: Caller,
  { id, name }: OperatorMember,
  waitMs: number,
): Promise<OperatorResponse> {
  const endMs = performance.now() + waitMs;
  for (;;) {
    const response = await lookAgain(caller, endMs);
    const found = response?.members.find((member) => member.id === id);
    if (response !== null && found?.role === "VOTER") return response;
    if (response !== null && found === undefined) {
      const message = `${name} was removed meanwhile`;
      throw new CliError(message, { code: "MEMBER_REMOVED", exitCode: exitCodes.failed });
    }
    if (performance.now() >= endMs) throw stillLearning(name, waitMs);
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

/** Null while the cluster cannot be asked. */
async function lookAgain(caller: Caller, endMs: number): Promise<OperatorResponse | null> {
  try {
    return await fetchOperatorMembers(caller);
  } catch (error) {
    const isPassing = error instanceof CliError && error.exitCode === exitCodes.unavailable;
    if (!isPassing || performance.now() >= endMs) throw error;
    return null;
  }
}

function stillLearning(name: string, waitMs: number): CliError {
  const message = `${name} is no voter yet after ${Math.round(waitMs / 1_000)} s`;
  const lines = [
    "It becomes one by itself when it has caught up. See:  quorate member list --wide",
    `Start ${name} if it does not run; to call it off:  quorate member remove ${name}`,
  ];
  return new CliError(message, { code: "TIMEOUT", exitCode: exitCodes.unavailable, lines });
}
