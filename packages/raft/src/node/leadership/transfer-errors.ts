/** What handing over the leadership is refused for, or fails of, as `QuorateError`s. */
import { type ErrorDetails, type NodeId, QuorateError } from "../../base/index.ts";
import type { TransferRefusal } from "../../core/index.ts";

/** `leader`: as known here. */
export function notLeader(id: NodeId, leader: NodeId | null): QuorateError {
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

type Refusal = Exclude<TransferRefusal, { readonly why: "not-leader" }>;

export function transferRefused(refusal: Refusal): QuorateError {
  const to = "to" in refusal ? refusal.to : null;
  const { fact, hint } = textsOf(refusal);
  const isLasting = refusal.why === "not-voter";
  return new QuorateError("TRANSFER_REFUSED", `Cannot hand over the leadership: ${fact}`, {
    outcome: "not-applied",
    retry: isLasting ? "never" : "after",
    hint,
    details: { to, why: refusal.why },
  });
}

function textsOf(refusal: Refusal): { readonly fact: string; readonly hint: string } {
  switch (refusal.why) {
    case "term-not-started":
      return {
        fact: "the leader has not committed an entry of its term yet",
        hint: "Try again, and see with explain() what holds back commitment.",
      };
    case "transfer-in-flight":
      return { fact: `it is being handed over to ${refusal.to}`, hint: "Wait for that to end." };
    case "change-in-flight":
      return {
        fact: `a change of the members, at entry ${refusal.index}, is not done yet`,
        hint: "Try again when it is.",
      };
    case "no-target":
      return {
        fact: "no other voter answers, has a healthy disk and almost all of the log",
        hint: "Start another voter, or see with explain() what it lacks.",
      };
    case "to-self":
      return { fact: `${refusal.to} is the leader`, hint: "Nothing is to be done." };
    case "not-voter":
      return { fact: `${refusal.to} is no voter`, hint: "Name a voter, or nobody." };
    case "unreachable":
      return {
        fact: `${refusal.to} has not answered within an election timeout`,
        hint: `Start ${refusal.to}, or name another voter.`,
      };
    case "unhealthy":
      return {
        fact: `${refusal.to} says that its disk is unhealthy`,
        hint: `See to the disk of ${refusal.to}, or name another voter.`,
      };
    case "behind":
      return {
        fact: `${refusal.to} has the log up to ${refusal.matched}, committed is ${refusal.commit}`,
        hint: "Wait until it has caught up, or name another voter.",
      };
    default:
      return refusal satisfies never;
  }
}

type Failure = ErrorDetails["TRANSFER_FAILED"]["why"];

/** It was begun. `leader`: who leads now, as known here. */
export function transferFailed(to: NodeId, why: Failure, leader: NodeId | null): QuorateError {
  const facts: Readonly<Record<Failure, string>> = {
    "timed-out": `${to} did not take over within an election timeout; the leader goes on`,
    unfit: `${to} says that its disk is unhealthy; the leader goes on`,
    "other-leader": `${leader ?? "another member"} leads now, not ${to}`,
  };
  return new QuorateError("TRANSFER_FAILED", `Cannot hand over the leadership: ${facts[why]}`, {
    outcome: why === "other-leader" ? "applied" : "not-applied",
    retry: "after",
    hint: "Try again, or name another voter.",
    details: { to, why, leader },
  });
}
