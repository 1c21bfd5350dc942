/**
 * The public edge: `start` gives a `Node`, a member with its machines. Promises begin here and
 * nowhere below.
 */
import {
  createMachineSet,
  type HandlesOf,
  type MachineDeclarations,
  type MachineSet,
} from "../machine/index.ts";
import { createOsPorts, watchGlobals } from "../ports/os/index.ts";
import { stoppedError } from "./errors.ts";
import type { NodeEventName, NodeListener } from "./events.ts";
import type { Explanation } from "./insight/explain.ts";
import {
  handOver,
  type StopOptions,
  stopMember,
  type TransferOptions,
} from "./leadership/hand-over.ts";
import { createConsoleLogger } from "./logger.ts";
import { createHost, type HostParts } from "./machine-host.ts";
import { createMembers, type Members } from "./membership/members.ts";
import { processMemory } from "./memory-budget.ts";
import { type OpenedMember, openMember } from "./open-member.ts";
import { checkOptions, type StartOptions } from "./options.ts";
import { openSession, type Session, type SessionOptions } from "./session.ts";
import {
  type OpenedSnapshot,
  type OpenSnapshotOptions,
  openSnapshot,
} from "./snapshots/open-snapshot.ts";
import { type NodeStatus, statusOf } from "./status.ts";
import { createVersions, type Versions } from "./versions/versions.ts";

/** A member of the cluster in this process. */
export interface Node<Machines extends MachineDeclarations> extends AsyncDisposable {
  readonly id: string;
  /** One handle for each declared machine; the same name means the same machine on every member. */
  readonly machines: HandlesOf<Machines>;
  /**
   * Opens a session: its handles send every command until it is answered, and it is applied exactly
   * once. Resolves when the session is in the log.
   *
   * @throws QuorateError `BAD_CONFIG`, `OVERLOADED` (`sessionLimits.sessionsMax`), and those of
   * every proposal
   */
  session(options?: SessionOptions): Promise<Session<Machines>>;
  /** Who the members are, and changing them: add, promote, remove, replace, update. */
  readonly members: Members;
  /** Which versions of the machines are in force, and who holds the next one back. */
  readonly versions: Versions;
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
   * Hands the leadership over to the voter `to`, or to the fittest one, and resolves with the name
   * of who leads then. Meanwhile, about two round trips, commands wait. Only at the leader: ask
   * another member, and it refuses with the leader's name. Settled at once where `to` leads
   * already.
   *
   * @throws QuorateError `NOT_LEADER`, `TRANSFER_REFUSED`, `TRANSFER_FAILED`, `TIMEOUT` (outcome
   *   `unknown` once it was begun), `BAD_CONFIG`, `ABORTED`, `STOPPED`
   */
  transferLeadership(to?: string, options?: TransferOptions): Promise<string>;
  /**
   * This member's state now, as a snapshot file that is read and then gone; commands go on. Not
   * confirmed with anybody: a member that is behind gives what it has, and one without a quorum
   * what it had.
   *
   * @throws QuorateError `NO_SPACE`, `OVERLOADED` (`snapshotExportsMax`), `TIMEOUT`, `BAD_CONFIG`
   *   where a machine cannot be in a snapshot, `ABORTED`, `STOPPED`
   */
  openSnapshot(options?: OpenSnapshotOptions): Promise<OpenedSnapshot>;
  /**
   * Stops: open requests settle, files and sockets close, nothing keeps the process alive.
   * Idempotent. With `handover` a leader first hands over to the fittest voter, if there is one;
   * without, the others see that it is gone and elect.
   */
  stop(options?: StopOptions): Promise<void>;
}

/**
 * Starts a member and resolves when it listens, has read its log and applied what that says is
 * committed; a leader may take an election longer, and commands wait for it. With `join` it is then
 * ready to be added to the cluster.
 *
 * @throws QuorateError `BAD_CONFIG`, `DATA_DIR_IN_USE`, `WRONG_CLUSTER`, `CORRUPT` or
 * `STORAGE_FAILED`; with `join` also `CANNOT_JOIN` and `MEMBER_REMOVED`; or what a machine threw
 */
export async function start<Machines extends MachineDeclarations = Record<never, never>>(
  options: StartOptions<Machines>,
): Promise<Node<Machines>> {
  const checked = checkOptions(options);
  const ports = options.ports ?? createOsPorts();
  const machines = createMachineSet(options.machines ?? ({} as Machines)); // none is a set of none
  const logger = options.logger ?? createConsoleLogger();
  const opened = await new Promise<OpenedMember>((resolve, reject) => {
    const metrics = options.metrics === undefined ? {} : { metrics: options.metrics };
    const given = { ...metrics, memory: options.memory ?? processMemory() };
    openMember({ options: checked, ports, machines, logger, ...given }, (error, value) => {
      if (value !== undefined) resolve(value);
      else reject(error ?? stoppedError("not-applied"));
    });
  });
  const { member } = opened;
  await new Promise<void>((resolve) => member.whenApplied(member.raft.commit, resolve));
  if (!member.isRunning) throw member.stopError ?? stoppedError("not-applied");
  const { limits } = checked;
  const wallMs = () => ports.clock.wallMs();
  const watch = options.guardReducers === true ? watchGlobals : null;
  return createNode(opened, machines, { member, limits, wallMs, watch });
}

function createNode<Machines extends MachineDeclarations>(
  opened: OpenedMember,
  machines: MachineSet<Machines>,
  parts: HostParts,
): Node<Machines> {
  const { member } = opened;
  const propose = member.propose.bind(member);
  const stop = (options?: StopOptions) => stopMember(parts, options ?? {});
  return {
    id: member.raft.id,
    machines: machines.createHandles(createHost(parts, propose)),
    members: createMembers(parts, () => statusOf(opened).members),
    versions: createVersions(parts),
    session: (options) => openSession(parts, machines, options ?? {}),
    get term() {
      return member.raft.hardState.term;
    },
    status: () => statusOf(opened),
    explain: () => member.explain(),
    openSnapshot: (options) => openSnapshot(parts, options ?? {}),
    transferLeadership: (to, options) => handOver(parts, to ?? null, options ?? {}),
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
    [Symbol.asyncDispose]: () => stop(),
  };
}
