/** What the members of one process hold together. */
import { describe, expect, it } from "vitest";
import { type Answer, NodeWorld } from "../../test/node/node-world.ts";
import { heldBytesOf, MemoryBudget, processMemory } from "./memory-budget.ts";

describe("the memory budget of a process", () => {
  it("is tight above its limit, and free again at three quarters of it", () => {
    const budget = new MemoryBudget(100);
    const heard: string[] = [];
    const a = budget.open((isTight) => heard.push(`a ${isTight}`));
    const b = budget.open((isTight) => heard.push(`b ${isTight}`));
    a.hold(60);
    b.hold(40);
    expect([budget.heldBytes, budget.isTight, heard]).toEqual([100, false, []]);
    b.hold(41);
    expect(heard.splice(0)).toEqual(["a true", "b true"]);
    const late: boolean[] = [];
    budget.open((isTight) => late.push(isTight)).close();
    expect(late).toEqual([true]);
    b.hold(20);
    expect(budget.isTight).toBe(true);
    b.hold(15);
    expect(heard).toEqual(["a false", "b false"]);
  });

  it("gets back what a member held that is gone", () => {
    const budget = new MemoryBudget(100);
    const a = budget.open(() => {});
    a.hold(500);
    a.close();
    expect([budget.heldBytes, budget.isTight]).toEqual([0, false]);
  });

  it("refuses what is no number of bytes", () => {
    for (const bytes of [0, -1, 1.5, Number.NaN]) {
      expect(() => new MemoryBudget(bytes)).toThrow(/memory\.bytesMax/);
    }
    expect(processMemory()).toBe(processMemory());
    expect(processMemory().bytesMax).toBe(256 * 1024 * 1024);
  });
});

/** Bytes of text in each command. */
const size = 500;

function proposeMany(world: NodeWorld, id: string, count: number): Answer[] {
  return Array.from({ length: count }, () => world.propose(id, "x".repeat(size), 5000));
}

describe("members that share a budget", () => {
  const settings = { appendBytesMax: 4000, inflightBytesMax: 8000, backlogBytesMax: 100_000 };

  it("give back all that they held, however their commands end", () => {
    const memory = new MemoryBudget(1_000_000);
    const world = new NodeWorld({ memory, settings }).startAll();
    const leader = world.leader();
    const answers = world.ids.flatMap((id) => proposeMany(world, id, 20));
    world.clock.advance(1);
    expect(memory.heldBytes).toBeGreaterThan(60 * size);
    for (const answer of answers) world.settle(answer);
    world.clock.advance(100);
    expect(answers.map(({ error }) => error)).toEqual(answers.map(() => null));
    expect(memory.heldBytes).toBe(0);
    world.isolate(leader.id);
    proposeMany(world, leader.id, 20);
    world.clock.advance(10);
    expect(memory.heldBytes).toBeGreaterThan(0);
    for (const id of world.ids) world.stop(id);
    expect(memory.heldBytes).toBe(0);
  });

  it("refuse above it with its name, and all go on with one append at a time", () => {
    const memory = new MemoryBudget(20_000);
    const world = new NodeWorld({ memory, settings, disk: true }).startAll();
    const leader = world.leader();
    world.diskMs = () => 200; // so that nothing is worked off meanwhile
    const taken: Answer[] = [];
    for (let round = 0; round < 30; round++) {
      taken.push(...proposeMany(world, leader.id, 4));
      world.clock.advance(1);
    }
    expect(memory.isTight).toBe(true);
    expect(memory.heldBytes).toBeLessThan(2 * memory.bytesMax);
    const refused = taken.filter(({ error }) => error !== null);
    expect(refused.length).toBeGreaterThan(0);
    for (const { error } of refused) {
      expect(error).toMatchObject({ code: "OVERLOADED", outcome: "not-applied" });
      expect(error?.details).toEqual({ limit: "memory.bytesMax", limitValue: 20_000 });
    }
    world.diskMs = () => 0.5;
    for (const answer of taken) world.settle(answer);
    const applied = taken.filter(({ error }) => error === null);
    expect(applied.length + refused.length).toBe(taken.length);
    world.clock.advance(500);
    expect(memory.isTight).toBe(false);
    expect(memory.heldBytes).toBe(0);
    expect(world.settle(world.propose(leader.id, "again")).error).toBeNull();
  });

  it("do not stand still for what another group of the process holds", () => {
    const memory = new MemoryBudget(20_000);
    const other = memory.open(() => {});
    const world = new NodeWorld({ memory, settings }).startAll();
    const leader = world.leader();
    other.hold(1_000_000);
    for (let i = 0; i < 50; i++) {
      const answers = proposeMany(world, leader.id, 4);
      for (const answer of answers) expect(world.settle(answer).error).toBeNull();
    }
    for (const id of world.ids) {
      const { raft } = world.node(id).member;
      expect(raft.backlog.isTight).toBe(true);
      world.clock.advance(100);
      expect(heldBytesOf(raft, 0)).toBe(0);
    }
    other.close();
    for (const id of world.ids) expect(world.node(id).member.raft.backlog.isTight).toBe(false);
  });
});

describe("commands under way", () => {
  it("are bounded in bytes, wherever they are", () => {
    const limits = { pendingBytesMax: 3000, commandBytesMax: 2000 };
    const world = new NodeWorld({ limits });
    world.start("a"); // alone: they wait for a leader
    const answers = proposeMany(world, "a", 10);
    world.clock.advance(10);
    const refused = answers.filter(({ error }) => error !== null);
    expect(refused.length).toBeGreaterThan(0);
    for (const { error } of refused) {
      expect(error?.details).toEqual({ limit: "pendingBytesMax", limitValue: 3000 });
    }
    world.clock.advance(6000);
    expect(answers.map(({ count }) => count)).toEqual(answers.map(() => 1));
    expect(world.propose("a", "x".repeat(1500)).count).toBe(0);
  });
});
