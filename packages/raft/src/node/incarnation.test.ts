import { describe, expect, it } from "vitest";
import { NodeWorld, worldDir } from "../../test/node/node-world.ts";

/** c comes back empty under its old name, while a and b remember it. */
function comesBackEmpty(disk: boolean): NodeWorld {
  const world = new NodeWorld({ disk }).startAll();
  world.leaderBut("c");
  world.settle(world.propose("a", "x"));
  world.node("c").kill();
  if (disk) {
    const names: string[] = [];
    world.disk("c").list(worldDir, (_error, found) => names.push(...(found ?? [])));
    world.clock.advance(10);
    for (const name of names) world.disk("c").drop(`${worldDir}/${name}`);
  }
  world.start("c");
  return world;
}

describe.each([
  ["in memory that was killed", false],
  ["whose directory was wiped", true],
])("a member %s", (_what, disk) => {
  it("A11, H18: does not come back under its old id while others remember it", () => {
    const world = comesBackEmpty(disk);
    const { journal, member, events } = world.node("c");
    const late = world.propose("c", "late", 1000);
    world.clock.advance(20_000);
    expect([journal.texts, member.raft.leader]).toEqual([[], null]);
    expect(late.error).toMatchObject({ code: "NO_QUORUM", outcome: "not-applied" });
    expect(events.peer.map(({ kind }) => kind)).not.toContain("connected");
    const before = /member c was incarnation [0-9a-f]{16} and comes back as [0-9a-f]{16}: its data/;
    for (const id of ["a", "b"]) {
      const { reason } = world.status(id).members[2] ?? {};
      expect(reason).toMatch(before);
      expect(reason).toContain("replace it by a new member with a new name");
      expect(world.status("c").members.find((one) => one.id === id)?.reason).toMatch(before);
    }
    // The others go on as two of three; without one of them nothing does, for c is nobody's
    // majority.
    expect(world.settle(world.propose("b", "y")).error).toBeNull();
    world.isolate("a");
    const alone = world.settle(world.propose("b", "z", 1000));
    expect(alone.error).not.toBeNull();
    world.clock.advance(10_000);
    expect(world.node("b").journal.texts).toEqual(["x", "y"]);
  });
});

describe("a member with its directory", () => {
  it("comes back under its old id as often as it likes", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    for (let round = 0; round < 3; round++) {
      const { id } = world.leader();
      world.node(id).kill();
      world.leader(id);
      world.start(id);
      expect(world.settle(world.propose(id, `${round}`, 10_000)).error).toBeNull();
    }
    expect(world.node("a").journal.texts).toEqual(["0", "1", "2"]);
  });
});
