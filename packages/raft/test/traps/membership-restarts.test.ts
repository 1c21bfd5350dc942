/**
 * Traps of membership (F) that need whole members on disks: what a crash leaves of a change, and
 * what is left to do where a majority is gone. The ids are those of our catalogue.
 */
import { describe, expect, it } from "vitest";
import { crc32, nodeId } from "../../src/base/index.ts";
import { decodeConfiguration, type MemberChange } from "../../src/core/index.ts";
import { inspect, type OfflinePorts, recover } from "../../src/node/offline/recover.ts";
import { runTask, type Task } from "../../src/storage/index.ts";
import { NodeWorld, worldDir } from "../node/node-world.ts";

function adding(id: string): MemberChange {
  const address = `${id}:1`;
  return { kind: "add", id: nodeId(id), address, as: "learner", whenReady: { replaces: null } };
}

/** All processes end, and what no disk has synced is gone. */
function failPower(world: NodeWorld): void {
  const ids = [...world.running.keys()];
  for (const id of ids) world.node(id).kill();
  for (const id of ids) world.disk(id).crash({ random: () => 0.5, keepShare: 0 });
}

/** Voters and learners by the newest configuration in a member's log. */
function membersInLog(world: NodeWorld, id: string): string[] {
  const { entries } = world.node(id).member.raft.log;
  const newest = entries.findLast(({ kind }) => kind === "configuration");
  if (newest === undefined) return [];
  const { voters, learners } = decodeConfiguration(newest.data);
  return [...voters.map((member) => member.id), ...learners.map((member) => `${member.id} learns`)];
}

function membersShown(world: NodeWorld, id: string): string[] {
  const { members } = world.status(id);
  const learners = members.filter(({ role }) => role === "learner");
  const voters = members.filter(({ role }) => role === "voter" || role === "joining");
  return [...voters.map((member) => member.id), ...learners.map((member) => `${member.id} learns`)];
}

function run<Value>(world: NodeWorld, task: Task<Value>): Value {
  let result: Value | Error | null = null;
  runTask(task, (error, value) => {
    result = error ?? value ?? null;
  });
  world.clock.advanceUntil(() => result !== null, 10_000);
  if (result === null || (result as Value | Error) instanceof Error) throw result;
  return result;
}

describe("members on disks", () => {
  it("F10, F4: are those of the log wherever the power fails in a promotion", () => {
    const found = new Set<string>();
    for (let ms = 0; ms < 90; ms += 4) {
      const world = new NodeWorld({ disk: true }).startAll();
      const { id: asked } = world.leader();
      world.join("d", asked);
      world.change(asked, [adding("d")], 60_000);
      world.clock.advance(ms);
      failPower(world);
      for (const id of world.ids) world.start(id); // with the options that formed the cluster
      for (const id of world.ids) {
        expect(membersShown(world, id), `${id} at ${ms}`).toEqual(membersInLog(world, id));
        found.add(membersShown(world, id).join(" "));
      }
      world.join("d", asked);
      world.settle(world.change("b", [adding("d")], 60_000), 60_000);
      world.clock.advance(1000);
      for (const id of [...world.ids, "d"]) {
        expect(membersShown(world, id), `${id} at ${ms}`).toEqual(["a", "b", "c", "d"]);
        expect(membersInLog(world, id), `${id} at ${ms}`).toEqual(["a", "b", "c", "d"]);
      }
    }
    // Before, in between and after it.
    expect([...found].sort()).toEqual(["a b c", "a b c d", "a b c d learns"]);
  });

  it("F12: of two one is lost: changes are refused, and a recovery makes a cluster of one", () => {
    const world = new NodeWorld({ members: ["a", "b"], disk: true }).startAll();
    world.leader();
    world.settle(world.propose("a", "x"));
    world.node("b").kill();
    world.clock.advance(3000);
    const { error } = world.settle(world.change("a", [{ kind: "remove", id: nodeId("b") }]));
    expect(error).toMatchObject({ code: "NO_QUORUM", outcome: "not-applied" });
    expect(membersInLog(world, "a")).toEqual(["a", "b"]);

    world.node("a").kill();
    const { clock, random } = world;
    const ports: OfflinePorts = { clock, random, crc32, disk: world.disk("a") };
    const { clusterId } = run(world, inspect(ports, worldDir, null));
    const request = { directory: worldDir, id: null, clusterId, address: null, token: null };
    const done = run(world, recover(ports, request));
    const { journal } = world.start("a", { members: { a: done.address }, token: done.token });
    expect(world.settle(world.propose("a", "y")).error).toBeNull();
    expect(journal.texts).toEqual(["x", "y"]);
    expect(membersInLog(world, "a")).toEqual(["a"]);
    // The other one is of the old cluster, should it ever come back: it takes nothing back.
    world.start("b");
    world.clock.advance(5000);
    expect(world.node("b").member.raft.leader).toBeNull();
    expect(world.settle(world.propose("a", "z")).error).toBeNull();
    expect(journal.texts).toEqual(["x", "y", "z"]);
  });
});
