/**
 * What the directory of a stopped member holds, as plain data, and what would be lost if its member
 * went on alone. Pure.
 */
import {
  allMembers,
  type Configuration,
  decodeConfiguration,
  type PlacedConfiguration,
} from "../../core/index.ts";
import type { FoundDirectory, OpenedLog } from "../../storage/index.ts";
import { describeCount } from "../insight/words.ts";
import { decodeSnapshotConfiguration } from "../snapshots/snapshot-configuration.ts";

/** An entry of the log by its place. */
export interface ReportedPosition {
  readonly index: number;
  readonly term: number;
}

export interface ReportedMember {
  readonly id: string;
  /** `host:port` */
  readonly address: string;
  readonly role: "voter" | "leaving" | "learner";
}

/** The directory of a stopped member. */
export interface DirectoryReport {
  readonly directory: string;
  /** 16 hex digits. */
  readonly clusterId: string;
  readonly member: string;
  /** 16 hex digits. */
  readonly incarnation: string;
  /** As the newest configuration in the log says, committed or not; `leaving`: in its old half. */
  readonly members: readonly ReportedMember[];
  /** The address of this member in it; null if it is not among them. */
  readonly address: string | null;
  readonly term: number;
  /** The log begins after this. */
  readonly base: ReportedPosition;
  readonly last: ReportedPosition;
  /** All up to here is known to be committed. */
  readonly commit: number;
  /** The state that the log goes on from; null: it begins at its beginning. */
  readonly snapshot: (ReportedPosition & { readonly bytes: number; readonly hash: string }) | null;
  /** The last write cannot be read, and may have been acknowledged. */
  readonly lostTail: { readonly file: string; readonly offset: number } | null;
  /** This member knows that it may lack something that it had acknowledged. */
  readonly mustCatchUp: boolean;
  /** What a start would warn of. */
  readonly warnings: readonly string[];
}

/** The newest configuration of a log, and where it stands. */
export function findConfiguration(log: OpenedLog): PlacedConfiguration | null {
  for (let at = log.entries.length - 1; at >= 0; at--) {
    const entry = log.entries[at];
    if (entry?.kind !== "configuration") continue;
    return { configuration: decodeConfiguration(entry.data), index: entry.index };
  }
  return log.snapshot === null ? null : decodeSnapshotConfiguration(log.snapshot.configuration);
}

/** `placed`: as `findConfiguration` found it. */
export function reportOn(
  directory: string,
  { identity, log, warnings }: FoundDirectory,
  { configuration }: PlacedConfiguration,
): DirectoryReport {
  const members = reportMembers(configuration);
  const { snapshot, verdict, base } = log;
  const last = log.entries.at(-1) ?? base;
  const isUnknown = verdict.kind === "unknown";
  return {
    directory,
    clusterId: identity.clusterId,
    member: identity.member,
    incarnation: identity.incarnation,
    members,
    address: members.find(({ id }) => id === identity.member)?.address ?? null,
    term: log.hardState.term,
    base: { index: base.index, term: base.term },
    last: { index: last.index, term: last.term },
    commit: log.commit,
    snapshot:
      snapshot === null
        ? null
        : {
            ...{ index: snapshot.identity.position.index, term: snapshot.identity.position.term },
            ...{ bytes: snapshot.identity.bytes, hash: snapshot.identity.hash },
          },
    lostTail: isUnknown ? { file: verdict.file, offset: verdict.offset } : null,
    mustCatchUp: log.hardState.mustCatchUp,
    warnings,
  };
}

export function reportMembers(configuration: Configuration): readonly ReportedMember[] {
  const has = (members: readonly { readonly id: string }[], wanted: string): boolean =>
    members.some(({ id }) => id === wanted);
  return allMembers(configuration).map(({ id, address }) => {
    if (has(configuration.voters, id)) return { id, address, role: "voter" };
    return { id, address, role: has(configuration.learners, id) ? "learner" : "leaving" };
  });
}

/** Each in a sentence: what may be lost, and what becomes true, if this member goes on alone. */
export function describeLosses(report: DirectoryReport): readonly string[] {
  return [
    ...describeOthers(report),
    ...describeUncommitted(report),
    ...describeRole(report),
    ...describeTail(report),
  ];
}

/** Then all that is on its disk is committed. */
function isOnlyVoter({ members, member }: DirectoryReport): boolean {
  return members.every(({ id, role }) => (role === "voter") === (id === member));
}

function describeOthers(report: DirectoryReport): readonly string[] {
  const { last, members, member } = report;
  const others = members.filter(({ id }) => id !== member).map(({ id }) => id);
  if (others.length === 0) return [];
  const names = others.join(", ");
  const [belong, their] = others.length === 1 ? ["belongs", "its"] : ["belong", "their"];
  const fenced =
    `${names} ${belong} to the old cluster from then on: refused with ${their} old data, ` +
    "welcome as new members with empty directories.";
  if (isOnlyVoter(report)) return [fenced];
  const lost =
    `What ${names} acknowledged and this log lacks is lost: it ends with entry ${last.index} of ` +
    `term ${last.term}.`;
  return [lost, fenced];
}

function describeUncommitted(report: DirectoryReport): readonly string[] {
  const { last, commit } = report;
  const count = last.index - commit;
  if (count <= 0 || isOnlyVoter(report)) return [];
  const range = count === 1 ? `entry ${last.index}` : `entries ${commit + 1} to ${last.index}`;
  const are = describeCount(count, "entry is", "entries are");
  const text =
    `${are} not known to be committed (${range}): from then on they count, also where a client ` +
    "was told that its command failed.";
  return [text];
}

function describeRole({ members, member }: DirectoryReport): readonly string[] {
  const self = members.find(({ id }) => id === member);
  if (self === undefined) {
    return [`${member} is no member by its own log: it was removed, or not added yet.`];
  }
  if (self.role !== "learner") return [];
  return [`${member} is a learner: it may be behind what the voters have acknowledged.`];
}

function describeTail({ lostTail, mustCatchUp, member }: DirectoryReport): readonly string[] {
  if (lostTail !== null) {
    const { file, offset } = lostTail;
    const where = `${file} at ${offset}`;
    return [
      `The last write (${where}) cannot be read, may have been acknowledged, and is given up.`,
    ];
  }
  if (!mustCatchUp) return [];
  return [`${member} knows that it may lack entries that it had acknowledged.`];
}
