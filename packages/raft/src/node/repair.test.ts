/** Members with damage on their disks: the others give back what is missing. @see decision 0026 */
import { describe, expect, it } from "vitest";
import { NodeWorld, type Running, worldDir } from "../../test/node/node-world.ts";
import {
  appliedAll,
  createWorld,
  expectEqualJournals,
  write,
} from "../../test/node/snapshot-world.ts";
import type { MetricsHook } from "./insight/metrics.ts";

function flip(world: NodeWorld, id: string, path: string, offset: number): void {
  world.disk(id).poke(path, (bytes) => {
    bytes[offset] = (bytes[offset] ?? 0) ^ 8;
    return bytes;
  });
}

/** The files of a member whose names match, in order. */
function filesOf(world: NodeWorld, id: string, pattern: RegExp): readonly string[] {
  return world
    .disk(id)
    .files()
    .filter((path) => pattern.test(path));
}

const segments = /\.wal$/;
const first = (world: NodeWorld, id: string): string => filesOf(world, id, segments)[0] ?? "";

function isRepaired(world: NodeWorld, id: string): boolean {
  return !world.status(id).mustCatchUp;
}

function repair(world: NodeWorld, id: string): void {
  world.clock.advanceUntil(() => isRepaired(world, id), 30_000);
  expect(isRepaired(world, id)).toBe(true);
}

/** Three members, thirty texts; `b` follows, is killed, and its log is damaged near its begin. */
function damaged(options: ConstructorParameters<typeof NodeWorld>[0] = {}): NodeWorld {
  const world = new NodeWorld({ disk: true, ...options }).startAll();
  const leader = world.leaderBut("b");
  write(world, leader.id, 30);
  world.clock.advance(500);
  world.node("b").kill();
  flip(world, "b", first(world, "b"), 1100);
  return world;
}

const findings = (one: Running) => one.member.explain().findings;

describe("a member with damage in the middle of its log", () => {
  it("is repaired by the others while work goes on, and votes again", () => {
    const world = damaged();
    const was = world.disk("b").peek(first(world, "b"));
    const b = world.start("b");
    expect(world.status("b")).toMatchObject({ mustCatchUp: true });
    expect(world.status("b").last).toBeLessThan(10);
    const leader = world.leaderBut("b");
    write(world, leader.id, 20);
    repair(world, "b");
    appliedAll(world);
    expectEqualJournals(world);
    expect(b.journal.texts).toHaveLength(50);
    const [kept] = filesOf(world, "b", /\.damaged$/);
    expect(world.disk("b").peek(kept ?? "")).toEqual(was);
    expect(b.events["disk-damage"]).toHaveLength(1);
    expect(b.events["disk-damage"][0]).toMatchObject({ setAside: [kept] });
    expect(b.events["disk-damage"][0]?.reasons[0]).toContain(`${first(world, "b")} at offset`);
    expect(b.log.join("\n")).toContain(`set aside: ${kept}`);
    // It votes: with it alone another one is elected.
    const [other] = ["a", "c"].filter((id) => id !== world.leader().id);
    world.leader().kill();
    if (other !== undefined && world.running.has(other)) world.leader();
    expect(world.settle(world.propose("b", "more", 5000)).error).toBeNull();
  });

  it("says so in explain() and in the metrics, as long as the files lie there", () => {
    const gauges = new Map<string, number>();
    const metrics: MetricsHook = {
      count: (name, more) => gauges.set(name, (gauges.get(name) ?? 0) + more),
      gauge: (name, value) => gauges.set(name, Math.max(value, gauges.get(name) ?? 0)),
      observe: () => {},
    };
    const world = damaged({ metrics });
    const b = world.start("b");
    const found = findings(b).find(({ kind }) => kind === "disk-damage");
    expect(found).toMatchObject({ severity: "trouble", mustCatchUp: true });
    expect(found?.text).toContain(`b found damage on its disk at this start: ${first(world, "b")}`);
    expect(found?.text).toContain("It is being repaired from the other members; this lies aside:");
    repair(world, "b");
    expect(gauges.get("disk-damages-count")).toBe(1);
    expect(gauges.get("files-aside-count")).toBe(1);
    world.stop("b");
    const again = world.start("b");
    const later = findings(again).find(({ kind }) => kind === "disk-damage");
    expect(later).toMatchObject({ severity: "notice", mustCatchUp: false });
    expect(later?.text).toContain("b has found damage on its disk at an earlier start. It is rep");
    expect(again.events["disk-damage"]).toEqual([]);
    world.stop("b");
    for (const path of filesOf(world, "b", /\.damaged$/)) world.disk("b").drop(path);
    expect(findings(world.start("b")).map(({ kind }) => kind)).not.toContain("disk-damage");
  });

  it("abstains over restarts in the middle of the repair, and over a second damage", () => {
    const world = damaged();
    for (const id of ["a", "c"]) world.node(id).kill();
    world.start("b");
    for (let round = 0; round < 3; round++) {
      world.clock.advance(1000);
      const { hardState, role } = world.node("b").member.raft;
      expect([hardState.mustCatchUp, role]).toEqual([true, "follower"]);
      world.node("b").kill();
      world.start("b");
    }
    // With one other it could be a majority, but gives no vote: nobody leads, and both say why.
    const a = world.start("a");
    world.clock.advance(3000);
    expect([a.member.raft.leader, world.node("b").member.raft.leader]).toEqual([null, null]);
    expect(world.status("b").mustCatchUp).toBe(true);
    world.node("b").kill();
    flip(world, "b", first(world, "b"), 40);
    const b = world.start("b");
    expect(b.events).toBeDefined();
    expect(world.status("b")).toMatchObject({ mustCatchUp: true, last: 0 });
    world.start("c");
    write(world, world.leader().id, 5);
    repair(world, "b");
    appliedAll(world);
    expectEqualJournals(world);
    expect(filesOf(world, "b", /\.damaged$/).length).toBeGreaterThan(1);
  });

  it("of which nothing is left begins as one that has just joined, under whatever options", () => {
    const world = damaged();
    for (const path of filesOf(world, "b", segments)) world.disk("b").drop(path);
    const members = { a: "a:1", b: "b:1", x: "x:1" };
    world.start("b", { members });
    expect(world.status("b")).toMatchObject({ mustCatchUp: true, last: 0 });
    world.stop("b");
    world.start("b", { members });
    repair(world, "b");
    appliedAll(world);
    expectEqualJournals(world);
    expect(world.status("b").members.map(({ id }) => id)).toEqual(["a", "b", "c"]);
  });

  it("that had joined waits for its leader, whom it cannot name any more", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    const leader = world.leader();
    write(world, leader.id, 5);
    const joined = world.join("d", leader.id);
    const { id } = joined.member.raft;
    const learner = { kind: "add", id, address: "d:1", as: "learner" } as const;
    expect(world.settle(world.change(leader.id, [learner])).error).toBeNull();
    appliedAll(world);
    world.clock.advance(500);
    world.node("d").kill();
    for (const path of filesOf(world, "d", segments)) world.disk("d").drop(path);
    const again = world.join("d", leader.id);
    expect(again.events).toBeDefined();
    expect(world.status("d")).toMatchObject({ mustCatchUp: true, last: 0 });
    write(world, leader.id, 5);
    appliedAll(world);
    expectEqualJournals(world);
  });

  it("is refused, and nothing touched, where repair is off", () => {
    const world = damaged();
    const before = world.disk("b").peek(first(world, "b"));
    const error = world.tryStart("b", { repair: false });
    expect(error).toMatchObject({ code: "CORRUPT" });
    expect(world.disk("b").peek(first(world, "b"))).toEqual(before);
    expect(filesOf(world, "b", /\.damaged$/)).toEqual([]);
  });
});

describe("what cannot be repaired", () => {
  it("the only voter is refused, and told where to look", () => {
    const world = new NodeWorld({ disk: true, members: ["a"] }).startAll();
    write(world, "a", 5);
    world.clock.advance(500);
    world.node("a").kill();
    flip(world, "a", first(world, "a"), 600);
    const error = world.tryStart("a");
    expect(error).toMatchObject({ code: "CORRUPT" });
    expect(String(error)).toContain("this member is the only voter, so nobody else has it");
    expect(String(error)).toContain("quorate recover");
  });

  it("a vote that is forgotten: the member is to be replaced", () => {
    const world = damaged();
    for (const copy of [0, 1]) flip(world, "b", `${worldDir}/hard-state.${copy}`, 40);
    const error = world.tryStart("b");
    expect(error).toMatchObject({ code: "CORRUPT" });
    expect(String(error)).toContain("nobody else knows for whom this member has voted");
    expect(error).toMatchObject({ hint: expect.stringContaining("quorate member replace") });
  });

  it("a majority stands still rather than forget, and says so", () => {
    const world = damaged();
    const [sound, other] = ["a", "c"];
    world.node(other ?? "").kill();
    flip(world, other ?? "", first(world, other ?? ""), 1100);
    world.start("b");
    world.start(other ?? "");
    world.node(sound ?? "").kill();
    const one = world.start(sound ?? "");
    world.clock.advance(5000);
    expect(world.status(sound ?? "").leader).toBeNull();
    for (const id of ["b", "c"]) expect(world.status(id).mustCatchUp).toBe(true);
    const found = findings(one).find(({ kind }) => kind === "abstaining");
    expect(found).toMatchObject({ abstaining: ["b", "c"], others: ["a"], needed: 2 });
    expect(found?.text).toContain("the cluster stands still rather than forget");
    expect(found?.text).toContain("quorate recover");
  });

  it("one of two voters holds the data again, and is told to be replaced", () => {
    const world = new NodeWorld({ disk: true, members: ["a", "b"] }).startAll();
    const leader = world.leader();
    const id = leader.id === "a" ? "b" : "a";
    write(world, leader.id, 10);
    world.clock.advance(500);
    world.node(id).kill();
    flip(world, id, first(world, id), 1100);
    const one = world.start(id);
    write(world, leader.id, 5);
    world.clock.advance(3000);
    expect(one.journal.texts).toEqual(leader.journal.texts);
    expect(world.status(id).mustCatchUp).toBe(true);
    const found = findings(one).find(({ kind }) => kind === "abstaining");
    expect(found).toMatchObject({ abstaining: [id], others: [leader.id], needed: 2 });
  });
});

describe("a member whose log behind a snapshot is damaged", () => {
  it("is repaired, though nothing but the snapshot says who the members are", () => {
    const world = createWorld().startAll();
    const leader = world.leaderBut("b");
    write(world, leader.id, 70);
    appliedAll(world);
    world.clock.advance(1000);
    world.node("b").kill();
    const files = filesOf(world, "b", segments);
    for (const file of files) flip(world, "b", file, 1100);
    const b = world.start("b");
    expect(world.status("b")).toMatchObject({ mustCatchUp: true });
    write(world, world.leaderBut("b").id, 10);
    repair(world, "b");
    appliedAll(world);
    expect(b.events["disk-damage"]).toHaveLength(1);
    expectEqualJournals(world);
  });
});

describe("a member whose snapshot is damaged", () => {
  it("gets another one from the others", () => {
    const world = createWorld().startAll();
    const leader = world.leaderBut("b");
    write(world, leader.id, 70);
    appliedAll(world);
    world.clock.advance(1000);
    world.node("b").kill();
    const [snapshot] = filesOf(world, "b", /\.snap$/);
    flip(world, "b", snapshot ?? "", 700);
    const b = world.start("b");
    expect(world.status("b")).toMatchObject({ mustCatchUp: true, base: 0, last: 0 });
    write(world, world.leaderBut("b").id, 10);
    repair(world, "b");
    appliedAll(world);
    expect(b.events["snapshot-installed"].length).toBeGreaterThan(0);
    expectEqualJournals(world);
    expect(filesOf(world, "b", /\.snap\.1\.damaged$/)).toHaveLength(1);
  });
});
