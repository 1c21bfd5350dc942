/**
 * From options to a running member: directory, lock, log, first configuration, transport. Callbacks
 * all the way, so that the simulator can crash it in between. Called by `node.ts`.
 */
import { FormatError, logIndex, persistUnit, type QuorateError } from "../base/index.ts";
import { checkState, createRaft, type HardState } from "../core/index.ts";
import type { DirectoryLock, Ports } from "../ports/index.ts";
import { openDirectory, openLog, openMemoryLog, type RecoveredLog } from "../storage/index.ts";
import { createTransport, type PeerIdentity, type Transport } from "../transport/index.ts";
import { deriveClusterId } from "./cluster-id.ts";
import { badConfig, fromOpenError, stoppedError, unreadableLog, wrongCluster } from "./errors.ts";
import {
  compareConfigurations,
  configurationOf,
  describeMembers,
  firstEntry,
  firstHardState,
} from "./first-configuration.ts";
import type { MetricsHook } from "./insight/metrics.ts";
import type { Logger } from "./logger.ts";
import { type AppliedMachines, Member } from "./member.ts";
import type { MemberObserver } from "./observer.ts";
import type { CheckedOptions } from "./options.ts";
import { FlightRecorder } from "./recorder/flight-recorder.ts";

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
}

export function openMember(parts: OpenMemberParts, done: OpenMemberDone): void {
  const found: FoundDone = (error, value) => {
    if (value === undefined) done(error ?? stoppedError("not-applied"));
    else tryBootstrap(parts, value, done);
  };
  if (parts.options.directory === null) openMemory(parts, found);
  else openDisk(parts, parts.options.directory, found);
}

type FoundDone = (error: Error | null, found?: Found) => void;

function openMemory({ options, ports }: OpenMemberParts, done: FoundDone): void {
  const { clock, crc32, random } = ports;
  const clusterId = deriveClusterId(options.configuration, options.token);
  clock.defer(() => {
    const log = openMemoryLog({ clock, crc32, clusterId });
    done(null, { clusterId, incarnation: random.id64(), lock: null, log });
  });
}

function openDisk(parts: OpenMemberParts, directory: string, done: FoundDone): void {
  const { options, ports, logger } = parts;
  const { disk, random, crc32, clock } = ports;
  const clusterId = deriveClusterId(options.configuration, options.token);
  openDirectory(
    { disk, random, crc32, directory, clusterId, member: options.id },
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
          warn: (text: string) => logger.warn({ directory }, text),
        },
        (failed, log) => {
          if (failed !== null || log === undefined) {
            const reason =
              failed === null ? stoppedError("not-applied") : fromOpenError(failed, directory);
            lock.release(() => done(reason));
          } else {
            done(null, {
              clusterId: identity.clusterId,
              incarnation: identity.incarnation,
              lock,
              log,
            });
          }
        },
      );
    },
  );
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
  const known = configurationOf(log.entries);
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
  const isSameId = found.clusterId === derived;
  const compared = compareConfigurations(options.configuration, known, isSameId);
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
  begin(parts, found, log.hardState, log.entries, log.commit, done);
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
    "it is empty, and this member is said to join an existing cluster, " +
      "which this version cannot do yet",
    "Start with the member's old directory, or form a new cluster.",
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
      else begin(parts, found, hardState, entries, commit, done);
    },
  );
}

// --- the start -----------------------------------------------------------------------------------

function begin(
  parts: OpenMemberParts,
  found: Found,
  hardState: HardState,
  entries: RecoveredLog["entries"],
  commit: RecoveredLog["commit"],
  done: OpenMemberDone,
): void {
  const { options, ports, machines, logger } = parts;
  const boot = ports.random.id64();
  const raft = createRaft({
    id: options.id,
    settings: options.settings,
    boot: Number.parseInt(boot.slice(0, 12), 16), // 48 bits: a safe integer
    jitter: ports.random.fraction(),
    hardState,
    entries,
    commit,
  });
  const member = new Member({
    raft,
    store: found.log.store,
    lock: found.lock,
    machines,
    clock: ports.clock,
    random: ports.random,
    limits: options.limits,
    logger,
    check: options.checkInvariants ? checkState : null,
    observer: parts.observer ?? null,
    metrics: parts.metrics ?? null,
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
  const listenAddress = options.listenAddress ?? ownAddress(raft.configuration, options);
  listen(parts, identity, listenAddress, member, (error, transport) => {
    if (error !== null || transport === undefined) {
      closeFound(found, () => done(error));
      return;
    }
    member.run(transport);
    const { clusterId, incarnation } = found;
    done(null, { member, transport, clusterId, incarnation });
  });
}

function ownAddress(
  configuration: CheckedOptions["configuration"],
  options: CheckedOptions,
): string {
  const isSelf = (member: { readonly id: string }) => member.id === options.id;
  const self = configuration.voters.find(isSelf) ?? options.configuration.voters.find(isSelf);
  return self?.address ?? "";
}

function listen(
  parts: OpenMemberParts,
  identity: PeerIdentity,
  listenAddress: string,
  member: Member,
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
