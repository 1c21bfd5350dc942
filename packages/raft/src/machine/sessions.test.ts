/** Sessions through a machine set, as a member drives it: entries in, outcomes out. */
import { describe, expect, it } from "vitest";
import { FormatError, logIndex, term } from "../base/index.ts";
import { UnknownMachineError, UnknownVersionError } from "./machine-errors.ts";
import { createMachineSet, type MachineSet } from "./machine-set.ts";
import { rawMachine } from "./raw-machine.ts";
import { machine } from "./reducer.ts";
import {
  encodeSessionClose,
  encodeSessionCommand,
  encodeSessionKeepAlive,
  encodeSessionOpen,
} from "./session-envelope.ts";
import type { SessionOutcome } from "./session-table.ts";

const declared = {
  counter: machine({
    version: 1,
    initial: () => ({ count: 0, runs: 0 }),
    commands: {
      add(state, { by }: { by: number }) {
        state.runs++;
        state.count += by;
        return { count: state.count, seen: new Map([["runs", state.runs]]) };
      },
      fail(state) {
        state.runs++;
        throw new Error("no such luck");
      },
      odd: () => new Date(0),
    },
  }),
  wanted: rawMachine(() => ({
    apply: (_command: Uint8Array, context: { readonly wanted: boolean }) => context.wanted,
  })),
};

/** A set that is fed entries from index 1 on. */
function feed(set: MachineSet<typeof declared> = createMachineSet(declared), next = 1) {
  let index = next;
  const apply = (data: Uint8Array, timeMs = 0, wanted = true) => {
    expect(set.knows(data)).toBe(true);
    const stamped = set.stamp(data, timeMs);
    // what a set returns for an entry of a session
    return set.apply(stamped, logIndex(index++), term(1), wanted) as SessionOutcome;
  };
  const envelope = (name: "counter" | "wanted", command: string | null, argument: unknown) =>
    set.encode(name, set.direct(name).encode(command, argument, 0));
  const command = (sequence: number, name: string, argument?: unknown, floor = 1) => {
    const data = envelope("counter", name, argument);
    return encodeSessionCommand({ session: 1, sequence, floor, command: data });
  };
  const add = (sequence: number, by: number, floor = 1) => command(sequence, "add", { by }, floor);
  const count = () => set.direct("counter").read((state: { count: number }) => state.count);
  return { set, apply, command, add, count, envelope };
}

const value = (outcome: SessionOutcome) =>
  outcome.kind === "applied" ? outcome.result : outcome.kind;

describe("a session's commands on the machines", () => {
  it("I3: sent twice are applied once, and answered alike", () => {
    const { apply, add, count } = feed();
    expect(apply(encodeSessionOpen(1000))).toEqual({ kind: "opened", session: 1 });
    const first = value(apply(add(1, 5)));
    expect(first).toEqual({
      kind: "value",
      value: { count: 5, seen: new Map([["runs", 1]]) },
    });
    expect(value(apply(add(2, 1)))).toMatchObject({ value: { count: 6 } });
    expect(value(apply(add(1, 5)))).toEqual(first);
    expect(count()).toBe(6);
  });

  it("I3: are answered alike by who took the sessions from a snapshot", () => {
    const { apply, add, set } = feed();
    apply(encodeSessionOpen(1000));
    const first = value(apply(add(1, 5)));
    const other = feed(undefined, 3);
    other.set.restoreSessions(set.encodeSessions());
    expect(value(other.apply(other.add(1, 5)))).toEqual(first);
    expect(other.count()).toBe(0); // its machines have a snapshot of their own
    expect(value(other.apply(other.add(2, 5)))).toMatchObject({ value: { count: 5 } });
  });

  it("that failed do not run again", () => {
    const { apply, command, set } = feed();
    apply(encodeSessionOpen(1000));
    expect(value(apply(command(1, "fail")))).toMatchObject({
      kind: "failed",
      error: { message: "no such luck" },
    });
    const again = value(apply(command(1, "fail")));
    expect(() => set.direct("counter").unwrap("fail", again)).toThrow(
      expect.objectContaining({
        code: "COMMAND_FAILED",
        outcome: "not-applied",
        message: expect.stringContaining("sessions keep no texts"),
      }),
    );
  });

  it("whose results are no data are known to be applied", () => {
    const { apply, command } = feed();
    apply(encodeSessionOpen(1000));
    expect(value(apply(command(1, "odd")))).toEqual({ kind: "value", value: new Date(0) });
    expect(apply(command(1, "odd"))).toEqual({ kind: "reply-lost" });
  });

  it("I4: leave the same table on every member, whoever waits for the results", () => {
    const [a, b] = [feed(), feed()];
    const raw = (one: typeof a, sequence: number) =>
      encodeSessionCommand({
        ...{ session: 1, sequence, floor: 1 },
        command: one.envelope("wanted", null, new Uint8Array(1)),
      });
    for (const [one, wanted] of [[a, true] as const, [b, false] as const]) {
      one.apply(encodeSessionOpen(1000), 5, wanted);
      one.apply(one.add(1, 1), 10, wanted);
      one.apply(raw(one, 2), 20, wanted);
      one.apply(one.add(1, 1), 30, wanted);
    }
    expect(a.set.encodeSessions()).toEqual(b.set.encodeSessions());
    expect(value(b.apply(raw(b, 2)))).toBe(true);
  });

  it("end with the session: by its close, or by the stamps of others' entries", () => {
    const { apply, add, count, set } = feed();
    apply(encodeSessionOpen(1000), 100);
    apply(encodeSessionOpen(9000), 200);
    expect(apply(encodeSessionKeepAlive(1, 1), 1000)).toEqual({ kind: "alive" });
    expect(apply(encodeSessionKeepAlive(2, 1), 2000)).toEqual({ kind: "alive" });
    expect(set.sessionTimeMs).toBe(2000);
    expect(apply(add(1, 1), 1500)).toEqual({ kind: "expired" });
    expect(apply(encodeSessionClose(2))).toEqual({ kind: "closed" });
    expect(apply(encodeSessionKeepAlive(2, 1))).toEqual({ kind: "expired" });
    expect(count()).toBe(0);
  });
});

describe("entries of sessions", () => {
  it("are those of docs/formats.md", () => {
    const hex = (bytes: Uint8Array) =>
      Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const { set } = feed();
    expect(hex(set.stamp(encodeSessionOpen(60_000), 2 ** 40 + 1))).toBe(
      `0201${"0100000000010000"}${"60ea0000"}`,
    );
    expect(hex(encodeSessionKeepAlive(7, 3))).toBe(
      `0202${"0000000000000000"}${"0700000000000000"}${"0300000000000000"}`,
    );
    expect(hex(encodeSessionClose(7))).toBe(`0203${"0000000000000000"}${"0700000000000000"}`);
    const command = Uint8Array.of(1, 1, 0x61, 9);
    expect(hex(encodeSessionCommand({ session: 7, sequence: 4, floor: 3, command }))).toBe(
      `0204${"0000000000000000"}${"0700000000000000"}${"0400000000000000"}` +
        `${"0300000000000000"}${"01016109"}`,
    );
  });

  it("are stamped as copies: what was proposed may be in a log already", () => {
    const { set } = feed();
    const data = encodeSessionOpen(5);
    expect(set.stamp(data, 9)).not.toEqual(data);
    expect(data).toEqual(encodeSessionOpen(5));
    const plain = set.encode("wanted", new Uint8Array(20));
    expect(set.stamp(plain, 9)).toBe(plain);
  });

  it("that nobody can read are refused at propose, and stop a member in the log", () => {
    const { set } = feed();
    const apply = (data: Uint8Array) => () => set.apply(data, logIndex(1), term(1), false);
    const strange = encodeSessionClose(1);
    strange[1] = 9;
    const early = encodeSessionCommand({ session: 1, sequence: 5, floor: 5, command: strange });
    early[18] = 4; // a sequence below the floor
    const foreign = set.stamp(encodeSessionOpen(1), 1).subarray(0, 12);
    for (const data of [strange, early, foreign, Uint8Array.of(2)]) {
      expect(set.knows(data)).toBe(false);
      expect(apply(data)).toThrow(FormatError);
      expect(apply(data)).toThrow("entry 1: ");
    }
  });

  it("carry commands of machines that are declared", () => {
    const { set, apply } = feed();
    apply(encodeSessionOpen(1000));
    const inside = (command: Uint8Array) =>
      encodeSessionCommand({ session: 1, sequence: 1, floor: 1, command });
    const shop = inside(Uint8Array.of(1, 4, 0x73, 0x68, 0x6f, 0x70));
    expect([set.knows(shop), set.describe(shop)]).toEqual([false, "shop"]);
    expect(() => set.apply(shop, logIndex(2), term(1), false)).toThrow(UnknownMachineError);
    const nested = inside(encodeSessionClose(1));
    expect(set.knows(nested)).toBe(false);
    expect(() => set.apply(nested, logIndex(2), term(1), false)).toThrow(UnknownVersionError);
    expect(set.describe(encodeSessionOpen(1))).toBe("(sessions)");
  });
});
