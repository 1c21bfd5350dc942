/** A member that starts on a recovered directory, beside the members of the old cluster. */
import { describe, expect, it } from "vitest";
import { NodeWorld, worldDir } from "../../../test/node/node-world.ts";
import { crc32 } from "../../base/index.ts";
import { runTask, type Task } from "../../storage/index.ts";
import { inspect, type OfflinePorts, recover } from "./recover.ts";

function run<Value>(world: NodeWorld, task: Task<Value>): Value {
  let result: Value | Error | null = null;
  runTask(task, (error, value) => {
    result = error ?? value ?? null;
  });
  world.clock.advanceUntil(() => result !== null, 10_000);
  if (result === null || (result as Value | Error) instanceof Error) throw result;
  return result;
}

/** b and c are gone for good; a goes on alone. */
function recovered() {
  const world = new NodeWorld({ disk: true }).startAll();
  world.leaderBut("a");
  for (const text of ["x", "y"]) world.settle(world.propose("a", text));
  for (const id of ["a", "b", "c"]) world.node(id).kill();
  const { clock, random } = world;
  const ports: OfflinePorts = { clock, random, crc32, disk: world.disk("a") };
  const { clusterId } = run(world, inspect(ports, worldDir, null));
  const request = { directory: worldDir, id: null, clusterId, address: null, token: null };
  return { world, done: run(world, recover(ports, request)), clusterId };
}

describe("a member with a recovered directory", () => {
  it("leads alone with all that it had, and no member of the old cluster gets near it", () => {
    const { world, done } = recovered();
    const { token, address } = done;
    const self = world.start("a", { members: { a: address }, token });
    world.clock.advance(2000);
    expect(self.member.raft.role).toBe("leader");
    expect(self.journal.texts).toEqual(["x", "y"]);
    expect(world.settle(world.propose("a", "z")).error).toBeNull();
    expect(self.opened.clusterId).toBe(done.clusterId);
    world.start("b");
    world.start("c");
    world.clock.advance(5000);
    expect(world.settle(world.propose("b", "old")).error).toBeNull();
    expect(world.node("b").journal.texts).toEqual(["x", "y", "old"]);
    expect(world.status("b").members.find(({ id }) => id === "a")?.reason).toMatch(/cluster/);
    expect(self.journal.texts).toEqual(["x", "y", "z"]);
    expect(self.member.raft.role).toBe("leader");
  });

  it("starts with its old flags, too: the log is the truth", () => {
    const { world, done } = recovered();
    const self = world.start("a");
    world.clock.advance(2000);
    expect(self.member.raft.role).toBe("leader");
    expect(self.opened.clusterId).toBe(done.clusterId);
    expect(self.log.join("\n")).toContain("differs from the log's (a=a:1)");
    world.node("a").kill();
    const again = world.start("a");
    world.clock.advance(2000);
    expect(again.member.raft.role).toBe("leader");
    expect(again.journal.texts).toEqual(["x", "y"]);
  });
});
