/**
 * The members as clients see them: the node's own list, with what the members have said of
 * themselves. Also: whom a client means.
 */
import type { MemberRole, MemberStatus } from "@quorate/raft";
import type { ClusterMember, OperatorMember, OperatorRole } from "../proto/index.ts";
import type { Backend } from "./backend.ts";
import { memberIdOf } from "./ids.ts";
import type { MemberAttributes } from "./members-machine.ts";

export interface KnownMember {
  readonly status: MemberStatus;
  /** Null for a member that has not started yet. */
  readonly attributes: MemberAttributes | null;
  readonly id: bigint;
}

export interface MembersQuery {
  /** Linearizable: as of now, confirmed by a majority. Stale: what this member knows. */
  readonly consistency: "linearizable" | "stale";
  readonly timeoutMs: number;
}

/** Sorted by id, as etcd does. @throws QuorateError of a read */
export async function knownMembers(backend: Backend, query: MembersQuery): Promise<KnownMember[]> {
  const attributes: Record<string, MemberAttributes> = await backend.machines.members.read(
    (state) => state.members,
    query,
  );
  const { members, clusterId } = backend.node.status();
  return members
    .map((status) => ({
      status,
      attributes: Object.hasOwn(attributes, status.id) ? (attributes[status.id] ?? null) : null,
      id: memberIdOf(clusterId, status.id),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Like etcd: a member that never started has an address, and neither a name nor client URLs. */
export function toClusterMember({ status, attributes, id }: KnownMember): ClusterMember {
  return {
    ID: id,
    name: attributes === null ? "" : (attributes.shownAs ?? status.id),
    peerURLs: [`http://${status.address}`],
    clientURLs: [...(attributes?.clientUrls ?? [])],
    isLearner: status.role === "learner",
  };
}

const roles: Readonly<Record<MemberRole, OperatorRole>> = {
  voter: "VOTER",
  learner: "LEARNER",
  joining: "JOINING",
  leaving: "LEAVING",
};

export function toOperatorMember({ status, attributes, id }: KnownMember): OperatorMember {
  return {
    ID: id,
    id: status.id,
    name: attributes?.shownAs ?? status.id,
    address: status.address,
    role: roles[status.role],
    isStarted: attributes !== null,
    isWaiting: status.whenReady !== null,
    replaces: status.whenReady?.replaces ?? "",
    clientURLs: [...(attributes?.clientUrls ?? [])],
  };
}

/**
 * The name in the log of whom `text` means: that name itself, the one that the member was started
 * with, or its id in hex. What means nobody is returned as it is: the node says so.
 */
export function resolveMember(members: readonly KnownMember[], text: string): string {
  const isMeant = [
    ({ status }: KnownMember) => status.id === text,
    ({ attributes }: KnownMember) => attributes?.shownAs === text,
    ({ id }: KnownMember) => id.toString(16) === text.toLowerCase().replace(/^0x/, ""),
  ];
  for (const isIt of isMeant) {
    const found = members.filter(isIt);
    const [only] = found;
    if (only !== undefined && found.length === 1) return only.status.id;
  }
  return text;
}
