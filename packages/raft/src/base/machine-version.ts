/**
 * A machine's name with a version of it, and a list of them as bytes: what programs can apply, and
 * what the log enables. Used by the machines and by the transport, which do not know each other.
 */
import { assert } from "./assert.ts";
import { type ByteReader, type ByteWriter, FormatError } from "./bytes.ts";

/** A machine by its name, and a version of it: 0 stands for a program that does not have it. */
export interface MachineVersion {
  readonly machine: string;
  readonly version: number;
}

/** Machines that one entry, one introduction or one snapshot tells of. */
export const namedVersionsMax = 1_024;

export const machineNameBytesMax = 32;

/** A count and pairs, sorted by name: in entries, introductions, refusals. */
export function writeVersions(
  writer: Pick<ByteWriter, "u16" | "string">,
  versions: readonly MachineVersion[],
): void {
  assert(versions.length <= namedVersionsMax, "a program has a limited number of machines");
  writer.u16(versions.length);
  for (const { machine, version } of versions.toSorted(byMachine)) {
    writer.string(machine);
    writer.u16(version);
  }
}

/** @throws FormatError */
export function readVersions(reader: ByteReader): readonly MachineVersion[] {
  const count = reader.u16();
  if (count > namedVersionsMax) throw new FormatError(`the versions of ${count} machines`);
  const versions: MachineVersion[] = [];
  for (let left = count; left > 0; left--) {
    const machine = reader.string();
    const before = versions.at(-1)?.machine ?? "";
    if (machine <= before || machine.length > machineNameBytesMax) {
      throw new FormatError(`the version of a machine ${JSON.stringify(machine.slice(0, 64))}`);
    }
    const version = reader.u16();
    if (version === 0) throw new FormatError(`the machine "${machine}" is of version 0`);
    versions.push({ machine, version });
  }
  return versions;
}

/** By code units, as strings compare. */
function byMachine(a: MachineVersion, b: MachineVersion): number {
  return a.machine < b.machine ? -1 : Number(a.machine > b.machine);
}
