/** The promises of handing over: `node.transferLeadership()` and `node.stop({ handover })`. */
import { describe, expect, it } from "vitest";
import { NodeWorld, type Running } from "../../../test/node/node-world.ts";
import { defaultLimits } from "../limits.ts";
import { handOver, stopMember } from "./hand-over.ts";

function cluster(members = ["a", "b", "c"]): { world: NodeWorld; leader: Running } {
  const world = new NodeWorld({ members, disk: true }).startAll();
  world.leader();
  world.clock.advance(200);
  return { world, leader: world.leader() };
}

const partsOf = ({ member }: Running) => {
  return { member, limits: defaultLimits, wallMs: () => 0, watch: null };
};

describe("stopping with handover", () => {
  it("hands over first: the others never miss a leader", async () => {
    const { world, leader } = cluster();
    const stopped = stopMember(partsOf(leader), { handover: true });
    world.clock.advance(100);
    await stopped;
    expect(leader.events.transfer).toMatchObject([{ why: "asked", outcome: "stepped-down" }]);
    expect(leader.events.stopped).toEqual([{ error: null }]);
    for (const { id, events } of world.running.values()) {
      if (id !== leader.id) expect(events.election.at(-1)?.why).toBe("newer-term");
    }
  });

  it("stops at its deadline where nobody takes over, and at once where nobody can", async () => {
    const { world, leader } = cluster();
    world.isolate(leader.id);
    const startMs = world.clock.nowMs();
    const stopped = stopMember(partsOf(leader), { handover: true, timeoutMs: 40 });
    world.clock.advance(20);
    expect(leader.member.isRunning).toBe(true);
    world.clock.advanceUntil(() => !leader.member.isRunning, 1000);
    expect(world.clock.nowMs() - startMs).toBeLessThan(60);
    world.clock.advance(100);
    await stopped;

    const { world: alone, leader: only } = cluster(["a"]);
    const atOnce = stopMember(partsOf(only), { handover: true });
    alone.clock.advance(20);
    await atOnce;
    expect(only.events.transfer).toEqual([]);
  });

  it("is a stop for a follower, and without the word for a leader", async () => {
    const { world, leader } = cluster();
    const follower = world.follower();
    const stops = [stopMember(partsOf(follower), { handover: true })];
    stops.push(stopMember(partsOf(leader), {}));
    world.clock.advance(50);
    await Promise.all(stops);
    expect(leader.events.transfer).toEqual([]);
  });

  it("refuses times that cannot be meant, and does nothing then", async () => {
    const { leader } = cluster();
    const stopped = stopMember(partsOf(leader), { handover: true, timeoutMs: Number.NaN });
    await expect(stopped).rejects.toMatchObject({ code: "BAD_CONFIG" });
    expect(leader.member.isRunning).toBe(true);
  });
});

describe("transferLeadership", () => {
  it("resolves with who leads, and rejects names and times that cannot be meant", async () => {
    const { world, leader } = cluster();
    const to = world.follower().id;
    const transfer = handOver(partsOf(leader), to, {});
    world.clock.advance(100);
    expect(await transfer).toBe(to);
    await expect(handOver(partsOf(leader), "not a name", {})).rejects.toMatchObject({
      ...{ code: "BAD_CONFIG", details: { option: "to" } },
    });
    await expect(handOver(partsOf(leader), to, { timeoutMs: 0 })).rejects.toMatchObject({
      code: "BAD_CONFIG",
    });
  });

  it("ends with the caller's signal; what was begun goes on", async () => {
    const { world, leader } = cluster();
    const to = world.follower().id;
    const abort = new AbortController();
    const transfer = handOver(partsOf(leader), to, { signal: abort.signal });
    world.clock.advance(1);
    abort.abort();
    await expect(transfer).rejects.toMatchObject({ code: "ABORTED", outcome: "unknown" });
    world.clock.advance(100);
    expect(world.leader().id).toBe(to);
  });
});
