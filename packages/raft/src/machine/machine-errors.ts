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

/**
 * A snapshot is sound, and this program cannot take it: it has a machine, a kind of machine or a
 * version that the program does not have. The member must stop: a state without it would differ
 * from the others'.
 */
export class UnrestorableError extends Error {
  override readonly name = "UnrestorableError";
  /** Of the snapshot that cannot be taken. */
  readonly section: string;
  readonly index: number;

  constructor(section: string, index: number, fact: string, hint: string) {
    super(`Cannot restore the snapshot of entry ${index}: ${fact}. ${hint}`);
    this.section = section;
    this.index = index;
  }
}

/** What to tell who starts a member with machines that cannot be in a snapshot; null if all can. */
export function describeWithoutSnapshots(machines: readonly string[]): string | null {
  if (machines.length === 0) return null;
  const names = machines.map((name) => `"${name}"`).join(", ");
  const [what, whose] = machines.length === 1 ? ["machine", "it has"] : ["machines", "they have"];
  return (
    `The ${what} ${names} cannot take snapshots, for ${whose} ` +
    "no capture and restore. So this member takes none, and its log grows: see docs/machines.md."
  );
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
