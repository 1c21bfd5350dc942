/**
 * Machines through snapshot files: members that got to the same entry in different ways write the
 * same file, and who reads it goes on as they do.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { logIndex, term } from "../../src/base/index.ts";
import type { MachineSetCapture } from "../../src/machine/index.ts";
import type {
  SealedSnapshot,
  SnapshotDescription,
  SnapshotPart,
  SnapshotReader,
  SnapshotWriter,
} from "../../src/storage/index.ts";
import { makeHardState, makePersist, StorageWorld } from "../../src/testing/storage-world.ts";
import { apply, bytesOf, create, type Step, step } from "../support/snapshot-machines.ts";

type Machines = ReturnType<typeof create>;

/** A member's disk and machines. */
class MemberDisk {
  readonly #world = new StorageWorld();
  readonly #log = this.#world.openLog().store;

  constructor() {
    const request = makePersist({ hardState: makeHardState(1) });
    expect(this.#world.append(this.#log, request)).toBeNull();
  }

  /** Writes and installs; calls `between` after each piece. */
  write(capture: MachineSetCapture, index: number, maxBytes: number, between: () => void) {
    const { snapshots } = this.#log;
    const position = { index: logIndex(index), term: term(1) };
    const members = Uint8Array.of(1, 2, 3);
    const writer = this.#world.wait<SnapshotWriter, Error>((done) =>
      snapshots.begin(position, members, done),
    );
    if (writer instanceof Error) throw writer;
    let section = "";
    for (let piece = capture.next(maxBytes); piece !== null; piece = capture.next(maxBytes)) {
      const { data } = piece;
      if (piece.section !== section) writer.section(piece.section);
      section = piece.section;
      expect(this.#world.ask((done) => writer.write(data, done))).toBeNull();
      between();
    }
    const sealed = this.#world.wait<SealedSnapshot, Error>((done) => writer.finish(done));
    if (sealed instanceof Error) throw sealed;
    expect(this.#world.install(this.#log, sealed)).toBeNull();
    return sealed.description;
  }

  /** Reads the file into the machines, part by part as it lies there. */
  read(snapshot: SnapshotDescription, machines: Machines): void {
    const { index, term: of } = snapshot.identity.position;
    const { snapshots } = this.#log;
    const reader = this.#world.wait<SnapshotReader, Error>((done) =>
      snapshots.read(snapshot, done),
    );
    if (reader instanceof Error) throw reader;
    const restore = machines.restore(index, of);
    for (;;) {
      const part = this.#next(reader);
      if (part === null) break;
      restore.write(part);
    }
    restore.finish();
  }

  #next(reader: SnapshotReader): SnapshotPart | null {
    const parts: (SnapshotPart | null)[] = [];
    const failures: Error[] = [];
    this.#world.ask(() => {
      reader.next((error, part) => {
        if (error === null) parts.push(part ?? null);
        else failures.push(error);
      });
    });
    expect(failures).toEqual([]);
    return parts[0] ?? null;
  }
}

describe("machines in snapshot files", () => {
  it("are the same file on every member, and the same machines again", () => {
    const property = fc.property(
      fc.array(step, { minLength: 1, maxLength: 25 }),
      fc.nat(25),
      fc.integer({ min: 1, max: 90 }),
      (steps: Step[], cut, maxBytes) => {
        const at = Math.min(1 + cut, steps.length);
        const [one, other, third] = [create(), create(), create()];
        for (const [i, of] of steps.slice(0, at).entries()) {
          apply(one, of, i + 1);
          apply(other, of, i + 1);
        }
        const [disk, otherDisk] = [new MemberDisk(), new MemberDisk()];
        let next = at;
        const snapshot = disk.write(one.capture(logIndex(at), term(1)), at, maxBytes, () => {
          const of = steps[next];
          if (of !== undefined) apply(one, of, ++next);
        });
        const same = otherDisk.write(other.capture(logIndex(at), term(1)), at, 1 << 20, () => {});
        expect(same).toEqual(snapshot);
        otherDisk.read(same, third);
        for (const [i, of] of steps.slice(at).entries()) {
          expect(apply(third, of, at + i + 1)).toBe(apply(other, of, at + i + 1));
        }
        expect(bytesOf(third, steps.length)).toEqual(bytesOf(other, steps.length));
      },
    );
    fc.assert(property, { numRuns: 60 });
  });
});
