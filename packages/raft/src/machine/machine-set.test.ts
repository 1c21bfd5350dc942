import { describe, expect, it } from "vitest";
import { FormatError, isQuorateError, logIndex, term } from "../base/index.ts";
import {
  type ApplyContext,
  createMachineSet,
  encodeCommand,
  machine,
  type RawMachine,
  rawMachine,
  UnknownMachineError,
  UnknownVersionError,
} from "./index.ts";

interface Seen {
  readonly bytes: readonly number[];
  readonly index: number;
  readonly term: number;
  readonly wanted: boolean;
}

class Recorder implements RawMachine<string> {
  readonly seen: Seen[] = [];
  lastContext: ApplyContext | null = null;

  apply(command: Uint8Array, context: ApplyContext): string | undefined {
    if (command[0] === 0xff) throw new Error("a bug in the machine");
    const { index, term: of, wanted } = context;
    this.seen.push({ bytes: [...command], index, term: of, wanted });
    this.lastContext = context;
    return wanted ? `${this.seen.length} seen` : undefined;
  }
}

function twoRecorders() {
  const [a, ab] = [new Recorder(), new Recorder()];
  return {
    a,
    ab,
    set: createMachineSet({ a: rawMachine(() => a), ab: rawMachine(() => ab) }),
  };
}

describe("machines that share a log", () => {
  it("writes the envelope of docs/formats.md", () => {
    const { set } = twoRecorders();
    const bytes = [1, 2, 0x61, 0x62, 9, 8, 7];
    expect([...set.encode("ab", Uint8Array.of(9, 8, 7))]).toEqual(bytes);
    expect([...encodeCommand("ab", Uint8Array.of(9, 8, 7))]).toEqual(bytes);
  });

  it("hands each command to its machine, with its place in the log", () => {
    const { a, ab, set } = twoRecorders();
    expect(set.names).toEqual(["a", "ab"]);
    expect(set.apply(set.encode("a", Uint8Array.of(1)), logIndex(5), term(2), true)).toBe("1 seen");
    const first = a.lastContext;
    expect(set.apply(set.encode("a", new Uint8Array()), logIndex(6), term(2), false)).toBe(
      undefined,
    );
    set.apply(set.encode("ab", Uint8Array.of(3)), logIndex(7), term(4), false);
    expect(a.seen).toEqual([
      { bytes: [1], index: 5, term: 2, wanted: true },
      { bytes: [], index: 6, term: 2, wanted: false },
    ]);
    expect(ab.seen).toEqual([{ bytes: [3], index: 7, term: 4, wanted: false }]);
    expect(a.lastContext).toBe(first);
  });

  it("refuses an undeclared machine at propose, and stops at it in the log", () => {
    const { set } = twoRecorders();
    expect(() => set.encode("abc", new Uint8Array())).toThrowError(
      expect.toSatisfy(
        (e) =>
          isQuorateError(e, "UNKNOWN_COMMAND") &&
          e.outcome === "not-applied" &&
          e.details.machine === "abc" &&
          e.hint === "Use one of: a, ab.",
      ),
    );
    expect(() =>
      set.apply(encodeCommand("abc", new Uint8Array()), logIndex(9), term(1), false),
    ).toThrow(
      expect.toSatisfy(
        (e) => e instanceof UnknownMachineError && e.machine === "abc" && e.index === 9,
      ),
    );
  });

  it("stops at a later format and at bytes that are no envelope", () => {
    const { a, set } = twoRecorders();
    const apply = (...bytes: number[]) =>
      set.apply(Uint8Array.from(bytes), logIndex(3), term(1), true);
    expect(() => apply(4, 1, 0x61)).toThrow(UnknownVersionError);
    expect(() => apply()).toThrow(FormatError);
    expect(() => apply(1)).toThrow(FormatError);
    expect(() => apply(1, 0)).toThrow(FormatError);
    expect(() => apply(1, 2, 0x61)).toThrow(FormatError);
    expect(a.seen).toEqual([]);
  });

  it("passes on what a raw machine throws: the member must stop", () => {
    const { set } = twoRecorders();
    const data = set.encode("a", Uint8Array.of(0xff));
    expect(() => set.apply(data, logIndex(1), term(1), false)).toThrow("a bug in the machine");
  });

  it("gives handles that propose complete entries and read the machine", async () => {
    const { a, set } = twoRecorders();
    const options: unknown[] = [];
    const handles = set.createHandles({
      propose: async (data, option) => {
        options.push(option);
        return set.apply(data, logIndex(1), term(1), true);
      },
      read: async (read, option) => {
        options.push(option);
        return read();
      },
      wallMs: () => 0,
    });
    expect(await handles.a.propose(Uint8Array.of(4), { timeoutMs: 7 })).toBe("1 seen");
    expect(await handles.a.read((one) => one, { consistency: "stale" })).toBe(a);
    expect(options).toEqual([{ timeoutMs: 7 }, { consistency: "stale" }]);
  });
});

describe("I5: a command of a newer program", () => {
  const version = (number: number, more: object = {}) =>
    createMachineSet({
      bank: machine({
        ...{ version: number, initial: () => ({}) },
        commands: { put: () => 1, ...more },
        since: Object.fromEntries(Object.keys(more).map((name) => [name, number])),
      }),
    });
  const put = (set: ReturnType<typeof version>, name = "put") =>
    set.encode("bank", set.direct("bank").encode(name, undefined, 0));

  it("is known to nobody whose machine is older: it would stop there", () => {
    const [old, young] = [version(1), version(2, { take: () => 2 })];
    expect([old.knows(put(old)), young.knows(put(old)), young.knows(put(young))]).toEqual([
      true,
      true,
      true,
    ]);
    expect(old.knows(put(young, "take"))).toBe(false);
    const sameVersion = version(1, { take: () => 2 });
    expect(old.knows(put(sameVersion, "take"))).toBe(false);
    const broken = put(old).slice(0, -1);
    expect(old.knows(broken)).toBe(false);
    const later = put(old);
    later[6] = 9; // the format of the payload
    expect(old.knows(later)).toBe(false);
    for (const data of [put(young, "take"), put(sameVersion, "take"), broken, later]) {
      expect(() => old.apply(data, logIndex(1), term(1), false)).toThrow();
    }
  });
});
