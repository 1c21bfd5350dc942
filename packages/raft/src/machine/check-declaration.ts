/** Checks the declaration of a typed machine when it is made. Called by `reducer.ts`. */
import { machineVersionMax } from "./command-payload.ts";
import { badConfig } from "./machine-errors.ts";
import type { ReservedCommandName, TypedMachine } from "./reducer-types.ts";

/** A record, so that the compiler sees a name that was forgotten. */
const reservedNames: Readonly<Record<ReservedCommandName, true>> = {
  read: true,
  propose: true,
  watch: true,
  // biome-ignore lint/suspicious/noThenProperty: a table of names, among them those of promises
  then: true,
  catch: true,
  finally: true,
  toJSON: true,
  constructor: true,
  toString: true,
  toLocaleString: true,
  valueOf: true,
  hasOwnProperty: true,
  isPrototypeOf: true,
  propertyIsEnumerable: true,
  ["__proto__"]: true,
  __defineGetter__: true,
  __defineSetter__: true,
  __lookupGetter__: true,
  __lookupSetter__: true,
};

const commandNamePattern = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/** @throws QuorateError `BAD_CONFIG` for what the types cannot see, or were told to overlook */
export function checkDeclaration(declaration: TypedMachine<object, object>): void {
  const { version, initial, commands } = declaration;
  if (!Number.isInteger(version) || version < 1 || version > machineVersionMax) {
    const fact = "a machine's version is a whole number from 1 to 65,535";
    throw badConfig("machine.version", String(version), fact, "Start with 1.");
  }
  if (typeof initial !== "function") {
    const fact = "it makes the first state, so it is a function";
    throw badConfig("machine.initial", String(initial), fact, "Pass () => ({ ... }).");
  }
  for (const [name, reducer] of Object.entries(commands)) checkCommand(name, reducer);
  for (const [name, since] of Object.entries(declaration.since ?? {})) {
    checkSince(name, since, declaration);
  }
}

function checkSince(name: string, since: unknown, declaration: TypedMachine<object, object>): void {
  const { commands, version } = declaration;
  const option = `machine.since.${name}`;
  if (!Object.hasOwn(commands, name)) {
    const fact = "there is no command of that name";
    throw badConfig(option, String(since), fact, "Name a command, or leave it out.");
  }
  if (Number.isInteger(since) && Number(since) >= 1 && Number(since) <= version) return;
  const fact = `it is a whole number from 1 to the machine's version, ${version}`;
  throw badConfig(option, String(since), fact, "Raise version with each new command.");
}

function checkCommand(name: string, reducer: unknown): void {
  const option = `machine.commands.${name}`;
  if (!commandNamePattern.test(name)) {
    const fact = "it cannot name a command";
    const hint = "Begin with a letter; up to 64 letters, digits, - and _.";
    throw badConfig(option, JSON.stringify(name), fact, hint);
  }
  if (Object.hasOwn(reservedNames, name)) {
    const fact = "the machine's handle, or every object, has a member of that name";
    throw badConfig(option, JSON.stringify(name), fact, "Choose another name.");
  }
  if (typeof reducer !== "function") {
    throw badConfig(
      option,
      String(reducer),
      "a command is a function",
      "Pass (state, argument) => ...",
    );
  }
}
