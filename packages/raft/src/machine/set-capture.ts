/**
 * Writes the state of a set of machines as named sections of a snapshot: where in the log it is,
 * the sessions, and each machine that had a command. Made by `machine-set.ts`.
 * `docs/formats.md` has the bytes.
 */
import { assert, ByteWriter, type LogIndex, type Term } from "../base/index.ts";
import type { InstanceSnapshots } from "./instance-snapshots.ts";
import type { StateCapture } from "./state-capture.ts";

/** Some bytes of a section, in order. `SnapshotReader` gives the same. */
export interface SnapshotPiece {
  readonly section: string;
  readonly data: Uint8Array;
  /** The section ends with it; it may be empty. */
  readonly isLast: boolean;
}

/** All machines of a member as they were at one index, to be written out while they go on. */
export interface MachineSetCapture {
  /**
   * The next bytes, at most `maxBytes` (1 MiB is good), or null after the last. Each call takes a
   * few milliseconds at most. The bytes are nobody else's.
   *
   * @throws whatever a raw machine throws: it must stop the member
   */
  next(maxBytes: number): SnapshotPiece | null;
  /** Lets go of it before its end; nothing to let go of is no error. */
  release(): void;
}

/** No machine's name has an `@`. */
export const positionSection = "@position";
export const sessionsSection = "@sessions";
/** Only if entries have enabled versions. */
export const versionsSection = "@versions";

/** Of what this file writes: the position, and the head of a machine's section. */
export const sectionVersion = 1;
export const positionBytes = 17;
export const machineHeadBytes = 4;
export const machineKinds = { raw: 1, typed: 2 } as const;

export interface SetPosition {
  readonly index: LogIndex;
  readonly term: Term;
}

interface Section {
  readonly name: string;
  /** Null when it is written. */
  head: Uint8Array | null;
  /** Null: the head is all. */
  readonly body: StateCapture | null;
}

/** Collects the captures of one moment. */
export class SetCapture implements MachineSetCapture {
  readonly #sections: Section[];
  readonly #onOver: () => void;
  #isOver = false;

  constructor(position: SetPosition, sessions: StateCapture, onOver: () => void) {
    this.#sections = [
      { name: positionSection, head: encodePosition(position), body: null },
      { name: sessionsSection, head: null, body: sessions },
    ];
    this.#onOver = onOver;
  }

  /** Before the machines. */
  addVersions(bytes: Uint8Array): void {
    this.#sections.push({ name: versionsSection, head: bytes, body: null });
  }

  /** @invariant names come in ascending order */
  add(name: string, snapshots: InstanceSnapshots): void {
    const head = encodeHead(snapshots);
    this.#sections.push({ name, head, body: snapshots.capture() });
  }

  next(maxBytes: number): SnapshotPiece | null {
    assert(Number.isInteger(maxBytes) && maxBytes > 0, "a piece has room for bytes");
    const [section] = this.#sections;
    if (section === undefined) return null;
    const data = nextOf(section, maxBytes);
    if (data !== null) return { section: section.name, data, isLast: false };
    this.#sections.shift();
    section.body?.release();
    if (this.#sections.length === 0) this.#end();
    return { section: section.name, data: new Uint8Array(0), isLast: true };
  }

  release(): void {
    for (const { body } of this.#sections.splice(0)) body?.release();
    this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver();
  }
}

function nextOf(section: Section, maxBytes: number): Uint8Array | null {
  const { head, body, name } = section;
  if (head !== null && head.length > 0) {
    section.head = head.subarray(maxBytes);
    return head.subarray(0, maxBytes);
  }
  const data = body?.next(maxBytes) ?? null;
  const isPiece = data === null || (data.length > 0 && data.length <= maxBytes);
  assert(isPiece, "a machine's capture gives pieces of 1 to maxBytes bytes", () => name);
  return data;
}

function encodePosition({ index, term }: SetPosition): Uint8Array {
  return new ByteWriter(positionBytes).u8(sectionVersion).u64(index).u64(term).finish();
}

function encodeHead({ kind, version }: InstanceSnapshots): Uint8Array {
  const writer = new ByteWriter(machineHeadBytes).u8(sectionVersion).u8(machineKinds[kind]);
  return writer.u16(version).finish();
}
