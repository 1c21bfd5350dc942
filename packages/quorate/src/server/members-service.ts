/**
 * `quorate.Members`: members by their names, for our own command line. One method, `Do`: it lists
 * the members, or changes them first. What etcd's Cluster service has no field for is here: names,
 * learners that promote themselves, replacing.
 */
import { isQuorateError } from "@quorate/raft";
import {
  decodeOperatorRequest,
  encodeOperatorResponse,
  type OperatorAddAs,
  type OperatorRequest,
} from "../proto/index.ts";
import type { MethodTable } from "../rpc/index.ts";
import { type Announcement, announceMember } from "./announce-member.ts";
import { type Backend, createHeader } from "./backend.ts";
import { timeoutOf } from "./call-timeout.ts";
import { knownMembers, resolveMember, toOperatorMember } from "./member-table.ts";
import { statusOfError } from "./server-errors.ts";

export function registerMembers(methods: MethodTable, backend: Backend): void {
  methods.register("/quorate.Members/Do", {
    kind: "unary",
    handle: (bytes, call) => {
      const request = decodeOperatorRequest(bytes);
      doChange(backend, request, timeoutOf(backend, call)).then(
        (message) => call.respond(message),
        (error: unknown) => call.fail(statusOfError(error)),
      );
    },
  });
}

async function doChange(
  backend: Backend,
  request: OperatorRequest,
  timeoutMs: number,
): Promise<Uint8Array> {
  const startedMs = performance.now();
  const known = await knownMembers(backend, { consistency: "stale", timeoutMs });
  const member = resolveMember(known, request.member);
  await apply(backend, { ...request, member }, timeoutMs);
  const leftMs = Math.max(1, timeoutMs - (performance.now() - startedMs));
  const members = await listAfter(backend, request.change === "LIST", leftMs);
  return encodeOperatorResponse({ header: createHeader(backend, 0), members });
}

async function apply(backend: Backend, request: OperatorRequest, timeoutMs: number): Promise<void> {
  const { change, member, newMember, address, addAs } = request;
  const { members } = backend.node;
  const options = { timeoutMs };
  switch (change) {
    case "LIST":
      return;
    case "ADD":
      return await announceMember(
        backend,
        { id: member, address, as: addAsWords[addAs], replaces: null },
        timeoutMs,
      );
    case "REPLACE":
      return await announceMember(
        backend,
        { id: newMember, address, as: "promoted-learner", replaces: member },
        timeoutMs,
      );
    case "PROMOTE":
      return await members.promote(member, options);
    case "DEMOTE":
      return await members.demote(member, options);
    case "REMOVE":
      return await members.remove(member, options);
    case "UPDATE":
      return await members.update(member, address, options);
    default:
      change satisfies never;
  }
}

const addAsWords: Readonly<Record<OperatorAddAs, Announcement["as"]>> = {
  PROMOTED_LEARNER: "promoted-learner",
  LEARNER: "learner",
  VOTER: "voter",
};

/**
 * After a change, what this member knows: it has applied it. A member that has just removed itself
 * knows nothing any more, and has done what was asked.
 */
async function listAfter(
  backend: Backend,
  isRead: boolean,
  timeoutMs: number,
): Promise<ReturnType<typeof toOperatorMember>[]> {
  try {
    const consistency = isRead ? "linearizable" : "stale";
    return (await knownMembers(backend, { consistency, timeoutMs })).map(toOperatorMember);
  } catch (error) {
    if (!isRead && isQuorateError(error, "STOPPED")) return [];
    throw error;
  }
}
