/**
 * Machines, commands and sections for the tests of machines' snapshots: a typed machine with all
 * that a state may hold, a raw one, sessions.
 */
import fc from "fast-check";
import { expect } from "vitest";
import { concatBytes, logIndex, term } from "../../src/base/index.ts";
import {
  createMachineSet,
  encodeSessionCommand,
  encodeSessionOpen,
  type MachineDeclarations,
  type MachineSet,
  type MachineSetCapture,
  machine,
  type RawMachine,
  rawMachine,
  type SnapshotPiece,
  type StateCapture,
  type StateRestore,
} from "../../src/machine/index.ts";

export interface Shelf {
  books: Map<string, { title: string; copies: number; lent: Set<string> }>;
  log: (string | { id: number })[];
  odd: Record<string, unknown>;
}

export const shelf = (version = 1) =>
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
export class Journal implements RawMachine<number> {
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

export const declared = () => ({ shelf: shelf(), journal: rawMachine(() => new Journal()) });
type Declared = ReturnType<typeof declared>;

export function create(): MachineSet<Declared> {
  return createMachineSet(declared());
}

/** What is asked of the machines, the same wherever it runs. */
export type Step =
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
export const step: fc.Arbitrary<Step> = fc.oneof(
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

export function entryOf(set: MachineSet<MachineDeclarations>, one: Step): Uint8Array {
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
export function apply(set: MachineSet<MachineDeclarations>, one: Step, index: number): string {
  const data = set.stamp(entryOf(set, one), index * 10);
  return JSON.stringify(set.apply(data, logIndex(index), term(1), true), (_key, value) =>
    value instanceof Error ? "an error" : value,
  );
}

export function begin(set: MachineSet<MachineDeclarations>, index: number): MachineSetCapture {
  return set.capture(logIndex(index), term(1));
}

export function drain(capture: MachineSetCapture, maxBytes = 1 << 20): SnapshotPiece[] {
  const pieces: SnapshotPiece[] = [];
  for (let piece = capture.next(maxBytes); piece !== null; piece = capture.next(maxBytes)) {
    expect(piece.data.length).toBeLessThanOrEqual(maxBytes);
    pieces.push(piece);
  }
  return pieces;
}

/** The bytes of each section. */
export function sectionsOf(pieces: readonly SnapshotPiece[]): Map<string, Uint8Array> {
  const sections = new Map<string, Uint8Array>();
  for (const { section, data } of pieces) {
    sections.set(section, concatBytes([sections.get(section) ?? new Uint8Array(0), data]));
  }
  return sections;
}

export const bytesOf = (set: MachineSet<MachineDeclarations>, index: number) =>
  sectionsOf(drain(begin(set, index)));

/** Restores from whole sections, cut into pieces of `pieceBytes`. */
export function restore(
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
