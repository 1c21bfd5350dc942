/** Snapshots of a set of machines: taken while commands go on, restored elsewhere, damaged. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatBytes, FormatError, logIndex, term } from "../base/index.ts";
import { describeWithoutSnapshots, UnrestorableError } from "./machine-errors.ts";
import { createMachineSet, type MachineDeclarations, type MachineSet } from "./machine-set.ts";
import { type RawMachine, rawMachine } from "./raw-machine.ts";
import { machine } from "./reducer.ts";
import { encodeSessionCommand, encodeSessionOpen } from "./session-envelope.ts";
import type { MachineSetCapture, SnapshotPiece } from "./set-capture.ts";
import {
  PieceSource,
  pieceStepsMax,
  type StateCapture,
  type StateRestore,
} from "./state-capture.ts";

interface Shelf {
  books: Map<string, { title: string; copies: number; lent: Set<string> }>;
  log: (string | { id: number })[];
  odd: Record<string, unknown>;
}

const shelf = (version = 1) =>
  machine({
    version,
    initial: (): Shelf => ({ books: new Map(), log: [], odd: {} }),
    commands: {
      add(state, { title, copies }: { title: string; copies: number }) {
        state.books.set(title, { title, copies, lent: new Set() });
        state.log.push(title);
      },
      lend(state, { title, to }: { title: string; to: string }) {
        const book = state.books.get(title);
        if (book === undefined) throw new Error("no such book");
        book.lent.add(to);
        state.odd[to] = { last: title, at: new Map([[title, 1n]]) };
      },
      drop(state, { title }: { title: string }) {
        state.log.unshift({ id: state.books.size });
        return state.books.delete(title);
      },
      trim(state, { length }: { length: number }) {
        state.log.length = length;
        delete state.odd["ann"];
      },
      oddities(state) {
        state.odd = { "7": -0, "2": Number.NaN, b: undefined, a: ["\ufeff", "\ud800"], big: -5n };
        state.log[state.log.length + 1] = "behind a hole";
      },
    },
  });

/** A machine of bytes, with a copy for each capture: it is small. */
class Journal implements RawMachine<number> {
  bytes: Uint8Array = new Uint8Array(0);
  released = 0;
  pieceBytes = Number.POSITIVE_INFINITY;

  apply(command: Uint8Array): number {
    this.bytes = concatBytes([this.bytes, command]);
    return this.bytes.length;
  }

  capture(): StateCapture {
    let rest = this.bytes;
    return {
      next: (maxBytes) => {
        if (rest.length === 0) return null;
        const piece = rest.subarray(0, Math.min(maxBytes, this.pieceBytes));
        rest = rest.subarray(piece.length);
        return piece;
      },
      release: () => {
        this.released++;
      },
    };
  }

  restore(): StateRestore {
    const parts: Uint8Array[] = [];
    return {
      write: (bytes) => parts.push(bytes.slice()),
      finish: () => {
        this.bytes = concatBytes(parts);
        if (this.bytes.includes(0xff)) throw new RangeError("no journal has a 255");
      },
    };
  }
}

const declared = () => ({ shelf: shelf(), journal: rawMachine(() => new Journal()) });
type Declared = ReturnType<typeof declared>;

function create(): MachineSet<Declared> {
  return createMachineSet(declared());
}

/** What is asked of the machines, the same wherever it runs. */
type Step =
  | { readonly kind: "shelf"; readonly command: string; readonly argument: unknown }
  | { readonly kind: "journal"; readonly bytes: readonly number[] }
  | { readonly kind: "open" }
  | { readonly kind: "once"; readonly sequence: number; readonly title: string };

const title = fc.constantFrom("a", "b", "c", "__proto__", "1");
const person = fc.constantFrom("ann", "bob", "3", "1");
const shelfStep = fc.oneof(
  fc.record({
    command: fc.constant("add"),
    argument: fc.record({ title, copies: fc.integer({ min: 0, max: 9 }) }),
  }),
  fc.record({ command: fc.constant("lend"), argument: fc.record({ title, to: person }) }),
  fc.record({ command: fc.constant("drop"), argument: fc.record({ title }) }),
  fc.record({ command: fc.constant("trim"), argument: fc.record({ length: fc.nat(4) }) }),
  fc.record({ command: fc.constant("oddities"), argument: fc.constant(undefined) }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: shelfStep.map((one) => ({ kind: "shelf" as const, ...one })) },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.nat(250), { maxLength: 3 })
      .map((bytes) => ({ kind: "journal" as const, bytes })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "open" as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("once" as const),
      sequence: fc.integer({ min: 1, max: 6 }),
      title,
    }),
  },
);

function entryOf(set: MachineSet<MachineDeclarations>, one: Step): Uint8Array {
  const add = (of: string) => set.direct("shelf").encode("add", { title: of, copies: 1 }, 0);
  switch (one.kind) {
    case "shelf":
      return set.encode("shelf", set.direct("shelf").encode(one.command, one.argument, 0));
    case "journal":
      return set.encode("journal", Uint8Array.from(one.bytes));
    case "open":
      return encodeSessionOpen(1_000);
    case "once": {
      const { sequence } = one;
      const command = set.encode("shelf", add(one.title));
      return encodeSessionCommand({ session: 1, sequence, floor: 1, command });
    }
    default:
      return one satisfies never;
  }
}

/** Applies at `index`; what comes out, as text. */
function apply(set: MachineSet<MachineDeclarations>, one: Step, index: number): string {
  const data = set.stamp(entryOf(set, one), index * 10);
  return JSON.stringify(set.apply(data, logIndex(index), term(1), true), (_key, value) =>
    value instanceof Error ? "an error" : value,
  );
}

function begin(set: MachineSet<MachineDeclarations>, index: number): MachineSetCapture {
  return set.capture(logIndex(index), term(1));
}

function drain(capture: MachineSetCapture, maxBytes = 1 << 20): SnapshotPiece[] {
  const pieces: SnapshotPiece[] = [];
  for (let piece = capture.next(maxBytes); piece !== null; piece = capture.next(maxBytes)) {
    expect(piece.data.length).toBeLessThanOrEqual(maxBytes);
    pieces.push(piece);
  }
  return pieces;
}

/** The bytes of each section. */
function sectionsOf(pieces: readonly SnapshotPiece[]): Map<string, Uint8Array> {
  const sections = new Map<string, Uint8Array>();
  for (const { section, data } of pieces) {
    sections.set(section, concatBytes([sections.get(section) ?? new Uint8Array(0), data]));
  }
  return sections;
}

const bytesOf = (set: MachineSet<MachineDeclarations>, index: number) =>
  sectionsOf(drain(begin(set, index)));

/** Restores from whole sections, cut into pieces of `pieceBytes`. */
function restore(
  set: MachineSet<MachineDeclarations>,
  sections: ReadonlyMap<string, Uint8Array>,
  index: number,
  pieceBytes = 7,
): void {
  const target = set.restore(logIndex(index), term(1));
  for (const [section, bytes] of sections) {
    for (let at = 0; at === 0 || at < bytes.length; at += pieceBytes) {
      // A piece is good during the call only.
      const data = bytes.slice(at, at + pieceBytes);
      target.write({ section, data, isLast: at + pieceBytes >= bytes.length });
      data.fill(0xee);
    }
  }
  target.finish();
}

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
        // One piece for each command, and the rest at the end.
        for (const [i, one] of steps.slice(at).entries()) {
          const piece = capture.next(pieceBytes);
          if (piece !== null) pieces.push(piece);
          apply(set, one, at + i + 1);
        }
        pieces.push(...drain(capture, pieceBytes));
        const sections = sectionsOf(pieces);
        expect(sections).toEqual(bytesOf(twin, at));

        const other = create();
        restore(other, sections, at, pieceBytes);
        expect(bytesOf(other, at)).toEqual(sections);
        for (const [i, one] of steps.slice(at).entries()) {
          expect(apply(other, one, at + i + 1)).toBe(apply(twin, one, at + i + 1));
        }
        expect(bytesOf(other, steps.length)).toEqual(bytesOf(set, steps.length));
        expect(bytesOf(other, steps.length)).toEqual(bytesOf(twin, steps.length));
      },
    );
    fc.assert(run, { numRuns: 400 });
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
    expect(() => restore(create(), bytesOf(newer, 1), 1)).toThrow(
      'Cannot restore the snapshot of entry 1: the machine "shelf" is of version 3, this program ' +
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

describe("damaged sections", () => {
  function sample(): ReadonlyMap<string, Uint8Array> {
    const set = create();
    const steps: Step[] = [
      { kind: "open" },
      { kind: "once", sequence: 2, title: "b" },
      { kind: "shelf", command: "add", argument: { title: "a", copies: 3 } },
      { kind: "shelf", command: "lend", argument: { title: "a", to: "3" } },
      { kind: "shelf", command: "lend", argument: { title: "a", to: "1" } },
      { kind: "shelf", command: "oddities", argument: undefined },
      { kind: "journal", bytes: [1, 2, 3] },
    ];
    for (const [i, one] of steps.entries()) apply(set, one, i + 1);
    return bytesOf(set, steps.length);
  }
  const index = 7;

  it("are noticed wherever they are cut short; a raw machine's end is its own affair", () => {
    const whole = sample();
    for (const [name, bytes] of whole) {
      for (let length = 0; length < bytes.length; length++) {
        if (name === "journal" && length >= 4) continue;
        const cut = new Map(whole).set(name, bytes.subarray(0, length));
        expect(() => restore(create(), cut, index), `${name} ${length}`).toThrow(FormatError);
      }
    }
  });

  it("are refused, or taken for exactly what they are: then their hash is another", () => {
    const whole = sample();
    let refused = 0;
    let taken = 0;
    for (const [name, bytes] of whole) {
      for (let at = 0; at < bytes.length; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const damaged = bytes.slice();
          damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
          const sections = new Map(whole).set(name, damaged);
          const set = create();
          try {
            restore(set, sections, index, 64);
          } catch (error) {
            const isNamed = error instanceof FormatError || error instanceof UnrestorableError;
            expect(isNamed, `${name} ${at}.${bit}: ${String(error)}`).toBe(true);
            refused++;
            continue;
          }
          taken++;
          expect(bytesOf(set, index), `${name} ${at}.${bit}`).toEqual(sections);
        }
      }
    }
    expect(refused).toBeGreaterThan(1_500);
    expect(taken).toBeGreaterThan(500);
  });

  it("cost no memory for what they only claim to hold", () => {
    for (const tag of [6, 7, 8, 10, 11, 12, 13]) {
      const claim = Uint8Array.of(1, 2, 1, 0, 10, 1, 0, 0, 0, tag, 0xff, 0xff, 0xff, 0xff);
      const sections = new Map(sample()).set("shelf", claim);
      expect(() => restore(create(), sections, index)).toThrow(/ends in the middle|not object/);
    }
  });
});
