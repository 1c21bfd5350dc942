/**
 * Typed machines: a state, and commands that change a draft of it. A command that throws leaves the
 * state as it was, on every member, and its caller gets the error. Stands on the contract of
 * `raw-machine.ts`.
 */
import {
  assert,
  FormatError,
  InvariantError,
  noIndex,
  noTerm,
  QuorateError,
} from "../base/index.ts";
import { checkDeclaration } from "./check-declaration.ts";
import { type Codec, jsonCodec, UnencodableError } from "./codec.ts";
import type { CommandOutcome } from "./command-outcome.ts";
import { encodePayload, PayloadReader } from "./command-payload.ts";
import { DeterministicRandom } from "./deterministic-random.ts";
import { copyState, Transaction } from "./draft.ts";
import type { InstanceSnapshots } from "./instance-snapshots.ts";
import {
  badConfig,
  UnknownCommandError,
  UnknownVersionError,
  unknownAtPropose,
} from "./machine-errors.ts";
import type { MachineHost, ProposeOptions, ReadOptions, Watch } from "./machine-host.ts";
import { describeName, NameTable } from "./name-table.ts";
import type {
  ApplyContext,
  DirectMachine,
  MachineDeclaration,
  MachineInstance,
  ReplyCodec,
} from "./raw-machine.ts";
import { checkDeterministic } from "./reducer-guard.ts";
import { outcomeReplies } from "./reducer-replies.ts";
import { ReducerState } from "./reducer-snapshots.ts";
import type {
  CheckedCommands,
  CommandContext,
  Commands,
  MachineHandle,
  TypedMachine,
} from "./reducer-types.ts";
import { StateHash } from "./state-hash.ts";

/**
 * Declares a typed machine. All types come from `initial` and `commands`:
 *
 *     const bank = machine({
 *       version: 1,
 *       initial: () => ({ balance: {} as Record<string, number> }),
 *       commands: {
 *         deposit(state, { to, amount }: { to: string; amount: number }) {
 *           state.balance[to] = (state.balance[to] ?? 0) + amount;
 *           return state.balance[to];
 *         },
 *       },
 *     });
 *
 * @throws QuorateError `BAD_CONFIG` for a version, a command's name or a declaration that cannot be
 * used
 */
export function machine<State extends object, CommandsOfMachine extends Commands<State>>(
  declaration: TypedMachine<State, CommandsOfMachine & CheckedCommands<CommandsOfMachine>>,
): MachineDeclaration<MachineHandle<State, CommandsOfMachine>> {
  checkDeclaration(declaration);
  return {
    create: (name) => {
      const instance = new ReducerInstance(name, declaration);
      // The handle's methods are made from the same commands as its type.
      return instance as MachineInstance<MachineHandle<State, CommandsOfMachine>>;
    },
  };
}

type Reducer = (state: object, argument: unknown, context: CommandContext) => unknown;

interface NamedCommand {
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly reducer: Reducer;
  /** The version of the machine that brought it. */
  readonly since: number;
}

/** A declaration whose types are of no use any more: the commands get what was stored for them. */
type AnyMachine = TypedMachine<object, Commands<never>>;

class ReducerInstance implements MachineInstance<object> {
  readonly #name: string;
  readonly version: number;
  readonly #codec: Codec;
  readonly #state: ReducerState;
  readonly #commands: ReadonlyMap<string, NamedCommand>;
  readonly #table: NameTable<NamedCommand>;
  readonly #payload = new PayloadReader();
  readonly #context = new EntryContext();
  readonly replies: ReplyCodec = outcomeReplies;

  constructor(name: string, declaration: AnyMachine) {
    this.#name = name;
    this.version = declaration.version;
    this.#codec = declaration.codec ?? jsonCodec;
    this.#state = new ReducerState(createState(name, declaration), declaration.version);
    this.#commands = namedCommands(declaration);
    this.#table = new NameTable(this.#commands);
  }

  apply(bytes: Uint8Array, entry: ApplyContext): CommandOutcome | undefined {
    const payload = this.#payload;
    payload.read(bytes, entry.index);
    if (payload.machineVersion > this.version) {
      throw new UnknownVersionError("machine", payload.machineVersion, this.version, entry.index);
    }
    const command = this.#table.find(bytes, payload.nameOffset, payload.nameLength);
    if (command === undefined) {
      const name = describeName(bytes, payload.nameOffset, payload.nameLength);
      throw new UnknownCommandError(this.#name, name, entry.index);
    }
    const argument = payload.hasArgument
      ? this.#codec.decode(bytes.subarray(payload.argumentOffset))
      : undefined;
    // A program that knew nothing of enabling wrote its own version: whoever applies it has that.
    this.#state.enter(Math.max(entry.version, payload.machineVersion));
    this.#context.enter(entry, payload.nowMs, this.#state.version);
    return this.#run(command, argument, entry.wanted);
  }

  knows(bytes: Uint8Array): boolean {
    const payload = this.#payload;
    try {
      payload.read(bytes, noIndex);
    } catch (error) {
      if (error instanceof FormatError || error instanceof UnknownVersionError) return false;
      throw error;
    }
    if (payload.machineVersion > this.version) return false;
    return this.#table.find(bytes, payload.nameOffset, payload.nameLength) !== undefined;
  }

  versionOf(bytes: Uint8Array): number {
    const payload = this.#payload;
    try {
      payload.read(bytes, noIndex);
    } catch (error) {
      if (error instanceof FormatError || error instanceof UnknownVersionError) return 1;
      throw error;
    }
    return payload.machineVersion;
  }

  hashState(): number {
    const hash = new StateHash();
    const { current, layers } = this.#state;
    if (layers === null) hash.add(current);
    else this.#readNow((state) => hash.add(state));
    return hash.value;
  }

  get snapshots(): InstanceSnapshots {
    return this.#state;
  }

  get direct(): DirectMachine {
    return {
      encode: (name, argument, wallMs) =>
        this.#encodeCommand(this.#find(name ?? ""), argument, wallMs),
      unwrap: (name, outcome) => {
        // the host passes on what `apply` returned
        return this.#unwrap(this.#find(name ?? ""), outcome as CommandOutcome);
      },
      // Who declared the machine reads it.
      read: (read) => this.#readNow(read as (state: object) => unknown),
    };
  }

  createHandle(host: MachineHost): object {
    const handle: Record<string, unknown> = {
      propose: (name: string, argument: unknown, options?: ProposeOptions) =>
        this.#propose(host, name, argument, options),
      read: (read: (state: object) => unknown, options?: ReadOptions) =>
        this.#read(host, read, options),
    };
    for (const name of this.#commands.keys()) {
      handle[name] = (argument: unknown, options?: ProposeOptions) =>
        this.#propose(host, name, argument, options);
    }
    return Object.freeze(handle);
  }

  #run(command: NamedCommand, argument: unknown, wanted: boolean): CommandOutcome | undefined {
    const { current, layers } = this.#state;
    const transaction = new Transaction(current, "write", "a result", layers);
    let result: unknown;
    try {
      result = command.reducer(transaction.root, argument, this.#context);
      checkSynchronous(result, `The command "${command.name}"`);
      transaction.prepare();
    } catch (error) {
      transaction.close();
      if (error instanceof InvariantError) throw error;
      return wanted ? { kind: "failed", error } : undefined;
    }
    const outcome = wanted ? takeResult(transaction, result) : undefined;
    transaction.commit();
    return outcome;
  }

  async #propose(
    host: MachineHost,
    name: string,
    argument: unknown,
    options: ProposeOptions | undefined,
  ): Promise<unknown> {
    const command = this.#find(name);
    const payload = this.#encodeCommand(command, argument, host.wallMs());
    if (host.watch != null) this.#guard(command, payload, host.watch, host.version?.() ?? 1);
    const outcome = await host.propose(payload, options);
    assert(outcome !== undefined, "a command that is waited for has an outcome");
    // the host returns what `apply` returned
    return this.#unwrap(command, outcome as CommandOutcome);
  }

  /** @throws QuorateError `NONDETERMINISTIC` */
  #guard(command: NamedCommand, payload: Uint8Array, watch: Watch, version: number): void {
    const reader = new PayloadReader();
    reader.read(payload, noIndex);
    const { nowMs, hasArgument, argumentOffset } = reader;
    checkDeterministic(
      {
        ...{ machine: this.#name, command: command.name, state: this.#copyOfState() },
        decode: () =>
          hasArgument ? this.#codec.decode(payload.subarray(argumentOffset)) : undefined,
        run: (state, argument) => {
          const context = new EntryContext();
          const now = Math.max(version, command.since);
          context.enter({ index: noIndex, term: noTerm, wanted: true, version: now }, nowMs, now);
          const result = command.reducer(state, argument, context);
          checkSynchronous(result, `The command "${command.name}"`);
          return result;
        },
      },
      watch,
    );
  }

  #find(name: string): NamedCommand {
    const command = this.#commands.get(name);
    if (command !== undefined) return command;
    throw unknownAtPropose(this.#name, name, [...this.#commands.keys()]);
  }

  #encodeCommand(command: NamedCommand, argument: unknown, wallMs: number): Uint8Array {
    const encoded = argument === undefined ? null : this.#encode(command, argument);
    const head = { machineVersion: command.since, nowMs: Math.max(0, Math.trunc(wallMs)) };
    return encodePayload(head, command.nameBytes, encoded);
  }

  #encode(command: NamedCommand, argument: unknown): Uint8Array {
    try {
      const bytes = this.#codec.encode(argument);
      // What cannot be decoded would stop every member, so it must not get into the log.
      if (this.#codec !== jsonCodec) this.#codec.decode(bytes);
      return bytes;
    } catch (error) {
      throw badArgument(this.#name, command.name, error);
    }
  }

  #unwrap(command: NamedCommand, outcome: CommandOutcome): unknown {
    if (outcome.kind === "value") return outcome.value;
    const reason = describeError(outcome.error);
    const details = { machine: this.#name, command: command.name, reason };
    if (outcome.kind === "failed") {
      const text = `Cannot run the command "${command.name}" of "${this.#name}": ${reason}`;
      throw new QuorateError("COMMAND_FAILED", text, {
        outcome: "not-applied",
        retry: "never",
        hint: "Correct the argument or the reducer: refusals are return values, not exceptions.",
        details,
        cause: outcome.error,
      });
    }
    const text = `Cannot return the result of "${command.name}" of "${this.#name}": ${reason}`;
    throw new QuorateError("COMMAND_FAILED", text, {
      outcome: "applied",
      retry: "never",
      hint: "Return plain data from the reducer; read the state to see what the command did.",
      details,
      cause: outcome.error,
    });
  }

  async #read(
    host: MachineHost,
    read: (state: object) => unknown,
    options: ReadOptions | undefined,
  ): Promise<unknown> {
    return await host.read(() => this.#readNow(read), options);
  }

  #copyOfState(): object {
    return this.#readNow((state) => state) as object; // what is returned is copied
  }

  #readNow(read: (state: object) => unknown): unknown {
    const { current, layers } = this.#state;
    const purpose = `read() of the machine "${this.#name}"`;
    const transaction = new Transaction(current, "read", purpose, layers);
    try {
      const value = read(transaction.root);
      checkSynchronous(value, "The callback of read()");
      return transaction.copyResult(value);
    } finally {
      transaction.close();
    }
  }
}

/** One for each machine, refilled for each command. `random` may be taken out of it. */
class EntryContext implements CommandContext {
  index = noIndex;
  term = noTerm;
  now = 0;
  version = 1;
  readonly random: () => number;
  readonly #stream = new DeterministicRandom();
  #isSeeded = false;

  constructor() {
    this.random = () => {
      if (!this.#isSeeded) this.#stream.seed(this.index, this.term);
      this.#isSeeded = true;
      return this.#stream.next();
    };
  }

  enter(entry: ApplyContext, nowMs: number, version: number): void {
    this.index = entry.index;
    this.term = entry.term;
    this.now = nowMs;
    this.version = version;
    this.#isSeeded = false;
  }
}

function takeResult(transaction: Transaction<object>, result: unknown): CommandOutcome {
  try {
    return { kind: "value", value: transaction.copyResult(result) };
  } catch (error) {
    return { kind: "result-lost", error };
  }
}

/**
 * Refuses promises: what happens after the first `await` would happen at another time on each
 * member.
 */
function checkSynchronous(result: unknown, what: string): void {
  if (typeof result !== "object" || result === null) return;
  if (typeof Reflect.get(result, "then") !== "function") return;
  // It is refused here, so nobody else will look at how it ends.
  if (result instanceof Promise) result.then(ignore, ignore);
  throw new TypeError(
    `${what} returned a promise: it must be synchronous. Await what it needs first, and pass it in`,
  );
}

function ignore(): void {}

function badArgument(
  machine: string,
  command: string,
  error: unknown,
): QuorateError<"BAD_ARGUMENT"> {
  const path = error instanceof UnencodableError ? error.path : "argument";
  const text = `Cannot propose "${command}" of "${machine}": ${describeError(error)}`;
  return new QuorateError("BAD_ARGUMENT", text, {
    outcome: "not-applied",
    retry: "never",
    hint: "Pass plain data that the machine's codec can carry.",
    details: { machine, command, path },
    cause: error,
  });
}

function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function createState(name: string, declaration: AnyMachine): object {
  try {
    return copyState(declaration.initial());
  } catch (error) {
    const fact = `it does not return a state: ${describeError(error)}`;
    throw badConfig(
      `machines.${name}.initial`,
      "()",
      fact,
      "Return plain data, an object at the top.",
    );
  }
}

function namedCommands({ commands, since }: AnyMachine): ReadonlyMap<string, NamedCommand> {
  const encoder = new TextEncoder();
  const result = new Map<string, NamedCommand>();
  for (const [name, reducer] of Object.entries(commands)) {
    const nameBytes = encoder.encode(name);
    // The argument is what the handle's types let through, on the member that was asked.
    result.set(name, {
      ...{ name, nameBytes, since: since?.[name] ?? 1 },
      reducer: reducer as Reducer,
    });
  }
  return result;
}
