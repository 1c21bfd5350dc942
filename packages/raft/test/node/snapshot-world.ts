/** What the tests of snapshots in whole members share. */
import { expect } from "vitest";
import type { NodeLimits } from "../../src/node/index.ts";
import { NodeWorld, type WorldOptions } from "./node-world.ts";

const limits: Partial<NodeLimits> = {
  snapshotEntries: 20,
  snapshotKeptEntries: 5,
  snapshotStatusMs: 100,
  segmentBytesMax: 8192,
};

/** Members with disks, whose journals are in snapshots every 20 entries. */
export function createWorld(options: WorldOptions = {}): NodeWorld {
  const { limits: more, ...rest } = options;
  return new NodeWorld({ disk: true, snapshots: true, ...rest, limits: { ...limits, ...more } });
}

let written = 0;

/** Texts through `id`, one after the other. */
export function write(world: NodeWorld, id: string, count: number, bytes = 10): void {
  for (let done = 0; done < count; done++) {
    const answer = world.settle(world.propose(id, `${written++}-`.padEnd(bytes, "x")));
    expect(answer.error).toBeNull();
  }
}

/** Until all members have applied as much. */
export function appliedAll(world: NodeWorld): void {
  const isEven = () => {
    const applied = [...world.running.values()].map(({ member }) => member.raft.applied);
    return new Set(applied).size === 1;
  };
  expect(world.clock.advanceUntil(isEven, 20_000)).toBe(true);
}

export function expectEqualJournals(world: NodeWorld): void {
  const [first, ...others] = [...world.running.values()];
  for (const { journal } of others) expect(journal.texts).toEqual(first?.journal.texts);
}

/** The snapshot files of a member, by name. */
export function filesOf(world: NodeWorld, id: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const path of world.disk(id).files()) {
    if (!/[.]snap$/.test(path)) continue;
    files.set(path, Buffer.from(world.disk(id).peek(path)).toString("base64"));
  }
  return files;
}
