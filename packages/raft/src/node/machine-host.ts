/**
 * What the handles of machines call: the member's callbacks as promises, with the caller's time
 * limit and signal. Called by `node.ts` and `session.ts`.
 */
import { QuorateError } from "../base/index.ts";
import type { CancelSignal, MachineHost, ProposeOptions, ReadOptions } from "../machine/index.ts";
import { aborted, badConfig, stoppedError } from "./errors.ts";
import type { NodeLimits } from "./limits.ts";
import type { Member } from "./member.ts";
import type { CommandDone, CommandRequest } from "./requests.ts";

/** How a command gets into the log: of itself, or through a session. */
export type Propose = (
  data: Uint8Array,
  timeoutMs: number,
  done: CommandDone,
) => CommandRequest | QuorateError;

export interface HostParts {
  readonly member: Member;
  readonly limits: NodeLimits;
  readonly wallMs: () => number;
  /** Tries commands before they are proposed; null: they are not tried. */
  readonly watch: MachineHost["watch"];
}

/** One way to get commands in, for all machines. */
export function createHost(parts: HostParts, propose: Propose): MachineHost {
  return {
    wallMs: parts.wallMs,
    watch: parts.watch ?? null,
    propose: (data, options) =>
      callMember(parts, options, (timeoutMs, done) => propose(data, timeoutMs, done)),
    read: (read, options) => callRead(parts, read, options),
  };
}

/** A request of the member as a promise. */
export function callMember(
  { member, limits }: HostParts,
  options: ProposeOptions | undefined,
  ask: (timeoutMs: number, done: CommandDone) => CommandRequest | QuorateError,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const problem = checkCall(member, options);
    if (problem !== null) {
      reject(problem);
      return;
    }
    let unlisten: (() => void) | null = null;
    const request = ask(options?.timeoutMs ?? limits.timeoutMs, (error, result) => {
      unlisten?.();
      if (error === null) resolve(result);
      else reject(error);
    });
    if (request instanceof QuorateError) {
      reject(request);
    } else if (options?.signal !== undefined) {
      unlisten = onAbort(options.signal, () => {
        const outcome = request.mayBeApplied ? "unknown" : "not-applied";
        member.abortCommand(request, aborted(outcome, options.signal?.reason));
      });
    }
  });
}

/** A linearizable read as a promise, unless the caller wants less. */
export function callRead<Value>(
  { member, limits }: HostParts,
  read: () => Value,
  options: ReadOptions | undefined,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const problem = checkCall(member, options);
    if (problem !== null) {
      reject(problem);
      return;
    }
    let unlisten: (() => void) | null = null;
    const finish = (error: QuorateError | null) => {
      unlisten?.();
      if (error === null) settleWith(read, resolve, reject);
      else reject(error);
    };
    if (options?.consistency === "stale") {
      member.snapshots.whenReadable(() => {
        finish(member.isRunning ? null : stoppedError("not-applied", member.stopError));
      });
      return;
    }
    const byLease = options?.consistency === "lease";
    const request = member.read(options?.timeoutMs ?? limits.timeoutMs, finish, byLease);
    if (request instanceof QuorateError) {
      reject(request);
    } else if (options?.signal !== undefined) {
      unlisten = onAbort(options.signal, () => {
        request.settle(aborted("not-applied", options.signal?.reason));
      });
    }
  });
}

/** What forbids the call before anything is done, or null. */
export function checkCall(
  member: Member,
  options: ProposeOptions | ReadOptions | undefined,
): QuorateError | null {
  if (!member.isRunning) return stoppedError("not-applied", member.stopError);
  if (options === undefined) return null;
  const { timeoutMs, signal } = options;
  if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= timeoutMsMax)) {
    const fact = `it must be above 0 and at most ${timeoutMsMax}`;
    return badConfig("timeoutMs", String(timeoutMs), fact, "Give milliseconds.");
  }
  return signal?.aborted === true ? aborted("not-applied", signal.reason) : null;
}

/** Milliseconds; an hour: whoever waits longer waits for a person. */
const timeoutMsMax = 3_600_000;

function settleWith<Value>(
  read: () => Value,
  resolve: (value: Value) => void,
  reject: (error: unknown) => void,
): void {
  try {
    resolve(read());
  } catch (error) {
    reject(error);
  }
}

/** Returns what takes the listener off again. */
export function onAbort(signal: CancelSignal, listener: () => void): () => void {
  signal.addEventListener("abort", listener, { once: true });
  return () => signal.removeEventListener("abort", listener);
}
