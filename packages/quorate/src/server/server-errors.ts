/**
 * Our errors as gRPC's statuses, with etcd's codes and exact texts: clients match both. What etcd
 * has no words for travels beside them in the trailer `quorate-error`.
 */
import { type ErrorCode, QuorateError } from "@quorate/raft";
import type { KvError, KvErrorCode } from "../kv/index.ts";
import { type Status, type StatusName, status } from "../rpc/index.ts";

const kvCodes: Record<KvErrorCode, StatusName> = {
  InvalidArgument: "invalidArgument",
  NotFound: "notFound",
  OutOfRange: "outOfRange",
};

export function statusOfKvError(error: KvError): Status {
  return status(kvCodes[error.code], error.text);
}

export const requestTooLarge: Status = status(
  "invalidArgument",
  "etcdserver: request is too large",
);

const texts: Record<ErrorCode, readonly [StatusName, string]> = {
  NO_QUORUM: ["unavailable", "etcdserver: no leader"],
  TIMEOUT: ["unavailable", "etcdserver: request timed out"],
  LEADERSHIP_LOST: [
    "unavailable",
    "etcdserver: request timed out, possibly due to previous leader failure",
  ],
  TOO_LARGE: ["invalidArgument", "etcdserver: request is too large"],
  OVERLOADED: ["resourceExhausted", "etcdserver: too many requests"],
  STOPPED: ["unavailable", "etcdserver: server stopped"],
  ABORTED: ["cancelled", "etcdserver: request canceled"],
  BAD_CONFIG: ["internal", "etcdserver: bad configuration"],
  DATA_DIR_IN_USE: ["internal", "etcdserver: data directory in use"],
  WRONG_CLUSTER: ["failedPrecondition", "etcdserver: cluster ID mismatch"],
  CORRUPT: ["dataLoss", "etcdserver: corrupt cluster"],
  STORAGE_FAILED: ["unavailable", "etcdserver: server stopped"],
  NO_SPACE: ["resourceExhausted", "etcdserver: no space left on device"],
  UNKNOWN_COMMAND: ["internal", "etcdserver: unknown command"],
  COMMAND_FAILED: ["internal", "etcdserver: command failed"],
  SESSION_EXPIRED: ["failedPrecondition", "etcdserver: session expired"],
  REPLY_LOST: ["internal", "etcdserver: reply lost"],
  DIVERGED: ["unavailable", "etcdserver: server stopped"],
  NONDETERMINISTIC: ["internal", "etcdserver: command is not deterministic"],
  BAD_ARGUMENT: ["invalidArgument", "etcdserver: bad argument"],
  MEMBER_EXISTS: ["failedPrecondition", "etcdserver: member ID already exist"],
  ADDRESS_TAKEN: ["failedPrecondition", "etcdserver: Peer URLs already exists"],
  MEMBER_UNKNOWN: ["notFound", "etcdserver: member not found"],
  MEMBER_REMOVED: ["notFound", "etcdserver: member not found"],
  NOT_A_LEARNER: ["failedPrecondition", "etcdserver: can only promote a learner member"],
  LEARNER_NOT_READY: [
    "failedPrecondition",
    "etcdserver: can only promote a learner member which is in sync with leader",
  ],
  WOULD_LOSE_QUORUM: [
    "failedPrecondition",
    "etcdserver: re-configuration failed due to not enough started members",
  ],
  TOO_MANY_MEMBERS: ["failedPrecondition", "etcdserver: too many members in cluster"],
  MEMBERS_CHANGING: ["unavailable", "etcdserver: another membership change is under way"],
  MEMBERS_CHANGED: ["failedPrecondition", "etcdserver: the members were changed meanwhile"],
  NOT_ENABLED_YET: ["unavailable", "etcdserver: not all members can do this yet"],
  PROGRAM_TOO_OLD: ["failedPrecondition", "etcdserver: the member's program is too old"],
  STALE_DIRECTORY: ["unavailable", "etcdserver: server stopped"],
  NOT_LEADER: ["failedPrecondition", "etcdserver: not leader"],
  TRANSFER_REFUSED: ["failedPrecondition", "etcdserver: bad leader transferee"],
  TRANSFER_FAILED: ["unavailable", "etcdserver: request timed out, leader transfer took too long"],
  CANNOT_JOIN: ["unavailable", "etcdserver: cannot join the cluster"],
};

/** The status of what a call to the node was refused for; a bug is Internal with its text. */
export function statusOfError(error: unknown): Status {
  if (!(error instanceof QuorateError)) {
    return status("internal", error instanceof Error ? error.message : String(error));
  }
  const { code, outcome, hint, message, details }: QuorateError = error;
  const [name, text] = texts[code];
  const told = JSON.stringify({ code, outcome, hint, message, details });
  return { ...status(name, text), trailers: { "quorate-error": told } };
}
