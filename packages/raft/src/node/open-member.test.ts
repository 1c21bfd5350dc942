import { describe, expect, it } from "vitest";
import { NodeWorld, type Running, worldDir } from "../../test/node/node-world.ts";
import { isQuorateError, logIndex } from "../base/index.ts";

const alone = { a: "a:1" };

/** A member alone on a disk, with something in its log; stopped again. */
function used(texts: readonly string[] = ["x"]): NodeWorld {
  const world = new NodeWorld({ disk: true, members: ["a"] }).startAll();
  world.leader();
  for (const text of texts) world.settle(world.propose("a", text));
  world.stop("a");
  return world;
}

function refusal(world: NodeWorld, changes: Parameters<NodeWorld["tryStart"]>[1] = {}) {
  const result = world.tryStart("a", changes);
  if (!(result instanceof Error)) throw new Error("it started");
  return result;
}

describe("a directory with a log", () => {
  it("is opened by the same members, and applied again", () => {
    const world = used(["x", "y"]);
    const { journal, log } = world.start("a");
    world.leader();
    world.clock.advance(100);
    expect(journal.texts).toEqual(["x", "y"]);
    expect(log.join("\n")).not.toContain("differs");
  });

  it("wins over a members option that differs, with a warning that names both", () => {
    const world = new NodeWorld({ disk: true }).startAll();
    world.settle(world.propose("a", "x"));
    const before = world.status("a").clusterId;
    world.node("a").kill();
    const members = { a: "a:1", b: "b:1", c: "elsewhere:9", d: "d:1" };
    const { opened, log } = world.start("a", { members });
    expect(log).toContain(
      "warn The members option (a=a:1,b=b:1,c=elsewhere:9,d=d:1) differs from the log's " +
        "(a=a:1,b=b:1,c=c:1): the log is the truth, the option is ignored",
    );
    expect(opened.clusterId).toBe(before);
    expect(world.status("a").members.map(({ address }) => address)).toEqual(["a:1", "b:1", "c:1"]);
    world.clock.advance(2000);
    expect(world.settle(world.propose("a", "y")).error).toBeNull();
  });

  it.each([
    ["other members", { members: { a: "x:1", b: "y:1" } }],
    ["another token", { token: "other" }],
  ])("of %s is refused with both cluster ids, and can be opened by its own", (_what, changes) => {
    const world = used();
    const { clusterId } = world.start("a").opened;
    world.stop("a");
    const error = refusal(world, changes);
    expect(isQuorateError(error, "WRONG_CLUSTER")).toBe(true);
    expect(error).toMatchObject({ outcome: "not-applied", retry: "never" });
    if (!isQuorateError(error, "WRONG_CLUSTER")) return;
    expect(error.details.found).toBe(clusterId);
    expect(error.details.expected).not.toBe(clusterId);
    expect(error.message).toContain(`${worldDir}: it belongs to cluster ${clusterId} (a=a:1)`);
    expect(error.message).toContain(`the options describe cluster ${error.details.expected}`);
    world.start("a", { members: alone });
  });

  it("of another member is refused by name", () => {
    const world = used();
    const error = refusal(world, { id: "b", members: { a: "a:1", b: "b:1" } });
    expect(error).toMatchObject({
      ...{ name: "QuorateError", code: "WRONG_CLUSTER" },
      details: { expected: "b", found: "a" },
    });
  });

  it("that was made and never written belongs to the cluster it was made for", () => {
    const world = new NodeWorld({ disk: true, members: ["a"] });
    const disk = world.disk("a");
    world.fault = (_id, { path }) => (path.includes("log-") ? { kind: "hang" } : null);
    expect(world.tryStart("a")).toBeNull();
    disk.kill();
    world.network.kill("a");
    world.fault = () => null;
    const error = refusal(world, { token: "other" });
    expect(error).toMatchObject({ code: "WRONG_CLUSTER" });
    expect(error.message).toContain("(nothing written yet)");
    world.start("a");
    world.leader();
    expect(world.settle(world.propose("a", "x")).error).toBeNull();
  });

  it("in use is refused", () => {
    const world = new NodeWorld({ disk: true, members: ["a"] }).startAll();
    const error = refusal(world);
    expect(error).toMatchObject({
      ...{ code: "DATA_DIR_IN_USE", details: { directory: worldDir } },
      hint: "Stop the other process, or give this member a directory of its own.",
    });
    expect(world.node("a").member.isRunning).toBe(true);
  });

  it.each(["EACCES", "ENOTDIR"])("that cannot be read (%s) is refused with its name", (code) => {
    const world = new NodeWorld({ disk: true, members: ["a"] });
    world.fault = () => ({ kind: "fail", code });
    const error = refusal(world);
    expect(error).toMatchObject({ code: "STORAGE_FAILED", details: { systemCode: code } });
    expect(error.message).toContain(worldDir);
  });

  it("whose log was removed under a used vote is refused: starting afresh forgets promises", () => {
    const world = used();
    const disk = world.disk("a");
    const names: string[] = [];
    disk.list(worldDir, (_error, found) => names.push(...(found ?? [])));
    world.clock.advance(10);
    for (const name of names.filter((one) => one.endsWith(".wal")))
      disk.drop(`${worldDir}/${name}`);
    const error = refusal(world);
    expect(error).toMatchObject({ code: "CORRUPT" });
    expect(error.message).toContain(worldDir);
    expect(refusal(world).message).toBe(error.message); // and the lock was given back
  });

  it("with damage is refused with file, offset and record; nothing is changed", () => {
    const world = used(["one", "two", "three"]);
    const disk = world.disk("a");
    const file = walFile(world);
    const bytes = disk.peek(file);
    const at = new TextDecoder("latin1").decode(bytes).indexOf("one");
    disk.poke(file, (found) => {
      found[at] = (found[at] ?? 0) ^ 1;
      return found;
    });
    const damaged = disk.peek(file);
    const error = refusal(world);
    if (!isQuorateError(error, "CORRUPT")) throw error;
    expect(error.details.file).toBe(file);
    expect(error.details.offset).toBeGreaterThan(0);
    expect(error.details.record).toMatch(/^unit \d+ \(entries \d+ to \d+\)$/);
    expect(error.message).toContain(`${file} at offset ${error.details.offset}`);
    expect(disk.peek(file)).toEqual(damaged);
  });

  it("with a configuration of a later version is refused, and given back", () => {
    const world = new NodeWorld({ disk: true, members: ["a"] }).startAll();
    const { member } = world.leader();
    const { raft } = member;
    raft.log.entries.push({
      ...{ index: logIndex(raft.log.entries.length + 1), term: raft.hardState.term },
      ...{ kind: "configuration", data: Uint8Array.of(99, 1, 2, 3) },
    });
    if (raft.leadership !== null) raft.leadership.uncommittedBytes += 1000;
    world.clock.advance(200);
    world.node("a").kill();
    const error = refusal(world);
    expect(error).toMatchObject({ code: "CORRUPT", details: { file: worldDir } });
    expect(error.message).toContain(`Cannot read the log in ${worldDir}`);
    expect(refusal(world).message).toBe(error.message);
  });

  it("joins nothing yet: an empty one is refused where the cluster is said to exist", () => {
    const world = new NodeWorld({ disk: true, members: ["a"] });
    const error = refusal(world, { joinsExisting: true });
    expect(error).toMatchObject({ code: "BAD_CONFIG", details: { option: "dir" } });
    world.start("a");
    world.leader();
    world.settle(world.propose("a", "x"));
    world.stop("a");
    world.start("a", { joinsExisting: true });
  });
});

describe("a member whose disk may have lost what it acknowledged", () => {
  /** Three members; b's last write is unreadable and nobody can say whether it was acknowledged. */
  function rotten(): { readonly world: NodeWorld; readonly b: Running } {
    const world = new NodeWorld({ disk: true }).startAll();
    world.leaderBut("b");
    world.settle(world.propose("a", "first"));
    world.clock.advance(500);
    world.settle(world.propose("a", "last"));
    world.clock.advanceUntil(() => world.node("b").journal.texts.includes("last"), 100);
    world.node("b").kill();
    const disk = world.disk("b");
    const file = walFile(world, "b");
    disk.poke(file, (bytes) => {
      const at = new TextDecoder("latin1").decode(bytes).lastIndexOf("last");
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      return bytes;
    });
    return { world, b: world.start("b") };
  }

  it("neither votes nor stands until it has caught up", () => {
    const { world, b } = rotten();
    expect(world.status("b").mustCatchUp).toBe(true);
    for (const id of ["a", "c"]) world.node(id).kill();
    const { term, votedFor } = b.member.raft.hardState;
    world.clock.advance(5000);
    expect(b.member.raft.role).toBe("follower");
    expect(b.member.raft.hardState).toMatchObject({ term, votedFor, mustCatchUp: true });
    // One other is a majority with it, but it gives no vote: nobody leads.
    world.start("a");
    world.clock.advance(5000);
    expect([b.member.raft.leader, world.status("a").role === "leader"]).toEqual([null, false]);
    expect(world.status("b").mustCatchUp).toBe(true);
    // With the third the two others elect one, and it catches up.
    world.start("c");
    world.leader();
    expect(world.settle(world.propose("b", "on", 5000)).error).toBeNull();
    world.clock.advanceUntil(() => !world.status("b").mustCatchUp, 10_000);
    expect(world.status("b").mustCatchUp).toBe(false);
    expect(b.journal.texts).toEqual(["first", "last", "on"]);
    // A full member again, also after a restart: with it, one other is a majority.
    world.clock.advance(1000);
    b.kill();
    world.start("b");
    world.node("c").kill();
    expect(world.settle(world.propose("b", "full", 10_000)).error).toBeNull();
  });

  it("does not forget that when the first of all units is the damaged one", () => {
    const world = new NodeWorld({ disk: true });
    // The first append is on its way when the process dies, and one of its sectors is garbage.
    world.start("b");
    world.node("b").kill();
    const file = walFile(world, "b");
    const disk = world.disk("b");
    disk.poke(file, (bytes) => {
      const at = new TextDecoder("latin1").decode(bytes).lastIndexOf("c:1");
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      return bytes;
    });
    const result = world.tryStart("b");
    expect(result).not.toBeInstanceOf(Error);
    expect(world.status("b")).toMatchObject({ mustCatchUp: true, last: 1, term: 1 });
  });
});

function walFile(world: NodeWorld, id = "a"): string {
  const names: string[] = [];
  world.disk(id).list(worldDir, (_error, found) => names.push(...(found ?? [])));
  world.clock.advance(10);
  const found = names.filter((name) => name.endsWith(".wal"));
  if (found.length !== 1) throw new Error(`wanted one log file, found ${names.join(" ")}`);
  return `${worldDir}/${found[0]}`;
}

describe("the cluster id", () => {
  it("depends on members and token, not on their order", () => {
    const world = new NodeWorld({ members: ["a", "b"] });
    const one = world.start("a").opened.clusterId;
    const other = world.start("b", { members: { b: "b:1", a: "a:1" } }).opened.clusterId;
    expect(other).toBe(one);
    expect(one).toMatch(/^[0-9a-f]{16}$/);
    expect(world.tryStart("a", { token: "other" })).toBeInstanceOf(Error); // the address is in use
  });
});
