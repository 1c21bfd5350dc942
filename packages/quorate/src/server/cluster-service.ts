/**
 * etcd's Cluster service: who the members are, and changing them. Members are known by ids here,
 * and by names in the log: `announced-id.ts` says how one gets a name that was added without.
 *
 * @etcd server/etcdserver/api/v3rpc/member.go
 */
import { isQuorateError, QuorateError } from "@quorate/raft";
import {
  type ClusterMember,
  decodeMemberAddRequest,
  decodeMemberListRequest,
  decodeMemberPromoteRequest,
  decodeMemberRemoveRequest,
  decodeMemberUpdateRequest,
  encodeMemberAddResponse,
  encodeMemberListResponse,
  encodeMemberPromoteResponse,
  encodeMemberRemoveResponse,
  encodeMemberUpdateResponse,
  type MemberAddRequest,
} from "../proto/index.ts";
import { type Call, type MethodTable, status } from "../rpc/index.ts";
import { announceMember } from "./announce-member.ts";
import { announcedIdOf } from "./announced-id.ts";
import { type Backend, createHeader } from "./backend.ts";
import { timeoutOf } from "./call-timeout.ts";
import { type KnownMember, knownMembers, toClusterMember } from "./member-table.ts";
import { addressOfUrl } from "./options.ts";
import { statusOfError } from "./server-errors.ts";

/** Attempts at a name for an address: so many members can have been at one. */
const announceAttemptsMax = 100;

/** Answers of this service carry no revision. */
type Answer = Pick<Parameters<typeof encodeMemberListResponse>[0], "header" | "members">;

export function registerCluster(methods: MethodTable, backend: Backend): void {
  const register = (name: string, run: (request: Uint8Array, timeoutMs: number) => Done): void => {
    methods.register(`/etcdserverpb.Cluster/${name}`, {
      kind: "unary",
      handle: (request, call) => settle(run(request, timeoutOf(backend, call)), call),
    });
  };
  register("MemberList", (bytes, timeoutMs) => {
    const { linearizable } = decodeMemberListRequest(bytes);
    return list(backend, linearizable, timeoutMs);
  });
  register("MemberAdd", (bytes, timeoutMs) =>
    addMember(backend, decodeMemberAddRequest(bytes), timeoutMs),
  );
  register("MemberRemove", (bytes, timeoutMs) => {
    const { ID } = decodeMemberRemoveRequest(bytes);
    const remove = ({ status: { id } }: KnownMember) =>
      backend.node.members.remove(id, { timeoutMs });
    return changeMember(backend, ID, timeoutMs, remove, encodeMemberRemoveResponse);
  });
  register("MemberUpdate", (bytes, timeoutMs) => {
    const { ID, peerURLs } = decodeMemberUpdateRequest(bytes);
    const update = async ({ status: { id } }: KnownMember): Promise<void> =>
      await backend.node.members.update(id, addressOfPeerUrls(peerURLs), { timeoutMs });
    return changeMember(backend, ID, timeoutMs, update, encodeMemberUpdateResponse);
  });
  register("MemberPromote", (bytes, timeoutMs) => {
    const { ID } = decodeMemberPromoteRequest(bytes);
    const promote = async ({ status: { id, role } }: KnownMember): Promise<void> => {
      if (role !== "learner") throw notALearner(id);
      await backend.node.members.promote(id, { timeoutMs });
    };
    return changeMember(backend, ID, timeoutMs, promote, encodeMemberPromoteResponse);
  });
}

type Done = Promise<Uint8Array>;

function settle(done: Done, call: Call): void {
  done.then(
    (message) => call.respond(message),
    (error: unknown) => {
      call.fail(error instanceof BadPeerUrls ? badPeerUrlsStatus(error) : statusOfError(error));
    },
  );
}

/** From this member's own state, as etcd 3.4 does, unless the client asks for more. */
async function list(backend: Backend, isLinearizable: boolean, timeoutMs: number): Done {
  const consistency = isLinearizable ? "linearizable" : "stale";
  const members = await listMembers(backend, { consistency, timeoutMs });
  return encodeMemberListResponse(answerOf(backend, members));
}

function answerOf(backend: Backend, members: ClusterMember[]): Answer {
  return { header: createHeader(backend, 0), members };
}

async function listMembers(
  backend: Backend,
  query: Parameters<typeof knownMembers>[1],
): Promise<ClusterMember[]> {
  return (await knownMembers(backend, query)).map(toClusterMember);
}

/**
 * It comes in as a learner, and becomes a voter by itself when it has been started and has caught
 * up: unlike in etcd, a member that is announced and not there costs no majority.
 */
async function addMember(
  backend: Backend,
  { peerURLs, isLearner }: MemberAddRequest,
  timeoutMs: number,
): Done {
  const address = addressOfPeerUrls(peerURLs);
  const taken = backend.node.status().members.find((member) => member.address === address);
  if (taken !== undefined) throw addressTaken(address, taken.id);
  const id = await announce(backend, address, isLearner, timeoutMs);
  const query = { consistency: "stale", timeoutMs } as const;
  const known = await knownMembers(backend, query);
  const added = known.find((member) => member.status.id === id);
  return encodeMemberAddResponse({
    ...answerOf(backend, known.map(toClusterMember)),
    member: added === undefined ? null : toClusterMember(added),
  });
}

/** Names are never used again: an address that had a member before has another one. */
async function announce(
  backend: Backend,
  address: string,
  isLearner: boolean,
  timeoutMs: number,
): Promise<string> {
  const startedMs = performance.now();
  for (let attempt = 1; ; attempt++) {
    const id = announcedIdOf(address, attempt);
    const as = isLearner ? "learner" : "promoted-learner";
    const leftMs = Math.max(1, timeoutMs - (performance.now() - startedMs));
    try {
      await announceMember(backend, { id, address, as, replaces: null }, leftMs);
      return id;
    } catch (error) {
      const isUsed =
        isQuorateError(error, "MEMBER_REMOVED") || isQuorateError(error, "MEMBER_EXISTS");
      if (!isUsed || attempt === announceAttemptsMax) throw error;
    }
  }
}

async function changeMember(
  backend: Backend,
  id: bigint,
  timeoutMs: number,
  change: (member: KnownMember) => Promise<void>,
  encode: (answer: Answer) => Uint8Array,
): Done {
  const known = await knownMembers(backend, { consistency: "stale", timeoutMs });
  const member = known.find((one) => one.id === id);
  if (member === undefined) throw memberUnknown(id, known);
  await change(member);
  return encode(answerOf(backend, await listAfter(backend, timeoutMs)));
}

/** A member that has just removed itself knows nobody any more, and has done what was asked. */
async function listAfter(backend: Backend, timeoutMs: number): Promise<ClusterMember[]> {
  try {
    return await listMembers(backend, { consistency: "stale", timeoutMs });
  } catch (error) {
    if (isQuorateError(error, "STOPPED")) return [];
    throw error;
  }
}

// --- refusals ------------------------------------------------------------------------------------

/** @throws BadPeerUrls unless it is one `http://host:port` */
function addressOfPeerUrls(peerUrls: readonly string[]): string {
  const [url] = peerUrls;
  if (url === undefined || peerUrls.length > 1) {
    throw new BadPeerUrls(`a member has one peer URL here, and these are ${peerUrls.length}`);
  }
  try {
    return addressOfUrl("peerURLs", url);
  } catch (error) {
    throw new BadPeerUrls(error instanceof Error ? error.message : String(error));
  }
}

class BadPeerUrls extends Error {
  override readonly name = "BadPeerUrls";
}

function badPeerUrlsStatus({ message }: BadPeerUrls): ReturnType<typeof status> {
  const told = {
    ...{ code: "BAD_CONFIG", outcome: "not-applied", details: { option: "peerURLs", value: "" } },
    ...{ message, hint: "Give one URL of the form http://host:port." },
  };
  const trailers = { "quorate-error": JSON.stringify(told) };
  return {
    ...status("invalidArgument", "etcdserver: given member URLs are invalid"),
    trailers,
  };
}

function addressTaken(address: string, by: string): QuorateError {
  const message = `Cannot change the members: the address ${address} is that of ${by}`;
  const hint = "Give each member an address of its own.";
  return refused("ADDRESS_TAKEN", message, hint, { id: "", address, by });
}

function memberUnknown(id: bigint, known: readonly KnownMember[]): QuorateError {
  const members = known.map((member) => member.status.id);
  const listed = known.map((member) => `${member.id.toString(16)} (${member.status.id})`);
  const fact = `there is no member ${id.toString(16)}; there are ${listed.join(", ")}`;
  const details = { id: id.toString(16), members };
  return refused(
    "MEMBER_UNKNOWN",
    `Cannot change the members: ${fact}`,
    "Name one of them.",
    details,
  );
}

function notALearner(id: string): QuorateError {
  const fact = `${id} is a voter already, and only a learner can be promoted`;
  const message = `Cannot change the members: ${fact}`;
  return refused("NOT_A_LEARNER", message, "Nothing is to be done.", { id });
}

function refused<Code extends "ADDRESS_TAKEN" | "MEMBER_UNKNOWN" | "NOT_A_LEARNER">(
  code: Code,
  message: string,
  hint: string,
  details: ConstructorParameters<typeof QuorateError<Code>>[2]["details"],
): QuorateError {
  return new QuorateError(code, message, { outcome: "not-applied", retry: "never", hint, details });
}
