/** Snapshots for callers: of the state as it is, whole, on every member, and gone afterwards. */
import { describe, expect, it } from "vitest";
import type { NodeWorld, Running } from "../../../test/node/node-world.ts";
import { appliedAll, createWorld, filesOf, write } from "../../../test/node/snapshot-world.ts";
import { crc32, QuorateError } from "../../base/index.ts";
import { examineSnapshotFile, runTask, type SnapshotFileFinding } from "../../storage/index.ts";
import { MemoryDisk } from "../../testing/memory-disk.ts";
import type { SnapshotExport } from "./snapshot-exports.ts";

interface Asked {
  error: QuorateError | null;
  snapshot: SnapshotExport | null;
  isSettled: boolean;
}

function ask({ member }: Running, timeoutMs = 2000): Asked {
  const asked: Asked = { error: null, snapshot: null, isSettled: false };
  const settle = (error: QuorateError | null, snapshot?: SnapshotExport) => {
    expect(asked.isSettled).toBe(false);
    Object.assign(asked, { error, snapshot: snapshot ?? null, isSettled: true });
  };
  const request = member.openSnapshot(timeoutMs, settle);
  if (request instanceof QuorateError) settle(request);
  else expect(asked.isSettled).toBe(false);
  return asked;
}

function settled(world: NodeWorld, asked: Asked): SnapshotExport {
  world.clock.advanceUntil(() => asked.isSettled, 30_000);
  if (asked.snapshot === null) throw asked.error ?? new Error("it was not answered");
  return asked.snapshot;
}

/** All of it, in uneven pieces. */
function readAll(world: NodeWorld, snapshot: SnapshotExport): Uint8Array {
  const { bytes } = snapshot.identity;
  const all = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 777) {
    let data: Uint8Array | undefined;
    snapshot.readBytes(at, Math.min(777, bytes - at), (_error, found) => {
      data = found;
    });
    world.clock.advanceUntil(() => data !== undefined, 1000);
    if (data === undefined) throw new Error(`nothing was read at ${at}`);
    all.set(data, at);
  }
  return all;
}

function close(world: NodeWorld, snapshot: SnapshotExport): void {
  let isClosed = false;
  snapshot.close(() => {
    isClosed = true;
  });
  world.clock.advanceUntil(() => isClosed, 1000);
  world.clock.advance(50); // the file is removed behind it
}

function examine(world: NodeWorld, bytes: Uint8Array): SnapshotFileFinding {
  const disk = new MemoryDisk({ defer: (callback) => world.clock.defer(callback) });
  disk.put("/saved/snapshot", bytes);
  let found: SnapshotFileFinding | undefined;
  runTask(
    examineSnapshotFile({ disk, clock: world.clock, crc32 }, "/saved/snapshot"),
    (_, value) => {
      found = value;
    },
  );
  world.clock.advanceUntil(() => found !== undefined, 1000);
  if (found === undefined) throw new Error("the file cannot be examined");
  return found;
}

const temporaryFiles = (world: NodeWorld, id: string): string[] =>
  [...world.disk(id).files()].filter(isSnapshot);

/** One that is being written. */
function isSnapshot(path: string): boolean {
  return /snapshot-.*[.]tmp$/.test(path);
}

describe("a snapshot for a caller", () => {
  it("is of the entry applied last, equal on all members, and nothing is cut for it", () => {
    const world = createWorld().startAll();
    write(world, world.leader().id, 33);
    appliedAll(world);
    const before = world.ids.map((id) => filesOf(world, id));
    const hashes = world.ids.map((id) => {
      const { member } = world.node(id);
      const base = member.raft.log.base.index;
      const snapshot = settled(world, ask(world.node(id)));
      expect(snapshot.identity.position.index).toBe(member.raft.applied);
      const bytes = readAll(world, snapshot);
      expect(temporaryFiles(world, id)).toHaveLength(1);
      close(world, snapshot);
      expect(temporaryFiles(world, id)).toEqual([]);
      expect(member.raft.log.base.index).toBe(base);
      const finding = examine(world, bytes);
      expect(finding).toMatchObject({ kind: "sound", fileBytes: bytes.length });
      return Buffer.from(bytes).toString("base64");
    });
    expect(new Set(hashes).size).toBe(1);
    expect(world.ids.map((id) => filesOf(world, id))).toEqual(before);
  });

  it("has what was applied when it was begun; commands go on meanwhile", () => {
    const world = createWorld({ limits: { snapshotEntries: 100_000 } }).startAll();
    const leader = world.leader();
    write(world, leader.id, 10);
    world.diskMs = (_id, { path }) => (isSnapshot(path) ? 500 : 0.5);
    const asked = ask(leader, 20_000);
    world.clock.advance(1);
    const { applied } = leader.member.raft;
    write(world, leader.id, 20);
    expect(asked.isSettled).toBe(false);
    const snapshot = settled(world, asked);
    expect(snapshot.identity.position.index).toBe(applied);
    const text = Buffer.from(readAll(world, snapshot)).toString("latin1");
    for (const [at, one] of leader.journal.texts.entries()) {
      expect(text.includes(one), one).toBe(at < 10);
    }
    close(world, snapshot);
  });

  it("is written one at a time; more than the limit are refused until one is closed", () => {
    const world = createWorld().startAll();
    const leader = world.leader();
    write(world, leader.id, 5);
    const [one, two, three] = [ask(leader), ask(leader), ask(leader)];
    expect(three.error?.code).toBe("OVERLOADED");
    const snapshots = [settled(world, one), settled(world, two)];
    expect(temporaryFiles(world, leader.id)).toHaveLength(2);
    expect(ask(leader).error?.code).toBe("OVERLOADED");
    for (const snapshot of snapshots) close(world, snapshot);
    close(world, settled(world, ask(leader)));
    expect(temporaryFiles(world, leader.id)).toEqual([]);
  });

  it("does not keep one of the log's own from being taken soon", () => {
    const world = createWorld({ limits: { snapshotEntries: 160 } }).startAll();
    const leader = world.leader();
    write(world, leader.id, 145);
    world.diskMs = (_id, { path }) => (isSnapshot(path) ? 100 : 0.5);
    const asked = ask(leader);
    write(world, leader.id, 20); // past the index at which one is due
    const snapshot = settled(world, asked);
    world.diskMs = () => 0.5;
    close(world, snapshot);
    expect(leader.events["snapshot-taken"]).toEqual([]);
    write(world, leader.id, 20); // not another 160
    world.clock.advance(1000);
    expect(leader.events["snapshot-taken"]).toHaveLength(1);
  });
});

describe("no snapshot for a caller", () => {
  it("comes before anything is applied", () => {
    const world = createWorld().startAll();
    world.leader();
    const joining = world.start("d", { join: ["a:1"], address: "d:1" });
    const asked = ask(joining, 200);
    world.clock.advance(300);
    expect(asked.error?.code).toBe("TIMEOUT");
  });

  it("comes from a full disk, and the member goes on", () => {
    const world = createWorld().startAll();
    const leader = world.leader();
    write(world, leader.id, 5);
    world.fault = (id, { kind, path }) =>
      id === leader.id && kind === "write" && isSnapshot(path)
        ? { kind: "fail", code: "ENOSPC" }
        : null;
    const asked = ask(leader);
    world.clock.advance(200);
    expect(asked.error).toMatchObject({ code: "NO_SPACE", details: { systemCode: "ENOSPC" } });
    expect(temporaryFiles(world, leader.id)).toEqual([]);
    world.fault = () => null;
    write(world, leader.id, 1);
    close(world, settled(world, ask(leader)));
  });

  it("comes from a disk that fails otherwise, which is the member's end", () => {
    const world = createWorld().startAll();
    const leader = world.leader();
    write(world, leader.id, 5);
    world.fault = (id, { kind, path }) =>
      id === leader.id && kind === "write" && isSnapshot(path)
        ? { kind: "fail", code: "EIO" }
        : null;
    const asked = ask(leader);
    world.clock.advance(200);
    expect(asked.error?.code).toBe("STOPPED");
    expect(leader.events.stopped).toMatchObject([{ error: { code: "STORAGE_FAILED" } }]);
  });

  it("comes of machines that cannot be in one", () => {
    const world = createWorld({ snapshots: false }).startAll();
    expect(ask(world.leader()).error).toMatchObject({
      code: "BAD_CONFIG",
      message: "Cannot open a snapshot: the machines journal have no capture and restore",
    });
  });

  it("is left when the member stops: waiting, being written, or open", () => {
    const world = createWorld().startAll();
    const leader = world.leader();
    write(world, leader.id, 5);
    const open = settled(world, ask(leader));
    world.diskMs = (_id, { path }) => (isSnapshot(path) ? 50 : 0.5);
    const written = ask(leader);
    world.clock.advance(10);
    let isReadEnded = false;
    open.readBytes(0, 10, (error, bytes) => {
      expect({ error, bytes }).toEqual({ error: null, bytes: undefined });
      isReadEnded = true;
    });
    world.stop(leader.id);
    expect(written.error?.code).toBe("STOPPED");
    expect(isReadEnded).toBe(true);
    expect(open.isClosed).toBe(true);
    expect(temporaryFiles(world, leader.id)).toEqual([]);
  });

  it("is discarded that came too late", () => {
    const world = createWorld().startAll();
    const leader = world.leader();
    write(world, leader.id, 5);
    world.diskMs = (_id, { path }) => (isSnapshot(path) ? 50 : 0.5);
    const asked = ask(leader, 60);
    world.clock.advance(80);
    expect(asked.error?.code).toBe("TIMEOUT");
    world.clock.advance(2000);
    expect(temporaryFiles(world, leader.id)).toEqual([]);
    world.diskMs = () => 0.5;
    const others = [ask(leader), ask(leader)];
    for (const one of others) close(world, settled(world, one));
  });
});

describe("a snapshot that comes in meanwhile", () => {
  it("takes the place of what is being written: the caller gets the newer state", () => {
    const world = createWorld().startAll();
    const leader = world.leader();
    const { id } = world.follower();
    write(world, leader.id, 5);
    appliedAll(world);
    world.clock.advance(1000);
    world.stop(id);
    write(world, leader.id, 100);
    world.diskMs = (who, { path, kind }) =>
      who === id && /[.]1[.]tmp$/.test(path) && kind === "sync" ? 15_000 : 0.5;
    const behind = world.start(id);
    const { applied } = behind.member.raft;
    expect(applied).toBeLessThan(leader.member.raft.log.base.index);
    const asked = ask(behind, 60_000);
    const snapshot = settled(world, asked);
    expect(behind.events["snapshot-installed"].length).toBeGreaterThan(0);
    expect(snapshot.identity.position.index).toBeGreaterThan(applied);
    expect(examine(world, readAll(world, snapshot)).kind).toBe("sound");
    close(world, snapshot);
    expect(temporaryFiles(world, id)).toEqual([]);
  });
});
