/**
 * The contract of a replicated state machine, and raw machines: bytes in, result out, own state.
 * Raw machines serve the store and speed; typed reducers (`reducer.ts`) stand on the same contract.
 * Called by `machine-set.ts`, which shares one log between several machines. Knows nothing of nodes
 * or of Raft's roles.
 */
import { assert, type LogIndex, type Term } from "../base/index.ts";
import { machineVersionMax } from "./command-payload.ts";
import type { InstanceSnapshots } from "./instance-snapshots.ts";
import { badConfig } from "./machine-errors.ts";
import type { MachineHost, ProposeOptions, ReadOptions } from "./machine-host.ts";
import { sessionLimits } from "./session-table.ts";
import type { StateCapture, StateRestore } from "./state-capture.ts";
import { decodeValue, encodeValue } from "./value-codec.ts";

/**
 * What is known of the entry being applied. The same object is passed for every entry and changes
 * with it, so that applying allocates nothing: read it during `apply`, keep its numbers, never the
 * object.
 */
export interface ApplyContext {
  readonly index: LogIndex;
  readonly term: Term;
  /**
   * Whether the result is asked for, by somebody on this member or by the session that keeps it: if
   * not, `undefined` may be returned.
   */
  readonly wanted: boolean;
  /**
   * The version of the machine that is enabled at this entry, from 1: the same on every member. A
   * change of what a command does is made to depend on it.
   */
  readonly version: number;
}

/**
 * A state machine that is fed the committed commands in the order of the log. Equal commands from
 * an equal state must leave an equal state on every member: no clock, no randomness, no I/O,
 * nothing that depends on `wanted` but the result. @paper §2 (replicated state machines)
 */
export interface RawMachine<Result> {
  /**
   * Applies one command, at once. `command` is a view into the log's entry: it never changes and
   * may be kept (it then keeps the entry's memory), but must not be written to. A refusal is a
   * result. An exception is fatal: the member stops, because it cannot know what the others made of
   * the command.
   */
  apply(command: Uint8Array, context: ApplyContext): Result | undefined;
  /**
   * A safe integer from the state's content, equal on all members at the same index: members
   * compare it. Left out: this machine's state is not compared.
   */
  hashState?(): number;
  /**
   * Freezes the state as it is now, for a snapshot; returns at once, whatever the size of the
   * state: no copying here. With `restore`, or neither. A member with a machine that has neither
   * takes no snapshots, so its log grows for as long as it lives.
   */
  capture?(): StateCapture;
  /**
   * Takes the state of a capture in place of the own one, which may be dropped at once: until the
   * end nobody applies or reads. `version` is the `snapshotVersion` of who wrote it, at most the
   * own one.
   */
  restore?(version: number): StateRestore;
  /**
   * The format of what `capture` gives, from 1 to 65,535; 1 if left out. Raised when it changes: a
   * member refuses a snapshot of a higher one, and `restore` must take all lower ones.
   */
  readonly snapshotVersion?: number;
  /**
   * What this program can apply, from 1 to 65,535; 1 if left out. Raised with each new kind of
   * command and each change of what one does. A version above 1 is enabled by an entry of the log
   * once all members have told that they can apply it.
   */
  readonly version?: number;
  /**
   * The version that brought this kind of command: before it is enabled the command is refused with
   * `NOT_ENABLED_YET`. 1 for all if left out. Must not throw, whatever the bytes are.
   */
  commandVersion?(command: Uint8Array): number;
}

/** The result type of a machine. */
export type ResultOf<Machine> = Machine extends RawMachine<infer Result> ? Result : never;

/** A machine without a member around it: at once, and without promises. For the simulator. */
export interface DirectMachine {
  /**
   * The payload of a command: of a typed machine by the command's name and argument; of a raw one
   * the argument itself, and no name. `wallMs` is stored with it.
   *
   * @throws QuorateError `UNKNOWN_COMMAND`, `BAD_ARGUMENT`
   */
  encode(command: string | null, argument: unknown, wallMs: number): Uint8Array;
  /**
   * What a caller gets for what `apply` returned.
   *
   * @throws QuorateError `COMMAND_FAILED`
   */
  unwrap(command: string | null, outcome: unknown): unknown;
  /** As a read on the handle, now. */
  read(read: (state: never) => unknown): unknown;
}

/**
 * How a session keeps what `apply` returned: equal results are equal bytes on every member. Null:
 * it cannot be kept; a second attempt then learns only that the command was applied.
 */
export interface ReplyCodec {
  encode(result: unknown): Uint8Array | null;
  /** @throws FormatError */
  decode(bytes: Uint8Array): unknown;
}

/** For results that are data. */
export const valueReplies: ReplyCodec = {
  encode: (result) => encodeValue(result, sessionLimits.replyBytesMax),
  decode: decodeValue,
};

/** One machine of one member, under the name it was declared with. */
export interface MachineInstance<Handle> {
  /**
   * @throws whatever must stop the member: an exception of a raw machine, `UnknownCommandError`,
   * `UnknownVersionError`, `FormatError`
   */
  apply(payload: Uint8Array, context: ApplyContext): unknown;
  /**
   * Whether `apply` could read the command: one that a newer program proposes, and this one would
   * stop at, must not get into the log here. Of raw machines only `commandVersion` is asked.
   */
  knows(payload: Uint8Array): boolean;
  /** The highest version that this program can apply. */
  readonly version: number;
  /** The version that must be enabled for the command; 1 for bytes that are none. */
  versionOf(payload: Uint8Array): number;
  /** What callers use: proposals go through `host` and come back as what `apply` returned. */
  createHandle(host: MachineHost): Handle;
  readonly direct: DirectMachine;
  readonly replies: ReplyCodec;
  /** See `RawMachine`; null: it has none. */
  hashState?(): number | null;
  /** Null: it cannot be in a snapshot. */
  readonly snapshots: InstanceSnapshots | null;
}

/** What is handed to `start({ machines })`: how to create a machine, and the type of its handle. */
export interface MachineDeclaration<out Handle> {
  /** Creates the machine in its initial state; `name` is for messages. */
  create(name: string): MachineInstance<Handle>;
}

/** How a program uses a raw machine: `node.machines.<name>`. */
export interface RawMachineHandle<Result, Machine> {
  /**
   * Proposes a command (copied at the call) and resolves with what this member's machine returned
   * for it, once it is on a majority of disks and applied here.
   *
   * @throws QuorateError with the outcome; see `docs/errors.md`
   */
  propose(command: Uint8Array, options?: ProposeOptions): Promise<Result>;
  /**
   * Reads this member's machine, linearizably unless `consistency` says otherwise. `read` gets the
   * live machine, runs at once and must not change it; what it returns is passed on uncopied.
   */
  read<Value>(read: (machine: Machine) => Value, options?: ReadOptions): Promise<Value>;
}

/**
 * Declares a raw machine; `create` makes it in its initial state, once for each start of a member.
 */
export function rawMachine<Machine extends RawMachine<unknown>>(
  create: () => Machine,
): MachineDeclaration<RawMachineHandle<ResultOf<Machine>, Machine>> {
  return {
    create: (name) => {
      const machine = create();
      const snapshots = snapshotsOf(name, machine);
      const version = checkVersion(name, machine.version ?? 1);
      return {
        apply: (payload, context) => machine.apply(payload, context),
        knows: (payload) => (machine.commandVersion?.(payload) ?? 1) <= version,
        version,
        versionOf: (payload) => machine.commandVersion?.(payload) ?? 1,
        createHandle: (host) => createRawHandle(machine, host),
        direct: createRawDirect(machine),
        replies: valueReplies,
        hashState: () => machine.hashState?.() ?? null,
        snapshots,
      };
    },
  };
}

/** @throws QuorateError `BAD_CONFIG` */
function checkVersion(name: string, version: number): number {
  if (Number.isInteger(version) && version >= 1 && version <= machineVersionMax) return version;
  const fact = "a machine's version is a whole number from 1 to 65,535";
  throw badConfig(`machines.${name}.version`, String(version), fact, "Start with 1.");
}

/** Snapshots' versions are stored in two bytes. */
const snapshotVersionMax = 65_535;

/** @throws QuorateError `BAD_CONFIG` */
function snapshotsOf(name: string, machine: RawMachine<unknown>): InstanceSnapshots | null {
  const version = machine.snapshotVersion ?? 1;
  if (!Number.isInteger(version) || version < 1 || version > snapshotVersionMax) {
    const fact = "the version of a snapshot is a whole number from 1 to 65,535";
    throw badConfig(`machines.${name}.snapshotVersion`, String(version), fact, "Start with 1.");
  }
  const { capture, restore } = machine;
  if (capture === undefined && restore === undefined) return null;
  if (capture === undefined || restore === undefined) {
    const [has, lacks] = capture === undefined ? ["restore", "capture"] : ["capture", "restore"];
    const fact = `it has ${has} and no ${lacks}`;
    throw badConfig(`machines.${name}`, "(raw machine)", fact, "Give it both, or neither.");
  }
  return {
    kind: "raw",
    version,
    versionMax: version,
    capture: () => capture.call(machine),
    restore: (found) => restore.call(machine, found),
  };
}

function createRawDirect(machine: RawMachine<unknown>): DirectMachine {
  return {
    encode: (_command, argument) => {
      assert(argument instanceof Uint8Array, "a raw machine's command is bytes");
      return argument;
    },
    unwrap: (_command, outcome) => outcome,
    // Who declared the machine reads it.
    read: (read) => read(machine as never),
  };
}

function createRawHandle<Machine extends RawMachine<unknown>>(
  machine: Machine,
  host: MachineHost,
): RawMachineHandle<ResultOf<Machine>, Machine> {
  return {
    propose(command, options) {
      // The host resolves with what `machine.apply` returned; a promise around the promise would
      // cost as much.
      return host.propose(command, options) as Promise<ResultOf<Machine>>;
    },
    read(read, options) {
      return host.read(() => read(machine), options);
    },
  };
}
