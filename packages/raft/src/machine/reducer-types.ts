/**
 * The types of typed machines: what a program declares, and the handle it gets, inferred end to
 * end.
 */
import type { LogIndex, Term } from "../base/index.ts";
import type { Codec } from "./codec.ts";
import type { ProposeOptions, ReadOptions } from "./machine-host.ts";

/**
 * What a command may know besides state and argument: the same on every member. Valid during the
 * command.
 */
export interface CommandContext {
  readonly index: LogIndex;
  readonly term: Term;
  /**
   * Wall time in milliseconds at the member that proposed the command, stored with it. Members'
   * clocks differ, so it may go back from one command to the next.
   */
  readonly now: number;
  /**
   * The version of the machine that is enabled at this entry, from 1, the same on every member:
   * `machine.version` of the program rises with the upgrade, this one when all members have it. A
   * change of what a command does is made to depend on it.
   */
  readonly version: number;
  /** In [0, 1), from (index, term, number of the call): no secret. */
  readonly random: () => number;
}

/**
 * A command: changes the draft `state` in place, returns the result. Synchronous and deterministic.
 * Has no `this`: what commands share is a function beside them.
 */
export type Command<State> = (
  this: void,
  state: State,
  argument: never,
  context: CommandContext,
) => unknown;

export type Commands<State> = Readonly<Record<string, Command<State>>>;

/**
 * Names that commands cannot have: members of the handle now or as planned (`watch`), what makes an
 * object a promise or gives it a form of its own, and what every object has.
 */
export type ReservedCommandName =
  | "read"
  | "propose"
  | "watch"
  | "then"
  | "catch"
  | "finally"
  | "toJSON"
  | keyof typeof Object.prototype
  | "__proto__"
  | "__defineGetter__"
  | "__defineSetter__"
  | "__lookupGetter__"
  | "__lookupSetter__";

/**
 * Leaves good commands as they are, and puts a sentence that says why in the place of the others.
 */
export type CheckedCommands<CommandsOfMachine> = {
  readonly [Name in keyof CommandsOfMachine]: Name extends ReservedCommandName
    ? `A command cannot be named "${Name}": the machine's handle has a member of that name`
    : IsAsync<CommandResult<CommandsOfMachine[Name]>> extends true
      ? `The command "${Name & string}" cannot be async: await what it needs first, and pass it in`
      : CommandsOfMachine[Name];
};

/** Whether a result may be a promise; `any` may be anything and is looked at when it runs. */
type IsAsync<Result> = 0 extends 1 & Result
  ? false
  : [Extract<Result, PromiseLike<unknown>>] extends [never]
    ? false
    : true;

/**
 * The parameters of a handle's method for a command: its argument (if it has one), then options.
 */
export type CommandParameters<OneCommand> = OneCommand extends (
  state: never,
  ...rest: infer Rest
) => unknown
  ? [...argument: ArgumentOf<Rest>, options?: ProposeOptions]
  : never;

type ArgumentOf<Rest> = Rest extends readonly []
  ? [argument?: undefined]
  : Rest extends readonly [infer Argument, ...unknown[]]
    ? [Argument] extends [never]
      ? [argument?: undefined]
      : undefined extends Argument
        ? [argument?: Argument]
        : [argument: Argument]
    : Rest extends readonly [(infer Argument)?, ...unknown[]]
      ? [argument?: Argument]
      : never;

/** What a handle's method resolves with. */
export type CommandResult<OneCommand> = OneCommand extends (...all: never) => infer Result
  ? Result
  : never;

/** A state as a read sees it. */
export type ReadonlyState<State> = State extends (...all: never) => unknown
  ? State
  : State extends ReadonlyMap<infer Key, infer Value>
    ? ReadonlyMap<Key, ReadonlyState<Value>>
    : State extends ReadonlySet<infer Member>
      ? ReadonlySet<Member>
      : State extends object
        ? { readonly [Key in keyof State]: ReadonlyState<State[Key]> }
        : State;

/**
 * How a program uses a typed machine: `node.machines.<name>`. A method for each command: it
 * resolves with the command's return value (a copy without references into the state) once the
 * command is on a majority of disks and applied here.
 *
 * Rejects with a `QuorateError`: `COMMAND_FAILED` if the reducer threw, `BAD_ARGUMENT` if the codec
 * cannot carry the argument, and those of every proposal (`docs/errors.md`).
 */
export type MachineHandle<State, CommandsOfMachine> = {
  readonly [Name in keyof CommandsOfMachine]: (
    ...parameters: CommandParameters<CommandsOfMachine[Name]>
  ) => Promise<CommandResult<CommandsOfMachine[Name]>>;
} & {
  /** A command by its name, for names that are only known at run time. */
  propose<Name extends keyof CommandsOfMachine & string>(
    name: Name,
    ...parameters: CommandParameters<CommandsOfMachine[Name]>
  ): Promise<CommandResult<CommandsOfMachine[Name]>>;
  /**
   * Reads the state of this member, linearizably unless `consistency` says otherwise. `read` runs
   * at once; it cannot change the state (that throws), and what it returns is copied, so return
   * what you need, not the whole state.
   */
  read<Value>(read: (state: ReadonlyState<State>) => Value, options?: ReadOptions): Promise<Value>;
};

/** What a program says of a typed machine. */
export interface TypedMachine<State extends object, CommandsOfMachine> {
  /**
   * What this program can apply, from 1 to 65,535; raise it with each new command (`since`) and
   * whenever a command's effect changes (`context.version`). A version above 1 is enabled by an
   * entry of the log once all members have told that they can apply it.
   */
  readonly version: number;
  /**
   * The versions that brought commands that were not there from the beginning: `{ take: 2 }`. Such
   * a command is refused with `NOT_ENABLED_YET` before its version is enabled.
   */
  readonly since?: { readonly [Name in keyof CommandsOfMachine]?: number };
  /**
   * Makes the state before the first command: plain data, equal on every member, and in every later
   * version of the program: a member that starts from a snapshot does not call it.
   */
  readonly initial: () => State;
  readonly commands: CommandsOfMachine;
  /** How arguments are stored; `jsonCodec` if left out. */
  readonly codec?: Codec;
}
