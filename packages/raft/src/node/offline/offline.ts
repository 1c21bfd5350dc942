/**
 * The public edge of the tools for stopped members: promises over `recover.ts` and the like.
 */
import { isNodeId, type NodeId } from "../../base/index.ts";
import { createConfiguration } from "../../core/index.ts";
import { createOsPorts } from "../../ports/os/index.ts";
import { runTask, type Task } from "../../storage/index.ts";
import { parseAddress } from "../../transport/index.ts";
import { checkMembers } from "../options.ts";
import type { DirectoryReport } from "./directory-report.ts";
import { damageHints, fromOfflineError, refused } from "./errors.ts";
import { inspect, type OfflinePorts, type RecoveredCluster, recover } from "./recover.ts";
import { inspectFile, type RestoredMember, restore, type SnapshotReport } from "./restore.ts";

export interface InspectOptions {
  /** The data directory of a stopped member. */
  readonly dir: string;
  /** Whose it has to be; whoever's it is, unless given. */
  readonly id?: string;
  readonly ports?: OfflinePorts;
}

export interface RecoverOptions extends InspectOptions {
  /**
   * The id of the cluster that ends here, as `inspectDirectory` reports it: who gives it has read
   * what may be lost. Nothing is changed if it is another one's.
   */
  readonly clusterId: string;
  /** `host:port` that other members will dial; the one in the log unless given. */
  readonly address?: string;
  /** Tells the new cluster from others; drawn at random unless given. */
  readonly token?: string;
}

/**
 * What the directory of a stopped member holds. Changes nothing: what a start would repair is
 * repaired in memory only. (A recovery that a crash cut off after it was decided is finished
 * first.)
 *
 * @throws QuorateError `BAD_CONFIG`, `DATA_DIR_IN_USE`, `CORRUPT`, `STORAGE_FAILED`
 */
export function inspectDirectory(options: InspectOptions): Promise<DirectoryReport> {
  const { dir } = options;
  const ports = options.ports ?? createOsPorts();
  return settle(dir, () => inspect(ports, dir, checkId(options.id)));
}

/**
 * Makes a cluster of its own out of the directory of a stopped member, for when the majority of its
 * cluster is gone for good. The member keeps its name, its log and its state; the cluster gets
 * another id, so that no member of the old one is let in or lets it in. All that is in the log
 * counts as committed afterwards. Resolves when that is on stable storage; a crash before leaves
 * the old content, or is finished by whoever opens the directory next.
 *
 * Writes the directory anew beside itself: it needs as much space again.
 *
 * @throws QuorateError `WRONG_CLUSTER` for another `clusterId`; `BAD_CONFIG`, `DATA_DIR_IN_USE`,
 * `CORRUPT`, `STORAGE_FAILED`
 */
export function recoverCluster(options: RecoverOptions): Promise<RecoveredCluster> {
  const { dir, clusterId, address = null, token = null } = options;
  const ports = options.ports ?? createOsPorts();
  return settle(dir, () => {
    if (address !== null) checkAddress("recover", "address", address);
    if (token === "") throw refused("recover", "token", '""', "it is empty", "Leave it out.");
    const id = checkId(options.id);
    return recover(ports, { directory: dir, id, clusterId, address, token });
  });
}

export interface InspectSnapshotOptions {
  /** A saved snapshot, or one in a data directory; a member may run on that. */
  readonly file: string;
  readonly ports?: OfflinePorts;
}

/**
 * What a snapshot is of, and whether it is sound: it is read to its end.
 *
 * @throws QuorateError `BAD_CONFIG` where there is no such file, `CORRUPT` for a later version,
 * `STORAGE_FAILED`
 */
export function inspectSnapshot({ file, ports }: InspectSnapshotOptions): Promise<SnapshotReport> {
  return settle(file, () => inspectFile(ports ?? createOsPorts(), file), damageHints.snapshot);
}

export interface RestoreOptions extends InspectSnapshotOptions {
  /** Empty, or not there yet. */
  readonly dir: string;
  /** This member's name among `members`. */
  readonly id: string;
  /** Names and peer addresses of the new cluster, the same for each of its members. */
  readonly members: Readonly<Record<string, string>>;
  /**
   * Tells the new cluster from others; the same for all of its members. Follows from the snapshot
   * unless given.
   */
  readonly token?: string;
}

/**
 * Makes the directory of one member of a new cluster from a snapshot. Each of its members is
 * restored by itself, from the same file with the same `members` and `token`: so all of them begin
 * equal, with the snapshot committed. Resolves when the directory is on stable storage; after a
 * crash the same restore may be run again, and no member starts on what is not whole.
 *
 * @throws QuorateError `BAD_CONFIG` for options that do not fit and directories that are not empty,
 * `CORRUPT` for a snapshot that is not sound, `DATA_DIR_IN_USE`, `STORAGE_FAILED`
 */
export function restoreSnapshot(options: RestoreOptions): Promise<RestoredMember> {
  const { file, dir, members, token = null } = options;
  const ports = options.ports ?? createOsPorts();
  return settle(
    dir,
    () => {
      const configuration = createConfiguration(checkMembers(members));
      const id = checkId(options.id);
      if (id === null || !Object.hasOwn(members, id)) {
        const fact = `the members are ${Object.keys(members).join(", ")}`;
        throw refused("restore", "id", options.id, fact, "Name one of them.");
      }
      if (token === "") throw refused("restore", "token", '""', "it is empty", "Leave it out.");
      return restore(ports, { file, directory: dir, id, configuration, token });
    },
    damageHints.snapshot,
  );
}

function settle<Value>(
  directory: string,
  makeTask: () => Task<Value>,
  damageHint?: string,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const task = makeTask(); // what it throws rejects
    runTask(task, (error, value) => {
      if (error !== null) reject(fromOfflineError(error, directory, damageHint));
      else resolve(value as Value); // a task without an error has its value
    });
  });
}

function checkId(id: string | undefined): NodeId | null {
  if (id === undefined) return null;
  if (isNodeId(id)) return id;
  const fact = "a member's name is 1 to 64 characters of [A-Za-z0-9._-]";
  throw refused("look", "id", JSON.stringify(id), fact, "Give the member's own name.");
}

/** @throws QuorateError `BAD_CONFIG` */
function checkAddress(action: string, option: string, address: string): void {
  try {
    parseAddress(address);
  } catch (error) {
    const fact = error instanceof Error ? error.message : String(error);
    throw refused(action, option, JSON.stringify(address), fact, "Write it as host:port.");
  }
}
