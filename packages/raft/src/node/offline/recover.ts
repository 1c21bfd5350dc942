/**
 * Makes a cluster of one out of the directory of a stopped member, when the majority of the old
 * cluster is gone for good. Callbacks below, so that a test can crash it anywhere. Called by
 * `offline.ts`.
 */
import { logIndex, type NodeId, type QuorateError, term } from "../../base/index.ts";
import {
  type Configuration,
  createConfiguration,
  type Entry,
  encodeConfiguration,
  type PlacedConfiguration,
} from "../../core/index.ts";
import type { Ports } from "../../ports/index.ts";
import {
  type BuildPlace,
  type DirectoryContent,
  type FoundDirectory,
  letGo,
  lookInto,
  perform,
  replaceContent,
  type SnapshotReader,
  type Task,
} from "../../storage/index.ts";
import { deriveClusterId } from "../cluster-id.ts";
import { wrongCluster } from "../errors.ts";
import { type DirectoryReport, findConfiguration, reportOn } from "./directory-report.ts";
import { refused } from "./errors.ts";

export type OfflinePorts = Pick<Ports, "disk" | "clock" | "random" | "crc32">;

/** What a recovery needs to know; checked by `offline.ts`. */
export interface RecoverRequest {
  readonly directory: string;
  /** Whose directory it has to be; null: whoever's it is. */
  readonly id: NodeId | null;
  /** The cluster whose end this is, given by a person who has read what may be lost. */
  readonly clusterId: string;
  /** Where the member is from now on; null: where it was. */
  readonly address: string | null;
  /** Tells the new cluster from others; null: drawn. */
  readonly token: string | null;
}

/** The new cluster. */
export interface RecoveredCluster {
  /** Before. */
  readonly report: DirectoryReport;
  /** 16 hex digits: the directory's from now on. */
  readonly clusterId: string;
  readonly token: string;
  readonly member: string;
  /** `host:port` */
  readonly address: string;
  readonly term: number;
  /** Of the entry that makes this member the only one. All up to it counts as committed. */
  readonly last: number;
}

/** Looks, changes nothing, and lets go. */
export function* inspect(
  ports: OfflinePorts,
  directory: string,
  id: NodeId | null,
): Task<DirectoryReport> {
  const place = { ...ports, directory };
  const found = yield* lookInto(place);
  try {
    return reportOn(directory, found, checkFound(directory, found, id));
  } finally {
    yield* letGo(found);
  }
}

/** The directory is of the new cluster when this returns; before that, a crash leaves either. */
export function* recover(ports: OfflinePorts, request: RecoverRequest): Task<RecoveredCluster> {
  const { directory } = request;
  const place = { ...ports, directory };
  const found = yield* lookInto(place);
  try {
    const placed = checkFound(directory, found, request.id);
    const report = reportOn(directory, found, placed);
    const plan = planRecovery(request, report, found, ports);
    yield* rebuild(place, found, plan, ports.random.id64());
    const { clusterId, token, address, entry } = plan;
    const { member } = report;
    return { report, clusterId, token, member, address, term: entry.term, last: entry.index };
  } finally {
    yield* letGo(found);
  }
}

/** @throws QuorateError for a directory that no cluster can be made of */
function checkFound(
  directory: string,
  { identity, log }: FoundDirectory,
  id: NodeId | null,
): PlacedConfiguration {
  if (id !== null && id !== identity.member) {
    const fact = `the directory is that of member ${identity.member}`;
    throw refused("recover", "id", id, fact, "Name that member, or its own directory.");
  }
  if (log.snapshotVerdict.kind === "lost") throw lostSnapshot(directory, log.base.index);
  const placed = findConfiguration(log);
  if (placed !== null) return placed;
  const fact = "its log is empty: it has nothing of a cluster";
  const hint = "Look at the directories of the other members.";
  throw refused("recover", "dir", directory, fact, hint);
}

function lostSnapshot(directory: string, base: number): QuorateError {
  const fact = `its log begins after entry ${base}, and no snapshot that holds those can be read`;
  const hint = "Look at the other members' directories, or restore a saved snapshot.";
  return refused("recover", "dir", directory, fact, hint);
}

interface Plan {
  readonly clusterId: string;
  readonly token: string;
  readonly address: string;
  readonly entry: Entry;
}

function planRecovery(
  request: RecoverRequest,
  report: DirectoryReport,
  { identity }: FoundDirectory,
  { random }: OfflinePorts,
): Plan {
  checkConfirmation(request, report);
  const address = request.address ?? report.address;
  const { member } = identity;
  if (address === null) {
    const fact = `${member} has none in its log`;
    throw refused("recover", "address", '""', fact, "Give it one: host:port for other members.");
  }
  const configuration = createConfiguration([{ id: member, address }]);
  const token = request.token ?? `recovered-${random.id64()}`;
  const clusterId = deriveClusterId(configuration, token);
  if (clusterId === report.clusterId) {
    const fact = "with it the new cluster would have the id of the old one";
    throw refused("recover", "token", token, fact, "Give another token, or none.");
  }
  const entry = lastEntry(configuration, report.last.index, report.term);
  return { clusterId, token, address, entry };
}

/** As if the member had been elected alone, in a term of its own. */
function lastEntry(configuration: Configuration, last: number, inTerm: number): Entry {
  return {
    ...{ index: logIndex(last + 1), term: term(inTerm + 1), kind: "configuration" },
    data: encodeConfiguration(configuration),
  };
}

function checkConfirmation({ clusterId }: RecoverRequest, report: DirectoryReport): void {
  if (clusterId === report.clusterId) return;
  throw wrongCluster(
    `Cannot recover ${report.directory}: it belongs to cluster ${report.clusterId}, ` +
      `and cluster ${clusterId} was named`,
    clusterId,
    report.clusterId,
  );
}

function* rebuild(
  place: BuildPlace,
  found: FoundDirectory,
  plan: Plan,
  incarnation: string,
): Task<void> {
  const { log, identity } = found;
  const reader = yield* openReader(found);
  const position = log.snapshot?.identity.position ?? log.base;
  const content: DirectoryContent = {
    identity: { clusterId: plan.clusterId, member: identity.member, incarnation },
    hardState: { term: plan.entry.term, votedFor: identity.member, mustCatchUp: false },
    snapshot:
      reader === null
        ? null
        : { position, configuration: reader.description.configuration, reader },
    entries: [...log.entries.filter(({ index }) => index > position.index), plan.entry],
    commit: plan.entry.index,
  };
  try {
    yield* replaceContent(place, content);
  } finally {
    if (reader !== null) yield* perform((done) => reader.close(() => done(null)));
  }
}

/** Of the state that the log goes on from; null where the log is all there is. */
function* openReader({ log }: FoundDirectory): Task<SnapshotReader | null> {
  const { snapshot, store } = log;
  if (snapshot === null) return null;
  return yield* perform<SnapshotReader>((done) => store.snapshots.read(snapshot, done));
}
