/** How soon whole nodes go on after the death of their leader, and what must not depose one. */
import { describe, expect, it } from "vitest";
import { type Answer, NodeWorld, type Running } from "../../../test/node/node-world.ts";
import { createSeededRandom } from "../../testing/seeded-random.ts";

const three = ["a", "b", "c"];
const five = ["a", "b", "c", "d", "e"];
/** The real times: by election timers alone a failover takes a second or two. */
const limits = { tickMs: 10, heartbeatMs: 100, electionMs: 1000 };

function cluster(members: readonly string[], seed: number): NodeWorld {
  const world = new NodeWorld({ members, seed, disk: true, limits }).startAll();
  world.settle(world.propose(world.leader().id, "before"));
  return world;
}

/** Breaks the connections between two, and keeps them broken. */
function breakLink(world: NodeWorld, one: string, other: string): void {
  world.network.cut(one, other, { mode: "drop" });
}

function others(world: NodeWorld, leader: Running): string[] {
  return world.ids.filter((id) => id !== leader.id);
}

/** Milliseconds from the leader's death to the first answer of a command sent to a survivor. */
function failOverMs(seed: number, ask: (world: NodeWorld, id: string) => Answer): number {
  const world = cluster(three, seed);
  const leader = world.leader();
  const random = createSeededRandom(seed);
  world.clock.advance(random.fraction() * 1000);
  const [first = "", second = ""] = others(world, leader);
  leader.kill();
  const killedMs = world.clock.nowMs();
  world.clock.advance(2); // they see the ends of their connections
  const answers = [ask(world, first), ask(world, second)];
  for (const answer of answers) world.settle(answer);
  for (const { error } of answers) expect(error, `seed ${seed}`).toBeNull();
  return Math.min(...answers.map(({ atMs }) => atMs ?? Number.POSITIVE_INFINITY)) - killedMs;
}

describe("the death of a leader", () => {
  const seeds = Array.from({ length: 20 }, (_, at) => at + 1);

  it("costs less than 100 ms until the next write", () => {
    const times = seeds.map((seed) => failOverMs(seed, (world, id) => world.propose(id, "after")));
    const quick = times.filter((ms) => ms < 100);
    expect(quick.length, times.join(" ")).toBeGreaterThanOrEqual(18);
    expect(Math.max(...times), times.join(" ")).toBeLessThan(500);
  });

  it("costs as little until the next read", () => {
    const times = seeds.map((seed) => failOverMs(seed, (world, id) => world.read(id)));
    expect(times.filter((ms) => ms < 100).length, times.join(" ")).toBeGreaterThanOrEqual(18);
    expect(Math.max(...times), times.join(" ")).toBeLessThan(500);
  });

  it("is told as such, with the votes", () => {
    const world = cluster(three, 1);
    const leader = world.leader();
    leader.kill();
    const next = world.leader(leader.id);
    const election = next.events.election.at(-1);
    expect(election).toMatchObject({ why: "leader-gone", previous: { id: leader.id } });
    expect(election?.durationMs).toBeLessThan(100);
    const line = next.log.find((text) => text.includes("could not be reached any more"));
    expect(line).toBeDefined();
  });

  it("is seen where the process was started again before anybody stood", () => {
    const world = cluster(three, 3);
    const leader = world.leader();
    const { term } = leader.member.raft.hardState;
    leader.kill();
    const killedMs = world.clock.nowMs();
    world.start(leader.id);
    const next = world.leader();
    expect(next.member.raft.hardState.term).toBeGreaterThan(term);
    expect(world.clock.nowMs() - killedMs).toBeLessThan(300);
  });
});

describe("a leader that a majority still hears", () => {
  /** What must have stayed as it was. */
  function expectUndisturbed(world: NodeWorld, leader: Running, term: number): void {
    expect(leader.member.raft.role).toBe("leader");
    for (const id of world.ids) expect(world.status(id).term, id).toBe(term);
  }

  for (const [members, counts] of [
    [three, [1]],
    [five, [1, 2]],
  ] as const) {
    for (const count of counts) {
      it(`stays while its links to ${count} of ${members.length} are broken`, () => {
        for (let seed = 1; seed <= 10; seed++) {
          const world = cluster(members, seed);
          const leader = world.leader();
          const { term } = leader.member.raft.hardState;
          const cutOff = others(world, leader).slice(0, count);
          for (const id of cutOff) breakLink(world, leader.id, id);
          world.clock.advance(5000);
          expectUndisturbed(world, leader, term);
          expect(world.settle(world.propose(leader.id, "still")).error).toBeNull();
          for (const id of cutOff) world.network.heal(leader.id, id);
          world.clock.advance(3000);
          expectUndisturbed(world, leader, term);
          for (const id of cutOff) expect(world.status(id).leader).toBe(leader.id);
        }
      });
    }
  }

  it("stays when links break and come back again and again, one at a time", () => {
    const world = cluster(five, 7);
    const leader = world.leader();
    const { term } = leader.member.raft.hardState;
    const random = createSeededRandom(7);
    const ids = others(world, leader);
    for (let round = 0; round < 60; round++) {
      const id = ids[random.below(ids.length)] ?? "";
      breakLink(world, leader.id, id);
      world.clock.advance(random.below(300));
      world.network.heal(leader.id, id);
      world.clock.advance(random.below(1500));
    }
    expectUndisturbed(world, leader, term);
  });

  it("stays when all its links break for a moment and are made anew", () => {
    const world = cluster(three, 4);
    const leader = world.leader();
    const { term } = leader.member.raft.hardState;
    for (const id of others(world, leader)) breakLink(world, leader.id, id);
    for (const id of others(world, leader)) world.network.heal(leader.id, id);
    world.clock.advance(3000);
    expectUndisturbed(world, leader, term);
  });
});

describe("a leader that lost its majority", () => {
  it("is replaced by the others at once, before it knows itself", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const world = cluster(five, seed);
      const leader = world.leader();
      const cutMs = world.clock.nowMs();
      for (const id of others(world, leader).slice(0, 3)) breakLink(world, leader.id, id);
      const next = world.leader(leader.id);
      expect(world.clock.nowMs() - cutMs, `seed ${seed}`).toBeLessThan(500);
      expect(world.settle(world.propose(next.id, "on")).error).toBeNull();
    }
  });
});
