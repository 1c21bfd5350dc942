/**
 * etcd's flags of a member: each also as `ETCD_NAME_IN_CAPS`; a flag wins over the environment,
 * that over the default.
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import { defaultServerOptions, type ServerOptions } from "../server/index.ts";
import { type LogLevel, logLevels, parseLogLevel } from "./log/log-level.ts";
import { createNumberParser, parseList } from "./parse-values.ts";

/** The flags as commander gives them. */
export interface ServerFlags {
  readonly name: string;
  readonly dataDir?: string;
  readonly memory?: boolean;
  readonly listenClientUrls: readonly string[];
  readonly advertiseClientUrls?: readonly string[];
  readonly listenPeerUrls: readonly string[];
  readonly initialAdvertisePeerUrls?: readonly string[];
  readonly initialCluster?: string;
  readonly initialClusterState: "new" | "existing";
  readonly initialClusterToken: string;
  readonly join?: readonly string[];
  readonly heartbeatInterval: number;
  readonly electionTimeout: number;
  readonly priority: number;
  readonly leaseReads?: number;
  readonly repair: boolean;
  readonly logLevel: LogLevel;
}

const defaults = defaultServerOptions;
/** Milliseconds; beyond an hour is a slip of the pen. */
const intervalMsMax = 3_600_000;
const priorityMax = 10;
/** Thousandths; clocks that differ by more measure nothing. */
const driftPermilleMax = 200;

export function addServerFlags(command: Command): Command {
  const parseMs = createNumberParser(1, intervalMsMax);
  const urls = (flag: string, text: string): Option => option(flag, text).argParser(parseList);
  const states = option("--initial-cluster-state <state>", "new or existing");
  const options = [
    option("--name <name>", "this member's name").default(defaults.name),
    option("--data-dir <dir>", "where it keeps its data (NAME.quorate)"),
    urls("--listen-client-urls <urls>", "where it serves clients").default(
      defaults.listenClientUrls,
      defaults.listenClientUrls.join(","),
    ),
    urls("--advertise-client-urls <urls>", "where clients reach it (the listen URLs)"),
    urls("--listen-peer-urls <urls>", "where it listens for other members").default(
      defaults.listenPeerUrls,
      defaults.listenPeerUrls.join(","),
    ),
    urls("--initial-advertise-peer-urls <urls>", "where members reach it (the listen URL)"),
    option("--initial-cluster <members>", "NAME=URL,… of the first members (this one)"),
    states.choices(["new", "existing"]).default(defaults.initialClusterState),
    option("--initial-cluster-token <text>", "sets this cluster apart from others").default(
      defaults.initialClusterToken,
    ),
    new Option("--join <addresses>", "HOST:PORT,… of members: join their cluster")
      .env("QUORATE_JOIN")
      .argParser(parseList)
      .conflicts("initialCluster"),
    option("--heartbeat-interval <ms>", "between heartbeats")
      .argParser(parseMs)
      .default(defaults.heartbeatMs),
    option("--election-timeout <ms>", "without a leader until an election")
      .argParser(parseMs)
      .default(defaults.electionMs),
    new Option("--priority <n>", "how much it wants to lead: 0, only if told to, to 10")
      .env("QUORATE_PRIORITY")
      .argParser(createNumberParser(0, priorityMax))
      .default(defaults.priority),
    new Option("--lease-reads <permille>", "read by lease: no clock drifts by more (off)")
      .env("QUORATE_LEASE_READS")
      .argParser(createNumberParser(1, driftPermilleMax)),
    new Option(
      "--no-repair",
      "refuse to start on a damaged disk; else it is mended from the others",
    ).env("QUORATE_NO_REPAIR"),
    option("--log-level <level>", "debug, info, warn or error")
      .argParser(checkLogLevel)
      .default("info"),
  ];
  for (const each of options) command.addOption(each);
  const memory = new Option("--memory", "keep all in memory; nothing survives the process");
  return command.addOption(memory.conflicts("dataDir"));
}

/** With its variable in the environment. */
function option(flags: string, description: string): Option {
  const created = new Option(flags, description);
  const name = created.name().replaceAll("-", "_").toUpperCase();
  return created.env(`ETCD_${name}`);
}

function checkLogLevel(text: string): LogLevel {
  const level = parseLogLevel(text);
  if (level === null) throw new InvalidArgumentError(`Write one of ${logLevels.join(", ")}.`);
  return level;
}

/** Fills in what follows from other flags. */
export function createServerOptions(flags: ServerFlags): ServerOptions {
  const { name, listenClientUrls, listenPeerUrls } = flags;
  const peerUrls = flags.initialAdvertisePeerUrls ?? listenPeerUrls;
  const ownPeer = peerUrls.map((url) => `${name}=${url}`).join(",");
  return {
    name,
    dataDir: flags.memory === true ? null : (flags.dataDir ?? `${name}.quorate`),
    listenClientUrls,
    advertiseClientUrls: flags.advertiseClientUrls ?? listenClientUrls,
    listenPeerUrls,
    initialAdvertisePeerUrls: peerUrls,
    initialCluster: flags.initialCluster ?? ownPeer,
    initialClusterState: flags.initialClusterState,
    initialClusterToken: flags.initialClusterToken,
    join: flags.join ?? [],
    heartbeatMs: flags.heartbeatInterval,
    electionMs: flags.electionTimeout,
    priority: flags.priority,
    leaseDriftPermille: flags.leaseReads ?? null,
    repairs: flags.repair,
  };
}
