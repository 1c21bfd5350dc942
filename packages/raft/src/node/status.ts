/**
 * What a member knows of itself and the others at a moment, as plain data for people and
 * dashboards.
 */
import {
  allMembers,
  type Member as ClusterMember,
  type Configuration,
  isChangePending,
  lastIndex,
  type Raft,
  type Role,
} from "../core/index.ts";
import type { OpenedMember } from "./open-member.ts";

export interface NodeStatus {
  readonly id: string;
  /** 16 hex digits. */
  readonly clusterId: string;
  /** `host:port` where peers reach this member. */
  readonly address: string;
  readonly role: Role;
  readonly term: number;
  /** The known leader of the term, or null. */
  readonly leader: string | null;
  /** Log indexes: known to be committed; applied here; last here; on this member's disk. */
  readonly commit: number;
  readonly applied: number;
  readonly last: number;
  readonly durable: number;
  /** The log begins behind this index: what was before is in a snapshot. */
  readonly base: number;
  /** The newest snapshot on this member's disk; null: there is none. */
  readonly snapshot: SnapshotStatusOf | null;
  /** Index of the snapshot that is being written here, or null. */
  readonly takingSnapshot: number | null;
  /** What is being fetched from other members, or null. */
  readonly fetchingSnapshot: { readonly index: number; readonly doneBytes: number } | null;
  /** Recovery found damage, and this member does not vote until it has caught up. */
  readonly mustCatchUp: boolean;
  /** Of the configuration in force and of the committed one. */
  readonly members: readonly MemberStatus[];
  /** Of the entry that the committed ones of these are from, for `ifMembers` of a change. */
  readonly membersIndex: number;
  /** A change of the members is under way. */
  readonly changing: boolean;
}

/** A snapshot that is there. */
export interface SnapshotStatusOf {
  readonly index: number;
  readonly term: number;
  readonly bytes: number;
}

/**
 * `voter`; `learner`: gets the log and does not vote; `joining`: votes in the new half of a change
 * under way; `leaving`: in the old half only, or in the committed configuration only.
 */
export type MemberRole = "voter" | "learner" | "joining" | "leaving";

export interface MemberStatus {
  readonly id: string;
  readonly address: string;
  readonly role: MemberRole;
  /** Of a learner: it becomes a voter once it has caught up, in the place of `replaces`. */
  readonly whenReady: { readonly replaces: string | null } | null;
  /** Whether our connection to it stands; true for oneself. */
  readonly connected: boolean;
  /** Why not, as last heard. */
  readonly reason: string | null;
  /** As known by the leader: the last index on its disk. Null elsewhere. */
  readonly matched: number | null;
}

export function statusOf(opened: OpenedMember): NodeStatus {
  const { member, transport, clusterId } = opened;
  const { raft, peers, snapshots } = member;
  const { fetching } = snapshots.exchange;
  return {
    id: raft.id,
    clusterId,
    address: transport.address,
    role: raft.role,
    term: raft.hardState.term,
    leader: raft.leader,
    commit: raft.commit,
    applied: raft.applied,
    last: lastIndex(raft.log),
    durable: raft.durableIndex,
    base: raft.log.base.index,
    snapshot: snapshots.newest,
    takingSnapshot: snapshots.taking?.index ?? null,
    fetchingSnapshot:
      fetching === null
        ? null
        : { index: fetching.snapshot.position.index, doneBytes: fetching.receivedBytes },
    mustCatchUp: raft.hardState.mustCatchUp,
    membersIndex: raft.committedConfigurationIndex,
    changing: isChangePending(raft),
    members: membersOf(raft).map(({ id, address, whenReady }) => ({
      id,
      address,
      role: roleOf(raft.configuration, id),
      whenReady: whenReady ?? null,
      connected: peers.isConnected(id),
      reason: id === raft.id ? null : peers.of(id).reason,
      matched:
        raft.leadership === null
          ? null
          : id === raft.id
            ? raft.durableIndex
            : (raft.leadership.peers.get(id)?.matched ?? 0),
    })),
  };
}

function membersOf({ configuration, committedConfiguration }: Raft): ClusterMember[] {
  const members = [...allMembers(configuration)];
  for (const member of allMembers(committedConfiguration)) {
    if (!members.some(({ id }) => id === member.id)) members.push(member);
  }
  return members.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function roleOf({ voters, outgoing, learners }: Configuration, id: string): MemberRole {
  const has = (members: readonly ClusterMember[]): boolean =>
    members.some((member) => member.id === id);
  if (has(voters)) return outgoing === null || has(outgoing) ? "voter" : "joining";
  return has(learners) ? "learner" : "leaving";
}
