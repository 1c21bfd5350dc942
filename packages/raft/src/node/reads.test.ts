import { describe, expect, it } from "vitest";
import { NodeWorld } from "../../test/node/node-world.ts";
import { logIndex } from "../base/index.ts";
import { type Input, step } from "../core/index.ts";
import { createDeadlines } from "./deadlines.ts";
import { defaultLimits } from "./limits.ts";
import { Reads } from "./reads.ts";

describe("linearizable reads", () => {
  it("on every member see what was acknowledged anywhere before, many at a time", () => {
    const world = new NodeWorld({ latencyMs: 2 }).startAll();
    world.leader();
    for (let round = 1; round <= 20; round++) {
      const writer = world.ids[round % 3] ?? "a";
      expect(world.settle(world.propose(writer, `${round}`)).error).toBeNull();
      const reads = world.ids.flatMap((id) => [world.read(id), world.read(id)]);
      world.clock.advance(50);
      expect(reads.map(({ count, result }) => [count, result])).toEqual(
        reads.map(() => [1, round]),
      );
    }
  });

  it("D4: are never answered before the asked index is applied", () => {
    const world = new NodeWorld().startAll();
    const leader = world.leader();
    const { id, member } = world.follower();
    const answered: number[] = [];
    for (let i = 0; i < 50; i++) {
      world.propose(leader.id, `${i}`);
      const read = world.read(id);
      world.clock.advance(1);
      if (read.count > 0) answered.push(i);
    }
    world.clock.advance(200);
    for (const read of world.answers.filter(({ text }) => text.startsWith("read"))) {
      expect([read.count, read.error]).toEqual([1, null]);
      // Everything acknowledged when it was asked was applied when it was answered.
      const before = world.answers.filter(
        (one) => !one.text.startsWith("read") && Number(one.atMs) < read.askedMs,
      );
      expect(Number(read.result)).toBeGreaterThanOrEqual(before.length);
    }
    expect(member.raft.applied).toBe(leader.member.raft.applied);
  });

  it("D4: wait for machines that are slower than the log", () => {
    const world = new NodeWorld({ settings: { applyBytesMax: 1 } }).startAll();
    const leader = world.leader();
    const { id } = world.follower();
    const asked: number[] = [];
    for (let round = 1; round <= 20; round++) {
      const writes = Array.from({ length: 50 }, (_, i) =>
        world.propose(leader.id, `${round} ${i}`),
      );
      world.clock.advanceUntil(() => writes.every(({ count }) => count === 1), 1000);
      const reads = [world.read(id), world.read(leader.id)];
      world.clock.advance(100);
      for (const { count, result } of reads) asked.push(count, Number(result) - 50 * round);
    }
    expect(asked).toEqual(Array.from({ length: 20 }, () => [1, 0, 1, 0]).flat());
  });

  it("are asked again of the next leader", () => {
    const world = new NodeWorld().startAll();
    const leader = world.leader();
    const { id } = world.follower();
    world.settle(world.propose(id, "x"));
    const reads = [world.read(id), world.read(id)];
    leader.kill();
    reads.push(world.read(id));
    world.clock.advance(2000);
    expect(reads.map(({ count, error, result }) => [count, error, result])).toEqual(
      reads.map(() => [1, null, 1]),
    );
  });

  it("on an isolated leader are answered by nobody", () => {
    const world = new NodeWorld().startAll();
    const old = world.leader();
    world.settle(world.propose(old.id, "x"));
    world.isolate(old.id);
    const soon = world.read(old.id, 50);
    const late = world.read(old.id, 5000);
    const fresh = world.leader(old.id);
    world.settle(world.propose(fresh.id, "y"));
    expect(soon.error).toMatchObject({ code: "TIMEOUT", outcome: "not-applied" });
    expect(late.count).toBe(0);
    world.heal();
    world.settle(late);
    expect([late.error, late.result]).toEqual([null, 2]);
  });

  it("that were given up leave nothing behind, however many", () => {
    const world = new NodeWorld();
    world.start("a");
    const startedMs = performance.now();
    const reads = Array.from({ length: 50_000 }, () => world.read("a", 100));
    world.clock.advance(200);
    expect(reads.every(({ count, error }) => count === 1 && error?.code === "NO_QUORUM")).toBe(
      true,
    );
    // Quadratic work would take minutes.
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });

  it("D4: answered before the machines are there wait for the very index", () => {
    const world = new NodeWorld().startAll();
    world.leader();
    world.clock.advance(100);
    const { raft } = world.follower().member;
    const reads = new Reads({
      ...{ raft, limits: defaultLimits, deadlines: createDeadlines() },
      ...{
        nowMs: () => 0,
        isRestoring: () => false,
        isConnected: () => true,
        schedule: () => {},
        step: (input: Input) => step(raft, input),
      },
      reachability: () => ({ needed: 2, reachable: [], unreachable: [], causes: [] }),
    });
    const seen: string[] = [];
    reads.read(100, () => seen.push("now"));
    reads.read(100, () => seen.push("soon"));
    reads.read(100, () => seen.push("late"));
    const index = (more: number) => logIndex(raft.applied + more);
    reads.onAnswered({ kind: "read-answered", ids: [3], index: index(2) });
    reads.onAnswered({ kind: "read-answered", ids: [2], index: index(1) });
    expect(seen).toEqual([]);
    reads.onAnswered({ kind: "read-answered", ids: [1], index: index(0) });
    expect(seen).toEqual(["now"]);
    reads.onApplied(index(1));
    expect(seen).toEqual(["now", "soon"]);
    reads.onApplied(index(2));
    expect(seen).toEqual(["now", "soon", "late"]);
  });
});
