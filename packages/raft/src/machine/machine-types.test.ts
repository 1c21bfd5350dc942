/**
 * What programs may write, and what the compiler tells them; `tsc` checks it, running it checks
 * little.
 */
import { describe, expect, expectTypeOf, it } from "vitest";
import { isQuorateError, logIndex, term } from "../base/index.ts";
import { createMachineSet, machine, type RawMachine, rawMachine } from "./index.ts";

const bank = machine({
  version: 1,
  initial: () => ({ balance: {} as Record<string, number>, log: [] as string[] }),
  commands: {
    move(state, { from, to, amount }: { from: string; to: string; amount: number }) {
      if ((state.balance[from] ?? 0) < amount) {
        return { ok: false as const, reason: "insufficient" as const };
      }
      state.balance[from] = (state.balance[from] ?? 0) - amount;
      state.balance[to] = (state.balance[to] ?? 0) + amount;
      return { ok: true as const };
    },
    reset(state) {
      state.balance = {};
    },
    note(state, text?: string) {
      return state.log.push(text ?? "nothing");
    },
    stamp(_state, _none, context) {
      return context.now;
    },
    mark: (state, label: "a" | "b") => {
      state.log.push(label);
      return state.log;
    },
  },
});

class Register implements RawMachine<number> {
  value = 0;
  apply(command: Uint8Array): number {
    this.value = command[0] ?? 0;
    return this.value;
  }
}

const machines = createMachineSet({ bank, register: rawMachine(() => new Register()) });
const handles = machines.createHandles({
  propose: async (data) => machines.apply(data, logIndex(1), term(1), true),
  read: async (read) => read(),
  wallMs: () => 0,
});

/** Never runs: only its types count. */
function typesOnly(): void {
  // @ts-expect-error a missing argument
  handles.bank.move();
  // @ts-expect-error a wrong argument
  handles.bank.move({ from: "a", to: "b", amount: "5" });
  // @ts-expect-error an argument for a command without
  handles.bank.reset({ all: true });
  // @ts-expect-error a wrong literal
  handles.bank.mark("c");
  // @ts-expect-error no such command
  handles.bank.steal();
  // @ts-expect-error no such command by name
  handles.bank.propose("steal");
  // @ts-expect-error no such machine
  handles.shop;
  // @ts-expect-error a read cannot write
  handles.bank.read((state) => state.log.push("x"));
  // @ts-expect-error bytes only
  handles.register.propose("x");
  // @ts-expect-error no such consistency
  handles.bank.read((state) => state.log.length, { consistency: "eventual" });
}

const empty = { version: 1, initial: () => ({ n: 0 }) } as const;

describe("types of machines", () => {
  it("infers parameters and results from the declaration", () => {
    type Bank = typeof handles.bank;
    expectTypeOf<Parameters<Bank["move"]>[0]>().toEqualTypeOf<{
      from: string;
      to: string;
      amount: number;
    }>();
    type Moved = Awaited<ReturnType<Bank["move"]>>;
    expectTypeOf<Extract<Moved, { ok: false }>["reason"]>().toEqualTypeOf<"insufficient">();
    expectTypeOf<Moved["ok"]>().toEqualTypeOf<boolean>();
    expectTypeOf<Awaited<ReturnType<Bank["reset"]>>>().toEqualTypeOf<void>();
    expectTypeOf<Awaited<ReturnType<Bank["stamp"]>>>().toEqualTypeOf<number>();
    expectTypeOf<Parameters<Bank["note"]>[0]>().toEqualTypeOf<string | undefined>();
    expectTypeOf<Parameters<Bank["mark"]>[0]>().toEqualTypeOf<"a" | "b">();
    expectTypeOf<Awaited<ReturnType<Bank["mark"]>>>().toEqualTypeOf<string[]>();
    const propose = handles.register.propose;
    expectTypeOf<Awaited<ReturnType<typeof propose>>>().toEqualTypeOf<number>();
  });

  it("infers the state of a read, read-only", async () => {
    const sum = await handles.bank.read((state) => {
      expectTypeOf(state.balance).toEqualTypeOf<Readonly<Record<string, number>>>();
      expectTypeOf(state.log).toEqualTypeOf<readonly string[]>();
      return state.balance["ann"] ?? 0;
    });
    expectTypeOf(sum).toEqualTypeOf<number>();
    expect(await handles.register.read((register) => register.value)).toBe(0);
    expect(typesOnly).toBeTypeOf("function");
  });

  it("takes options behind the argument, and an AbortSignal as signal", async () => {
    const { signal } = new AbortController();
    await handles.bank.reset(undefined, { timeoutMs: 100, signal });
    await handles.bank.note("hello", { signal });
    expect(await handles.bank.propose("note", "again")).toBe(2);
  });

  it("does not compile a command with a name of the handle, and refuses it at run time", () => {
    const attempts = [
      // @ts-expect-error A command cannot be named "read": the machine's handle has a member of
      // that name
      () => machine({ ...empty, commands: { read: (state) => state.n } }),
      // @ts-expect-error A command cannot be named "propose"
      () => machine({ ...empty, commands: { propose: (state) => state.n } }),
      // @ts-expect-error A command cannot be named "watch"
      () => machine({ ...empty, commands: { watch: (state) => state.n } }),
      // @ts-expect-error A command cannot be named "then"
      // biome-ignore lint/suspicious/noThenProperty: that is what is refused
      () => machine({ ...empty, commands: { then: (state) => state.n } }),
      // @ts-expect-error A command cannot be named "catch"
      () => machine({ ...empty, commands: { catch: (state) => state.n } }),
      // @ts-expect-error A command cannot be named "constructor"
      () => machine({ ...empty, commands: { constructor: (state: { n: number }) => state.n } }),
      // @ts-expect-error A command cannot be named "toString"
      () => machine({ ...empty, commands: { toString: (state: { n: number }) => `${state.n}` } }),
      // @ts-expect-error A command cannot be named "toJSON"
      () => machine({ ...empty, commands: { toJSON: (state) => state.n } }),
      // @ts-expect-error A command cannot be named "hasOwnProperty"
      () => machine({ ...empty, commands: { hasOwnProperty: (state: { n: number }) => !state.n } }),
    ];
    for (const attempt of attempts) {
      expect(attempt).toThrowError(/has a member of that name/);
    }
  });

  it("does not compile a command that is async", () => {
    // @ts-expect-error The command "later" cannot be async: await what it needs first, and pass it
    // in
    machine({ ...empty, commands: { later: async (state) => state.n } });
  });

  it("refuses what has no type for it at run time", () => {
    const attempts: readonly (readonly [() => unknown, string])[] = [
      [() => machine({ ...empty, version: 0, commands: {} }), "machine.version"],
      [() => machine({ ...empty, version: 1.5, commands: {} }), "machine.version"],
      [() => machine({ ...empty, commands: { "9lives": () => 0 } }), "machine.commands.9lives"],
      [() => createMachineSet({ Bank: bank }), "machines"],
      [() => createMachineSet({ ["a".repeat(33)]: bank }), "machines"],
    ];
    for (const [attempt, option] of attempts) {
      expect(attempt).toThrowError(
        expect.toSatisfy((e) => isQuorateError(e, "BAD_CONFIG") && e.details.option === option),
      );
    }
  });
});
