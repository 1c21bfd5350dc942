/** How fast a snapshot is written: so slowly that commands hardly notice, unless the log grows. */
import { describe, expect, it } from "vitest";
import type { Running } from "../../../test/node/node-world.ts";
import { createWorld, write } from "../../../test/node/snapshot-world.ts";
import type { NodeLimits } from "../limits.ts";

const rate = 256 * 1024;
const limits: Partial<NodeLimits> = {
  snapshotEntries: 40,
  snapshotWriteBytesPerSecond: rate,
  segmentBytesMax: 4 * 1024 * 1024,
};

/** A leader that is writing a snapshot of about 1.2 MiB: five pieces. */
function taking(more: Partial<NodeLimits> = {}) {
  const world = createWorld({ limits: { ...limits, ...more } }).startAll();
  const leader = world.leader();
  while (world.status(leader.id).takingSnapshot === null) write(world, leader.id, 1, 32 * 1024);
  return { world, leader };
}

const isTaken = ({ events }: Running) => events["snapshot-taken"].length > 0;

describe("a large snapshot", () => {
  it("is written at its rate, while commands go on", () => {
    const { world, leader } = taking();
    const beganMs = world.clock.nowMs();
    write(world, leader.id, 10);
    expect(world.clock.nowMs() - beganMs).toBeLessThan(500);
    expect(isTaken(leader)).toBe(false);
    expect(world.clock.advanceUntil(() => isTaken(leader), 20_000)).toBe(true);
    const [{ bytes, forMs } = { bytes: 0, forMs: 0 }] = leader.events["snapshot-taken"];
    expect(bytes).toBeGreaterThan(4 * rate);
    // The last piece is within the rate later, and nobody waits for that.
    expect(forMs).toBeGreaterThan(((bytes - rate) / rate) * 1000 - 100);
    expect(forMs).toBeLessThan((bytes / rate) * 1000 + 500);
  });

  it("is written at once when the log behind it grows too large meanwhile", () => {
    const { world, leader } = taking({ snapshotLogBytes: 1536 * 1024 });
    expect(world.status(leader.id).takingSnapshot).toBe(40);
    const beganMs = world.clock.nowMs();
    write(world, leader.id, 50, 32 * 1024);
    expect(world.clock.advanceUntil(() => isTaken(leader), 1_000)).toBe(true);
    expect(world.clock.nowMs() - beganMs).toBeLessThan(2_000);
    expect(leader.events["snapshot-taken"][0]?.index).toBe(40);
  });

  it("is given up in a pause when the member stops", () => {
    const { world, leader } = taking();
    world.clock.advance(100);
    expect(world.status(leader.id).takingSnapshot).toBe(40);
    const disk = world.disk(leader.id);
    world.stop(leader.id);
    expect(leader.member.snapshots.taking).toBeNull();
    expect(disk.files().filter((path) => path.includes("snapshot-"))).toEqual([]);
  });
});
