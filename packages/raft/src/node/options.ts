/** What a program gives to `start`, and the check of it before anything is touched. */
import { isNodeId, type NodeId } from "../base/index.ts";
import {
  type Member as ClusterMember,
  type Configuration,
  createConfiguration,
  defaultSettings,
  describeBadSettings,
  emptyConfiguration,
  membersMax,
  type Settings,
} from "../core/index.ts";
import type { MachineDeclarations } from "../machine/index.ts";
import type { Ports } from "../ports/index.ts";
import { defaultTransportLimits, parseAddress, type TransportLimits } from "../transport/index.ts";
import { badConfig } from "./errors.ts";
import type { MetricsHook } from "./insight/metrics.ts";
import { defaultLimits, describeBadLimits, type NodeLimits } from "./limits.ts";
import type { Logger } from "./logger.ts";
import type { MemoryBudget } from "./memory-budget.ts";

export interface StartOptions<Machines extends MachineDeclarations> {
  /** This member's name among `members`: 1 to 64 characters of `[A-Za-z0-9._-]`. */
  readonly id: string;
  /**
   * Names and peer addresses (`host:port`) of all members. Forms the first configuration where the
   * directory is empty, and must then be the same on all; afterwards the log is the truth. Left out
   * with `join`.
   */
  readonly members?: Readonly<Record<string, string>>;
  /**
   * Peer addresses (`host:port`) of running members: an empty directory becomes that of a member
   * which learns from them what cluster it belongs to, and waits to be added with `members.add`. It
   * does not vote before. A directory that was used knows its cluster: this is then not looked at.
   */
  readonly join?: readonly string[];
  /**
   * With `join`: `host:port` where the others will reach this member, as `members.add` names it.
   */
  readonly address?: string;
  /**
   * Where this member keeps its log, vote and identity. Without it all is in memory: such a member
   * never comes back under its old id, and a majority that stops together loses everything.
   */
  readonly dir?: string;
  /**
   * The machines that share the log, the same on every member. Declared here because replay must
   * know them.
   */
  readonly machines?: Machines;
  /**
   * What to do about damage in what this member has acknowledged. True unless given: set the
   * damaged files aside, fetch what they held from the other members, and neither vote nor stand
   * before it is there. False: refuse to start (`CORRUPT`), and touch nothing.
   */
  readonly repair?: boolean;
  /**
   * `automatic` (unless given): as the leader, enable a new version of a machine as soon as all
   * members can apply it. `manual`: wait for `node.versions.enable()`; give it to all members.
   * Until then the older program can be started again.
   */
  readonly enableVersions?: "automatic" | "manual";
  /** Tells clusters with equal members apart. */
  readonly token?: string;
  /**
   * Never form a cluster: an empty directory is refused (etcd's `--initial-cluster-state
   * existing`).
   */
  readonly joinsExisting?: boolean;
  /**
   * Address to listen on for peers, where it is not the own one in `members` (port forwarding,
   * containers).
   */
  readonly listen?: string;
  /** Times and limits; the defaults are in `defaultLimits`. */
  readonly limits?: Partial<NodeLimits>;
  /**
   * How much this member wants to lead, 0 to 10; 1 unless given. A leader hands over to a member of
   * higher priority when it has led for ten election timeouts. 0: it leads only if it is told to,
   * or is the only voter.
   */
  readonly priority?: number;
  /**
   * As the leader, hold a lease: the others promise to elect nobody for a while, and reads that ask
   * for no more (`consistency: "lease"`) are answered without them. Rests on the members' monotonic
   * clocks; give it to no machine that is suspended. Off unless given.
   */
  readonly leaseReads?: boolean | LeaseOptions;
  /** The core's own numbers; ticks follow from `limits`. */
  readonly settings?: Partial<Omit<Settings, "heartbeatTicks" | "electionTicks">>;
  readonly transportLimits?: Partial<TransportLimits>;
  /**
   * What this member may hold in memory together with others that are started with the same one;
   * unless given, all members of the process share one of 256 MiB.
   */
  readonly memory?: MemoryBudget;
  /** Silent but for warnings and errors on the console unless given. */
  readonly logger?: Logger;
  /** Hears what is counted and measured; without it nothing is, and nothing is paid for it. */
  readonly metrics?: MetricsHook;
  /**
   * Keeps the newest inputs of the core in memory (`recorderBytesMax`), and writes them into the
   * directory if an invariant breaks. Costs some percent of the member's time; off unless true.
   */
  readonly recorder?: boolean;
  /** The doors to the world; tests and simulation bring their own. */
  readonly ports?: Ports;
  /**
   * Tries each command of a typed machine twice on copies of the state before it is proposed, and
   * refuses what would make members differ as `NONDETERMINISTIC`. Costs time and two copies of the
   * state for each command; for development and tests.
   */
  readonly guardReducers?: boolean;
  /** Checks the core's invariants after every turn. Costs time; for tests and the careful. */
  readonly checkInvariants?: boolean;
}

export interface LeaseOptions {
  /**
   * How far the clock of any member may run fast or slow, in thousandths; 10 unless given, fifty
   * times what common clocks do. Beyond it reads may be stale.
   */
  readonly driftPermille?: number;
  /** Milliseconds of a promise, and how much later a dead leader is replaced; 500 unless given. */
  readonly leaseMs?: number;
}

/** Options after the check, defaults filled in. */
export interface CheckedOptions {
  readonly id: NodeId;
  /** The first members; nobody with `join`. */
  readonly configuration: Configuration;
  /** Null: this member forms its cluster with the others of `configuration`. */
  readonly join: JoinPlace | null;
  readonly listenAddress: string | null;
  readonly directory: string | null;
  readonly token: string;
  readonly joinsExisting: boolean;
  readonly limits: NodeLimits;
  readonly settings: Settings;
  readonly transportLimits: Partial<TransportLimits>;
  readonly checkInvariants: boolean;
  readonly recorder: boolean;
  /** Damage that others can make good is set aside. */
  readonly repairs: boolean;
  readonly enablesVersions?: boolean;
}

/** Whom a member asks that joins, and where it will be reached itself. */
export interface JoinPlace {
  readonly seeds: readonly string[];
  readonly address: string;
}

const defaultToken = "quorate";

/** @throws QuorateError `BAD_CONFIG` that names the option */
export function checkOptions(options: StartOptions<MachineDeclarations>): CheckedOptions {
  if (!isNodeId(options.id)) {
    const fact = "a member's name is 1 to 64 characters of [A-Za-z0-9._-]";
    throw badConfig("id", JSON.stringify(options.id), fact, "Choose another name.");
  }
  const join = checkJoin(options);
  const configuration =
    join === null ? checkFirst(options.id, options.members ?? {}) : emptyConfiguration;
  if (options.dir === "") {
    throw badConfig("dir", '""', "it is empty", "Name a directory, or leave it out for memory.");
  }
  const limits = checkLimits(options.limits ?? {});
  const settings = checkSettings(limits, givenSettings(options));
  checkFrames(limits, settings, options.transportLimits ?? {});
  return {
    id: options.id,
    configuration,
    join,
    listenAddress: options.listen === undefined ? null : checkAddress("listen", options.listen),
    directory: options.dir ?? null,
    token: options.token ?? defaultToken,
    joinsExisting: options.joinsExisting ?? false,
    limits,
    settings,
    transportLimits: options.transportLimits ?? {},
    checkInvariants: options.checkInvariants ?? false,
    recorder: options.recorder ?? false,
    repairs: options.repair ?? true,
    enablesVersions: checkEnabling(options.enableVersions ?? "automatic"),
  };
}

function checkEnabling(value: string): boolean {
  if (value === "automatic" || value === "manual") return value === "automatic";
  const fact = "there are automatic and manual";
  throw badConfig("enableVersions", JSON.stringify(value), fact, "Use one of them.");
}

/** Those that are options of their own go before. */
function givenSettings({
  settings,
  priority,
  leaseReads,
}: StartOptions<MachineDeclarations>): StartOptions<MachineDeclarations>["settings"] {
  const own = priority === undefined ? {} : { priority };
  if (leaseReads === undefined) return { ...settings, ...own };
  if (typeof leaseReads === "boolean") return { ...settings, ...own, leaseReads };
  const { driftPermille, leaseMs } = leaseReads;
  return {
    ...{ ...settings, ...own, leaseReads: true },
    ...(driftPermille === undefined ? {} : { leaseDriftPermille: driftPermille }),
    ...(leaseMs === undefined ? {} : { leaseMs }),
  };
}

function checkFirst(id: string, members: Readonly<Record<string, string>>): Configuration {
  const configuration = createConfiguration(checkMembers(members));
  if (Object.hasOwn(members, id)) return configuration;
  const fact = `members names ${Object.keys(members).join(", ")}, and not this one`;
  throw badConfig("id", id, fact, "Add this member to members, or correct its id.");
}

function checkJoin({
  join,
  address,
  members,
}: StartOptions<MachineDeclarations>): JoinPlace | null {
  if (join === undefined) return null;
  const value = join.join(", ");
  if (members !== undefined) {
    const fact = "members forms a new cluster, and join enters one that is there";
    throw badConfig("join", value, fact, "Give one of the two.");
  }
  if (join.length === 0) {
    const fact = "it names nobody to ask";
    throw badConfig("join", "[]", fact, "Name the peer address of one running member at least.");
  }
  if (address === undefined) {
    const hint = "Give the option address: where the others will reach this member.";
    throw badConfig("join", value, "the own address is missing", hint);
  }
  const seeds = join.map((seed) => checkAddress("join", seed));
  return { seeds, address: checkAddress("address", address) };
}

/** @throws QuorateError `BAD_CONFIG` */
export function checkMembers(members: Readonly<Record<string, string>>): ClusterMember[] {
  const checked: ClusterMember[] = [];
  const names = new Map<string, string>();
  for (const [id, address] of Object.entries(members)) {
    if (!isNodeId(id)) {
      const fact = "a member's name is 1 to 64 characters of [A-Za-z0-9._-]";
      throw badConfig("members", JSON.stringify(id), fact, "Choose another name.");
    }
    const other = names.get(address);
    if (other !== undefined) {
      const fact = `${other} and ${id} have the same address`;
      throw badConfig("members", address, fact, "Give each member an address of its own.");
    }
    names.set(address, id);
    checked.push({ id, address: checkAddress(`members.${id}`, address) });
  }
  if (checked.length === 0 || checked.length > membersMax) {
    const fact = `a cluster has 1 to ${membersMax} members`;
    throw badConfig("members", `(${checked.length} of them)`, fact, "Name all members.");
  }
  return checked;
}

function checkAddress(option: string, address: string): string {
  try {
    parseAddress(address);
  } catch (error) {
    const fact = error instanceof Error ? error.message : String(error);
    throw badConfig(option, JSON.stringify(address), fact, "Write it as host:port.");
  }
  return address;
}

function checkLimits(given: Partial<NodeLimits>): NodeLimits {
  const limits: NodeLimits = { ...defaultLimits, ...given };
  const bad = describeBadLimits(limits);
  if (bad === null) return limits;
  const value = String(limits[bad.option]);
  throw badConfig(`limits.${bad.option}`, value, bad.fact, "Correct it, or leave it out.");
}

function checkSettings(
  limits: NodeLimits,
  given: StartOptions<MachineDeclarations>["settings"],
): Settings {
  const settings: Settings = {
    ...defaultSettings,
    ...given,
    heartbeatTicks: Math.max(1, Math.round(limits.heartbeatMs / limits.tickMs)),
    electionTicks: Math.max(1, Math.round(limits.electionMs / limits.tickMs)),
  };
  const bad = describeBadSettings(settings);
  if (bad !== null) throw badConfig("settings", "", bad, "Correct it, or leave it out.");
  return settings;
}

/** What frames a command on its way to a peer, at most. Bytes. */
const frameOverheadBytes = 4096;
/** What frames a forwarded command: the frame's header, id, count and length. Bytes. */
const forwardOverheadBytes = 32;

/** What does not fit into a frame would never reach a peer, and everything behind it would wait. */
function checkFrames(
  limits: NodeLimits,
  settings: Settings,
  transportLimits: Partial<TransportLimits>,
): void {
  const { frameBytesMax, forwardQueueBytesMax } = { ...defaultTransportLimits, ...transportLimits };
  const { commandBytesMax, forwardBytesMax } = limits;
  const { appendBytesMax } = settings;
  for (const [option, value] of Object.entries({
    commandBytesMax,
    forwardBytesMax,
    appendBytesMax,
  })) {
    if (value + frameOverheadBytes <= frameBytesMax) continue;
    const frame = `transportLimits.frameBytesMax (${frameBytesMax})`;
    const fact = `it must be ${frameOverheadBytes} below ${frame}`;
    throw badConfig(option, String(value), fact, "Lower it, or raise frameBytesMax.");
  }
  // What the queue never has room for would be held back until its deadline, and so what follows.
  for (const [option, value] of Object.entries({ commandBytesMax, forwardBytesMax })) {
    if (value + forwardOverheadBytes <= forwardQueueBytesMax) continue;
    const queue = `transportLimits.forwardQueueBytesMax (${forwardQueueBytesMax})`;
    const fact = `it must be ${forwardOverheadBytes} below ${queue}, or it is never forwarded`;
    throw badConfig(option, String(value), fact, "Lower it, or raise forwardQueueBytesMax.");
  }
}
