import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  FormatError,
  InvariantError,
  isQuorateError,
  logIndex,
  QuorateError,
  term,
} from "../base/index.ts";
import { encodePayload } from "./command-payload.ts";
import {
  type Codec,
  createMachineSet,
  encodeCommand,
  type MachineDeclarations,
  type MachineHost,
  type MachineSet,
  machine,
  UnknownCommandError,
  UnknownVersionError,
} from "./index.ts";

const nowMs = 1_700_000_000_123;

interface LocalHost extends MachineHost {
  /** Everything proposed, in order. */
  readonly log: Uint8Array[];
}

/**
 * A member of one: what is proposed is applied at once, by `replicas` too, for which nobody waits.
 */
function localHost<Declarations extends MachineDeclarations>(
  machines: MachineSet<Declarations>,
  replicas: readonly MachineSet<Declarations>[] = [],
): LocalHost {
  const log: Uint8Array[] = [];
  return {
    log,
    async propose(data) {
      log.push(data);
      const index = logIndex(log.length);
      for (const replica of replicas) replica.apply(data, index, term(3), false);
      return machines.apply(data, index, term(3), true);
    },
    read: async (read) => read(),
    wallMs: () => nowMs + 0.5,
  };
}

interface Item {
  id: number;
  tags: Set<string>;
}

const shop = machine({
  version: 2,
  since: { echo: 2 },
  initial: () => ({
    items: new Map<number, Item>(),
    sold: [] as number[],
    notes: {} as Record<string, unknown>,
  }),
  commands: {
    add(state, { id, tags }: { id: number; tags: string[] }, context) {
      state.items.set(id, { id, tags: new Set(tags) });
      return { at: context.now, index: context.index, term: context.term };
    },
    sell(state, id: number) {
      const item = state.items.get(id);
      state.items.delete(id);
      state.sold.push(id);
      if (item === undefined) throw new Error(`there is no item ${id}`);
      return item;
    },
    everything: (state) => state,
    draw: (_state, _none, { random }) => [random(), random(), random()],
    keep(state, what: "function" | "date" | "cycle") {
      const cycle: Record<string, unknown> = {};
      cycle["self"] = cycle;
      state.sold.push(1);
      state.notes["kept"] = { function: () => 0, date: new Date(0), cycle }[what];
    },
    sneaky(state): unknown {
      state.sold.push(1);
      return Promise.reject(new Error("later"));
    },
    tooDeep(state): unknown {
      state.sold.push(1);
      let value: unknown = state.sold;
      for (let i = 0; i < 600; i++) value = [value];
      return value;
    },
    broken() {
      throw new InvariantError("a bug");
    },
    echo: (_state, value?: unknown) => value,
  },
});

function openShop(replicaCount = 0) {
  const machines = createMachineSet({ shop });
  const replicas = Array.from({ length: replicaCount }, () => createMachineSet({ shop }));
  const host = localHost(machines, replicas);
  const readReplica = (index: number) => {
    const replica = replicas[index] ?? machines;
    return replica.createHandles(host).shop.read((state) => state);
  };
  return { shop: machines.createHandles(host).shop, machines, host, readReplica };
}

async function rejection(promise: Promise<unknown>): Promise<QuorateError> {
  const error: unknown = await promise.then(
    () => new Error("it was expected to be refused"),
    (reason: unknown) => reason,
  );
  if (error instanceof QuorateError) return error;
  throw error;
}

describe("typed machines", () => {
  it("runs commands and returns what the reducer returns", async () => {
    const { shop: handle } = openShop();
    expect(await handle.add({ id: 7, tags: ["red"] })).toEqual({ at: nowMs, index: 1, term: 3 });
    expect(await handle.sell(7)).toEqual({ id: 7, tags: new Set(["red"]) });
    expect(await handle.read((state) => [state.items.size, state.sold])).toEqual([0, [7]]);
    expect(await handle.echo()).toBe(undefined);
    expect(await handle.echo(null)).toBe(null);
    expect(await handle.propose("echo", "by name")).toBe("by name");
  });

  it("hands out copies, never parts of the state", async () => {
    const { shop: handle } = openShop();
    await handle.add({ id: 1, tags: ["a"] });
    const everything = await handle.everything();
    everything.items.clear();
    everything.sold.push(9);
    const seen = await handle.read((state) => state.items.get(1));
    (seen?.tags as Set<string> | undefined)?.add("b");
    expect(await handle.everything()).toEqual({
      items: new Map([[1, { id: 1, tags: new Set(["a"]) }]]),
      sold: [],
      notes: {},
    });
  });

  it("a command that throws has no effect, and its caller gets the error", async () => {
    const { shop: handle, readReplica } = openShop(1);
    const error = await rejection(handle.sell(5));
    expect(error).toMatchObject({
      code: "COMMAND_FAILED",
      outcome: "not-applied",
      retry: "never",
      message: 'Cannot run the command "sell" of "shop": there is no item 5',
      details: { machine: "shop", command: "sell", reason: "there is no item 5" },
    });
    expect(error.cause).toBeInstanceOf(Error);
    const empty = { items: new Map(), sold: [], notes: {} };
    expect(await handle.everything()).toEqual(empty);
    expect(await readReplica(0)).toEqual(empty);
  });

  it("fails commands that keep what is no data, or return a promise", async () => {
    const { shop: handle, readReplica } = openShop(1);
    const reasons = [
      await rejection(handle.keep("function")),
      await rejection(handle.keep("date")),
      await rejection(handle.keep("cycle")),
      await rejection(handle.sneaky()),
    ].map((error) => isQuorateError(error, "COMMAND_FAILED") && error.details.reason);
    expect(reasons).toEqual([
      expect.stringMatching(/^Cannot keep a function in the state/),
      expect.stringMatching(/^Cannot keep a Date in the state/),
      expect.stringMatching(/^Cannot keep an object that contains itself/),
      expect.stringMatching(/^The command "sneaky" returned a promise/),
    ]);
    expect(await handle.read((state) => state.sold)).toEqual([]);
    expect((await readReplica(0)).sold).toEqual([]);
  });

  it("a result that cannot be copied does not undo what every other member applied", async () => {
    const { shop: handle, readReplica } = openShop(1);
    const error = await rejection(handle.tooDeep());
    expect(error).toMatchObject({ code: "COMMAND_FAILED", outcome: "applied", retry: "never" });
    expect(await handle.read((state) => state.sold)).toEqual([1]);
    expect((await readReplica(0)).sold).toEqual([1]);
  });

  it("does not take a broken invariant for a failed command", async () => {
    await expect(openShop().shop.broken()).rejects.toThrow(InvariantError);
  });

  it("draws the same numbers on every member, others for every entry", async () => {
    const [one, other] = [openShop().shop, openShop().shop];
    const first = await one.draw();
    expect(await other.draw()).toEqual(first);
    expect(await one.draw()).not.toEqual(first);
    expect(new Set(first).size).toBe(3);
  });

  it("refuses arguments that would not arrive as they are", async () => {
    const { shop: handle, host } = openShop();
    const error = await rejection(handle.echo({ items: [1, { when: new Date(0) }] }));
    expect(error).toMatchObject({
      code: "BAD_ARGUMENT",
      outcome: "not-applied",
      retry: "never",
      details: { machine: "shop", command: "echo", path: "argument.items[1].when" },
    });
    expect(host.log).toEqual([]);
  });

  it("refuses an unknown command at propose", async () => {
    const { shop: handle, host } = openShop();
    const propose = handle.propose as (name: string) => Promise<unknown>;
    expect(await rejection(propose("steal"))).toMatchObject({
      code: "UNKNOWN_COMMAND",
      outcome: "not-applied",
      details: { machine: "shop", command: "steal" },
    });
    expect(host.log).toEqual([]);
  });

  it("a read cannot change the state, nor be asynchronous", async () => {
    const { shop: handle } = openShop();
    const write = handle.read((state) => (state.sold as number[]).push(1));
    await expect(write).rejects.toThrow('Cannot change the state in read() of the machine "shop"');
    await expect(handle.read(async (state) => state.sold)).rejects.toThrow(/must be synchronous/);
    expect(await handle.read((state) => state.sold)).toEqual([]);
  });

  it("refuses a first state that is no data", () => {
    const declare = (initial: () => object) => () =>
      createMachineSet({ odd: machine({ version: 1, initial, commands: {} }) });
    expect(declare(() => ({ made: new Date(0) }))).toThrow(/machines.odd.initial .* a Date/);
    const thrower = () => {
      throw new Error("no state today");
    };
    expect(declare(thrower)).toThrow(/no state today/);
  });
});

describe("typed commands in the log", () => {
  const name = (text: string) => new TextEncoder().encode(text);
  const apply = (payload: Uint8Array) =>
    createMachineSet({ shop }).apply(encodeCommand("shop", payload), logIndex(4), term(1), true);

  it("writes the payload of docs/formats.md", async () => {
    const { shop: handle, host } = openShop();
    await handle.echo(5);
    await handle.echo();
    const hex = host.log.map((data) =>
      Array.from(data, (byte) => byte.toString(16).padStart(2, "0")).join(""),
    );
    const envelope = "010473686f70";
    const echo = "6563686f";
    const time = "7b68e5cf8b010000";
    expect(hex).toEqual([
      `${envelope}010200${time}0104${echo}35`,
      `${envelope}010200${time}0004${echo}`,
    ]);
  });

  it("stops at an unknown command, and at a higher version of the machine", () => {
    const head = { machineVersion: 2, nowMs: 0 };
    expect(apply(encodePayload(head, name("echo"), name("5")))).toEqual({
      kind: "value",
      value: 5,
    });
    expect(apply(encodePayload({ ...head, machineVersion: 1 }, name("echo"), null))).toBeDefined();
    expect(() => apply(encodePayload(head, name("steal"), null))).toThrow(UnknownCommandError);
    const later = encodePayload({ machineVersion: 3, nowMs: 0 }, name("echo"), null);
    expect(() => apply(later)).toThrow(
      expect.toSatisfy((e) => e instanceof UnknownVersionError && e.thing === "machine"),
    );
  });

  it("stops at bytes that are no payload", () => {
    const good = encodePayload({ machineVersion: 2, nowMs: 0 }, name("echo"), null);
    const changed = (offset: number, byte: number) =>
      good.map((old, i) => (i === offset ? byte : old));
    expect(() => apply(changed(0, 2))).toThrow(UnknownVersionError);
    expect(() => apply(changed(10, 0xff))).toThrow(FormatError);
    expect(() => apply(changed(11, 2))).toThrow(FormatError);
    expect(() => apply(changed(12, 3))).toThrow(FormatError);
    for (let length = 0; length < good.length; length++) {
      expect(() => apply(good.subarray(0, length))).toThrow(FormatError);
    }
  });

  it("stops at an argument that its codec cannot read", () => {
    const payload = encodePayload({ machineVersion: 2, nowMs: 0 }, name("echo"), name("{"));
    expect(() => apply(payload)).toThrow(SyntaxError);
  });

  it("takes another codec, and refuses at propose what that one cannot read back", async () => {
    const codec: Codec = {
      encode: (value) => name(String(value)),
      decode: (bytes) => {
        const number = Number(String.fromCharCode(...bytes));
        if (Number.isNaN(number)) throw new Error("that is no number");
        return number;
      },
    };
    const counter = machine({
      version: 1,
      initial: () => ({ count: 0 }),
      commands: {
        add(state, by: number) {
          state.count += by;
          return state.count;
        },
      },
      codec,
    });
    const machines = createMachineSet({ counter });
    const host = localHost(machines);
    const handle = machines.createHandles(host).counter;
    expect(await handle.add(4)).toBe(4);
    const error = await rejection(handle.add("x" as unknown as number));
    expect(error).toMatchObject({ code: "BAD_ARGUMENT", details: { path: "argument" } });
    expect(host.log.length).toBe(1);
  });
});

describe("determinism", () => {
  it("replicas that apply the same log are equal, whoever waits for results", async () => {
    const command = fc.oneof(
      fc.record({ kind: fc.constant("add" as const), id: fc.nat(5), tag: fc.string() }),
      fc.record({ kind: fc.constant("sell" as const), id: fc.nat(5) }),
      fc.record({ kind: fc.constantFrom("sneaky" as const, "tooDeep" as const) }),
    );
    const property = fc.asyncProperty(fc.array(command, { maxLength: 30 }), async (commands) => {
      const { shop: handle, host, machines, readReplica } = openShop(2);
      for (const one of commands) {
        const done =
          one.kind === "add"
            ? handle.add({ id: one.id, tags: [one.tag] })
            : one.kind === "sell"
              ? handle.sell(one.id)
              : handle[one.kind]();
        await done.catch((error: unknown) => {
          if (!isQuorateError(error, "COMMAND_FAILED")) throw error;
        });
      }
      const state = await machines.createHandles(host).shop.read((one) => one);
      expect(await readReplica(0)).toEqual(state);
      const replayed = createMachineSet({ shop });
      for (const [at, data] of host.log.entries()) {
        replayed.apply(data, logIndex(at + 1), term(3), at % 2 === 0);
      }
      expect(await replayed.createHandles(host).shop.read((one) => one)).toEqual(state);
    });
    await fc.assert(property, { numRuns: 100 });
  });
});
