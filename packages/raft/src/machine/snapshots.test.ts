/** Snapshots of a set of machines: taken while commands go on, restored elsewhere, refused. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  apply,
  begin,
  bytesOf,
  create,
  declared,
  drain,
  entryOf,
  Journal,
  restore,
  type Shelf,
  type Step,
  sectionsOf,
  shelf,
  step,
} from "../../test/support/snapshot-machines.ts";
import { logIndex, term } from "../base/index.ts";
import { describeWithoutSnapshots, UnrestorableError } from "./machine-errors.ts";
import { createMachineSet } from "./machine-set.ts";
import { encodeEnable } from "./machine-versions.ts";
import { rawMachine } from "./raw-machine.ts";
import { machine } from "./reducer.ts";
import { encodeSessionCommand, encodeSessionOpen } from "./session-envelope.ts";
import type { SnapshotPiece } from "./set-capture.ts";
import { PieceSource, pieceStepsMax } from "./state-capture.ts";

describe("a snapshot of the machines", () => {
  it("is of its moment, whatever is applied while it is written, and goes on elsewhere", () => {
    const run = fc.property(
      fc.array(step, { minLength: 1, maxLength: 40 }),
      fc.nat(39),
      fc.integer({ min: 1, max: 40 }),
      (steps, cut, pieceBytes) => {
        const set = create();
        const twin = create();
        const at = Math.min(cut, steps.length);
        for (const [i, one] of steps.slice(0, at).entries()) {
          expect(apply(set, one, i + 1)).toBe(apply(twin, one, i + 1));
        }
        const capture = begin(set, at);
        const pieces: SnapshotPiece[] = [];
        const hashes: (number | null)[] = [];
        // One piece for each command, and the rest at the end.
        for (const [i, one] of steps.slice(at).entries()) {
          const piece = capture.next(pieceBytes);
          if (piece !== null) pieces.push(piece);
          apply(set, one, at + i + 1);
          hashes.push(set.hashState());
        }
        pieces.push(...drain(capture, pieceBytes));
        const sections = sectionsOf(pieces);
        expect(sections).toEqual(bytesOf(twin, at));

        const other = create();
        restore(other, sections, at, pieceBytes);
        expect(bytesOf(other, at)).toEqual(sections);
        for (const [i, one] of steps.slice(at).entries()) {
          expect(apply(other, one, at + i + 1)).toBe(apply(twin, one, at + i + 1));
          expect(other.hashState()).toBe(hashes[i]);
          expect(twin.hashState()).toBe(hashes[i]);
        }
        expect(bytesOf(other, steps.length)).toEqual(bytesOf(set, steps.length));
        expect(bytesOf(other, steps.length)).toEqual(bytesOf(twin, steps.length));
      },
    );
    fc.assert(run, { numRuns: 400 });
  });

  it("I3, I4: carries sessions: no command runs twice, and all end at the same entry", () => {
    const [one, other] = [create(), create()];
    const apply1 = (set: typeof one, index: number, timeMs: number, data: Uint8Array) =>
      set.apply(set.stamp(data, timeMs), logIndex(index), term(1), true);
    const once = (set: typeof one, sequence: number) =>
      entryOf(set, { kind: "once", sequence, title: "a" });
    apply1(one, 1, 0, encodeSessionOpen(1_000));
    apply1(one, 2, 500, once(one, 1));
    apply1(one, 3, 900, encodeSessionOpen(5_000));
    restore(other, bytesOf(one, 3), 3);
    const lengthOf = (set: typeof one) =>
      set.direct("shelf").read((state: Shelf) => state.log.length);
    for (const set of [one, other]) {
      expect(apply1(set, 4, 900, once(set, 1))).toMatchObject({ kind: "applied" });
      expect(lengthOf(set)).toBe(1);
    }
    const last = { session: 3, sequence: 1, floor: 1, command: new Uint8Array(0) };
    for (const timeMs of [1_899, 1_900]) {
      for (const set of [one, other]) {
        const command = set.encode("journal", Uint8Array.of(1));
        apply1(
          set,
          timeMs,
          timeMs,
          encodeSessionCommand({ ...last, sequence: timeMs - 1_898, command }),
        );
      }
      expect(bytesOf(other, timeMs)).toEqual(bytesOf(one, timeMs));
    }
    expect(apply1(other, 2_000, 1_900, once(other, 2))).toEqual({ kind: "expired" });
  });

  it("I4: ends a session that was silent before it as soon as where it was", () => {
    const [one, other] = [create(), create()];
    const stamp = (set: typeof one, index: number, timeMs: number, data: Uint8Array) =>
      set.apply(set.stamp(data, timeMs), logIndex(index), term(1), true);
    stamp(one, 1, 0, encodeSessionOpen(1_000));
    stamp(one, 2, 900, encodeSessionOpen(5_000));
    restore(other, bytesOf(one, 2), 2);
    for (const set of [one, other]) {
      stamp(set, 3, 1_000, encodeSessionOpen(5_000));
      const late = entryOf(set, { kind: "once", sequence: 1, title: "a" });
      expect(stamp(set, 4, 1_000, late)).toEqual({ kind: "expired" });
    }
  });

  it("takes the place of what a running member has", () => {
    const [ahead, behind] = [create(), create()];
    const add = (of: string): Step => ({
      kind: "shelf",
      command: "add",
      argument: { title: of, copies: 2 },
    });
    for (const [i, of] of ["a", "b", "c"].entries()) apply(ahead, add(of), i + 1);
    apply(behind, add("a"), 1);
    restore(behind, bytesOf(ahead, 3), 3);
    expect(bytesOf(behind, 3)).toEqual(bytesOf(ahead, 3));
    expect(apply(behind, add("d"), 4)).toBe(apply(ahead, add("d"), 4));
  });

  it("is the same from a program that knows more machines, as long as none of them is used", () => {
    const older = createMachineSet({ shelf: shelf() });
    const newer = createMachineSet({ journal: rawMachine(() => new Journal()), shelf: shelf(2) });
    const one: Step = { kind: "shelf", command: "add", argument: { title: "a", copies: 1 } };
    apply(older, one, 1);
    newer.apply(entryOf(older, one), logIndex(1), term(1), true);
    expect(bytesOf(newer, 1)).toEqual(bytesOf(older, 1));
    restore(older, bytesOf(newer, 1), 1);
    const fresh = createMachineSet({ journal: rawMachine(() => new Journal()), shelf: shelf(2) });
    restore(fresh, bytesOf(older, 1), 1);
    expect(apply(fresh, { kind: "journal", bytes: [1] }, 2)).toBe("1");
  });

  it("can be abandoned, and another one taken", () => {
    const journal = new Journal();
    const set = createMachineSet({ journal: rawMachine(() => journal), shelf: shelf() });
    apply(set, { kind: "journal", bytes: [1, 2] }, 1);
    const one: Step = { kind: "shelf", command: "add", argument: { title: "a", copies: 1 } };
    apply(set, one, 2);
    const capture = begin(set, 2);
    expect(() => begin(set, 2)).toThrow("one snapshot of the machines is taken at a time");
    expect(() => set.restore(logIndex(2), term(1))).toThrow("a capture is released before");
    capture.next(3);
    apply(set, one, 3);
    capture.release();
    capture.release();
    expect(journal.released).toBe(1);
    expect(capture.next(3)).toBeNull();
    const twin = create();
    apply(twin, { kind: "journal", bytes: [1, 2] }, 1);
    apply(twin, one, 2);
    apply(twin, one, 3);
    expect(bytesOf(set, 3)).toEqual(bytesOf(twin, 3));
    expect(journal.released).toBe(2);
  });

  it("of a large state costs a bounded number of values a piece", () => {
    const size = 100_000;
    const big = machine({
      version: 1,
      initial: () => ({ map: new Map<number, { n: number }>(), list: [] as number[] }),
      commands: {
        fill(state) {
          for (let i = 0; i < size; i++) state.map.set(i, { n: i });
        },
        change(state, { key }: { key: number }) {
          state.map.delete(key);
          state.map.set(key, { n: -key });
          state.list.push(key);
        },
      },
    });
    const set = createMachineSet({ big });
    const run = (command: string, argument: unknown, index: number) =>
      set.apply(
        set.encode("big", set.direct("big").encode(command, argument, 0)),
        logIndex(index),
        term(1),
        false,
      );
    run("fill", undefined, 1);
    const before = performance.now();
    const capture = begin(set, 1);
    const captureMs = performance.now() - before;
    let longestMs = 0;
    let pieces = 0;
    let bytes = 0;
    for (let index = 2; ; index++) {
      const start = performance.now();
      const piece = capture.next(1 << 20);
      longestMs = Math.max(longestMs, performance.now() - start);
      if (piece === null) break;
      pieces++;
      bytes += piece.data.length;
      run("change", { key: (index * 31) % size }, index);
    }
    console.log(
      `typed, ${size} objects, ${bytes} bytes: capture ${captureMs.toFixed(2)} ms, ` +
        `${pieces} pieces, the longest ${longestMs.toFixed(1)} ms`,
    );
    // A step writes a key and a value, or leaves a container.
    expect(pieces).toBeGreaterThan((2 * size) / pieceStepsMax);
    const sections = bytesOf(set, 1);
    expect(sections.get("big")?.length).toBeGreaterThan(size * 20);
  });

  it("walks in steps, each piece with a bounded number of them", () => {
    let left = 3 * pieceStepsMax;
    const source = new PieceSource((writer) => {
      writer.u8(1);
      return --left > 0;
    });
    const pieces: number[] = [];
    for (let piece = source.next(1 << 20); piece !== null; piece = source.next(1 << 20)) {
      expect(source.stepsOfPiece).toBeLessThanOrEqual(pieceStepsMax);
      pieces.push(piece.length);
    }
    expect(pieces).toEqual([pieceStepsMax, pieceStepsMax, pieceStepsMax]);
  });
});

describe("what cannot be taken", () => {
  const one: Step = { kind: "shelf", command: "add", argument: { title: "a", copies: 1 } };
  function used(): ReadonlyMap<string, Uint8Array> {
    const set = create();
    apply(set, one, 1);
    apply(set, { kind: "journal", bytes: [5] }, 2);
    return bytesOf(set, 2);
  }

  it("a machine that the program does not declare, or cannot restore, or has as another", () => {
    const without = createMachineSet({ journal: rawMachine(() => new Journal()) });
    expect(() => restore(without, used(), 2)).toThrow(
      'Cannot restore the snapshot of entry 2: it has the machine "shelf", which this program ' +
        "does not declare. Start this member with the program that declares it.",
    );
    const apply0 = { apply: () => 0 };
    const mute = createMachineSet({ shelf: shelf(), journal: rawMachine(() => apply0) });
    expect(() => restore(mute, used(), 2)).toThrow(UnrestorableError);
    const raw = createMachineSet({ ...declared(), shelf: rawMachine(() => new Journal()) });
    expect(() => restore(raw, used(), 2)).toThrow("is a typed one there, and a raw one here");
  });

  it("a newer version of a machine, of its bytes, or of the sections", () => {
    const newer = createMachineSet({ ...declared(), shelf: shelf(3) });
    newer.apply(entryOf(newer, one), logIndex(1), term(1), false);
    restore(create(), bytesOf(newer, 1), 1); // nobody has used what is new in it
    const enable = encodeEnable([{ machine: "shelf", version: 3 }]);
    newer.apply(enable, logIndex(2), term(1), false);
    newer.apply(entryOf(newer, one), logIndex(3), term(1), false);
    expect(() => restore(create(), bytesOf(newer, 3), 3)).toThrow(
      'Cannot restore the snapshot of entry 3: version 3 of the machine "shelf" is enabled, this ' +
        "program knows versions up to 1. Upgrade this member.",
    );
    const told = bytesOf(newer, 3);
    told.delete("@versions"); // as programs wrote it that knew nothing of enabling
    expect(() => restore(create(), told, 3)).toThrow(
      'Cannot restore the snapshot of entry 3: the machine "shelf" is of version 3, this program ' +
        "knows versions up to 1. Upgrade this member.",
    );
    class NewJournal extends Journal {
      readonly snapshotVersion = 2;
    }
    const raw = createMachineSet({ ...declared(), journal: rawMachine(() => new NewJournal()) });
    apply(raw, { kind: "journal", bytes: [5] }, 1);
    expect(() => restore(create(), bytesOf(raw, 1), 1)).toThrow("is of version 2");
    restore(raw, new Map([...bytesOf(raw, 1)]), 1);
    const odd = new Map(used());
    odd.set("journal", Uint8Array.of(2, 1, 1, 0, 5));
    expect(() => restore(create(), odd, 2)).toThrow("is in a format 2. Upgrade this member.");
    const older = createMachineSet({ ...declared(), journal: rawMachine(() => new NewJournal()) });
    restore(older, used(), 2); // lower versions are the machine's affair
  });

  it("the state of another entry, or without a machine that has had commands here", () => {
    expect(() => restore(create(), used(), 3)).toThrow(
      'the snapshot of entry 3, section "@position": bytes 14 to 17: it is the state of ' +
        "entry 2, term 1, and not of 3, term 1",
    );
    const set = create();
    apply(set, { kind: "journal", bytes: [1] }, 1);
    const rest = new Map([...used()].filter(([name]) => name !== "journal"));
    expect(() => restore(set, rest, 2)).toThrow('section "journal": it is missing');
    expect(() => restore(create(), new Map(), 2)).toThrow('section "@position": it is missing');
  });

  it("sections out of order, twice, or broken off", () => {
    const sections = [...used()];
    const attempt = (list: readonly (readonly [string, Uint8Array])[]) => () =>
      restore(create(), new Map(list), 2);
    expect(attempt(sections.toReversed())).toThrow('stands where "@position" belongs');
    const [position, sessions, journal, books] = sections;
    if (!position || !sessions || !journal || !books) throw new Error("there are four sections");
    expect(attempt([position, sessions, books, journal])).toThrow('it stands behind "shelf"');
    const target = create().restore(logIndex(2), term(1));
    const [section, data] = position;
    target.write({ section, data: data.subarray(0, 3), isLast: false });
    expect(() => target.finish()).toThrow("it ends in the middle");
    expect(() => target.write({ section: "@sessions", data, isLast: true })).toThrow(
      'section "@position": it ends in the middle, at byte 3',
    );
  });

  it("what a raw machine cannot read, with the machine's own words", () => {
    const odd = new Map(used());
    odd.set("journal", Uint8Array.of(1, 1, 1, 0, 0xff));
    const set = create();
    expect(() => restore(set, odd, 2)).toThrow(
      expect.objectContaining({
        name: "FormatError",
        message: 'the snapshot of entry 2, section "journal": bytes 0 to 5: no journal has a 255',
        cause: expect.any(RangeError),
      }),
    );
    expect(() => apply(set, one, 3)).toThrow("nothing is applied while a snapshot is taken in");
  });

  it("H14: an entry or a read in the middle of an installation", async () => {
    const set = create();
    const sections = used();
    const target = set.restore(logIndex(2), term(1));
    expect(() => apply(set, one, 3)).toThrow("nothing is applied while a snapshot is taken in");
    expect(() => set.restore(logIndex(2), term(1))).toThrow("one snapshot is taken in at a time");
    expect(() => begin(set, 2)).toThrow("no snapshot is taken while one is taken in");
    const handles = set.createHandles({
      propose: () => Promise.reject(new Error("nothing is proposed")),
      read: async (read) => read(),
      wallMs: () => 0,
    });
    await expect(handles.shelf.read((state) => state.log.length)).rejects.toThrow(
      "nothing is read",
    );
    for (const [section, data] of sections) target.write({ section, data, isLast: true });
    target.finish();
    expect(await handles.shelf.read((state) => state.log.length)).toBe(1);
    apply(set, one, 3);
  });
});

describe("machines without snapshots", () => {
  it("are named, and what follows is said", () => {
    const set = createMachineSet({ shelf: shelf(), old: rawMachine(() => ({ apply: () => 0 })) });
    expect(set.withoutSnapshots).toEqual(["old"]);
    expect(() => begin(set, 1)).toThrow("every machine can be in a snapshot: old");
    expect(describeWithoutSnapshots(set.withoutSnapshots)).toBe(
      'The machine "old" cannot take snapshots, for it has no capture and restore. So this ' +
        "member takes none, and its log grows: see docs/machines.md.",
    );
    expect(describeWithoutSnapshots([])).toBeNull();
    expect(describeWithoutSnapshots(["a", "b"])).toContain('machines "a", "b" cannot');
  });

  it("are refused half-made, and so are odd versions", () => {
    const half = rawMachine(() => ({ apply: () => 0, capture: () => new Journal().capture() }));
    expect(() => createMachineSet({ half })).toThrow(
      expect.objectContaining({ code: "BAD_CONFIG", hint: "Give it both, or neither." }),
    );
    const odd = rawMachine(() => Object.assign(new Journal(), { snapshotVersion: 0 }));
    expect(() => createMachineSet({ odd })).toThrow("a whole number from 1 to 65,535");
  });
});
