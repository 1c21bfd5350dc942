/**
 * etcd's `Maintenance.MoveLeader`: the leader hands over to the voter of an id. Only the leader can
 * be asked; it answers when the other one leads.
 *
 * @etcd server/etcdserver/api/v3rpc/maintenance.go, server/etcdserver/server.go (MoveLeader)
 */
import { isQuorateError, QuorateError } from "@quorate/raft";
import { decodeMoveLeaderRequest, encodeMoveLeaderResponse } from "../proto/index.ts";
import type { MethodTable, Status } from "../rpc/index.ts";
import type { Backend } from "./backend.ts";
import { timeoutOf } from "./call-timeout.ts";
import { memberIdOf } from "./ids.ts";
import { statusOfError } from "./server-errors.ts";

export function registerMoveLeader(methods: MethodTable, backend: Backend): void {
  methods.register("/etcdserverpb.Maintenance/MoveLeader", {
    kind: "unary",
    handle: (request, call) => {
      const { targetID } = decodeMoveLeaderRequest(request);
      moveLeader(backend, targetID, timeoutOf(backend, call)).then(
        // As in etcd 3.4, which sends no header here.
        () => call.respond(encodeMoveLeaderResponse({ header: null })),
        (error: unknown) => call.fail(statusOfMove(error)),
      );
    },
  });
}

/** etcd has a text of its own where the time of a transfer is over. */
export function statusOfMove(error: unknown): Status {
  const status = statusOfError(error);
  if (!isQuorateError(error, "TIMEOUT")) return status;
  return { ...status, message: "etcdserver: request timed out, leader transfer took too long" };
}

/** @throws QuorateError, as `node.transferLeadership` */
async function moveLeader(backend: Backend, target: bigint, timeoutMs: number): Promise<void> {
  const { id, role, leader, clusterId, members } = backend.node.status();
  if (role !== "leader") throw notLeader(id, leader);
  const found = members.find((member) => memberIdOf(clusterId, member.id) === target);
  if (found === undefined) throw nobody(target);
  await backend.node.transferLeadership(found.id, { timeoutMs });
}

/** Before the target is looked at, as in etcd. */
function notLeader(id: string, leader: string | null): QuorateError {
  const fact = leader === null ? "and knows no leader" : `${leader} is`;
  return new QuorateError(
    "NOT_LEADER",
    `Cannot hand over the leadership: ${id} is not the leader, ${fact}`,
    {
      outcome: "not-applied",
      retry: leader === null ? "after" : "never",
      hint: leader === null ? "Try again when there is a leader." : `Ask ${leader}.`,
      details: { leader },
    },
  );
}

function nobody(target: bigint): QuorateError {
  const to = target.toString(16);
  return new QuorateError(
    "TRANSFER_REFUSED",
    `Cannot hand over the leadership: there is no member ${to}`,
    {
      outcome: "not-applied",
      retry: "never",
      hint: "Name a voter. See:  quorate member list",
      details: { to, why: "not-voter" },
    },
  );
}
