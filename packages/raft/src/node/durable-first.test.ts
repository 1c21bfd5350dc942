/**
 * Rule 1 at the host: what is promised leaves when it is on disk. The core says after which unit
 * (`mayRelease`); here disks stand still, and nothing that waits for them may have been promised.
 */
import { describe, expect, it } from "vitest";
import { NodeWorld } from "../../test/node/node-world.ts";
import type { DiskOperation } from "../testing/memory-disk.ts";

/** From now on the disks of these members take everything and finish nothing. */
function stall(world: NodeWorld, ids: readonly string[]): void {
  world.fault = (id: string, _operation: DiskOperation) =>
    ids.includes(id) ? { kind: "hang" } : null;
}

const others = (id: string): readonly string[] => ["a", "b", "c"].filter((one) => one !== id);

describe("durable before promised", () => {
  it("a follower's acknowledgement waits for its disk: without them nothing is committed", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    const leader = world.leader();
    world.settle(world.propose(leader.id, "before"));
    const { commit } = world.status(leader.id);
    stall(world, others(leader.id));
    const answer = world.propose(leader.id, "never on their disks", 300);
    world.clock.advance(400);
    expect(world.status(leader.id)).toMatchObject({ role: "leader", commit, durable: commit + 1 });
    for (const id of others(leader.id)) {
      expect(world.status(id)).toMatchObject({ last: commit + 1, durable: commit });
    }
    expect(answer.error).toMatchObject({ code: "TIMEOUT", outcome: "unknown" });
  });

  it("an acknowledgement waits for its own unit, not for the one before", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    const leader = world.leader();
    world.settle(world.propose(leader.id, "before"));
    world.clock.advance(500); // witnesses are written: the disks are idle
    const { commit } = world.status(leader.id);
    const writes = new Map<string, number>();
    world.fault = (id, { kind }) => {
      if (id === leader.id) return null;
      if (kind === "write") writes.set(id, (writes.get(id) ?? 0) + 1);
      return (writes.get(id) ?? 0) > 1 ? { kind: "hang" } : null;
    };
    const first = world.propose(leader.id, "on their disks");
    world.clock.advance(0.5);
    const second = world.propose(leader.id, "arrives while the first is written");
    world.clock.advance(200);
    expect(first).toMatchObject({ count: 1, error: null });
    expect(second.count).toBe(0);
    expect(world.status(leader.id).commit).toBe(commit + 1);
    for (const id of others(leader.id)) {
      expect(world.status(id)).toMatchObject({ last: commit + 2, durable: commit + 1 });
    }
  });

  it("a vote waits for the voter's disk: without them nobody is elected", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    const first = world.leader();
    const [candidate, voter] = others(first.id) as [string, string];
    stall(world, [voter]);
    world.stop(first.id);
    world.clock.advance(3_000);
    expect([world.status(candidate).role, world.status(voter).role]).not.toContain("leader");
    expect(world.status(candidate).leader).toBeNull();
  });
});
