/**
 * What a program may want to know before it starts a member: whose a directory is, and who the
 * members of a running cluster are. Neither changes anything. Promises begin here.
 */
import { FormatError, isNodeId } from "../../base/index.ts";
import { allMembers, isLearner } from "../../core/index.ts";
import type { Ports } from "../../ports/index.ts";
import { createOsPorts } from "../../ports/os/index.ts";
import { readIdentity } from "../../storage/index.ts";
import { parseAddress } from "../../transport/index.ts";
import { fromOpenError } from "../errors.ts";
import { defaultLimits } from "../limits.ts";
import { silentLogger } from "../logger.ts";
import { findCluster } from "./join.ts";
import { badMember } from "./membership-errors.ts";

export interface DirectoryOwner {
  /** 16 hex digits. */
  readonly clusterId: string;
  readonly member: string;
  /** Whether it holds a log, too; without one its member has not been in the cluster yet. */
  readonly hasLog: boolean;
}

/**
 * Whose directory this is, also while its member runs; null if it is empty or not there.
 *
 * @throws QuorateError `CORRUPT`, `STORAGE_FAILED`
 */
export function identifyDirectory(
  directory: string,
  ports?: Ports,
): Promise<DirectoryOwner | null> {
  const { disk, crc32 } = ports ?? createOsPorts();
  return new Promise((resolve, reject) => {
    readIdentity({ disk, crc32, directory }, (error, found) => {
      if (error !== null) {
        reject(fromOpenError(error, directory));
      } else if (found === null || found === undefined) {
        resolve(null);
      } else {
        const { clusterId, member } = found.identity;
        resolve({ clusterId, member, hasLog: found.hasLog });
      }
    });
  });
}

export interface AskClusterOptions {
  /** Peer addresses (`host:port`) of running members. */
  readonly seeds: readonly string[];
  /** As whom to ask: `CANNOT_JOIN` if it is the name of a member that has run. */
  readonly id: string;
  /** `host:port` where that one will be reached. */
  readonly address: string;
  /** Milliseconds until somebody has answered; `defaultLimits.joinTimeoutMs` if left out. */
  readonly timeoutMs?: number;
  readonly ports?: Ports;
}

export interface ClusterView {
  readonly clusterId: string;
  /** Voters and learners of the committed configuration, as the member that answered knows it. */
  readonly members: readonly {
    readonly id: string;
    readonly address: string;
    readonly votes: boolean;
  }[];
}

/**
 * Asks running members who the members are, as one who joins does.
 *
 * @throws QuorateError `CANNOT_JOIN`, `WRONG_CLUSTER`, `MEMBER_REMOVED`, `BAD_CONFIG`
 */
export async function askCluster(options: AskClusterOptions): Promise<ClusterView> {
  const { seeds, id, address, timeoutMs = defaultLimits.joinTimeoutMs } = options;
  if (!isNodeId(id)) {
    const fact = "a member's name is 1 to 64 characters of [A-Za-z0-9._-]";
    throw badMember("id", JSON.stringify(id), fact, "Choose another name.");
  }
  for (const each of [address, ...seeds]) checkAddress(each);
  const ports = options.ports ?? createOsPorts();
  const logger = silentLogger;
  return await new Promise((resolve, reject) => {
    const given = { ports, logger, id, address, seeds, timeoutMs, transportLimits: {} };
    findCluster(given, (error, found) => {
      if (found === undefined) {
        reject(error);
        return;
      }
      const { configuration } = found;
      const members = allMembers(configuration).map((member) => ({
        id: member.id,
        address: member.address,
        votes: !isLearner(configuration, member.id),
      }));
      resolve({ clusterId: found.clusterId, members });
    });
  });
}

function checkAddress(address: string): void {
  try {
    parseAddress(address);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw badMember("address", JSON.stringify(address), error.message, "Write it as host:port.");
  }
}
