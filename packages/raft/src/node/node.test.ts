import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, expectTypeOf, it } from "vitest";
import { isQuorateError, type QuorateError } from "../base/index.ts";
import { machine, type RawMachineHandle, rawMachine } from "../machine/index.ts";
import { createOsPorts } from "../ports/os/index.ts";
import { testCluster } from "../testing/index.ts";
import { silentLogger } from "./logger.ts";
import { type Node, start } from "./node.ts";

const bank = machine({
  version: 1,
  initial: () => ({ balance: {} as Record<string, number> }),
  commands: {
    move(state, { from, to, amount }: { from: string; to: string; amount: number }) {
      if ((state.balance[from] ?? 0) < amount) {
        return { ok: false as const, reason: "insufficient" as const };
      }
      state.balance[from] = (state.balance[from] ?? 0) - amount;
      state.balance[to] = (state.balance[to] ?? 0) + amount;
      return { ok: true as const };
    },
    deposit(state, { to, amount }: { to: string; amount: number }) {
      state.balance[to] = (state.balance[to] ?? 0) + amount;
    },
  },
});
const counter = rawMachine(() => {
  let count = 0;
  return { apply: (_command: Uint8Array) => ++count, now: () => count };
});
type Declared = { bank: typeof bank; counter: typeof counter };

/** Never runs: only its types count. */
async function typesOnly(): Promise<void> {
  const node = await start({ id: "a", members: { a: "a:1" }, machines: { bank, counter } });
  expectTypeOf(node).toEqualTypeOf<Node<Declared>>();
  const moved = await node.machines.bank.move({ from: "a", to: "b", amount: 5 });
  expectTypeOf(moved.ok).toEqualTypeOf<boolean>();
  if (!moved.ok) expectTypeOf(moved.reason).toEqualTypeOf<"insufficient">();
  expectTypeOf(await node.machines.bank.read((s) => s.balance["a"])).toEqualTypeOf<
    number | undefined
  >();
  expectTypeOf(await node.machines.counter.propose(new Uint8Array(1))).toEqualTypeOf<number>();
  expectTypeOf(node.machines.counter).toExtend<RawMachineHandle<number, unknown>>();
  expectTypeOf(await node.machines.counter.read((m) => m.now())).toEqualTypeOf<number>();
  node.on("leader", ({ id, term }) => {
    expectTypeOf(id).toEqualTypeOf<string | null>();
    expectTypeOf(term).toEqualTypeOf<number>();
  });
  node.on("stopped", ({ error }) => expectTypeOf(error).toEqualTypeOf<Error | null>());
  // @ts-expect-error no such machine
  node.machines.shop;
  // @ts-expect-error a wrong argument
  node.machines.bank.move({ from: "a", to: "b", amount: "5" });
  // @ts-expect-error no such event
  node.on("elected", () => {});
  const initial = () => ({ n: 0 });
  await start({
    id: "a",
    members: { a: "a:1" },
    // @ts-expect-error the handle has a `read` of its own
    machines: { odd: machine({ version: 1, initial, commands: { read: () => 1 } }) },
  });
  const bare = await start({ id: "a", members: { a: "a:1" } });
  expectTypeOf(bare.machines).toEqualTypeOf<Node<Record<never, never>>["machines"]>();
}

/** The sockets that keep the process alive. */
function openHandles(): readonly string[] {
  return process.getActiveResourcesInfo().filter((name) => /^TCP/.test(name));
}

const code = (error: unknown) => (error as QuorateError).code; // whatever else it is has none

describe("start", () => {
  it("is typed end to end", () => {
    expect(typesOnly).toBeTypeOf("function");
  });

  it("runs a durable member, disposes of it with its scope, leaves nothing open", async () => {
    const before = openHandles();
    const dir = await mkdtemp(join(tmpdir(), "quorate-node-"));
    const options = {
      ...{ id: "a", members: { a: "127.0.0.1:0" }, machines: { bank }, dir: join(dir, "deep/a") },
      logger: silentLogger,
      limits: { heartbeatMs: 10, electionMs: 50 },
    };
    {
      await using node = await start(options);
      await node.machines.bank.deposit({ to: "ann", amount: 5 });
      const second = start(options);
      await expect(second).rejects.toMatchObject({ code: "DATA_DIR_IN_USE" });
    }
    await new Promise((resolve) => setImmediate(resolve));
    expect(openHandles()).toEqual(before);
    await using again = await start(options);
    const total = await again.machines.bank.read((state) => state.balance["ann"]);
    expect(total).toBe(5);
    await again.stop();
    await again.stop();
    await expect(again.machines.bank.read(() => 1)).rejects.toMatchObject({ code: "STOPPED" });
    await expect(again.machines.bank.read(() => 1, { consistency: "stale" })).rejects.toMatchObject(
      { code: "STOPPED" },
    );
    await rm(dir, { recursive: true });
    await new Promise((resolve) => setImmediate(resolve));
    expect(openHandles()).toEqual(before);
  });

  it("refuses a file in the place of the directory, by name", async () => {
    const dir = await mkdtemp(join(tmpdir(), "quorate-node-"));
    const file = join(dir, "data");
    await writeFile(file, "I am a file");
    const refused = start({ id: "a", members: { a: "127.0.0.1:0" }, dir: file });
    await expect(refused).rejects.toSatisfy(
      (error) => isQuorateError(error, "STORAGE_FAILED") && error.message.includes(file),
    );
    await rm(dir, { recursive: true });
  });

  it("refuses an address in use by name, and closes what it had opened", async () => {
    const before = openHandles();
    const ports = createOsPorts();
    const taken = await new Promise<{ address: string; close(done: () => void): void }>((done) => {
      const nobody = () => ({ onData() {}, onClose() {} });
      ports.network.listen("127.0.0.1:0", nobody, (_error, listener) => {
        if (listener !== undefined) done(listener);
      });
    });
    const refused = start({ id: "a", members: { a: taken.address }, logger: silentLogger });
    await expect(refused).rejects.toMatchObject({
      ...{ code: "BAD_CONFIG", details: { option: "listen", value: taken.address } },
      hint: "Stop what uses the address, or give this member another one.",
    });
    await new Promise<void>((resolve) => taken.close(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(openHandles()).toEqual(before);
  });

  it.each([
    [{ id: "ä" }, 'id "ä": a member\'s name is 1 to 64'],
    [{ id: "z" }, "id z: members names a, b, and not this one"],
    [{ members: { a: "a:1", b: "a:1" } }, "members a:1: a and b have the same address"],
    [{ members: { a: "nowhere" } }, 'members.a "nowhere"'],
    [{ dir: "" }, 'dir "": it is empty'],
    [{ listen: "x" }, 'listen "x"'],
    [{ limits: { tickMs: 0 } }, "limits.tickMs 0: it must be above 0"],
    [{ limits: { electionMs: 200 } }, "limits.electionMs 200: it must be at least five heartbeats"],
    [{ limits: { commandBytesMax: 2 ** 24 } }, "commandBytesMax 16777216: it must be 4096 below"],
    [
      { transportLimits: { forwardQueueBytesMax: 1_000_000 } },
      "commandBytesMax 1572864: it must be 32 below transportLimits.forwardQueueBytesMax (1000000)",
    ],
    [{ limits: { segmentBytesMax: 512 } }, "limits.segmentBytesMax 512: it must be at least 4,096"],
    [{ transportLimits: { aliveIntervalMs: 0 } }, "limits.aliveIntervalMs 0"],
  ])("refuses %j", async (changes, text) => {
    const given = { id: "a", members: { a: "127.0.0.1:0", b: "127.0.0.1:1" }, ...changes };
    const error = await start(given).catch((reason: unknown) => reason);
    expect(isQuorateError(error, "BAD_CONFIG")).toBe(true);
    expect(String(error)).toContain(text);
  });
});

describe("calls", () => {
  it("have a time limit and a signal each", async () => {
    await using cluster = await testCluster({ machines: { bank, counter }, time: "virtual" });
    const [node] = cluster.nodes;
    if (node === undefined) throw new Error("no member");
    for (const timeoutMs of [0, -1, Number.NaN, 3_600_001]) {
      const refused = node.machines.counter.propose(new Uint8Array(1), { timeoutMs });
      await expect(refused).rejects.toMatchObject({ code: "BAD_CONFIG", outcome: "not-applied" });
    }
    const early = AbortSignal.abort(new Error("too late"));
    await expect(
      node.machines.counter.propose(new Uint8Array(1), { signal: early }),
    ).rejects.toMatchObject({ code: "ABORTED", outcome: "not-applied", cause: early.reason });
    const controller = new AbortController();
    const { signal } = controller;
    const calls = [
      node.machines.counter.propose(new Uint8Array(1), { signal }),
      node.machines.counter.read((one) => one.now(), { signal }),
    ].map((call) => call.catch(code));
    controller.abort();
    expect(await cluster.settle(Promise.all(calls))).toEqual(["ABORTED", "ABORTED"]);
  });

  it("reads pass on what the callback throws; stale ones answer at once", async () => {
    await using cluster = await testCluster({ machines: { counter }, time: "virtual" });
    const [node] = cluster.nodes;
    const own = new Error("the caller's own");
    const throwing = node?.machines.counter.read(() => {
      throw own;
    });
    await expect(cluster.settle(throwing ?? Promise.resolve())).rejects.toBe(own);
    const stale = await node?.machines.counter.read((one) => one.now(), { consistency: "stale" });
    expect(stale).toBe(0);
  });
});
