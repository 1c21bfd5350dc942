/** What is refused because of versions of machines, as `QuorateError`s. */
import { type ErrorDetails, type MachineVersion, QuorateError } from "../../base/index.ts";

/** What a command needs and is not enabled, and who holds that back. */
export type NotEnabled = ErrorDetails["NOT_ENABLED_YET"];

export function notEnabledYet(details: NotEnabled): QuorateError {
  const { machine, version, lacking } = details;
  const isFree = lacking.length === 0;
  const fact = isFree
    ? "no member holds it back"
    : `${describeLacking(lacking)} cannot apply it yet`;
  const names = lacking.map(({ id }) => id).join(" and ");
  return new QuorateError(
    "NOT_ENABLED_YET",
    `Cannot propose: version ${version} of the machine "${machine}" is not enabled yet: ${fact}`,
    {
      outcome: "not-applied",
      retry: "after",
      hint: isFree
        ? "Try again, or call node.versions.enable() where it is enabled by hand."
        : `Start ${names} with a program that has version ${version} of it.`,
      details,
    },
  );
}

/** Who cannot apply it, and what each can. */
export function describeLacking(lacking: NotEnabled["lacking"]): string {
  return lacking.map(({ id, version }) => `${id} (${describeKnown(version)})`).join(", ");
}

function describeKnown(version: number | null): string {
  if (version === null) return "has not told what it can";
  return version === 0 ? "does not have the machine" : `knows versions up to ${version}`;
}

/** `known`: null: an older program, which does not tell. For the log of either end. */
export function describeTooOld(
  id: string,
  { machine, version }: MachineVersion,
  known: number | null,
): string {
  return (
    `version ${version} of the machine "${machine}" is enabled, and the program of member ${id} ` +
    `${known === null ? "is too old to tell what it can" : describeKnown(known)}: upgrade it`
  );
}

/** Of a member that is started, added or refused by a peer. */
export function programTooOld(id: string, by: string | null, text: string): QuorateError {
  const said = by === null ? "" : `${by} says: `;
  return new QuorateError("PROGRAM_TOO_OLD", `Cannot go on: ${said}${text}`, {
    outcome: "not-applied",
    retry: "never",
    hint: `Start ${id} with the program that the other members run, or a later one.`,
    details: { id, by },
  });
}
