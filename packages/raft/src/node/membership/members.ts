/**
 * The members as programs see and change them: `node.members`. Promises begin here. Not here: how a
 * change finds its leader (`member-changes.ts`), what it makes of a configuration
 * (`core/membership-plan.ts`).
 */
import {
  FormatError,
  isNodeId,
  type LogIndex,
  logIndex,
  type NodeId,
  QuorateError,
} from "../../base/index.ts";
import { isLearner, type MemberChange } from "../../core/index.ts";
import type { CancelSignal, ReadOptions } from "../../machine/index.ts";
import { changesMax, parseAddress } from "../../transport/index.ts";
import { aborted } from "../errors.ts";
import type { NodeEvents } from "../events.ts";
import { callRead, checkCall, type HostParts, onAbort } from "../machine-host.ts";
import type { MemberStatus } from "../status.ts";
import { badMember } from "./membership-errors.ts";

export interface ChangeOptions {
  /** Milliseconds to wait; the node's default if left out. At the end only the waiting ends. */
  readonly timeoutMs?: number;
  /** An `AbortSignal`; it ends the waiting. */
  readonly signal?: CancelSignal;
  /**
   * Only if the members are still those of this entry (`status().membersIndex`), or the change is
   * made already; else `MEMBERS_CHANGED`. For who looks at them, decides, and may not be alone.
   */
  readonly ifMembers?: number;
}

export interface CatchUpOptions extends ChangeOptions {
  /** Hears how far the new member has come, as the event `member-progress` does. */
  readonly onProgress?: (progress: NodeEvents["member-progress"]) => void;
}

export interface AddOptions extends CatchUpOptions {
  /** It gets the log and does not vote, until `promote`; with `autoPromote: true` until then. */
  readonly learner?: boolean;
  /**
   * It gets the log first, and becomes a voter when it has caught up: whoever leads then promotes
   * it. True unless given. False: it is a voter at once, which a preflight refuses if the cluster
   * could not decide without it.
   */
  readonly autoPromote?: boolean;
}

/** One step of a change; the steps of a change come into force together, or not at all. */
export type MemberStep =
  | {
      readonly kind: "add";
      readonly id: string;
      readonly address: string;
      readonly as: "voter" | "learner";
    }
  | { readonly kind: "promote" | "demote" | "remove"; readonly id: string }
  | { readonly kind: "update-address"; readonly id: string; readonly address: string };

/**
 * Who the members are, and changing them, at any member. A change resolves when it is in force for
 * good; what is done already resolves at once, so that a change may be asked for again after
 * `unknown`.
 *
 * @throws QuorateError of a change: `MEMBER_EXISTS`, `ADDRESS_TAKEN`, `MEMBER_UNKNOWN`,
 * `MEMBER_REMOVED`, `NOT_A_LEARNER`, `LEARNER_NOT_READY`, `WOULD_LOSE_QUORUM`, `TOO_MANY_MEMBERS`,
 * `MEMBERS_CHANGING`, `MEMBERS_CHANGED`, and those of every proposal
 */
export interface Members {
  /** As of now, linearizable unless asked otherwise. */
  list(options?: ReadOptions): Promise<readonly MemberStatus[]>;
  /** Resolves when it is a voter; with `learner`, when it is a learner. */
  add(id: string, address: string, options?: AddOptions): Promise<void>;
  /** A learner becomes a voter. */
  promote(id: string, options?: ChangeOptions): Promise<void>;
  /** A voter becomes a learner. */
  demote(id: string, options?: ChangeOptions): Promise<void>;
  /** For good: its name is never used again, and its process ends with `MEMBER_REMOVED`. */
  remove(id: string, options?: ChangeOptions): Promise<void>;
  /**
   * A new member in the place of another, which may be dead: it gets the log first, and when it has
   * caught up it becomes a voter and the other one leaves, in one change.
   */
  replace(oldId: string, newId: string, address: string, options?: CatchUpOptions): Promise<void>;
  /** Gives it another address, where it is or will be started. */
  update(id: string, address: string, options?: ChangeOptions): Promise<void>;
  /** Several steps at once, at most 126. */
  change(steps: readonly MemberStep[], options?: ChangeOptions): Promise<void>;
}

/** `list`: the members as known here now. */
export function createMembers(parts: HostParts, list: () => readonly MemberStatus[]): Members {
  const { limits } = parts;
  const call = (steps: readonly MemberChange[], options: CatchUpOptions = {}, defaultMs: number) =>
    callChange(parts, steps, options, defaultMs);
  const one = async (step: MemberStep, options: ChangeOptions | undefined): Promise<void> =>
    await call([checkStep(step)], options, limits.timeoutMs);
  return {
    list: (options) => callRead(parts, list, options),
    add: async (id, address, options = {}) => {
      const learner = options.learner === true && options.autoPromote !== true;
      const { autoPromote = true } = options;
      const step = { kind: "add", id, address, as: autoPromote || learner ? "learner" : "voter" };
      const checked = checkStep(step as MemberStep); // the literal is one
      if (learner || !autoPromote) await call([checked], options, limits.timeoutMs);
      else await call([withPromotion(checked, null)], options, limits.catchUpTimeoutMs);
    },
    promote: (id, options) => one({ kind: "promote", id }, options),
    demote: (id, options) => one({ kind: "demote", id }, options),
    remove: (id, options) => one({ kind: "remove", id }, options),
    update: (id, address, options) => one({ kind: "update-address", id, address }, options),
    replace: async (oldId, newId, address, options) => {
      const added = checkStep({ kind: "add", id: newId, address, as: "learner" });
      const old = checkId("oldId", oldId);
      const isVoterGoing = !isLearner(parts.member.raft.configuration, old);
      const steps: MemberChange[] = isVoterGoing
        ? [withPromotion(added, old)]
        : [added, { kind: "remove", id: old }];
      await call(steps, options, limits.catchUpTimeoutMs);
    },
    change: async (steps, options) => {
      if (steps.length === 0 || steps.length > changesMax) {
        const fact = `a change has 1 to ${changesMax} steps`;
        throw badMember("steps", `(${steps.length} of them)`, fact, "Change the members in parts.");
      }
      await call(steps.map(checkStep), options, limits.timeoutMs);
    },
  };
}

function withPromotion(added: MemberChange, replaces: NodeId | null): MemberChange {
  return added.kind === "add" ? { ...added, whenReady: { replaces } } : added;
}

/** @throws QuorateError `BAD_CONFIG` that names what is wrong */
function checkStep(step: MemberStep): MemberChange {
  const id = checkId("id", step.id);
  switch (step.kind) {
    case "add":
      return { kind: "add", id, address: checkAddress(step.address), as: step.as };
    case "update-address":
      return { kind: step.kind, id, address: checkAddress(step.address) };
    case "promote":
    case "demote":
    case "remove":
      return { kind: step.kind, id };
    default:
      return step satisfies never;
  }
}

function checkId(option: string, id: string): NodeId {
  if (isNodeId(id)) return id;
  const fact = "a member's name is 1 to 64 characters of [A-Za-z0-9._-]";
  throw badMember(option, JSON.stringify(id), fact, "Choose another name.");
}

function checkAddress(address: string): string {
  try {
    if (parseAddress(address).port > 0) return address;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw badMember("address", JSON.stringify(address), error.message, "Write it as host:port.");
  }
  throw badMember("address", address, "others dial it, so its port is not 0", "Name the port.");
}

function checkIndex(given: number | undefined): LogIndex | null {
  if (given === undefined) return null;
  if (Number.isSafeInteger(given) && given > 0) return logIndex(given);
  const hint = "Give what status().membersIndex said.";
  throw badMember("ifMembers", String(given), "an entry's index is a whole number from 1 on", hint);
}

function callChange(
  parts: HostParts,
  changes: readonly MemberChange[],
  { timeoutMs, signal, onProgress, ifMembers }: CatchUpOptions,
  defaultMs: number,
): Promise<void> {
  const { member } = parts;
  const expected = checkIndex(ifMembers);
  return new Promise((resolve, reject) => {
    const given = timeoutMs === undefined ? {} : { timeoutMs };
    const problem = checkCall(member, { ...given, ...(signal === undefined ? {} : { signal }) });
    if (problem !== null) {
      reject(problem);
      return;
    }
    let unlisten: (() => void) | null = null;
    const done = (error: QuorateError | null): void => {
      unlisten?.();
      if (error === null) resolve();
      else reject(error);
    };
    const asked = { changes, expected };
    const request = member.changeMembers(asked, timeoutMs ?? defaultMs, done, onProgress ?? null);
    if (request instanceof QuorateError) {
      reject(request);
    } else if (signal !== undefined) {
      unlisten = onAbort(signal, () => {
        const outcome = request.mayBeApplied ? "unknown" : "not-applied";
        member.abortChange(request, aborted(outcome, signal.reason));
      });
    }
  });
}
