/**
 * From options to a running member: directory, lock, log, first configuration, transport. Callbacks
 * all the way, so that the simulator can crash it in between. Called by `node.ts`.
 */
import {
  FormatError,
  logIndex,
  type MachineVersion,
  persistUnit,
  type QuorateError,
} from "../base/index.ts";
import {
  allMembers,
  type Configuration,
  checkState,
  createRaft,
  type HardState,
  lastIndex,
} from "../core/index.ts";
import type { VersionedMachines } from "../machine/index.ts";
import type { DirectoryLock, Ports } from "../ports/index.ts";
import {
  createPeerRecordStore,
  findsLog,
  isOpenError,
  openDirectory,
  openLog,
  openMemoryLog,
  type PeerRecord,
  type PeerRecordStore,
  type RecoveredLog,
} from "../storage/index.ts";
import { createTransport, type PeerIdentity, type Transport } from "../transport/index.ts";
import { deriveClusterId } from "./cluster-id.ts";
import {
  badConfig,
  fromOpenError,
  noState,
  stoppedError,
  unreadableLog,
  wrongCluster,
} from "./errors.ts";
import {
  compareConfigurations,
  configurationOf,
  describeMembers,
  firstEntry,
  firstHardState,
  hasLaterConfiguration,
} from "./first-configuration.ts";
import type { MetricsHook } from "./insight/metrics.ts";
import type { Logger } from "./logger.ts";
import { Member } from "./member.ts";
import type { AppliedMachines } from "./member-parts.ts";
import { type FoundCluster, findCluster } from "./membership/join.ts";
import { PeerMemory } from "./membership/peer-memory.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import type { MemberObserver } from "./observer.ts";
import type { CheckedOptions } from "./options.ts";
import { FlightRecorder } from "./recorder/flight-recorder.ts";
import { createRepairPolicy, type DiskDamage, damageOf, hasLostLog } from "./repair.ts";
import { findStart, type Start } from "./snapshots/find-start.ts";
import { canSnapshot } from "./snapshots/member-snapshots.ts";
import { restoreMachines } from "./snapshots/restore-machines.ts";
import { describeTooOld, programTooOld } from "./versions/version-errors.ts";

/** A member and what it holds open. */
export interface OpenedMember {
  readonly member: Member;
  readonly transport: Transport;
  readonly clusterId: string;
  readonly incarnation: string;
}

export interface OpenMemberParts {
  readonly options: CheckedOptions;
  readonly ports: Ports;
  readonly machines: AppliedMachines;
  readonly logger: Logger;
  /** Hears all that the core does, from its start on. */
  readonly observer?: MemberObserver;
  /** Hears what is counted and measured. */
  readonly metrics?: MetricsHook;
  /** Shared with other members of the process; without it nobody counts. */
  readonly memory?: MemoryBudget;
  /** Another transport than the one on `ports.network`. */
  readonly createTransport?: typeof createTransport;
}

export type OpenMemberDone = (error: Error | null, opened?: OpenedMember) => void;

/** Everything found on disk, or made in memory. */
interface Found {
  readonly clusterId: string;
  readonly incarnation: string;
  readonly lock: DirectoryLock | null;
  readonly log: RecoveredLog;
  /** What was wrong with it; null in memory, and where nothing was. */
  readonly damage: DiskDamage | null;
  /** What it remembers of others, and where that is kept; null in memory. */
  readonly peers: readonly PeerRecord[];
  readonly peerStore: PeerRecordStore | null;
  /** Its log comes from a leader: it may be empty. */
  readonly joined: boolean;
  /** Who the members were when it asked to join, in this start. */
  readonly firstSeen: Configuration | null;
}

export function openMember(parts: OpenMemberParts, done: OpenMemberDone): void {
  const found: FoundDone = (error, value) => {
    if (value === undefined) done(error ?? stoppedError("not-applied"));
    else tryBootstrap(parts, value, done);
  };
  const { directory, join } = parts.options;
  const open = (cluster: FoundCluster | null): void => {
    if (directory === null) openMemory(parts, cluster, found);
    else openDisk(parts, directory, cluster, found);
  };
  if (join === null) open(null);
  else maybeJoin(parts, directory, open, done);
}

/** Whoever has a log knows its cluster; others ask. */
function maybeJoin(
  parts: OpenMemberParts,
  directory: string | null,
  open: (cluster: FoundCluster | null) => void,
  done: OpenMemberDone,
): void {
  if (directory === null) {
    askForCluster(parts, open, done);
    return;
  }
  findsLog(parts.ports.disk, directory, (error, found) => {
    if (error !== null) done(fromOpenError(error, directory));
    else if (found === true) open(null);
    else askForCluster(parts, open, done);
  });
}

function askForCluster(
  { options, ports, logger }: OpenMemberParts,
  open: (cluster: FoundCluster | null) => void,
  done: OpenMemberDone,
): void {
  const { id, join, limits, transportLimits } = options;
  if (join === null) return;
  const { seeds, address } = join;
  const timeoutMs = limits.joinTimeoutMs;
  findCluster({ ports, logger, id, address, seeds, timeoutMs, transportLimits }, (error, found) => {
    if (error !== null) {
      done(error);
      return;
    }
    const text = `${id} joins cluster ${found?.clusterId}, and waits to be added at ${address}`;
    logger.info({ seeds }, text);
    open(found ?? null);
  });
}

type FoundDone = (error: Error | null, found?: Found) => void;

function openMemory(
  { options, ports }: OpenMemberParts,
  cluster: FoundCluster | null,
  done: FoundDone,
): void {
  const { clock, crc32, random } = ports;
  const clusterId = cluster?.clusterId ?? deriveClusterId(options.configuration, options.token);
  clock.defer(() => {
    const log = openMemoryLog({ clock, crc32, clusterId });
    done(null, {
      ...{ clusterId, incarnation: random.id64(), lock: null, log, peers: [], peerStore: null },
      ...{ joined: cluster !== null, firstSeen: cluster?.configuration ?? null, damage: null },
    });
  });
}

function openDisk(
  parts: OpenMemberParts,
  directory: string,
  cluster: FoundCluster | null,
  done: FoundDone,
): void {
  const { options, ports, logger } = parts;
  const { disk, random, crc32, clock } = ports;
  const clusterId = cluster?.clusterId ?? deriveClusterId(options.configuration, options.token);
  const joins = cluster !== null;
  openDirectory(
    { disk, random, crc32, directory, clusterId, member: options.id, joins },
    (error, opened) => {
      if (error !== null || opened === undefined) {
        done(error === null ? stoppedError("not-applied") : fromOpenError(error, directory));
        return;
      }
      const { lock, identity } = opened;
      openLog(
        {
          disk,
          clock,
          crc32,
          directory,
          identity,
          segmentBytesMax: options.limits.segmentBytesMax,
          ...(options.repairs ? { repair: repairPolicy(options, opened.peers) } : {}),
          warn: (text: string) => logger.warn({ directory }, text),
        },
        (failed, log) => {
          if (failed !== null || log === undefined) {
            const reason =
              failed === null ? stoppedError("not-applied") : fromOpenError(failed, directory);
            lock.release(() => done(reason));
          } else {
            const place = { disk, crc32, directory, clusterId: identity.clusterId };
            done(null, {
              ...{ clusterId: identity.clusterId, incarnation: identity.incarnation, lock, log },
              ...{ peers: opened.peers, peerStore: createPeerRecordStore(place) },
              damage: damageOf(log),
              joined: identity.joined === true,
              firstSeen: cluster?.configuration ?? null,
            });
          }
        },
      );
    },
  );
}

function repairPolicy(options: CheckedOptions, peers: readonly PeerRecord[]) {
  return createRepairPolicy(options.id, options.configuration, peers.length > 0);
}

// --- the first configuration ---------------------------------------------------------------------

/** What a log holds may be of a version that this program does not know: that is an answer, too. */
function tryBootstrap(parts: OpenMemberParts, found: Found, done: OpenMemberDone): void {
  const fail = (error: Error) => closeFound(found, () => done(error));
  try {
    bootstrap(parts, found, fail, done);
  } catch (error) {
    if (error instanceof FormatError)
      fail(unreadableLog(error, parts.options.directory ?? "memory"));
    else fail(error instanceof Error ? error : new Error(String(error)));
  }
}

function bootstrap(
  parts: OpenMemberParts,
  found: Found,
  fail: (error: Error) => void,
  done: OpenMemberDone,
): void {
  const { log } = found;
  const start = findStart(log, parts.machines);
  if (start === null) {
    fail(noState(parts.options.directory ?? "memory", log.base.index));
    return;
  }
  const known = configurationOf(log.entries, start.snapshot);
  const go = () => restore(parts, found, start, fail, done);
  if (known === null && hasLostLog(log)) {
    const { configuration } = parts.options;
    const firstSeen = configuration.voters.length > 0 ? configuration : found.firstSeen;
    restore(parts, { ...found, firstSeen }, start, fail, done);
    return;
  }
  if (found.joined && (known === null || parts.options.join !== null)) {
    go();
    return;
  }
  if (parts.options.join !== null) {
    if (known === null) fail(describeHalfFormed(parts.options));
    else go();
    return;
  }
  const derived = deriveClusterId(parts.options.configuration, parts.options.token);
  if (known === null) {
    const problem =
      describeLostLog(log) ??
      describeNoCluster(parts.options) ??
      (found.clusterId === derived ? null : foreignDirectory(parts, found, "nothing written yet"));
    if (problem !== null) fail(problem);
    else writeFirst(parts, found, fail, done);
    return;
  }
  const { options, logger } = parts;
  const compared = compareConfigurations(options.configuration, known, {
    isSameId: found.clusterId === derived,
    hasChanged: found.joined || hasLaterConfiguration(log.entries, start.snapshot),
  });
  if (compared === "foreign") {
    fail(foreignDirectory(parts, found, describeMembers(known)));
    return;
  }
  if (compared === "differs") {
    logger.warn(
      { members: describeMembers(options.configuration), log: describeMembers(known) },
      `The members option (${describeMembers(options.configuration)}) differs from the log's ` +
        `(${describeMembers(known)}): the log is the truth, the option is ignored`,
    );
  }
  go();
}

/** The members began to form a cluster here, and were stopped before the first entry. */
function describeHalfFormed(options: CheckedOptions): QuorateError {
  return badConfig(
    "dir",
    options.directory ?? "(memory)",
    "a member was about to form a cluster in it, and this one is to join another",
    "Join with an empty directory.",
  );
}

/**
 * An empty log under a hard state that was used: the log was lost, and starting afresh would forget
 * promises.
 */
function describeLostLog(log: RecoveredLog): QuorateError | null {
  const { term, votedFor } = log.hardState;
  if (log.entries.length > 0 || (term <= firstHardState.term && votedFor === null)) return null;
  return badConfig(
    "dir",
    "(its log)",
    `the log is empty, yet this member has been in term ${term}: its log was removed`,
    "Restore the directory, or replace the member by a new one.",
  );
}

/**
 * Who says that the cluster exists does not form one: two members of one name would be two
 * clusters.
 */
function describeNoCluster(options: CheckedOptions): QuorateError | null {
  if (!options.joinsExisting) return null;
  return badConfig(
    "dir",
    options.directory ?? "(memory)",
    "it is empty, and this member is said to join an existing cluster",
    "Start with the member's old directory, or give join and address instead of members.",
  );
}

function foreignDirectory(parts: OpenMemberParts, found: Found, members: string): QuorateError {
  const { options } = parts;
  const derived = deriveClusterId(options.configuration, options.token);
  return wrongCluster(
    `Cannot use ${options.directory}: it belongs to cluster ${found.clusterId} (${members}), ` +
      `the options describe cluster ${derived} (${describeMembers(options.configuration)}, token ` +
      `${options.token})`,
    derived,
    found.clusterId,
  );
}

function writeFirst(
  parts: OpenMemberParts,
  found: Found,
  fail: (error: Error) => void,
  done: OpenMemberDone,
): void {
  const entries = [firstEntry(parts.options.configuration)];
  const { mustCatchUp } = found.log.hardState; // the damaged unit may have been this very entry
  const hardState: HardState = { ...firstHardState, mustCatchUp };
  const commit = logIndex(1);
  const fresh = { base: found.log.base, snapshot: null, description: null };
  found.log.store.append(
    {
      unit: persistUnit(1),
      hardState,
      truncateFrom: null,
      entries,
      commit,
    },
    (error) => {
      if (error !== null) fail(fromOpenError(error, parts.options.directory ?? "memory"));
      else begin(parts, found, { ...fresh, hardState, entries, commit }, done);
    },
  );
}

// --- the start -----------------------------------------------------------------------------------

/** The machines get the state that the log follows before there is a member. */
function restore(
  parts: OpenMemberParts,
  found: Found,
  start: Start,
  fail: (error: Error) => void,
  done: OpenMemberDone,
): void {
  const { machines, options, logger } = parts;
  const { description } = start;
  const tooNew = findTooNew(start, machines.versions ?? null);
  if (tooNew !== null) {
    const { machine } = tooNew;
    const known = machines.versions?.known.find((one) => one.machine === machine)?.version ?? 0;
    fail(programTooOld(options.id, null, describeTooOld(options.id, tooNew, known)));
    return;
  }
  if (description === null) {
    begin(parts, found, start, done);
    return;
  }
  if (!canSnapshot(machines)) {
    fail(describeNoRestore(machines.withoutSnapshots ?? []));
    return;
  }
  const { index, term } = description.identity.position;
  restoreMachines(
    {
      store: found.log.store.snapshots,
      snapshot: description,
      begin: () => machines.restore(index, term),
      isWanted: () => true,
    },
    (error) => {
      const directory = options.directory ?? "memory";
      if (error instanceof FormatError) fail(unreadableLog(error, directory));
      else if (error !== null) fail(isOpenError(error) ? fromOpenError(error, directory) : error);
      else {
        logger.info({ index }, `The machines are as the snapshot of entry ${index} says`);
        begin(parts, found, start, done);
      }
    },
  );
}

/** A committed entry enables what this program cannot apply: nothing is applied then. */
function findTooNew(
  { entries, commit }: Start,
  versions: VersionedMachines | null,
): MachineVersion | null {
  for (const { kind, index, data } of entries) {
    if (kind !== "command" || index > commit) continue;
    const found = versions?.tooNew(data) ?? null;
    if (found !== null) return found;
  }
  return null;
}

function describeNoRestore(names: readonly string[]): QuorateError {
  return badConfig(
    "machines",
    names.join(", "),
    "the log begins behind a snapshot, and they have no restore",
    "Start the program whose machines have it.",
  );
}

function begin(parts: OpenMemberParts, found: Found, start: Start, done: OpenMemberDone): void {
  const { hardState, base, snapshot, entries, commit } = start;
  const { options, ports, machines, logger } = parts;
  const boot = ports.random.id64();
  const raft = createRaft({
    id: options.id,
    settings: options.settings,
    boot: Number.parseInt(boot.slice(0, 12), 16), // 48 bits: a safe integer
    jitter: ports.random.fraction(),
    ...{ hardState, base, snapshot, entries, commit },
  });
  const listenAddress = options.listenAddress ?? ownAddress(raft.configuration, options);
  const { mustCatchUp } = hardState;
  const peerMemory = new PeerMemory({
    ...{ raft, clusterId: found.clusterId, records: found.peers, store: found.peerStore },
    address: ownAddress(raft.configuration, options),
    standing: { term: hardState.term, last: lastIndex(raft.log), commit: raft.commit, mustCatchUp },
    peerMemoryMs: options.limits.peerMemoryMs,
    versions: machines.versions ?? null,
  });
  const member = new Member({
    peerMemory,
    enablesVersions: options.enablesVersions ?? true,
    ...(found.firstSeen === null ? {} : { firstSeen: found.firstSeen }),
    raft,
    store: found.log.store,
    lock: found.lock,
    ...{ machines, damage: found.damage },
    clock: ports.clock,
    random: ports.random,
    limits: options.limits,
    logger,
    check: options.checkInvariants ? checkState : null,
    observer: parts.observer ?? null,
    metrics: parts.metrics ?? null,
    memory: parts.memory ?? null,
    recorder: options.recorder ? new FlightRecorder(raft, options.limits.recorderBytesMax) : null,
    recordings:
      options.directory === null ? null : { disk: ports.disk, directory: options.directory },
  });
  const identity: PeerIdentity = {
    clusterId: found.clusterId,
    id: options.id,
    incarnation: found.incarnation,
    boot,
  };
  listen(parts, { identity, listenAddress, peerMemory, member }, (error, transport) => {
    if (error !== null || transport === undefined) {
      closeFound(found, () => done(error));
      return;
    }
    member.run(transport);
    const { clusterId, incarnation } = found;
    done(null, { member, transport, clusterId, incarnation });
  });
}

/** As the log says, or, where that is not known yet, as the options do. */
function ownAddress(configuration: Configuration, options: CheckedOptions): string {
  const isSelf = (member: { readonly id: string }) => member.id === options.id;
  const self = allMembers(configuration).find(isSelf) ?? options.configuration.voters.find(isSelf);
  return self?.address ?? options.join?.address ?? "";
}

interface ListenParts {
  readonly identity: PeerIdentity;
  readonly listenAddress: string;
  readonly peerMemory: PeerMemory;
  readonly member: Member;
}

function listen(
  parts: OpenMemberParts,
  { identity, listenAddress, peerMemory, member }: ListenParts,
  done: (error: Error | null, transport?: Transport) => void,
): void {
  const { options, ports, logger } = parts;
  const create = parts.createTransport ?? createTransport;
  create(
    {
      network: ports.network,
      clock: ports.clock,
      random: ports.random,
      crc32: ports.crc32,
      identity,
      listenAddress,
      handlers: member.handlers,
      admission: peerMemory,
      limits: options.transportLimits,
      log: (line) => logger[line.level]({ listenAddress }, line.message),
    },
    (error, transport) => {
      if (error === null) done(null, transport);
      else if (error.name === "QuorateError") done(error);
      else {
        const hint = "Stop what uses the address, or give this member another one.";
        done(badConfig("listen", listenAddress, error.message, hint));
      }
    },
  );
}

function closeFound(found: Found, done: () => void): void {
  found.log.store.close(() => {
    if (found.lock === null) done();
    else found.lock.release(() => done());
  });
}
