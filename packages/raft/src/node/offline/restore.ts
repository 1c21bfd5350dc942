/**
 * Makes the directory of a member of a new cluster from a snapshot. Every member of the new cluster
 * is restored from the same file with the same members and token, each in its own directory.
 * Callbacks below. Called by `offline.ts`.
 */
import { FormatError, type NodeId, type QuorateError } from "../../base/index.ts";
import type { Configuration } from "../../core/index.ts";
import type { DirectoryLock } from "../../ports/index.ts";
import {
  type DirectoryContent,
  type DirectoryIdentity,
  examineSnapshotFile,
  fillDirectory,
  type OpenedSnapshotFile,
  openSnapshotFile,
  perform,
  prepareEmpty,
  type SnapshotDescription,
  type SnapshotFileFinding,
  type Task,
} from "../../storage/index.ts";
import { deriveClusterId } from "../cluster-id.ts";
import {
  decodeSnapshotConfiguration,
  encodeSnapshotConfiguration,
} from "../snapshots/snapshot-configuration.ts";
import { type ReportedMember, type ReportedPosition, reportMembers } from "./directory-report.ts";
import { refused } from "./errors.ts";
import type { OfflinePorts } from "./recover.ts";

/** What a snapshot says of itself. */
export interface SnapshotContents extends ReportedPosition {
  /** The cluster that it is of; 16 hex digits. */
  readonly clusterId: string;
  /** Of the snapshot; a saved file may be up to 543 bytes longer. */
  readonly bytes: number;
  /** 16 hex digits. */
  readonly hash: string;
  /** The state of machines, by name, and what belongs to all of them (`@…`). */
  readonly sections: readonly { readonly name: string; readonly bytes: number }[];
  /** Who the members were; null if this version cannot tell. */
  readonly members: readonly ReportedMember[] | null;
}

/** A file, read to its end. */
export interface SnapshotReport {
  readonly file: string;
  readonly fileBytes: number;
  /** Null: sound. Else where it is not: bytes from its start, and why. */
  readonly damage: { readonly offset: number | null; readonly reason: string } | null;
  /** Null where not even that can be read. */
  readonly contents: SnapshotContents | null;
}

/** What a restore needs to know; checked by `offline.ts`. */
export interface RestoreRequest {
  readonly file: string;
  readonly directory: string;
  readonly id: NodeId;
  /** Of the new cluster. */
  readonly configuration: Configuration;
  /** Tells the new cluster from others; null: follows from the snapshot. */
  readonly token: string | null;
}

/** A member of the new cluster, ready to be started. */
export interface RestoredMember {
  readonly contents: SnapshotContents;
  /** Of the new cluster, the same for all of its members. */
  readonly clusterId: string;
  readonly token: string;
  readonly member: string;
  readonly members: readonly ReportedMember[];
}

/** Reads a file to its end and says what is in it, and whether it is sound. */
export function* inspectFile(ports: OfflinePorts, file: string): Task<SnapshotReport> {
  return reportFile(file, yield* examineSnapshotFile(ports, file));
}

function reportFile(file: string, finding: SnapshotFileFinding): SnapshotReport {
  const { fileBytes } = finding;
  if (finding.kind === "sound") {
    const contents = contentsOf(finding.clusterId, finding.description);
    return { file, fileBytes, damage: null, contents };
  }
  const { damage, described } = finding;
  const contents =
    described === null ? null : contentsOf(described.clusterId, described.description);
  const { reason, place } = damage;
  return { file, fileBytes, damage: { offset: place.offset, reason }, contents };
}

function contentsOf(clusterId: string, description: SnapshotDescription): SnapshotContents {
  const { identity, sections, configuration } = description;
  const { position, bytes, hash } = identity;
  const { index, term } = position;
  const members = membersOf(configuration);
  return { clusterId, index, term, bytes, hash, sections, members };
}

function membersOf(configuration: Uint8Array): readonly ReportedMember[] | null {
  try {
    return reportMembers(decodeSnapshotConfiguration(configuration).configuration);
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

/**
 * The directory is whole when this returns. A crash before leaves one on which no member starts,
 * and which the same restore may be run on again.
 */
export function* restore(ports: OfflinePorts, request: RestoreRequest): Task<RestoredMember> {
  const { file, directory } = request;
  const opened = yield* openSnapshotFile(ports, file);
  try {
    const restored = planRestore(request, opened);
    yield* perform((done) => ports.disk.makeDirectory(directory, done));
    const lock = yield* perform<DirectoryLock>((done) => ports.disk.lock(directory, done));
    try {
      yield* fill(ports, request, opened, restored.clusterId);
    } finally {
      yield* perform((done) => lock.release(() => done(null)));
    }
    return restored;
  } finally {
    yield* perform((done) => opened.reader.close(() => done(null)));
  }
}

/** @throws QuorateError if the new cluster would be the old one */
function planRestore(request: RestoreRequest, opened: OpenedSnapshotFile): RestoredMember {
  const { id, configuration, file } = request;
  const contents = contentsOf(opened.clusterId, opened.reader.description);
  const token = request.token ?? `restored-${contents.hash}`;
  const clusterId = deriveClusterId(configuration, token);
  if (clusterId === contents.clusterId) {
    const fact =
      `with these members it is that of the cluster that ${file} comes from, ` +
      "whose old members would be let in";
    throw refused("restore", "token", token, fact, "Give another token, or none.");
  }
  return { contents, clusterId, token, member: id, members: reportMembers(configuration) };
}

function* fill(
  ports: OfflinePorts,
  request: RestoreRequest,
  { reader }: OpenedSnapshotFile,
  clusterId: string,
): Task<void> {
  const { directory, id, configuration } = request;
  const place = { ...ports, directory };
  const found = yield* prepareEmpty(place);
  if (found.kind === "taken") throw notEmpty(directory, found.name);
  if (found.kind === "finished") {
    if (isSame(found.identity, clusterId, id)) return;
    throw notEmpty(directory, "identity");
  }
  const { position } = reader.description.identity;
  const content: DirectoryContent = {
    identity: { clusterId, member: id, incarnation: ports.random.id64() },
    hardState: { term: position.term, votedFor: null, mustCatchUp: false },
    snapshot: {
      position,
      configuration: encodeSnapshotConfiguration({ configuration, index: position.index }),
      reader,
    },
    entries: [],
    commit: position.index,
  };
  yield* fillDirectory(place, content);
}

function isSame(identity: DirectoryIdentity, clusterId: string, id: NodeId): boolean {
  return identity.clusterId === clusterId && identity.member === id;
}

function notEmpty(directory: string, name: string): QuorateError {
  const fact = `it holds a member's data already (${name})`;
  return refused("restore", "dir", directory, fact, "Name an empty directory, or a new one.");
}
