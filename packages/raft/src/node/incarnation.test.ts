import { describe, expect, it } from "vitest";
import { NodeWorld, worldDir } from "../../test/node/node-world.ts";
import { nodeId } from "../base/index.ts";

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
  it("A11, H18: does not come back under its old id, and is told so", () => {
    const world = comesBackEmpty(disk);
    const { journal, member, events } = world.node("c");
    const late = world.propose("c", "late", 1000);
    world.clock.advance(20_000);
    expect([journal.texts, member.raft.leader]).toEqual([[], null]);
    expect(late.error).toMatchObject({ outcome: "not-applied" });
    expect(events.peer.map(({ kind }) => kind)).not.toContain("connected");
    const before = /member c was incarnation [0-9a-f]{16} and comes back as [0-9a-f]{16}: its data/;
    for (const id of ["a", "b"]) {
      const told = world.node(id).events.peer.find(({ kind }) => kind === "refused");
      expect(told?.id).toBe("c");
      expect(told?.reason).toMatch(before);
      expect(told?.reason).toContain("quorate member replace c NEW --address HOST:PORT");
    }
    expect(member.stopError).toMatchObject({
      ...{ code: "STALE_DIRECTORY", details: { id: "c", why: "other-incarnation" } },
      hint: "Run: quorate member replace c NEW --address HOST:PORT",
    });
    expect(member.stopError?.message).toMatch(before);
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

/** All processes end at once; what is on the disks stays. */
function killAll(world: NodeWorld): void {
  for (const { kill } of [...world.running.values()]) kill();
}

/** What b lacks, a and c have; c is then not what it was. Only b and c run: nobody may lead. */
function loses(world: NodeWorld, change: () => void): void {
  const leader = world.leaderBut("b");
  world.isolate("b");
  world.clock.advance(100);
  expect(world.settle(world.propose(leader.id, "kept")).error).toBeNull();
  world.clock.advance(15_000); // longer than `peerMemoryMs`
  killAll(world);
  change();
  world.heal();
}

describe("after all processes have ended", () => {
  it("A11, H18: a wiped member is refused by what the others have on their disks", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    loses(world, () => world.disk("c").wipe());
    world.start("b");
    world.start("c");
    world.clock.advance(20_000);
    expect(world.node("b").member.raft.leader).toBeNull();
    expect(world.node("c").member.stopError).toMatchObject({ code: "STALE_DIRECTORY" });
    world.start("a");
    expect(world.settle(world.propose("b", "more"), 20_000).error).toBeNull();
    expect(world.node("b").journal.texts).toEqual(["kept", "more"]);
  });

  it("A11: an older copy of a disk is refused, too, by who knows how far it had come", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    world.leader();
    world.settle(world.propose("a", "first"));
    world.clock.advance(2000);
    const copy = world.disk("c").image();
    for (let i = 0; i < 20; i++) world.settle(world.propose("a", `${i}`));
    world.clock.advance(15_000);
    killAll(world);
    world.disk("c").restore(copy);
    world.start("a");
    world.start("c");
    world.clock.advance(20_000);
    const { member } = world.node("c");
    expect(world.node("a").member.raft.leader).toBeNull();
    expect(member.stopError).toMatchObject({
      ...{ code: "STALE_DIRECTORY", details: { id: "c", why: "older-state", by: "a" } },
    });
    expect(member.stopError?.message).toMatch(
      /member c had term \d+ and the log up to \d+ on its disk, and comes back with term \d+ and/,
    );
    expect(member.stopError?.message).toContain("an older copy of its data directory was restored");
  });
});

describe("while the others run", () => {
  it("H18: an older copy of a disk is noticed by the last entry that it acknowledged", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    const leader = world.leaderBut("c");
    world.clock.advance(1000);
    const copy = world.disk("c").image();
    expect(world.settle(world.propose(leader.id, "only one")).error).toBeNull();
    world.clock.advance(50);
    world.node("c").kill();
    world.disk("c").restore(copy);
    const { member } = world.start("c");
    world.clock.advance(1000);
    expect(member.stopError).toMatchObject({ details: { why: "older-state", by: leader.id } });
  });

  it("a member is replaced by the command that its end names", () => {
    const world = comesBackEmpty(true);
    world.clock.advance(1000);
    world.node("c").kill();
    world.join("d", "a");
    const replaced = world.change("a", [
      {
        ...{ kind: "add", id: nodeId("d"), address: "d:1", as: "learner" },
        whenReady: { replaces: nodeId("c") },
      },
    ]);
    expect(world.settle(replaced).error).toBeNull();
    world.clock.advance(500);
    expect(world.node("d").journal.texts).toEqual(["x"]);
  });
});

describe("what is remembered of the others", () => {
  it("A11: is on disk before a message of theirs counts", () => {
    const world = new NodeWorld({ disk: true });
    const isOfPeers = ({ kind, path }: { readonly kind: string; readonly path: string }) =>
      kind === "rename" && path.includes("peers");
    world.fault = (id, operation) => (id === "a" && isOfPeers(operation) ? { kind: "hang" } : null);
    world.startAll();
    world.clock.advance(10_000);
    expect(world.node("a").member.raft.leader).toBeNull();
    const { leader } = world.node("b").member.raft;
    expect(leader).not.toBeNull();
    expect(world.node("a").member.isRunning).toBe(true);
    // A disk that fails ends the member, as everywhere.
    world.fault = (id, operation) =>
      id === leader && isOfPeers(operation) ? { kind: "fail", code: "EIO" } : null;
    world.node("a").kill();
    world.start("a");
    world.clock.advance(1000);
    expect(world.node(leader ?? "").member.stopError).toMatchObject({ code: "STORAGE_FAILED" });
  });

  it("costs one write for each run of a peer, and few while entries come", () => {
    const world = new NodeWorld({ disk: true });
    let renames = 0;
    world.fault = (id, { kind, path }) => {
      if (id === "a" && kind === "rename" && path.includes("peers")) renames++;
      return null;
    };
    world.startAll();
    world.leader();
    world.clock.advance(1000);
    const atStart = renames;
    expect(atStart).toBeLessThanOrEqual(6);
    world.clock.advance(60_000);
    expect(renames - atStart).toBeLessThanOrEqual(1);
    for (let i = 0; i < 300; i++) {
      world.settle(world.propose("a", `${i}`));
      world.clock.advance(100);
    }
    expect(renames - atStart).toBeLessThanOrEqual(6);
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
