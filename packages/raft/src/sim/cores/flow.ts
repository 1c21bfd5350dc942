/**
 * Memory in the world of bare cores: some seeds have members with little room for what waits for
 * their disks and machines, and hosts that are short of memory now and then, or for good.
 */
import { entryOverheadBytes } from "../../core/index.ts";
import { pick, type Random } from "../random.ts";
import { feed } from "./events.ts";
import type { Host, World } from "./world.ts";

export interface FlowOptions {
  /** `Settings.backlogBytesMax`. */
  readonly backlogBytesMax: number;
  /** Weight of news about a host's memory. */
  readonly memory: number;
}

/** Null: there is room for everything in this seed. */
export function drawFlow(random: Random, chance: number): FlowOptions | null {
  if (!random.chance(chance)) return null;
  const entry = entryOverheadBytes + 8;
  return {
    backlogBytesMax: pick(random, [1, entry, 3 * entry, 10 * entry, 40 * entry]),
    memory: pick(random, [0, 0.5, 2]),
  };
}

/** Undefined: that is known. It is never healed: what a member may hold then is enough to go on. */
export function changeMemory(world: World, host: Host, isTight: boolean): string | undefined {
  if (host.raft === null || host.raft.backlog.isTight === isTight) return undefined;
  feed(world, host, { kind: "memory", isTight });
  world.faults.memoryNews++;
  return isTight ? "tight" : "free";
}
