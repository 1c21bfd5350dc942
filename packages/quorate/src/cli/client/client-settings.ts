/**
 * Where the client commands send to, how long they wait and how they print: flags, then
 * environment, then defaults.
 */
import type { Command } from "commander";
import { Option } from "commander";
import { parseEndpoint } from "../../rpc/index.ts";
import { usageError } from "../cli-error.ts";
import { parseDurationMs, parseList } from "../parse-values.ts";

export interface ClientSettings {
  /** `host:port`, at least one. */
  readonly endpoints: readonly string[];
  readonly output: "simple" | "json";
  /** Milliseconds for the whole command. */
  readonly timeoutMs: number;
}

/** The flags as commander gives them; what was not given is not there. */
export interface ClientFlags {
  readonly endpoints?: readonly string[];
  readonly output?: string;
  readonly commandTimeout?: number;
}

/** What a member serves its clients on, here. */
export const endpointDefault = "127.0.0.1:2379";
/** As etcdctl's. */
const timeoutMsDefault = 5_000;
const endpointVariables = ["QUORATE_ENDPOINTS", "ETCDCTL_ENDPOINTS"];

/** Adds the flags to the program: they may stand before or after the command's name. */
export function addClientFlags(program: Command): void {
  program
    .addOption(
      new Option("--endpoints <list>", "members to ask, in this order").argParser(parseList),
    )
    .addOption(new Option("-o, --output <form>", "simple or json").choices(["simple", "json"]))
    .addOption(
      new Option("--command-timeout <time>", "how long to wait, such as 5s").argParser(
        parseDurationMs,
      ),
    );
}

/** @throws CliError about an endpoint that cannot be read */
export function createClientSettings(
  flags: ClientFlags,
  environment: Readonly<Record<string, string | undefined>>,
): ClientSettings {
  return {
    endpoints: findEndpoints(flags, environment).map(checkEndpoint),
    output: flags.output === "json" ? "json" : "simple",
    timeoutMs: flags.commandTimeout ?? timeoutMsDefault,
  };
}

function findEndpoints(
  flags: ClientFlags,
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  if (flags.endpoints !== undefined) return flags.endpoints;
  for (const name of endpointVariables) {
    const text = environment[name];
    if (text !== undefined && text !== "") return text.split(",").map((item) => item.trim());
  }
  return [endpointDefault];
}

function checkEndpoint(text: string): string {
  try {
    return parseEndpoint(text).text;
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error));
  }
}
