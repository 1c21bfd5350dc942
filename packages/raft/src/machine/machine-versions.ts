/**
 * The versions of machines: entries of the log that enable them, their section in a snapshot, and
 * which one is in force. Specified in `docs/formats.md`; called by `machine-set.ts` and by the
 * node, whose leader decides when an entry is appended.
 */
import {
  assert,
  ByteReader,
  ByteWriter,
  FormatError,
  type MachineVersion,
  machineNameBytesMax,
  namedVersionsMax,
  readVersions,
  writeVersions,
} from "../base/index.ts";
import type { ByteFeed, Parser } from "./byte-feed.ts";

/** The machines of a member as the node sees their versions. */
export interface VersionedMachines {
  /** What this program can apply: each machine, sorted by name. */
  readonly known: readonly MachineVersion[];
  /** What is in force as far as entries are applied: each machine in use, sorted by name. */
  readonly enabled: readonly MachineVersion[];
  /**
   * The version that the machine is in force with; 0: it was never used. @invariant it is declared,
   * or 0 is right
   */
  enabledVersion(name: string): number;
  /**
   * What has to be enabled before the command may get into the log, and is not; null: nothing.
   *
   * @invariant `knows(data)`
   */
  lacks(data: Uint8Array): MachineVersion | null;
  /** The same for commands of newer programs, which `knows` may not know. */
  lacksNewer(data: Uint8Array): MachineVersion | null;
  /**
   * What the entry enables beyond this program's versions, so that this program cannot apply what
   * follows; null: nothing.
   */
  tooNew(data: Uint8Array): MachineVersion | null;
}

/** Version of the envelope of these entries; the first byte tells them from others (1 and 2). */
export const versionsEnvelopeVersion = 3;

/** The entry that enables them. Sorts by name, so that equal ones are equal bytes. */
export function encodeEnable(versions: readonly MachineVersion[]): Uint8Array {
  assert(versions.length > 0, "an entry enables something");
  const writer = new ByteWriter().u8(versionsEnvelopeVersion);
  writeVersions(writer, versions);
  return writer.finish();
}

export function isEnableEntry(data: Uint8Array): boolean {
  return data[0] === versionsEnvelopeVersion;
}

/** @throws FormatError */
export function decodeEnable(data: Uint8Array): readonly MachineVersion[] {
  const reader = new ByteReader(data.subarray(1));
  const versions = readVersions(reader);
  if (versions.length === 0) throw new FormatError("an entry that enables nothing");
  if (reader.remaining > 0) throw new FormatError(`${reader.remaining} bytes behind the versions`);
  return versions;
}

// --- in a snapshot -------------------------------------------------------------------------------

/** Of the section's bytes. */
const versionsSectionVersion = 1;
const sectionBytesMax = 3 + namedVersionsMax * (2 + machineNameBytesMax + 2);

export function encodeVersionsSection(versions: readonly MachineVersion[]): Uint8Array {
  const writer = new ByteWriter().u8(versionsSectionVersion);
  writeVersions(writer, versions);
  return writer.finish();
}

/** Reads the whole section: it is small. @throws FormatError */
export function* parseVersionsSection(feed: ByteFeed): Parser<readonly MachineVersion[]> {
  while (!feed.has(3)) yield 3;
  const version = feed.reader.u8();
  if (version !== versionsSectionVersion) {
    throw new FormatError(`versions in a format ${version}: this program knows 1`);
  }
  const versions: MachineVersion[] = [];
  for (let left = feed.reader.u16(); left > 0; left--) {
    while (!feed.has(2)) yield 2;
    const nameBytes = feed.peek(0) | (feed.peek(1) << 8);
    if (nameBytes > machineNameBytesMax)
      throw new FormatError(`a machine's name of ${nameBytes} bytes`);
    while (!feed.has(nameBytes + 4)) yield nameBytes + 4;
    const machine = feed.reader.string();
    const before = versions.at(-1)?.machine ?? "";
    if (machine <= before) throw new FormatError(`the machine "${machine}" behind "${before}"`);
    versions.push({ machine, version: feed.reader.u16() });
    if (feed.offset > sectionBytesMax) throw new FormatError("more versions than there may be");
  }
  return versions;
}
