/** Members with another state than the majority stop; the cluster goes on. */
import { describe, expect, it } from "vitest";
import { NodeWorld } from "../../test/node/node-world.ts";
import { createMachineSet, machine, rawMachine } from "../machine/index.ts";
import { StateHash } from "../machine/state-hash.ts";
import { testCluster } from "../testing/index.ts";

function worldWithHashes(members: readonly string[], compareEntries = 10): NodeWorld {
  const world = new NodeWorld({ members, limits: { compareEntries } });
  for (const id of members) {
    const { journal } = world.start(id);
    journal.hashState = () => journal.texts.join().length;
  }
  return world;
}

function write(world: NodeWorld, id: string, count: number): void {
  for (let i = 0; i < count; i++) {
    expect(world.settle(world.propose(id, "x")).error).toBeNull();
  }
}

describe("states that are equal", () => {
  it("are compared at common indexes, and nobody stops", () => {
    const world = worldWithHashes(["a", "b", "c"]);
    const leader = world.leader();
    write(world, leader.id, 40);
    world.clock.advance(100);
    expect([...world.running.values()].every(({ member }) => member.isRunning)).toBe(true);
    expect(leader.log.some((line) => line.includes("states"))).toBe(false);
  });
});

describe("a member with another state than the majority", () => {
  it.each(["leader", "follower"] as const)("(the %s) stops, and the others go on", (which) => {
    const world = worldWithHashes(["a", "b", "c"]);
    const leader = world.leader();
    const odd = which === "leader" ? leader : world.follower();
    write(world, leader.id, 12);
    world.clock.advance(50);
    expect(odd.member.isRunning).toBe(true);
    odd.journal.hashState = () => -1;
    for (let i = 0; i < 12; i++) {
      world.propose(leader.id, "y");
      world.clock.advance(20);
    }
    world.clock.advance(100);
    const others = world.ids.filter((id) => id !== odd.id);
    expect(odd.member.stopError).toMatchObject({
      code: "DIVERGED",
      details: { index: 20, agreeing: others },
    });
    expect(odd.events.stopped).toHaveLength(1);
    expect(odd.member.explain().text).toContain("has stopped because of an error: Cannot go on");
    world.running.delete(odd.id);
    const next = world.leader();
    write(world, next.id, 20);
    expect(others.every((id) => world.node(id).member.isRunning)).toBe(true);
  });

  it("that was cut off hears it when it has caught up", () => {
    const world = worldWithHashes(["a", "b", "c"]);
    const leader = world.leader();
    const odd = world.follower();
    odd.journal.hashState = () => -1;
    world.isolate(odd.id);
    write(world, leader.id, 30);
    expect(odd.member.isRunning).toBe(true);
    world.heal();
    world.clock.advance(6000);
    expect(odd.member.stopError).toMatchObject({ code: "DIVERGED" });
  });
});

describe("without a majority", () => {
  it("two that differ warn, and go on", () => {
    const world = worldWithHashes(["a", "b"]);
    const leader = world.leader();
    leader.journal.hashState = () => -1;
    write(world, leader.id, 12);
    world.clock.advance(100);
    expect([...world.running.values()].every(({ member }) => member.isRunning)).toBe(true);
    expect(leader.log).toContain(
      "warn The states at entry 10 differ, and no majority agrees yet: a against b",
    );
  });
});

describe("the hash of a state", () => {
  const hashOf = (...values: unknown[]) => {
    const hash = new StateHash();
    for (const value of values) hash.add(value);
    return hash.value;
  };

  it("is equal for equal data only", () => {
    const samples = [
      ...[null, undefined, true, false, 0, -0, 1, -1, 0.5, Number.NaN, 2 ** 52, 1n, "1", "", "a"],
      ...[[], [[]], {}, { a: 1 }, { b: 1 }, { a: 1, b: 2 }, { b: 2, a: 1 }, [1, 2], [2, 1], "ab"],
      ...[new Map(), new Set(), new Map([["a", 1]]), new Set(["a"]), [undefined], ["a", "b"]],
    ];
    const hashes = samples.map((value) => hashOf(value));
    expect(new Set(hashes).size).toBe(samples.length);
    expect(hashes.every((hash) => Number.isSafeInteger(hash) && hash >= 0)).toBe(true);
    expect(samples.map((value) => hashOf(structuredClone(value)))).toEqual(hashes);
    expect(hashOf("a", "b")).not.toBe(hashOf("ab"));
    const many = new Set(Array.from({ length: 20_000 }, (_, i) => hashOf({ count: i })));
    expect(many.size).toBe(20_000);
  });

  it("of a set is that of its typed machines, and of raw ones that have one", () => {
    const counter = () =>
      machine({
        version: 1,
        initial: () => ({ count: 0 }),
        commands: { add: (state) => void state.count++ },
      });
    const silent = rawMachine(() => ({ apply: () => 0 }));
    const told = rawMachine(() => ({ apply: () => 0, hashState: () => 7 }));
    expect(createMachineSet({ silent }).hashState()).toBeNull();
    const both = createMachineSet({ told, counter: counter(), silent });
    expect(both.hashState()).toBe(createMachineSet({ counter: counter(), told }).hashState());
    expect(both.hashState()).not.toBe(createMachineSet({ counter: counter() }).hashState());
  });

  it("a typed machine that is not deterministic stops one member of three", async () => {
    let turn = 0;
    const odd = machine({
      version: 1,
      initial: () => ({ values: [] as number[] }),
      // Only the third member that applies it sees another number: the guard's runs do not.
      commands: { add: (state, _none: undefined, context) => addTo(state, context.index) },
    });
    function addTo(state: { values: number[] }, index: number): void {
      const isOdd = index > 0 && ++turn % 3 === 0 && index === 5;
      state.values.push(isOdd ? 1 : 0);
    }
    await using cluster = await testCluster({
      ...{ machines: { odd }, time: "virtual", limits: { compareEntries: 10 } },
    });
    const stopped: string[] = [];
    for (const node of cluster.nodes) {
      node.on("stopped", ({ error }) => stopped.push(String(error)));
    }
    const leader = await cluster.leader();
    for (let i = 0; i < 12 && stopped.length === 0; i++) {
      await cluster.settle(leader.machines.odd.add().catch(() => {}));
    }
    await cluster.advance(100);
    expect(stopped).toHaveLength(1);
    expect(stopped[0]).toContain("the state of");
    expect(stopped[0]).toContain("at entry 10 is not that of");
  });
});
