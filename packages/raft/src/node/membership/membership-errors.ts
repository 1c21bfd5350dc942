/**
 * What a change of the members, or a member's own standing, is refused for, as `QuorateError`s.
 * Called by the other files of this folder.
 */
import { type ErrorCode, type ErrorDetails, QuorateError } from "../../base/index.ts";
import {
  allMembers,
  type ChangeRefusal,
  type Configuration,
  promotionLagMax,
  type QuorumLoss,
} from "../../core/index.ts";
import type { OlderProgram, OtherMembers } from "../../transport/index.ts";
import { describeTooOld, programTooOld } from "../versions/version-errors.ts";

type Refusal = Exclude<
  ChangeRefusal | OlderProgram | OtherMembers,
  { readonly why: "not-leader" | "term-not-started" | "transferring" }
>;

/** A refusal that the caller can act on. `now`: the configuration as known here, for the texts. */
export function fromChangeRefusal(refusal: Refusal, now: Configuration): QuorateError {
  switch (refusal.why) {
    case "change-in-flight":
      return membersChanging(refusal.index);
    case "other-members":
      return membersChanged(refusal.index);
    case "unknown-member":
      return memberUnknown(refusal.id, now);
    case "already-member":
      return memberExists(refusal.id, now);
    case "already-voter":
      return notALearner(refusal.id);
    case "already-learner":
      return memberExists(refusal.id, now);
    case "was-removed":
      return memberRemoved(refusal.id);
    case "address-taken":
      return addressTaken(refusal.id, refusal.by, now);
    case "too-many-members":
      return tooMany("membersMax", refusal.max, "members");
    case "too-many-removed":
      return tooMany("removedMax", refusal.max, "names of removed members");
    case "no-voters":
      return wouldLoseQuorum({ half: "new", voters: 0, needed: 1, ready: 0, unready: [] });
    case "nothing-changes":
      return refused("MEMBER_EXISTS", "everything is as it shall be", "Nothing is to be done.", {
        ...{ id: "", address: "" },
      });
    case "learner-not-ready":
      return learnerNotReady(refusal);
    case "would-lose-quorum":
      return wouldLoseQuorum(refusal.loss);
    case "older-program": {
      const text = describeTooOld(refusal.id, refusal, refusal.known);
      return programTooOld(refusal.id, null, text);
    }
    default:
      return refusal satisfies never;
  }
}

function refused<Code extends ErrorCode>(
  code: Code,
  fact: string,
  hint: string,
  details: ErrorDetails[Code],
  retry: "after" | "never" = "never",
): QuorateError {
  const message = `Cannot change the members: ${fact}`;
  return new QuorateError(code, message, { outcome: "not-applied", retry, hint, details });
}

/** A change is under way, of which the entry is at `index`. */
export function membersChanging(index: number): QuorateError {
  const fact = `another change, at entry ${index}, is not done yet`;
  return refused("MEMBERS_CHANGING", fact, "Try again when it is.", { index }, "after");
}

function membersChanged(index: number): QuorateError {
  const fact = `they were changed meanwhile, by entry ${index}`;
  const hint = "Look at them again, and decide anew.";
  return refused("MEMBERS_CHANGED", fact, hint, { index });
}

function memberUnknown(id: string, now: Configuration): QuorateError {
  const members = allMembers(now).map((member) => member.id);
  const fact = `there is no member ${id}; there are ${members.join(", ")}`;
  return refused("MEMBER_UNKNOWN", fact, "Name one of them.", { id, members });
}

function memberExists(id: string, now: Configuration): QuorateError {
  const address = allMembers(now).find((member) => member.id === id)?.address ?? "";
  const fact = `${id} is a member already, at ${address}`;
  const hint = "Choose another name, or change its address with update.";
  return refused("MEMBER_EXISTS", fact, hint, { id, address });
}

function notALearner(id: string): QuorateError {
  const fact = `${id} is a voter already, and only a learner can be promoted`;
  return refused("NOT_A_LEARNER", fact, "Nothing is to be done.", { id });
}

/** Of a name that is asked for again. */
function memberRemoved(id: string): QuorateError {
  const fact = `a member ${id} was removed, and its name is never used again`;
  const hint = "Choose another name; use an empty directory.";
  return refused("MEMBER_REMOVED", fact, hint, { id });
}

function addressTaken(id: string, by: string, now: Configuration): QuorateError {
  const address = allMembers(now).find((member) => member.id === by)?.address ?? "";
  const fact = `${id} cannot have the address ${address}: it is that of ${by}`;
  const hint = "Give each member an address of its own.";
  return refused("ADDRESS_TAKEN", fact, hint, { id, address, by });
}

function tooMany(
  limit: ErrorDetails["TOO_MANY_MEMBERS"]["limit"],
  limitValue: number,
  what: string,
): QuorateError {
  const fact = `a cluster has at most ${limitValue} ${what} (${limit})`;
  const hint = "Remove a member first, or start another cluster.";
  return refused("TOO_MANY_MEMBERS", fact, hint, { limit, limitValue });
}

function learnerNotReady(
  refusal: Extract<ChangeRefusal, { readonly why: "learner-not-ready" }>,
): QuorateError {
  const { id, because, matched, commit } = refusal;
  const lacks = commit - matched;
  const fact =
    because === "silent"
      ? `${id} has not answered the leader within an election timeout`
      : `${id} has the log up to ${matched} and lacks ${lacks} committed entries; a voter may ` +
        `lack ${promotionLagMax}`;
  const hint =
    because === "silent"
      ? `Start ${id}, or see why it cannot be reached.`
      : `Wait until ${id} has caught up, or add it with autoPromote.`;
  const details = { id, why: because, matched, commit, lagMax: promotionLagMax };
  return refused("LEARNER_NOT_READY", fact, hint, details, "after");
}

function wouldLoseQuorum(loss: QuorumLoss): QuorateError {
  const { half, voters, needed, ready, unready } = loss;
  const of = half === "old" ? "before the change" : "after the change";
  const why = unready.map((member) => `${member.id} is ${member.why}`).join(", ");
  const list = why === "" ? "" : `: ${why}`;
  const fact = `${needed} of the ${voters} voters ${of} must be ready, and ${ready} are${list}`;
  const names = unready.map(({ id }) => id).join(" and ");
  const hint =
    unready.length === 0
      ? "Keep a voter: add another member first."
      : `Start ${names}, or add the new members as learners first.`;
  return refused("WOULD_LOSE_QUORUM", fact, hint, { ...loss }, "after");
}

/** A name, an address or a combination that cannot be meant. */
export function badMember(option: string, value: string, fact: string, hint: string): QuorateError {
  return refused("BAD_CONFIG", `${option} ${value}: ${fact}`, hint, { option, value });
}

/** A learner that was to become a voter is no member any more. */
export function learnerGone(id: string): QuorateError {
  return new QuorateError("MEMBER_REMOVED", `Cannot promote ${id}: it was removed meanwhile`, {
    outcome: "unknown",
    retry: "never",
    hint: "List the members and see who removed it.",
    details: { id },
  });
}

// --- the own standing ----------------------------------------------------------------------------

/** Ends a member that was removed. */
export function selfRemoved(id: string): QuorateError {
  return new QuorateError(
    "MEMBER_REMOVED",
    `Cannot go on: member ${id} was removed from the cluster, and its name is never used again`,
    {
      outcome: "unknown",
      retry: "never",
      hint: "Stop its process; in its place add a member with a new name and an empty directory.",
      details: { id },
    },
  );
}

/** Ends a member that a peer does not take for the one it was. `text`: the peer's. */
export function staleDirectory(
  id: string,
  why: ErrorDetails["STALE_DIRECTORY"]["why"],
  by: string,
  text: string,
): QuorateError {
  return new QuorateError("STALE_DIRECTORY", `Cannot go on: ${by} says: ${text}`, {
    outcome: "unknown",
    retry: "never",
    hint: `Run: quorate member replace ${id} NEW --address HOST:PORT`,
    details: { id, why, by },
  });
}

/** Nobody of those that were asked lets this member in. */
export function cannotJoin(
  fact: string,
  attempts: ErrorDetails["CANNOT_JOIN"]["attempts"],
  hint: string,
): QuorateError {
  const details = attempts.map(({ address, reason }) => `${address}: ${reason}`).join("; ");
  return new QuorateError("CANNOT_JOIN", `Cannot join: ${fact} (${details})`, {
    outcome: "not-applied",
    retry: "after",
    hint,
    details: { attempts },
  });
}
