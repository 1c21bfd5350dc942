/** Traps of the state machine and of clients (I): `docs/traps.md`. */
import { describe, expect, it } from "vitest";
import { type Answer, NodeWorld } from "../node/node-world.ts";

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
