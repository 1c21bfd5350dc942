/** `node.transferLeadership()` and `node.stop()`: the member's callbacks as promises. */
import { isNodeId, type NodeId, QuorateError } from "../../base/index.ts";
import type { CancelSignal } from "../../machine/index.ts";
import { aborted, badConfig } from "../errors.ts";
import { checkCall, type HostParts, onAbort } from "../machine-host.ts";

export interface TransferOptions {
  /** Milliseconds; the node's default if left out. */
  readonly timeoutMs?: number;
  /** An `AbortSignal`. Aborting ends the waiting, not a transfer that was begun. */
  readonly signal?: CancelSignal;
}

export interface StopOptions {
  /** A leader hands over first. False unless given. */
  readonly handover?: boolean;
  /** Milliseconds for handing over, then it stops all the same; the node's default if left out. */
  readonly timeoutMs?: number;
}

/** @throws QuorateError as told at `Node` */
export function handOver(
  { member, limits }: HostParts,
  to: string | null,
  options: TransferOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const target = checkTarget(to);
    const problem = checkCall(member, options) ?? (target instanceof QuorateError ? target : null);
    if (problem !== null || target instanceof QuorateError) {
      reject(problem);
      return;
    }
    const { timeoutMs = limits.timeoutMs, signal } = options;
    let unlisten: (() => void) | null = null;
    const request = member.transferLeadership(target, timeoutMs, (error, leader) => {
      unlisten?.();
      if (leader === undefined) reject(error);
      else resolve(leader);
    });
    if (request instanceof QuorateError) {
      reject(request);
    } else if (signal !== undefined) {
      unlisten = onAbort(signal, () => {
        const outcome = request.mayBeApplied ? "unknown" : "not-applied";
        request.settle(aborted(outcome, signal.reason));
      });
    }
  });
}

function checkTarget(to: string | null): NodeId | null | QuorateError {
  if (to === null || isNodeId(to)) return to;
  const fact = "a member's name is 1 to 64 characters of [A-Za-z0-9._-]";
  return badConfig("to", JSON.stringify(to), fact, "Name a voter, or leave it out.");
}

/**
 * Whatever becomes of handing over, it stops then.
 *
 * @throws QuorateError `BAD_CONFIG` for a `timeoutMs` that cannot be meant: nothing is done
 */
export function stopMember(
  { member, limits }: HostParts,
  { handover = false, timeoutMs = limits.timeoutMs }: StopOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const problem = member.isRunning ? checkCall(member, { timeoutMs }) : null;
    if (problem !== null) {
      reject(problem);
      return;
    }
    const stop = () => member.stop(resolve);
    if (!handover || member.raft.leadership === null) {
      stop();
      return;
    }
    if (member.transferLeadership(null, timeoutMs, stop) instanceof QuorateError) stop();
  });
}
