/**
 * The public edge: `start` gives a `Node`, a member with its machines. Promises begin here and
 * nowhere below.
 */
import { QuorateError } from "../base/index.ts";
import {
  type CancelSignal,
  createMachineSet,
  type HandlesOf,
  type MachineDeclarations,
  type MachineHost,
  type ProposeOptions,
  type ReadOptions,
} from "../machine/index.ts";
import { createOsPorts, watchGlobals } from "../ports/os/index.ts";
import { aborted, badConfig, stoppedError } from "./errors.ts";
import type { NodeEventName, NodeListener } from "./events.ts";
import type { Explanation } from "./insight/explain.ts";
import type { NodeLimits } from "./limits.ts";
import { createConsoleLogger } from "./logger.ts";
import { type OpenedMember, openMember } from "./open-member.ts";
import { checkOptions, type StartOptions } from "./options.ts";
import { type NodeStatus, statusOf } from "./status.ts";

/** A member of the cluster in this process. */
export interface Node<Machines extends MachineDeclarations> extends AsyncDisposable {
  readonly id: string;
  /** One handle for each declared machine; the same name means the same machine on every member. */
  readonly machines: HandlesOf<Machines>;
  /** The own term now; `status()` tells the rest. */
  readonly term: number;
  status(): NodeStatus;
  /**
   * Why there is no leader, who holds back commitment, which peer is in which state and since when:
   * in sentences, and the same as data. Cheap enough to be asked every second.
   */
  explain(): Explanation;
  /**
   * The newest inputs of the core with the state they began at, as text for `quorate replay`; null
   * without `recorder`. What commands say is not in it, only how long they are.
   */
  recording(): string | null;
  /**
   * Writes `recording()` into the directory, and resolves with the file's path.
   *
   * @throws QuorateError `BAD_CONFIG` in memory or without `recorder`, `STORAGE_FAILED`
   */
  saveRecording(): Promise<string>;
  /**
   * Returns what takes the listener off again. A listener that throws stops nobody but is reported.
   */
  on<Name extends NodeEventName>(name: Name, listener: NodeListener<Name>): () => void;
  /**
   * Stops: open requests settle, files and sockets close, nothing keeps the process alive.
   * Idempotent. It does not hand leadership over; the others elect after their timeouts.
   */
  stop(): Promise<void>;
}

/**
 * Starts a member and resolves when it listens and has read its log; a leader may take an election
 * longer, and commands wait for it.
 *
 * @throws QuorateError `BAD_CONFIG`, `DATA_DIR_IN_USE`, `WRONG_CLUSTER`, `CORRUPT` or
 * `STORAGE_FAILED`
 */
export async function start<Machines extends MachineDeclarations = Record<never, never>>(
  options: StartOptions<Machines>,
): Promise<Node<Machines>> {
  const checked = checkOptions(options);
  const ports = options.ports ?? createOsPorts();
  const machines = createMachineSet(options.machines ?? ({} as Machines)); // none is a set of none
  const logger = options.logger ?? createConsoleLogger();
  const opened = await new Promise<OpenedMember>((resolve, reject) => {
    const given = options.metrics === undefined ? {} : { metrics: options.metrics };
    openMember({ options: checked, ports, machines, logger, ...given }, (error, value) => {
      if (value !== undefined) resolve(value);
      else reject(error ?? stoppedError("not-applied"));
    });
  });
  const wallMs = () => ports.clock.wallMs();
  const watch = options.guardReducers === true ? watchGlobals : null;
  const host = { ...createHost(opened, checked.limits, wallMs), watch };
  return createNode(opened, machines.createHandles(host));
}

function createNode<Machines extends MachineDeclarations>(
  opened: OpenedMember,
  handles: HandlesOf<Machines>,
): Node<Machines> {
  const { member } = opened;
  const stop = () => new Promise<void>((resolve) => member.stop(resolve));
  return {
    id: member.raft.id,
    machines: handles,
    get term() {
      return member.raft.hardState.term;
    },
    status: () => statusOf(opened),
    explain: () => member.explain(),
    recording: () => member.recording(),
    saveRecording: () =>
      new Promise((resolve, reject) => {
        member.saveRecording((error, path) => {
          if (path === undefined) reject(error);
          else resolve(path);
        });
      }),
    on: (name, listener) => member.events.on(name, listener),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function createHost(
  { member }: OpenedMember,
  limits: NodeLimits,
  wallMs: () => number,
): MachineHost {
  return {
    wallMs,
    propose: (data, options) =>
      new Promise((resolve, reject) => {
        const problem = checkCall(member, options);
        if (problem !== null) {
          reject(problem);
          return;
        }
        let unlisten: (() => void) | null = null;
        const timeoutMs = options?.timeoutMs ?? limits.timeoutMs;
        const request = member.propose(data, timeoutMs, (error, result) => {
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
      }),
    read: (read, options) =>
      new Promise((resolve, reject) => {
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
          finish(null);
          return;
        }
        const request = member.read(options?.timeoutMs ?? limits.timeoutMs, finish);
        if (request instanceof QuorateError) {
          reject(request);
        } else if (options?.signal !== undefined) {
          unlisten = onAbort(options.signal, () => {
            request.settle(aborted("not-applied", options.signal?.reason));
          });
        }
      }),
  };
}

/** What forbids the call before anything is done, or null. */
function checkCall(
  member: OpenedMember["member"],
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
function onAbort(signal: CancelSignal, listener: () => void): () => void {
  signal.addEventListener("abort", listener, { once: true });
  return () => signal.removeEventListener("abort", listener);
}
