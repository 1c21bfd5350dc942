/** etcd's Cluster service: who the members are. Changes of membership are not served yet. */
import { type ClusterMember, encodeMemberListResponse } from "../proto/index.ts";
import type { MethodTable } from "../rpc/index.ts";
import { type Backend, createHeader } from "./backend.ts";
import { memberIdOf } from "./ids.ts";
import type { MemberAttributes } from "./members-machine.ts";
import { statusOfError } from "./server-errors.ts";

export function registerCluster(methods: MethodTable, backend: Backend): void {
  methods.register("/etcdserverpb.Cluster/MemberList", {
    kind: "unary",
    handle: (_request, call) => {
      listMembers(backend).then(
        (members) => call.respond(encodeMemberListResponse({ header: headerOf(backend), members })),
        (error: unknown) => call.fail(statusOfError(error)),
      );
    },
  });
}

/** Answers of this service carry no revision. */
function headerOf(backend: Backend): ReturnType<typeof createHeader> {
  return createHeader(backend, 0);
}

/** From this member's own state, as etcd 3.4 does: sorted by id. */
export async function listMembers(backend: Backend): Promise<ClusterMember[]> {
  const { members, clusterId } = backend.node.status();
  const attributes: Record<string, MemberAttributes> = await backend.machines.members.read(
    (state) => state.members,
    { consistency: "stale" },
  );
  const list = members.map((member): ClusterMember => {
    const known = attributes[member.id];
    return {
      ID: memberIdOf(clusterId, member.id),
      // Like etcd: a member that never started has an address, and neither a name nor client URLs.
      name: known === undefined ? "" : member.id,
      peerURLs: [`http://${member.address}`],
      clientURLs: [...(known?.clientUrls ?? [])],
      isLearner: false,
    };
  });
  return list.sort((a, b) => (a.ID < b.ID ? -1 : 1));
}
