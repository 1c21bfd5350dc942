/**
 * The errors of this room. Those thrown while applying stop the member: skipping a command that
 * others apply would make this member differ from them. Those thrown at propose are
 * `QuorateError`s.
 */
import { QuorateError } from "../base/index.ts";

/** A committed entry is for a machine that this program does not declare. The member must stop. */
export class UnknownMachineError extends Error {
  override readonly name = "UnknownMachineError";
  readonly machine: string;
  readonly index: number;

  constructor(machine: string, index: number) {
    super(
      `Cannot apply entry ${index}: it is for the machine "${machine}", which this program ` +
        "does not declare. Start it with the program that declares it.",
    );
    this.machine = machine;
    this.index = index;
  }
}

/** A committed entry carries a command that its machine does not have. The member must stop. */
export class UnknownCommandError extends Error {
  override readonly name = "UnknownCommandError";
  readonly machine: string;
  readonly command: string;
  readonly index: number;

  constructor(machine: string, command: string, index: number) {
    super(
      `Cannot apply entry ${index}: the machine "${machine}" has no command "${command}". ` +
        "Start this member with the version of the program that has it.",
    );
    this.machine = machine;
    this.command = command;
    this.index = index;
  }
}

/** What has a version that this program does not know yet. */
export type VersionedThing = "command envelope" | "command payload" | "machine";

/**
 * A committed entry is of a format or machine version newer than this program's. The member must
 * stop.
 */
export class UnknownVersionError extends Error {
  override readonly name = "UnknownVersionError";
  readonly thing: VersionedThing;
  readonly version: number;
  readonly versionMax: number;
  readonly index: number;

  constructor(thing: VersionedThing, version: number, versionMax: number, index: number) {
    super(
      `Cannot apply entry ${index}: its ${thing} has version ${version}, this program knows ` +
        `versions up to ${versionMax}. Upgrade this member.`,
    );
    this.thing = thing;
    this.version = version;
    this.versionMax = versionMax;
    this.index = index;
  }
}

/** Refuses a proposal for a machine, or a command of it, that is not declared. */
export function unknownAtPropose(
  machine: string,
  command: string | null,
  known: readonly string[],
): QuorateError<"UNKNOWN_COMMAND"> {
  const fact =
    command === null
      ? `there is no machine "${machine}"`
      : `the machine "${machine}" has no command "${command}"`;
  return new QuorateError("UNKNOWN_COMMAND", `Cannot propose: ${fact}`, {
    outcome: "not-applied",
    retry: "never",
    hint: `Use one of: ${known.join(", ")}.`,
    details: { machine, command },
  });
}

/** Refuses a declaration or an option. `option` is a path such as `machines.bank.version`. */
export function badConfig(
  option: string,
  value: string,
  fact: string,
  hint: string,
): QuorateError<"BAD_CONFIG"> {
  return new QuorateError("BAD_CONFIG", `Cannot use ${option} ${value}: ${fact}`, {
    outcome: "not-applied",
    retry: "never",
    hint,
    details: { option, value },
  });
}
