/** Traps of the state machine and of clients (I): `docs/traps.md`. */
import { describe, expect, it } from "vitest";
import { StateHash } from "../../src/machine/state-hash.ts";
import { createSeededRandom } from "../../src/testing/index.ts";
import { type Answer, NodeWorld, type Running } from "../node/node-world.ts";

describe("the end of a member", () => {
  it("I2: a hundred calls of every kind settle when the machine throws", () => {
    const world = new NodeWorld().startAll();
    world.leader();
    const broken = world.follower();
    const many = (ask: (i: number) => Answer) => Array.from({ length: 100 }, (_, i) => ask(i));
    const forwarded = many((i) => world.propose(broken.id, `f${i}`, 60_000));
    const asked = many(() => world.read(broken.id, 60_000));
    world.clock.advance(1);
    broken.journal.onApply = () => {
      throw new Error("the machine is broken");
    };
    const gathered = many((i) => world.propose(broken.id, `g${i}`, 60_000));
    const late = many(() => world.read(broken.id, 60_000));
    world.clock.advance(100);
    expect(broken.member.isRunning).toBe(false);
    const all = [...forwarded, ...asked, ...gathered, ...late];
    expect(all.map(({ count }) => count)).toEqual(all.map(() => 1));
    expect(new Set(all.map(({ error }) => error?.code))).toEqual(new Set(["STOPPED"]));
  });

  it("I2: and when it leads, or nobody does", () => {
    for (const others of [["b", "c"], []]) {
      const world = new NodeWorld({ disk: true });
      for (const id of ["a", ...others]) world.start(id);
      if (others.length > 0) world.leaderBut("b");
      const id = others.length > 0 ? world.leader().id : "a";
      const answers = Array.from({ length: 100 }, (_, i) =>
        i % 2 === 0 ? world.propose(id, `${i}`, 60_000) : world.read(id, 60_000),
      );
      const { member } = world.node(id);
      world.fault = (at) => (at === id ? { kind: "fail", code: "EIO" } : null);
      world.clock.advance(1000);
      if (member.isRunning) member.stop(() => {});
      world.clock.advance(1000);
      expect(answers.map(({ count }) => count)).toEqual(answers.map(() => 1));
    }
  });
});

describe("machines that are not deterministic", () => {
  /** Three members whose machines draw numbers, each of its own seed, and hash what they have. */
  function drawing(seeds: Readonly<Record<string, number>>): NodeWorld {
    const world = new NodeWorld({ limits: { compareEntries: 10 } }).startAll();
    for (const { id, journal } of world.running.values()) {
      const random = createSeededRandom(seeds[id] ?? 0);
      const drawn: number[] = [];
      journal.onApply = () => drawn.push(random.u32());
      journal.hashState = () => {
        const hash = new StateHash();
        hash.add(drawn);
        return hash.value;
      };
    }
    return world;
  }

  function writeTen(world: NodeWorld): Running[] {
    const { id } = world.leader();
    for (let i = 0; i < 12; i++) {
      world.propose(id, `${i}`, 60_000);
      world.clock.advance(20);
    }
    world.clock.advance(200);
    return [...world.running.values()];
  }

  it("I6: the one whose state is another than a majority's stops, and says where", () => {
    const world = drawing({ a: 1, b: 2, c: 1 });
    const all = writeTen(world);
    expect(all.filter(({ member }) => member.isRunning).map(({ id }) => id)).toEqual(["a", "c"]);
    expect(world.node("b").member.stopError).toMatchObject({
      ...{ code: "DIVERGED", details: { index: 10, agreeing: ["a", "c"] } },
    });
    world.running.delete("b");
    const { id } = world.leader();
    expect(world.settle(world.propose(id, "on")).error).toBeNull();
  });

  it("I6: where no two agree everybody is warned; where all do, nobody hears of it", () => {
    const differing = writeTen(drawing({ a: 1, b: 2, c: 3 }));
    const warned = differing.filter(({ log }) =>
      log.some((line) => line.startsWith("warn The states at entry 10 differ")),
    );
    expect(warned).toHaveLength(3);
    const equal = writeTen(drawing({ a: 5, b: 5, c: 5 }));
    expect(equal.flatMap(({ log }) => log.filter((line) => line.includes("states")))).toEqual([]);
    expect([...differing, ...equal].every(({ member }) => member.isRunning)).toBe(true);
  });
});
