/** What the guard of reducers finds, where, and what it lets through. */
import { describe, expect, it } from "vitest";
import { watchGlobals } from "../ports/os/index.ts";
import { testCluster } from "../testing/index.ts";
import { findDifference } from "./plain-difference.ts";
import { machine } from "./reducer.ts";

let calls = 0;
const leaky: number[] = [];

const careless = machine({
  version: 1,
  initial: () => ({ values: [] as unknown[], byName: new Map<string, number>() }),
  commands: {
    sound(state, argument: { list: number[] }, context) {
      state.values.push(context.now, context.random(), new Date(0).getTime(), ...argument.list);
      return state.values.length;
    },
    refuses() {
      throw new RangeError("not today");
    },
    dateNow: (state) => void state.values.push(Date.now()),
    // biome-ignore lint/complexity/useDateNow: the very thing that is to be found
    newDate: (state) => void state.values.push(new Date().getTime()),
    mathRandom: (state) => void state.values.push(Math.random()),
    uuid: (state) => void state.values.push(crypto.randomUUID()),
    performanceNow: (state) => void state.values.push(performance.now()),
    timer: () => void setTimeout(() => {}, 0),
    hides(state) {
      try {
        state.values.push(Math.random());
      } catch {
        state.values.push(0);
      }
    },
    changesArgument(_state, argument: { list: number[] }) {
      argument.list.push(1);
    },
    counts: (state) => void state.values.push(++calls),
    countsInMap: (state) => void state.byName.set("x", ++calls),
    returnsCount: () => ++calls,
    throwsAtTimes() {
      if (++calls % 2 === 0) throw new Error("even");
    },
    leaks(state) {
      leaky.push(1);
      return state.values.length + leaky.length;
    },
    promise: (() => Promise.resolve(1)) as unknown as () => number,
  },
});

describe("the guard of reducers", () => {
  it.each([
    ["dateNow", "it uses Date.now"],
    ["newDate", "it uses new Date()"],
    ["mathRandom", "it uses Math.random"],
    ["uuid", "it uses crypto.randomUUID"],
    ["performanceNow", "it uses performance.now"],
    ["timer", "it uses setTimeout"],
    ["hides", "it uses Math.random"],
    ["changesArgument", "it changes its argument"],
    ["counts", "differ at state.values.0: "],
    ["countsInMap", "differ at state.byName.x: "],
    ["returnsCount", "differ at result: "],
    ["throwsAtTimes", "differ at exception: "],
    ["leaks", "differ at result: "],
  ] as const)("I6: refuses %s before it is in the log: %s", async (name, reason) => {
    await using cluster = await testCluster({ machines: { careless }, time: "virtual" });
    const [node] = cluster.nodes;
    if (node === undefined) throw new Error("no member");
    const before = node.status().last;
    const call = node.machines.careless.propose(name as "changesArgument", { list: [] });
    const error = await cluster.settle(call.catch((found: unknown) => found));
    expect(error).toMatchObject({
      ...{ code: "NONDETERMINISTIC", outcome: "not-applied" },
      details: { machine: "careless", command: name, reason: expect.stringContaining(reason) },
    });
    if (reason.startsWith("it uses")) {
      expect((error as Error).stack).toContain("reducer-guard.test.ts");
    }
    expect(node.status().last).toBe(before);
  });

  it("lets sound commands through, with the same result and errors as without it", async () => {
    await using cluster = await testCluster({ machines: { careless }, time: "virtual" });
    const [node] = cluster.nodes;
    if (node === undefined) throw new Error("no member");
    const handle = node.machines.careless;
    expect(await cluster.settle(handle.sound({ list: [7] }))).toBe(4);
    const failed: Promise<unknown> = handle.refuses();
    await expect(cluster.settle(failed)).rejects.toMatchObject({ code: "COMMAND_FAILED" });
    await expect(cluster.settle(handle.promise())).rejects.toMatchObject({
      ...{ code: "COMMAND_FAILED" },
      message: expect.stringContaining("returned a promise"),
    });
  });

  it("puts back what it watched, whatever the function does", () => {
    const before = [Date, Math.random, setTimeout, performance.now, crypto.getRandomValues];
    const used: string[] = [];
    const fail = () =>
      watchGlobals(
        () => {
          Math.random();
          throw new Error("on purpose");
        },
        (name) => used.push(name),
      );
    expect(fail).toThrow("on purpose");
    expect(used).toEqual(["Math.random"]);
    expect([Date, Math.random, setTimeout, performance.now, crypto.getRandomValues]).toEqual(
      before,
    );
    expect(Object.hasOwn(performance, "now") || Object.hasOwn(crypto, "randomUUID")).toBe(false);
    expect(new Date() instanceof Date).toBe(true);
  });

  it("finds the first difference by its path", () => {
    const found = (a: unknown, b: unknown) => findDifference(a, b, "x");
    expect(found({ a: [1, { b: 2 }] }, { a: [1, { b: 3 }] })).toBe("x.a.1.b: 2 and 3");
    expect(found([1], [1, 2])).toBe("x: 1 and 2 members");
    expect(found({ a: 1, b: 2 }, { b: 2, a: 1 })).toBe('x: key "a" and "b"');
    expect(found(new Set(["a"]), new Set(["b"]))).toBe('x: key "a" and "b"');
    expect(found(new Map([["a", Number.NaN]]), new Map([["a", Number.NaN]]))).toBeNull();
    expect(found(null, {})).toBe("x: null and an object");
  });
});
