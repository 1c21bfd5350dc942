/** What every service needs: the node with its machines, and the header of answers. */
import {
  type HandlesOf,
  type MachineDeclaration,
  type Node,
  type RawMachineHandle,
  rawMachine,
} from "@quorate/raft";
import { createKvMachine, type KvMachine, type KvResult } from "../kv/index.ts";
import type { ResponseHeader } from "../proto/index.ts";
import { idOfHex, memberIdOf } from "./ids.ts";
import { membersMachine } from "./members-machine.ts";
import type { ServerOptions } from "./options.ts";

// A type and not an interface: only types have the index signature that declarations need.
export type ServerMachines = {
  readonly kv: MachineDeclaration<RawMachineHandle<KvResult, KvMachine>>;
  readonly members: typeof membersMachine;
};

/** The server's machines, sharing one log. */
export const serverMachines: ServerMachines = {
  kv: rawMachine(createKvMachine),
  members: membersMachine,
};

export interface Backend {
  readonly node: Node<ServerMachines>;
  readonly machines: HandlesOf<ServerMachines>;
  readonly clusterId: bigint;
  readonly memberId: bigint;
  /** Milliseconds for one request, as in etcd: 5 s and two election timeouts. */
  readonly requestTimeoutMs: number;
  /** Bytes of one request that is written to the log. */
  readonly requestBytesMax: number;
  /** How reads are answered that are not serializable; both are linearizable. */
  readonly consistency: "linearizable" | "lease";
}

export type { KvMachine, KvResult };

type BackendOptions = Pick<ServerOptions, "electionMs" | "leaseDriftPermille">;

export function createBackend(
  node: Node<ServerMachines>,
  { electionMs, leaseDriftPermille }: BackendOptions,
  requestBytesMax: number,
): Backend {
  const { clusterId, id } = node.status();
  return {
    node,
    machines: node.machines,
    clusterId: idOfHex(clusterId),
    memberId: memberIdOf(clusterId, id),
    requestTimeoutMs: 5_000 + 2 * electionMs,
    requestBytesMax,
    consistency: leaseDriftPermille === null ? "linearizable" : "lease",
  };
}

/** The header of an answer; `revision` 0 where etcd leaves it out. */
export function createHeader(backend: Backend, revision: number): ResponseHeader {
  return {
    clusterId: backend.clusterId,
    memberId: backend.memberId,
    revision,
    raftTerm: backend.node.term,
  };
}
