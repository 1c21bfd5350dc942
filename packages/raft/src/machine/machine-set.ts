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
import { describeName, NameTable } from "./name-table.ts";
import type {
  ApplyContext,
  DirectMachine,
  MachineDeclaration,
  MachineInstance,
} from "./raw-machine.ts";
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
   * passed on as it is. Whatever it throws must stop the member.
   *
   * @throws UnknownMachineError, UnknownCommandError, UnknownVersionError, FormatError, and
   * exceptions of raw machines
   */
  apply(data: Uint8Array, index: LogIndex, term: Term, wanted: boolean): unknown;
  /** Whether `apply` would find the machine: what it would not must not get into the log. */
  knows(data: Uint8Array): boolean;
  /** The name of the machine that a command is for, as far as it can be read. */
  describe(data: Uint8Array): string;
  /** The hash of all machines that have one, by their names; null: none has. */
  hashState(): number | null;
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

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

class NamedMachines<Declarations extends MachineDeclarations> implements MachineSet<Declarations> {
  readonly #machines: ReadonlyMap<string, MachineInstance<unknown>>;
  readonly #table: NameTable<MachineInstance<unknown>>;
  /** Envelopes up to the payload, by name. */
  readonly #heads: ReadonlyMap<string, Uint8Array>;
  readonly #pool = new BytePool();
  /** One object for all entries: applying 150,000 a second should not allocate one each. */
  readonly #context: Mutable<ApplyContext> = { index: noIndex, term: noTerm, wanted: false };

  constructor(machines: ReadonlyMap<string, MachineInstance<unknown>>) {
    this.#machines = machines;
    this.#table = new NameTable(machines);
    this.#heads = new Map(Array.from(machines.keys(), (name) => [name, envelopeHead(name)]));
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
    const nameLength = checkEnvelope(data, index);
    const machine = this.#table.find(data, headBytes, nameLength);
    if (machine === undefined) {
      throw new UnknownMachineError(describeName(data, headBytes, nameLength), index);
    }
    this.#context.index = index;
    this.#context.term = term;
    this.#context.wanted = wanted;
    return machine.apply(data.subarray(headBytes + nameLength), this.#context);
  }

  knows(data: Uint8Array): boolean {
    const [version, nameLength] = data;
    if (version !== envelopeVersion || nameLength === undefined) return false;
    if (headBytes + nameLength > data.length) return false;
    return this.#table.find(data, headBytes, nameLength) !== undefined;
  }

  describe(data: Uint8Array): string {
    return describeName(data, headBytes, data[1] ?? 0);
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

  createHandles(host: MachineHost): HandlesOf<Declarations> {
    const handles: Record<string, unknown> = {};
    for (const [name, machine] of this.#machines) {
      handles[name] = machine.createHandle({
        propose: (payload, options) => host.propose(this.encode(name, payload), options),
        read: (read, options) => host.read(read, options),
        wallMs: () => host.wallMs(),
        watch: host.watch ?? null,
      });
    }
    return Object.freeze(handles) as HandlesOf<Declarations>; // one handle for each declaration
  }

  direct(name: string): DirectMachine {
    const machine = this.#machines.get(name);
    if (machine === undefined) throw unknownAtPropose(name, null, this.names);
    return machine.direct;
  }
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

/** The length of the name in a well-formed envelope. */
function checkEnvelope(data: Uint8Array, index: LogIndex): number {
  const [version, nameLength] = data;
  if (version === undefined || nameLength === undefined) {
    throw new FormatError(`entry ${index}: a command's envelope ends after ${data.length} bytes`);
  }
  if (version !== envelopeVersion) {
    throw new UnknownVersionError("command envelope", version, envelopeVersion, index);
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
