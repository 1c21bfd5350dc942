/**
 * Takes the sections of a snapshot into the machines of a member. What is wrong with the bytes is a
 * `FormatError` that names the section and the place; what is right and yet too much for this
 * program is an `UnrestorableError`. Made by `machine-set.ts`.
 */
import {
  assert,
  ByteReader,
  FormatError,
  InvariantError,
  type MachineVersion,
} from "../base/index.ts";
import { type ByteFeed, ParsedRestore, type Parser } from "./byte-feed.ts";
import type { InstanceSnapshots } from "./instance-snapshots.ts";
import { UnrestorableError } from "./machine-errors.ts";
import { parseVersionsSection } from "./machine-versions.ts";
import {
  machineHeadBytes,
  machineKinds,
  positionBytes,
  positionSection,
  type SetPosition,
  type SnapshotPiece,
  sectionVersion,
  sessionsSection,
  versionsSection,
} from "./set-capture.ts";
import type { StateRestore } from "./state-capture.ts";

/** A snapshot that is being taken into the machines. */
export interface MachineSetRestore {
  /**
   * The next bytes, cut anywhere but between sections; a view that is good during the call.
   *
   * @throws FormatError for bytes that no member writes; UnrestorableError for those of a newer
   * program. Either must stop the member, for its machines are in no state any more
   */
  write(piece: SnapshotPiece): void;
  /** After the last: from here on the machines are as the snapshot says. @throws as `write` */
  finish(): void;
}

/** The machines as a restore sees them. */
export interface RestoreTarget {
  /** Of the snapshot. */
  readonly position: SetPosition;
  find(name: string): InstanceSnapshots | null | undefined;
  /** What this program can apply of the machine; 0: it does not declare it. */
  versionOf(name: string): number;
  restoreSessions(): StateRestore;
  /** Machines that have had a command, so that a later snapshot must have them. */
  readonly used: readonly string[];
  /** All is taken; these machines have had a command, and of these versions are enabled. */
  onFinished(used: ReadonlySet<string>, enabled: ReadonlyMap<string, number>): void;
}

export class SetRestore implements MachineSetRestore {
  readonly #target: RestoreTarget;
  readonly #done: string[] = [];
  #section: string | null = null;
  #sectionBytes = 0;
  #body: StateRestore | null = null;
  #enabled: ReadonlyMap<string, number> = new Map();

  constructor(target: RestoreTarget) {
    this.#target = target;
  }

  write({ section, data, isLast }: SnapshotPiece): void {
    if (this.#section === null) this.#begin(section);
    else if (section !== this.#section) {
      throw this.#fault(this.#section, `it ends in the middle, at byte ${this.#sectionBytes}`);
    }
    const body = this.#body;
    assert(body !== null, "a section that has begun is being read");
    const from = this.#sectionBytes;
    this.#sectionBytes += data.length;
    try {
      body.write(data);
      if (isLast) body.finish();
    } catch (error) {
      if (error instanceof InvariantError || error instanceof UnrestorableError) throw error;
      const text = error instanceof Error ? error.message : String(error);
      const where = `bytes ${from} to ${this.#sectionBytes}: ${text}`;
      throw this.#fault(section, where, error);
    }
    if (!isLast) return;
    this.#done.push(section);
    this.#section = null;
    this.#body = null;
  }

  finish(): void {
    if (this.#section !== null) throw this.#fault(this.#section, "it ends in the middle");
    for (const name of [...fixedSections, ...this.#target.used]) {
      // A later snapshot holds whatever an earlier state did.
      if (!this.#done.includes(name)) throw this.#fault(name, "it is missing");
    }
    this.#target.onFinished(new Set(this.#done), this.#enabled);
  }

  #begin(section: string): void {
    const expected = fixedSections[this.#done.length];
    if (expected !== undefined && section !== expected) {
      throw this.#fault(section, `it stands where "${expected}" belongs`);
    }
    const machines = this.#done.filter((name) => !name.startsWith("@"));
    const before = machines.at(-1) ?? (this.#done.includes(versionsSection) ? "" : undefined);
    const isOutOfOrder =
      section === versionsSection ? before !== undefined : section <= (before ?? "");
    if (this.#done.length >= fixedSections.length && isOutOfOrder) {
      throw this.#fault(section, `it stands behind "${before}"`);
    }
    this.#section = section;
    this.#sectionBytes = 0;
    this.#body = this.#open(section);
  }

  #open(section: string): StateRestore {
    if (section === sessionsSection) return this.#target.restoreSessions();
    if (section === positionSection) {
      return new ParsedRestore(parsePosition, (found) => this.#checkPosition(found));
    }
    if (section === versionsSection) {
      return new ParsedRestore(parseVersionsSection, (found) => this.#checkVersions(found));
    }
    return new MachineRestore((head) => this.#restoreMachine(section, head));
  }

  #checkPosition({ index, term }: { readonly index: number; readonly term: number }): void {
    const { position } = this.#target;
    if (index === position.index && term === position.term) return;
    const wanted = `${position.index}, term ${position.term}`;
    throw new FormatError(`it is the state of entry ${index}, term ${term}, and not of ${wanted}`);
  }

  /** Before any machine gets its state. @throws UnrestorableError */
  #checkVersions(versions: readonly MachineVersion[]): void {
    for (const { machine, version } of versions) {
      const known = this.#target.versionOf(machine);
      if (version <= known) continue;
      const has = known === 0 ? "does not declare it" : `knows versions up to ${known}`;
      const fact = `version ${version} of the machine "${machine}" is enabled, this program ${has}`;
      throw this.#refused(versionsSection, fact, upgrade);
    }
    this.#enabled = new Map(versions.map(({ machine, version }) => [machine, version]));
  }

  /** @throws FormatError, UnrestorableError */
  #restoreMachine(name: string, head: Uint8Array): StateRestore {
    const reader = new ByteReader(head);
    const [format, kind, version] = [reader.u8(), reader.u8(), reader.u16()];
    const what = `the machine "${name}"`;
    if (format !== sectionVersion) {
      throw this.#refused(name, `${what} is in a format ${format}`, upgrade);
    }
    const kindName = kindOf(kind);
    if (version === 0) throw new FormatError(`${what} is of version 0`);
    const snapshots = this.#target.find(name);
    if (snapshots === undefined) {
      const hint = "Start this member with the program that declares it.";
      throw this.#refused(name, `it has ${what}, which this program does not declare`, hint);
    }
    if (snapshots === null) {
      const hint = "Start this member with the program that has it.";
      throw this.#refused(name, `${what} has no restore in this program`, hint);
    }
    if (kindName !== snapshots.kind) {
      const fact = `${what} is a ${kindName} one there, and a ${snapshots.kind} one here`;
      throw this.#refused(name, fact, "Give the new machine another name.");
    }
    if (version > snapshots.versionMax) {
      const known = `this program knows versions up to ${snapshots.versionMax}`;
      throw this.#refused(name, `${what} is of version ${version}, ${known}`, upgrade);
    }
    return snapshots.restore(version);
  }

  #refused(section: string, fact: string, hint: string): UnrestorableError {
    return new UnrestorableError(section, this.#target.position.index, fact, hint);
  }

  #fault(section: string, fact: string, cause?: unknown): FormatError {
    const { index } = this.#target.position;
    const text = `the snapshot of entry ${index}, section "${section}": ${fact}`;
    return new FormatError(text, { cause });
  }
}

/** What every snapshot begins with. */
const fixedSections: readonly string[] = [positionSection, sessionsSection];

const upgrade = "Upgrade this member.";

function kindOf(kind: number): "raw" | "typed" {
  if (kind === machineKinds.raw) return "raw";
  if (kind === machineKinds.typed) return "typed";
  throw new FormatError(`unknown kind of machine ${kind}`);
}

function* parsePosition(feed: ByteFeed): Parser<{ index: number; term: number }> {
  while (!feed.has(positionBytes)) yield positionBytes;
  const version = feed.reader.u8();
  if (version !== sectionVersion) throw new FormatError(`a position of version ${version}`);
  return { index: feed.reader.u64(), term: feed.reader.u64() };
}

/** Takes the head of a machine's section, then hands on to the machine. */
class MachineRestore implements StateRestore {
  readonly #open: (head: Uint8Array) => StateRestore;
  #head = new Uint8Array(0);
  #body: StateRestore | null = null;

  constructor(open: (head: Uint8Array) => StateRestore) {
    this.#open = open;
  }

  write(bytes: Uint8Array): void {
    const rest = this.#body === null ? this.#takeHead(bytes) : bytes;
    if (rest.length > 0) this.#body?.write(rest);
  }

  finish(): void {
    if (this.#body === null) throw new FormatError("it ends in the middle of its head");
    this.#body.finish();
  }

  #takeHead(bytes: Uint8Array): Uint8Array {
    const missing = machineHeadBytes - this.#head.length;
    this.#head = Uint8Array.of(...this.#head, ...bytes.subarray(0, missing));
    if (this.#head.length === machineHeadBytes) this.#body = this.#open(this.#head);
    return bytes.subarray(missing);
  }
}
