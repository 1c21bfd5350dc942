/**
 * A failed call in words: what is wrong with arithmetic and names, what became of the command, what
 * to do.
 */
import {
  type CallFailure,
  describeCallFailure,
  parseEndpoint,
  type RpcError,
  type Status,
  type StatusName,
  statusNameOf,
} from "../../rpc/index.ts";
import { CliError } from "../cli-error.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { endpointDefault } from "./client-settings.ts";
import { probePeerPort } from "./probe-peer-port.ts";
import { isRecord, namesOf, parseToldError, type ToldError } from "./told-error.ts";

/** `change`: of the members; `transfer`: of the leadership. */
export type CallPurpose = "read" | "write" | "change" | "transfer";

/** Asks the port once more where that tells what it is. */
export async function describeCallError(error: RpcError, purpose: CallPurpose): Promise<CliError> {
  const { failure, attempts } = error;
  if (failure.kind === "protocol") return describeProtocol(failure, purpose);
  if (failure.kind === "status") return describeStatus(failure.status, purpose, error);
  const wasSent = attempts.some((attempt) => attempt.wasSent);
  const outcome = wasSent ? "unknown" : "not-applied";
  const lines = outcomeLines(outcome, purpose);
  if (failure.kind === "deadline") {
    const others = attempts.filter((attempt) => attempt !== failure).map(describeCallFailure);
    const message = `no answer from ${failure.endpoint} within ${failure.timeoutMs} ms`;
    const hint = "Give it more time with --command-timeout, or ask another member.";
    return unavailable("TIMEOUT", message, [...others, ...lines, hint], error);
  }
  const facts = attempts.map(describeCallFailure);
  const isNobodyThere = attempts.every((attempt) => attempt.kind === "connect");
  const hint = isNobodyThere
    ? "Start a cluster with:  quorate dev   or name its members with --endpoints."
    : "Try again, or ask another member with --endpoints.";
  return unavailable("UNAVAILABLE", "no member answers", [...facts, ...lines, hint], error);
}

async function describeProtocol(failure: CallFailure, purpose: CallPurpose): Promise<CliError> {
  const { endpoint } = failure;
  const outcome = outcomeLines(failure.wasSent ? "unknown" : "not-applied", purpose);
  if (!(await probePeerPort(endpoint))) {
    const hint = "Name a member's client port with --endpoints.";
    return unavailable("UNAVAILABLE", describeCallFailure(failure), [...outcome, hint], failure);
  }
  const guess = guessClientPort(endpoint);
  const { port } = parseEndpoint(guess);
  const message =
    `${endpoint} answered with the peer protocol. Clients use ${port}. ` +
    `Did you mean --endpoints ${guess}?`;
  return unavailable("UNAVAILABLE", message, [], failure);
}

/** A member's client port is by custom the one below its peer port. */
function guessClientPort(endpoint: string): string {
  const { text, port } = parseEndpoint(endpoint);
  return port > 1 ? text.replace(/\d+$/, String(port - 1)) : endpointDefault;
}

function describeStatus(status: Status, purpose: CallPurpose, cause: RpcError): CliError {
  const told = parseToldError(status.trailers?.["quorate-error"]);
  if (told !== null) return describeTold(told, purpose, cause);
  const name = statusNameOf(status.code);
  const code = name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  return new CliError(status.message, { code, exitCode: exitCodeOf(name), cause });
}

function exitCodeOf(name: StatusName): ExitCode {
  if (name === "unavailable" || name === "deadlineExceeded") return exitCodes.unavailable;
  if (name === "unauthenticated" || name === "permissionDenied") return exitCodes.auth;
  return exitCodes.failed;
}

/** Codes of ours that say that the cluster, and not the command, is the trouble. */
const clusterCodes: ReadonlySet<string> = new Set([
  "NO_QUORUM",
  "TIMEOUT",
  "LEADERSHIP_LOST",
  "OVERLOADED",
  "STOPPED",
  "STORAGE_FAILED",
]);

function describeTold(told: ToldError, purpose: CallPurpose, cause: RpcError): CliError {
  const { code, outcome, message, hint } = told;
  const exitCode = clusterCodes.has(code) ? exitCodes.unavailable : exitCodes.failed;
  const lines = outcomeLines(outcome, purpose);
  if (code !== "NO_QUORUM") {
    const text = purpose === "change" ? describeRefusedChange(told) : withoutAction(message);
    return new CliError(text, { code, exitCode, lines: [...lines, hint], cause });
  }
  const { text, advice } = describeQuorum(told);
  const causes = describeCauses(told.details["causes"]);
  return new CliError(text, { code, exitCode, lines: [...causes, ...lines, advice], cause });
}

/** `2 of 4 voters are ready, 3 needed after the change (c silent, d behind)` */
function describeRefusedChange({ code, message, details }: ToldError): string {
  const { half, voters, needed, ready, unready } = details;
  const isLoss = code === "WOULD_LOSE_QUORUM" && typeof voters === "number" && voters > 0;
  if (!isLoss || typeof needed !== "number" || typeof ready !== "number") {
    return withoutAction(message);
  }
  const who = Array.isArray(unready) ? unready.flatMap(describeUnready) : [];
  const names = who.length === 0 ? "" : ` (${list(who)})`;
  const when = half === "old" ? "before" : "after";
  return `${ready} of ${voters} voters are ready, ${needed} needed ${when} the change${names}`;
}

/** The lines below say what was not done. */
function withoutAction(message: string): string {
  return message.replace(/^Cannot (change the members|hand over the leadership): /, "");
}

function describeUnready(item: unknown): readonly string[] {
  if (!isRecord(item)) return [];
  const { id, why } = item;
  return typeof id === "string" && typeof why === "string" ? [`${id} ${why}`] : [];
}

/**
 * `c 10.0.0.3:2380  nobody listens there (ECONNREFUSED) for 41 s`: one line for each that is down.
 */
function describeCauses(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown) => {
    if (!isRecord(item)) return [];
    const { id, address, reason, forMs } = item;
    if (typeof id !== "string" || typeof address !== "string" || typeof forMs !== "number") {
      return [];
    }
    const why = typeof reason === "string" ? reason : "no connection yet";
    const fact = why.replace(`Cannot connect to ${address}: `, "");
    return [`${id} ${address}  ${fact} for ${describeSpan(forMs)}`];
  });
}

function describeSpan(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 1_000)} s`;
}

/** `1 of 3 voters reachable, 2 needed (a up; b, c down)` */
function describeQuorum({ details, message, hint }: ToldError): { text: string; advice: string } {
  const up = namesOf(details["reachable"]);
  const down = namesOf(details["unreachable"]);
  const { needed } = details;
  if (typeof needed !== "number" || up.length === 0) return { text: message, advice: hint };
  const who = down.length === 0 ? `${list(up)} up` : `${list(up)} up; ${list(down)} down`;
  const total = up.length + down.length;
  const text = `${up.length} of ${total} voters reachable, ${needed} needed (${who})`;
  const missing = needed - up.length;
  if (missing <= 0) return { text: `no leader yet: ${text}`, advice: hint };
  const count = missing === 1 ? "one" : String(missing);
  const some = missing === down.length ? list(down) : `any ${count} of ${list(down)}`;
  return { text, advice: `Start ${some}.` };
}

function list(names: readonly string[]): string {
  return names.join(", ");
}

function outcomeLines(outcome: ToldError["outcome"], purpose: CallPurpose): readonly string[] {
  if (purpose === "read") return [];
  if (purpose === "change") return [changeLines[outcome]];
  if (purpose === "transfer") return [transferLines[outcome]];
  switch (outcome) {
    case "not-applied":
      return ["Your write was not applied. It is safe to retry."];
    case "applied":
      return ["Your write was applied."];
    case "unknown":
      return ["Your write may or may not have been applied. Read before you repeat it."];
  }
}

const changeLines: Readonly<Record<ToldError["outcome"], string>> = {
  "not-applied": "The members were not changed.",
  applied: "The members were changed.",
  unknown: "The members may or may not have been changed. See:  quorate member list",
};

const transferLines: Readonly<Record<ToldError["outcome"], string>> = {
  "not-applied": "The leadership was not handed over.",
  applied: "The leadership was handed over.",
  unknown: "The leadership may or may not have been handed over. See:  quorate status",
};

function unavailable(
  code: string,
  message: string,
  lines: readonly string[],
  cause: unknown,
): CliError {
  return new CliError(message, { code, exitCode: exitCodes.unavailable, lines, cause });
}
