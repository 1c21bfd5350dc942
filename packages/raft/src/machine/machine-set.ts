/**
 * Several named machines that share one log. Wraps each command into an envelope with its machine's
 * name, and hands committed commands to the machine named. Called by the node, which knows nothing
 * of the machines.
 */
import {
  assert,
  BytePool,
  FormatError,
  type LogIndex,
  type MachineVersion,
  noIndex,
  noTerm,
  type Term,
} from "../base/index.ts";
import {
  badConfig,
  UnknownMachineError,
  UnknownVersionError,
  unknownAtPropose,
} from "./machine-errors.ts";
import type { MachineHost } from "./machine-host.ts";
import {
  decodeEnable,
  encodeVersionsSection,
  isEnableEntry,
  type VersionedMachines,
  versionsEnvelopeVersion,
} from "./machine-versions.ts";
import { describeName, NameTable } from "./name-table.ts";
import type {
  ApplyContext,
  DirectMachine,
  MachineDeclaration,
  MachineInstance,
} from "./raw-machine.ts";
import {
  commandOf,
  decodeSessionEntry,
  isSessionEntry,
  type SessionCommand,
  type SessionEntry,
  stampSessionEntry,
} from "./session-envelope.ts";
import { type SessionOutcome, SessionTable } from "./session-table.ts";
import { type MachineSetCapture, SetCapture } from "./set-capture.ts";
import { type MachineSetRestore, type RestoreTarget, SetRestore } from "./set-restore.ts";
import { StateHash } from "./state-hash.ts";

/**
 * The machines of a program by their names: 1 to 32 characters of `[a-z0-9_-]`, the same on every
 * member.
 */
export type MachineDeclarations = Readonly<Record<string, MachineDeclaration<unknown>>>;

/** The type of `node.machines`. */
export type HandlesOf<Declarations> = {
  readonly [Name in keyof Declarations]: Declarations[Name] extends MachineDeclaration<infer Handle>
    ? Handle
    : never;
};

/** The machines of one member. */
export interface MachineSet<Declarations extends MachineDeclarations> {
  readonly names: readonly string[];
  /**
   * Wraps a command for `apply`; copies the payload.
   *
   * @throws QuorateError `UNKNOWN_COMMAND` (not applied) for a machine that is not declared
   */
  encode(name: string, payload: Uint8Array): Uint8Array;
  /**
   * Applies a committed command (the data of an entry) and returns what its machine returns, to be
   * passed on as it is; for an entry of a session a `SessionOutcome`. Whatever it throws must stop
   * the member.
   *
   * @throws UnknownMachineError, UnknownCommandError, UnknownVersionError, FormatError, and
   * exceptions of raw machines
   */
  apply(data: Uint8Array, index: LogIndex, term: Term, wanted: boolean): unknown;
  /**
   * Whether `apply` could read it, and would find the machine and the command in its version: what
   * it would stop at must not get into the log.
   */
  knows(data: Uint8Array): boolean;
  /** Which versions there are, and which are in force. */
  readonly versions: VersionedMachines;
  /** The name of the machine that a command is for, as far as it can be read. */
  describe(data: Uint8Array): string;
  /**
   * As the leader, before it appends: writes the session time into a session's entry (a copy);
   * others stay as they are.
   *
   * @invariant `knows(data)`
   */
  stamp(data: Uint8Array, timeMs: number): Uint8Array;
  /** The session time as far as entries are applied. Milliseconds. */
  readonly sessionTimeMs: number;
  /** The sessions, for a snapshot: equal bytes on every member at the same index. */
  encodeSessions(): Uint8Array;
  /**
   * Takes the sessions of a snapshot in place of the own ones.
   *
   * @throws FormatError
   */
  restoreSessions(bytes: Uint8Array): void;
  /** The hash of all machines that have one, by their names; null: none has. */
  hashState(): number | null;
  /**
   * Machines that cannot be in a snapshot: there is none while there is one of them, and the log is
   * never compacted (`describeWithoutSnapshots`).
   */
  readonly withoutSnapshots: readonly string[];
  /**
   * Freezes all of it as it is after the entry at `index`, to be written out while `apply` goes on.
   * Takes no time to speak of. One at a time: the one before is at its end or released.
   *
   * @invariant `withoutSnapshots` is empty; all entries up to `index` are applied, and no later one
   * @throws whatever a raw machine throws: it must stop the member
   */
  capture(index: LogIndex, term: Term): MachineSetCapture;
  /**
   * Takes a snapshot of the state after the entry at `index` in place of all that is there. Nothing
   * is applied, read or captured until its end; after an exception, never again.
   */
  restore(index: LogIndex, term: Term): MachineSetRestore;
  /** The handles for callers; `host.propose` gets complete entry data. */
  createHandles(host: MachineHost): HandlesOf<Declarations>;
  /**
   * A machine by its name, without promises.
   *
   * @throws QuorateError `UNKNOWN_COMMAND` for a machine that is not declared
   */
  direct(name: string): DirectMachine;
}

/** Version of the envelope's format. */
export const envelopeVersion = 1;

const namePattern = /^[a-z0-9_-]{1,32}$/;
const headBytes = 2;

/**
 * Creates each declared machine in its initial state.
 *
 * @throws QuorateError `BAD_CONFIG` for a name or declaration that cannot be used
 */
export function createMachineSet<Declarations extends MachineDeclarations>(
  declarations: Declarations,
): MachineSet<Declarations> {
  const machines = new Map<string, MachineInstance<unknown>>();
  for (const [name, declaration] of Object.entries(declarations)) {
    checkName(name);
    machines.set(name, declaration.create(name));
  }
  return new NamedMachines<Declarations>(machines);
}

/** A machine of the set. */
interface Slot {
  readonly name: string;
  readonly machine: MachineInstance<unknown>;
  /**
   * It has had a command, here or in the snapshot that it comes from. Only then it is in snapshots:
   * so members whose program does not know it yet, and those that do, have equal ones.
   */
  isUsed: boolean;
  /** By entries; 0: none has enabled a version of it. */
  enabled: number;
}

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

class NamedMachines<Declarations extends MachineDeclarations>
  implements MachineSet<Declarations>, VersionedMachines
{
  readonly #machines: ReadonlyMap<string, MachineInstance<unknown>>;
  readonly #slots: readonly Slot[];
  readonly #table: NameTable<Slot>;
  /** Envelopes up to the payload, by name. */
  readonly #heads: ReadonlyMap<string, Uint8Array>;
  readonly #pool = new BytePool();
  /** One object for all entries: applying 150,000 a second should not allocate one each. */
  readonly #context: Mutable<ApplyContext> = {
    ...{ index: noIndex, term: noTerm, wanted: false, version: 1 },
  };
  /** Looked at with each entry: made once. */
  readonly withoutSnapshots: readonly string[];
  #sessions = new SessionTable();
  #isCapturing = false;
  /** From the beginning of a restore to its end, or for ever if it failed. */
  #isRestoring = false;

  constructor(machines: ReadonlyMap<string, MachineInstance<unknown>>) {
    this.#machines = machines;
    this.#slots = Array.from(machines, ([name, machine]) => ({
      ...{ name, machine, isUsed: false, enabled: 0 },
    }));
    this.#table = new NameTable(this.#slots.map((slot) => [slot.name, slot]));
    this.#heads = new Map(Array.from(machines.keys(), (name) => [name, envelopeHead(name)]));
    const without = this.#slots.filter(({ machine }) => machine.snapshots === null);
    this.withoutSnapshots = without.map(({ name }) => name);
  }

  get names(): readonly string[] {
    return [...this.#machines.keys()];
  }

  encode(name: string, payload: Uint8Array): Uint8Array {
    const head = this.#heads.get(name);
    if (head === undefined) throw unknownAtPropose(name, null, this.names);
    return joinEnvelope(this.#pool, head, payload);
  }

  apply(data: Uint8Array, index: LogIndex, term: Term, wanted: boolean): unknown {
    assert(!this.#isRestoring, "nothing is applied while a snapshot is taken in");
    this.#context.index = index;
    this.#context.term = term;
    this.#context.wanted = wanted;
    if (isSessionEntry(data)) return this.#applySession(readSessionEntry(data, index));
    if (isEnableEntry(data)) return this.#applyEnable(data, index);
    return this.#applyCommand(data);
  }

  /** A version never falls: who was late to enable a lower one changes nothing. */
  #applyEnable(data: Uint8Array, index: LogIndex): void {
    for (const { machine: name, version } of readEnableEntry(data, index)) {
      const slot = this.#slots.find((one) => one.name === name);
      if (slot === undefined) throw new UnknownMachineError(name, index);
      if (version > slot.machine.version) {
        throw new UnknownVersionError("machine", version, slot.machine.version, index);
      }
      slot.enabled = Math.max(slot.enabled, version);
    }
  }

  #applyCommand(command: Uint8Array): unknown {
    const slot = this.#find(command);
    slot.isUsed = true;
    this.#context.version = versionInForce(slot);
    return slot.machine.apply(payloadOf(command), this.#context);
  }

  #find(data: Uint8Array): Slot {
    const { index } = this.#context;
    const nameLength = checkEnvelope(data, index);
    const slot = this.#table.find(data, headBytes, nameLength);
    if (slot !== undefined) return slot;
    throw new UnknownMachineError(describeName(data, headBytes, nameLength), index);
  }

  #applySession(entry: SessionEntry): SessionOutcome {
    const sessions = this.#sessions;
    sessions.advance(entry.timeMs);
    switch (entry.kind) {
      case "open":
        return sessions.open(this.#context.index, entry.ttlMs);
      case "keep-alive":
        return sessions.keepAlive(entry.session, entry.floor);
      case "close":
        return sessions.close(entry.session);
      case "command":
        return this.#applyOnce(entry);
      default:
        return entry satisfies never;
    }
  }

  /** @thesis §6.3 */
  #applyOnce(entry: SessionCommand): SessionOutcome {
    const admission = this.#sessions.admit(entry);
    switch (admission.kind) {
      case "fresh": {
        const { machine } = this.#find(entry.command);
        this.#context.wanted = true; // by the session: every member keeps the same reply
        const result = this.#applyCommand(entry.command);
        this.#sessions.keep(entry, this.#context.index, machine.replies.encode(result));
        return { kind: "applied", result };
      }
      case "duplicate": {
        const { reply } = admission;
        if (reply === null) return { kind: "reply-lost" };
        if (!this.#context.wanted) return { kind: "applied", result: undefined };
        return { kind: "applied", result: this.#find(entry.command).machine.replies.decode(reply) };
      }
      default:
        return admission;
    }
  }

  knows(data: Uint8Array): boolean {
    if (isEnableEntry(data)) return readEnable(data) !== null && this.tooNew(data) === null;
    if (!isSessionEntry(data)) return this.#knowsCommand(data);
    try {
      const entry = decodeSessionEntry(data);
      return entry.kind !== "command" || this.#knowsCommand(entry.command);
    } catch (error) {
      if (error instanceof FormatError) return false;
      throw error;
    }
  }

  #knowsCommand(data: Uint8Array): boolean {
    // By index: taking a byte array apart goes through an iterator, for each command.
    const version = data[0];
    const nameLength = data[1];
    if (version !== envelopeVersion || nameLength === undefined) return false;
    if (headBytes + nameLength > data.length) return false;
    const slot = this.#table.find(data, headBytes, nameLength);
    return slot?.machine.knows(payloadOf(data)) ?? false;
  }

  get versions(): VersionedMachines {
    return this;
  }

  get known(): readonly MachineVersion[] {
    return this.#slots.toSorted(byName).map(({ name, machine }) => {
      return { machine: name, version: machine.version };
    });
  }

  get enabled(): readonly MachineVersion[] {
    const all = this.#slots.toSorted(byName).map((slot) => {
      return { machine: slot.name, version: versionInForce(slot) };
    });
    return all.filter(({ version }) => version > 0);
  }

  enabledVersion(name: string): number {
    const slot = this.#slots.find((one) => one.name === name);
    return slot === undefined ? 0 : versionInForce(slot);
  }

  lacks(data: Uint8Array): MachineVersion | null {
    const command = commandIn(data);
    const slot = command === null ? undefined : this.#slotOf(command);
    if (slot === undefined || command === null) return null;
    return versionInForce(slot) >= slot.machine.version ? null : beyond(slot, command);
  }

  lacksNewer(data: Uint8Array): MachineVersion | null {
    const command = commandIn(data);
    const slot = command === null ? undefined : this.#slotOf(command);
    return slot === undefined || command === null ? null : beyond(slot, command);
  }

  #slotOf(command: Uint8Array): Slot | undefined {
    return this.#table.find(command, headBytes, command[1] ?? 0);
  }

  tooNew(data: Uint8Array): MachineVersion | null {
    if (!isEnableEntry(data)) return null;
    for (const one of readEnable(data) ?? []) {
      const known = this.#machines.get(one.machine)?.version ?? 0;
      if (one.version > known) return one;
    }
    return null;
  }

  describe(data: Uint8Array): string {
    if (isEnableEntry(data)) return "(versions)";
    const command = isSessionEntry(data) ? commandOf(data) : data;
    return command === null ? "(sessions)" : describeName(command, headBytes, command[1] ?? 0);
  }

  stamp(data: Uint8Array, timeMs: number): Uint8Array {
    return isSessionEntry(data) ? stampSessionEntry(data, timeMs) : data;
  }

  get sessionTimeMs(): number {
    return this.#sessions.timeMs;
  }

  encodeSessions(): Uint8Array {
    return this.#sessions.encode();
  }

  restoreSessions(bytes: Uint8Array): void {
    this.#sessions = SessionTable.decode(bytes);
  }

  hashState(): number | null {
    const hash = new StateHash();
    let count = 0;
    for (const name of [...this.#machines.keys()].sort()) {
      const found = this.#machines.get(name)?.hashState?.() ?? null;
      if (found === null) continue;
      count++;
      hash.add(name);
      hash.add(found);
    }
    return count === 0 ? null : hash.value;
  }

  capture(index: LogIndex, term: Term): MachineSetCapture {
    assert(!this.#isCapturing, "one snapshot of the machines is taken at a time");
    assert(!this.#isRestoring, "no snapshot is taken while one is taken in");
    const capture = new SetCapture({ index, term }, this.#sessions.capture(), () => {
      this.#isCapturing = false;
    });
    this.#isCapturing = true;
    try {
      const versions = this.#slots.filter(({ enabled }) => enabled > 0);
      if (versions.length > 0) {
        const pairs = versions.map(({ name, enabled }) => ({ machine: name, version: enabled }));
        capture.addVersions(encodeVersionsSection(pairs));
      }
      for (const { name, machine, isUsed } of this.#slots.toSorted(byName)) {
        assert(machine.snapshots !== null, "every machine can be in a snapshot", () => name);
        if (isUsed) capture.add(name, machine.snapshots);
      }
    } catch (error) {
      capture.release();
      throw error;
    }
    return capture;
  }

  restore(index: LogIndex, term: Term): MachineSetRestore {
    assert(!this.#isCapturing, "a capture is released before a snapshot is taken in");
    assert(!this.#isRestoring, "one snapshot is taken in at a time");
    this.#isRestoring = true;
    const target: RestoreTarget = {
      position: { index, term },
      find: (name) => this.#machines.get(name)?.snapshots,
      versionOf: (name) => this.#machines.get(name)?.version ?? 0,
      restoreSessions: () =>
        SessionTable.restore((sessions) => {
          this.#sessions = sessions;
        }),
      used: this.#slots.filter(({ isUsed }) => isUsed).map(({ name }) => name),
      onFinished: (used, enabled) => {
        for (const slot of this.#slots) {
          slot.isUsed = used.has(slot.name);
          slot.enabled = enabled.get(slot.name) ?? 0;
        }
        this.#isRestoring = false;
      },
    };
    return new SetRestore(target);
  }

  createHandles(host: MachineHost): HandlesOf<Declarations> {
    const handles: Record<string, unknown> = {};
    for (const [name, machine] of this.#machines) {
      handles[name] = machine.createHandle({
        propose: (payload, options) => host.propose(this.encode(name, payload), options),
        read: (read, options) => host.read(() => this.#read(read), options),
        wallMs: () => host.wallMs(),
        version: () => Math.max(1, this.enabledVersion(name)),
        watch: host.watch ?? null,
      });
    }
    return Object.freeze(handles) as HandlesOf<Declarations>; // one handle for each declaration
  }

  #read<Value>(read: () => Value): Value {
    assert(!this.#isRestoring, "nothing is read while a snapshot is taken in");
    return read();
  }

  direct(name: string): DirectMachine {
    const machine = this.#machines.get(name);
    if (machine === undefined) throw unknownAtPropose(name, null, this.names);
    return machine.direct;
  }
}

/**
 * The version of a machine that is enabled: by entries, or, in logs of programs that knew nothing
 * of enabling, by the commands that were applied. 0 before its first command.
 */
function versionInForce({ machine, isUsed, enabled }: Slot): number {
  if (!isUsed) return enabled;
  const { snapshots } = machine;
  return Math.max(1, enabled, snapshots?.kind === "typed" ? snapshots.version : 1);
}

/** The machine's envelope in an entry's data; null: it has none that can be read here. */
function commandIn(data: Uint8Array): Uint8Array | null {
  const command = isSessionEntry(data) ? commandOf(data) : data;
  return command === null || command[0] !== envelopeVersion ? null : command;
}

/** The version that the command needs, if it is above the one in force. */
function beyond(slot: Slot, command: Uint8Array): MachineVersion | null {
  const version = slot.machine.versionOf(payloadOf(command));
  return version > versionInForce(slot) ? { machine: slot.name, version } : null;
}

/** By code units, as strings compare. */
function byName(a: Slot, b: Slot): number {
  return a.name < b.name ? -1 : Number(a.name > b.name);
}

/**
 * The envelope of a command: the data of its entry.
 *
 * @invariant `name` is 1 to 32 characters of `[a-z0-9_-]`
 */
export function encodeCommand(name: string, payload: Uint8Array): Uint8Array {
  return joinEnvelope(new BytePool(), envelopeHead(name), payload);
}

function envelopeHead(name: string): Uint8Array {
  assert(namePattern.test(name), "a machine's name is 1 to 32 of [a-z0-9_-]", () => name);
  const bytes = new TextEncoder().encode(name);
  return Uint8Array.of(envelopeVersion, bytes.length, ...bytes);
}

function joinEnvelope(pool: BytePool, head: Uint8Array, payload: Uint8Array): Uint8Array {
  const data = pool.allocate(head.length + payload.length);
  data.set(head);
  data.set(payload, head.length);
  return data;
}

/** @throws FormatError that names the entry */
function readSessionEntry(data: Uint8Array, index: LogIndex): SessionEntry {
  try {
    return decodeSessionEntry(data);
  } catch (error) {
    if (error instanceof FormatError) throw new FormatError(`entry ${index}: ${error.message}`);
    throw error;
  }
}

/** @throws FormatError that names the entry */
function readEnableEntry(data: Uint8Array, index: LogIndex): readonly MachineVersion[] {
  try {
    return decodeEnable(data);
  } catch (error) {
    if (error instanceof FormatError) throw new FormatError(`entry ${index}: ${error.message}`);
    throw error;
  }
}

/** Null: these bytes are no such entry. */
function readEnable(data: Uint8Array): readonly MachineVersion[] | null {
  try {
    return decodeEnable(data);
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

/** What follows the name; `checkEnvelope` has looked at it. */
function payloadOf(data: Uint8Array): Uint8Array {
  return data.subarray(headBytes + (data[1] ?? 0));
}

/** The length of the name in a well-formed envelope. */
function checkEnvelope(data: Uint8Array, index: LogIndex): number {
  const version = data[0];
  const nameLength = data[1];
  if (version === undefined || nameLength === undefined) {
    throw new FormatError(`entry ${index}: a command's envelope ends after ${data.length} bytes`);
  }
  if (version !== envelopeVersion) {
    throw new UnknownVersionError("command envelope", version, versionsEnvelopeVersion, index);
  }
  if (nameLength === 0 || headBytes + nameLength > data.length) {
    throw new FormatError(`entry ${index}: a machine's name does not fit into its envelope`);
  }
  return nameLength;
}

function checkName(name: string): void {
  if (namePattern.test(name)) return;
  throw badConfig(
    "machines",
    JSON.stringify(name),
    "it cannot name a machine",
    "Use 1 to 32 characters of a-z, 0-9, - and _.",
  );
}
