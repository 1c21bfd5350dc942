/** Reads by lease in whole nodes: no round while there is a lease, and nothing stale ever. */
import { describe, expect, it } from "vitest";
import { type Answer, NodeWorld, type Running } from "../../../test/node/node-world.ts";
import { createSeededRandom } from "../../testing/seeded-random.ts";

const settings = { leaseReads: true, leaseMs: 150 };

function leased(seed = 1, more: Partial<ConstructorParameters<typeof NodeWorld>[0]> = {}) {
  const world = new NodeWorld({ seed, disk: true, settings, ...more }).startAll();
  world.settle(world.propose(world.leader().id, "before"));
  world.clock.advance(100);
  return { world, leader: world.leader() };
}

function follower(world: NodeWorld, leader: Running): string {
  return world.ids.find((id) => id !== leader.id) ?? "";
}

describe("a read by lease", () => {
  it("is answered by the leader alone while it has a lease, and by a round after that", () => {
    const { world, leader } = leased();
    world.isolate(leader.id);
    const byLease = world.settle(world.read(leader.id, 2000, true), 1);
    expect([byLease.count, byLease.result]).toEqual([1, 1]);
    const byRound = world.settle(world.read(leader.id), 1);
    expect(byRound.count).toBe(0);
    world.clock.advance(160);
    const late = world.read(leader.id, 300, true);
    expect(world.settle(late).error).toMatchObject({ outcome: "not-applied" });
  });

  it("asked elsewhere, or without the option, is answered by a round", () => {
    const { world, leader } = leased();
    expect(world.settle(world.read(follower(world, leader), 2000, true)).result).toBe(1);
    const plain = new NodeWorld({ disk: true }).startAll();
    const first = plain.leader();
    plain.settle(plain.propose(first.id, "x"));
    plain.isolate(first.id);
    expect(plain.settle(plain.read(first.id, 2000, true), 20).count).toBe(0);
    plain.heal();
    expect(plain.settle(plain.read(first.id, 2000, true)).error).toBeNull();
  });

  it("D7: is not answered by what a leader knew before its process stood still", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const { world, leader } = leased(seed);
      world.pause(leader.id);
      const others = world.ids.filter((id) => id !== leader.id);
      world.clock.advance(1000);
      const written = world.settle(world.propose(others[0] ?? "", "meanwhile"));
      expect(written.error, `seed ${seed}`).toBeNull();
      let read: Answer | null = null;
      world.resume(leader.id, () => {
        read = world.read(leader.id, 2000, true);
      });
      if (read === null) throw new Error("nothing was read");
      const { result, error } = world.settle(read);
      expect([error, result], `seed ${seed}`).toEqual([null, 2]);
    }
  });

  it("comes back to the new leader soon after a transfer, which it does not outlive", () => {
    const { world, leader } = leased();
    const to = follower(world, leader);
    expect(world.settle(world.transfer(leader.id, to)).result).toBe(to);
    world.isolate(leader.id); // it may not know yet that anything was written
    expect(world.settle(world.propose(to, "after")).error).toBeNull();
    expect(world.settle(world.read(leader.id, 200, true)).error).not.toBeNull();
    world.heal();
    world.clock.advance(300);
    world.isolate(to);
    expect(world.settle(world.read(to, 2000, true), 1).result).toBe(2);
  });

  it("is an option with its bound, which is refused where it measures nothing", () => {
    const world = new NodeWorld();
    const { member } = world.start("a", { leaseReads: { driftPermille: 20, leaseMs: 300 } });
    expect(member.raft.settings).toMatchObject({
      ...{ leaseReads: true, leaseDriftPermille: 20, leaseMs: 300 },
    });
    expect(() => world.start("b", { leaseReads: { driftPermille: 500 } })).toThrow(
      "leaseDriftPermille is 500; it must be at most 200",
    );
    expect(world.start("c", { leaseReads: true }).member.raft.settings.leaseMs).toBe(500);
  });
});

describe("reads by lease among pauses, cuts, deaths, transfers and clocks that drift", () => {
  /** What acknowledged commands were applied as, at most, when a read was asked. */
  function acknowledged(answers: readonly Answer[]): number {
    const places = answers
      .filter(({ count, error }) => count > 0 && error === null)
      .map(({ result }) => Number(result));
    return Math.max(0, ...places);
  }

  function disturb(world: NodeWorld, random: ReturnType<typeof createSeededRandom>): void {
    const [id = ""] = [world.ids[random.below(3)]];
    const what = random.below(6);
    if (!world.running.has(id)) world.start(id);
    else if (what === 0) world.node(id).kill();
    else if (what === 1) world.pause(id);
    else if (what === 2) world.isolate(id);
    else if (what === 3) world.transfer(id);
    else for (const one of world.ids) world.resume(one);
    if (what === 4) world.heal();
  }

  it("are never stale", () => {
    let served = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const paces: Readonly<Record<string, number>> = { a: 0.992, c: 1.008 };
      const { world } = leased(seed, {
        clockOf: (id) => ({ pace: paces[id] ?? 1, aheadMs: 0 }),
      });
      const random = createSeededRandom(seed);
      const writes: Answer[] = [];
      const reads: { readonly floor: number; readonly answer: Answer }[] = [];
      for (let round = 0; round < 150; round++) {
        if (random.below(5) === 0) disturb(world, random);
        for (const id of world.running.keys()) {
          if (random.below(2) === 0) writes.push(world.propose(id, `${round} ${id}`, 500));
          const floor = acknowledged(writes);
          reads.push({ floor, answer: world.read(id, 500, true) });
        }
        world.clock.advance(random.below(40));
      }
      for (const id of world.ids) world.resume(id);
      world.heal();
      world.clock.advance(2000);
      for (const { floor, answer } of reads) {
        if (answer.error !== null || answer.count === 0) continue;
        served++;
        expect(Number(answer.result), `seed ${seed}`).toBeGreaterThanOrEqual(floor);
      }
    }
    expect(served).toBeGreaterThan(1000);
  });
});
