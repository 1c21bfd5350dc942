/**
 * What a member knows of itself and the others at a moment, as plain data for people and
 * dashboards.
 */
import type { Role } from "../core/index.ts";
import { lastIndex } from "../core/index.ts";
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
  /** Recovery found damage, and this member does not vote until it has caught up. */
  readonly mustCatchUp: boolean;
  readonly members: readonly MemberStatus[];
}

export interface MemberStatus {
  readonly id: string;
  readonly address: string;
  /** Whether our connection to it stands; true for oneself. */
  readonly connected: boolean;
  /** Why not, as last heard. */
  readonly reason: string | null;
  /** As known by the leader: the last index on its disk. Null elsewhere. */
  readonly matched: number | null;
}

export function statusOf(opened: OpenedMember): NodeStatus {
  const { member, transport, clusterId } = opened;
  const { raft, peers } = member;
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
    mustCatchUp: raft.hardState.mustCatchUp,
    members: raft.configuration.voters.map(({ id, address }) => ({
      id,
      address,
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
