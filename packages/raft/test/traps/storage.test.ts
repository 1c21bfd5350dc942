/** Traps of storage (H): `docs/traps.md`. Others are tested beside the code, see there. */
import { describe, expect, it } from "vitest";
import { crc32 } from "../../src/base/index.ts";
import type { Entry } from "../../src/core/index.ts";
import { osClock } from "../../src/ports/os/index.ts";
import { type LogStore, openLog, type RecoveredLog } from "../../src/storage/index.ts";
import { type LogStoreHarness, logStoreConformance, MemoryDisk } from "../../src/testing/index.ts";
import {
  makeEntry,
  makeHardState,
  makePersist,
  StorageWorld,
  worldDirectory,
  worldIdentity,
} from "../../src/testing/storage-world.ts";
import { NodeWorld } from "../node/node-world.ts";

const segment = `${worldDirectory}/log-0000000000000001.wal`;
const hardState = makeHardState(1, "a");
const small = { segmentBytesMax: 2048 };

function indexes(entries: readonly Entry[]): string {
  return entries.map((entry) => `${entry.index}/${entry.term}`).join(" ");
}

/** Loses all that was not synced. */
function cutPower(world: StorageWorld, keepShare = 0): void {
  world.fault = () => null;
  world.disk.crash({ random: () => world.random.fraction(), keepShare });
}

describe("the log on disk", () => {
  it("H2: a write that takes half a minute has no other beside it, and none is lost", () => {
    const world = new StorageWorld();
    const writes: number[] = [];
    const disk = new MemoryDisk({
      defer: (callback, { kind, path }) => {
        if (kind !== "write" || path !== segment) return world.clock.defer(callback);
        writes.push(world.clock.nowMs());
        world.clock.after(30_000, callback);
      },
    });
    disk.makeDirectory(worldDirectory, () => {});
    world.clock.advance(0);
    const { store } = world.openLog({ disk });
    const answers: string[] = [];
    const append = (index: number, request: Parameters<typeof makePersist>[0]) =>
      store.append(makePersist(request), (error) => answers.push(`${index} ${error}`));
    const startMs = world.clock.nowMs();
    append(1, { hardState, entries: [makeEntry(1, 1)] });
    world.clock.advance(10);
    append(2, { entries: [makeEntry(2, 1)] });
    world.clock.advance(29_000);
    append(3, { hardState: makeHardState(2), truncateFrom: 2, entries: [makeEntry(2, 2)] });
    expect([answers, writes.length]).toEqual([[], 1]);
    world.clock.advance(60_000);
    expect(answers).toEqual(["1 null", "2 null", "3 null"]);
    expect(writes.map((ms) => Math.floor((ms - startMs) / 1000))).toEqual([0, 30]);
    disk.kill();
    expect(indexes(world.openLog({ disk }).entries)).toBe("1/1 2/2");
  });

  it("H4: an unfinished end is gone before anything is appended", () => {
    const world = new StorageWorld();
    const { store } = world.openLog();
    world.append(store, makePersist({ hardState, entries: [makeEntry(1, 1)] }));
    const end = world.disk.peek(segment).length;
    world.append(store, makePersist({ entries: [makeEntry(2, 1, "x".repeat(20_000))] }));
    world.disk.kill();
    world.disk.poke(segment, (bytes) => bytes.slice(0, end + 10_240));
    const torn = world.openLog();
    expect([torn.verdict.kind, indexes(torn.entries)]).toEqual(["torn", "1/1"]);
    expect(world.disk.peek(segment).length).toBe(end);
    world.append(torn.store, makePersist({ entries: [makeEntry(2, 1, "short")] }));
    for (let opening = 0; opening < 2; opening++) {
      cutPower(world);
      const { verdict, entries } = world.openLog();
      expect([verdict.kind, indexes(entries)]).toEqual(["intact", "1/1 2/1"]);
    }
  });

  it("H5: a file is acknowledged with its name", () => {
    for (let count = 1; count <= 6; count++) {
      const world = new StorageWorld();
      const { store } = world.openLog(small);
      for (let index = 1; index <= count; index++) {
        const entries = [makeEntry(index, 1, "x".repeat(800))];
        const request = index === 1 ? { hardState, entries } : { entries };
        expect(world.append(store, makePersist(request))).toBe(null);
      }
      cutPower(world);
      expect(world.openLog(small).entries).toHaveLength(count);
    }
  });

  it("H7: entries of several files go at once, wherever power fails", () => {
    const before = "1/1 2/1 3/1 4/1 5/1";
    for (let operation = 1, isOver = false; !isOver; operation++) {
      for (const keepShare of [0, 0.5, 1]) {
        const world = new StorageWorld(operation);
        const { store } = world.openLog(small);
        for (let index = 1; index <= 5; index++) {
          const entries = [makeEntry(index, 1, "x".repeat(800))];
          world.append(store, makePersist(index === 1 ? { hardState, entries } : { entries }));
        }
        const last = world.disk.operations + operation;
        world.fault = ({ number }) => (number >= last ? { kind: "hang" } : null);
        const next = { hardState: makeHardState(2), truncateFrom: 2, entries: [makeEntry(2, 2)] };
        const answer = world.append(store, makePersist(next));
        isOver = world.disk.operations < last;
        cutPower(world, keepShare);
        const found = indexes(world.openLog(small).entries);
        expect(answer === null ? ["1/1 2/2"] : [before, "1/1 2/2"]).toContain(found);
      }
    }
  });
});

describe("the conformance kit", () => {
  /** `lies`: answers at once, and hands the work on. */
  async function failing(lies: boolean): Promise<readonly string[]> {
    const names: string[] = [];
    for (const { name, run } of logStoreConformance(async () => harness(lies))) {
      await run().catch(() => names.push(name));
    }
    return names;
  }

  function harness(lies: boolean): LogStoreHarness {
    const disk = new MemoryDisk({ defer: (callback) => osClock.defer(callback) });
    disk.makeDirectory(worldDirectory, () => {});
    return {
      open: async () => {
        const opened = await open(disk);
        return lies ? { ...opened, store: hasty(opened.store) } : opened;
      },
      kill: async () => disk.crash({ random: () => 0.5, keepShare: 0 }),
      dispose: async () => {},
    };
  }

  function open(disk: MemoryDisk): Promise<RecoveredLog> {
    const place = { disk, crc32, directory: worldDirectory, identity: worldIdentity };
    return new Promise((resolve, reject) => {
      openLog({ ...place, clock: osClock, warn: () => {} }, (error, opened) => {
        if (opened === undefined) reject(error);
        else resolve(opened);
      });
    });
  }

  function hasty(store: LogStore): LogStore {
    return {
      append(request, done) {
        store.append(request, () => {});
        osClock.defer(() => done(null));
      },
      close: (done) => store.close(done),
      snapshots: store.snapshots,
      effectOf: (position) => store.effectOf(position),
      install: (sealed, done) => store.install(sealed, done),
      compact: (position, done) => store.compact(position, done),
    };
  }

  it("H17: finds a store that answers before its sync, and nothing wrong with ours", async () => {
    expect(await failing(false)).toEqual([]);
    expect(await failing(true)).toContain("gives back after a kill what was acknowledged");
  });
});

describe("a member that hears nothing", () => {
  it("H20: answers no read, though it lacks nothing that it knows of", () => {
    const world = new NodeWorld().startAll();
    world.leader();
    world.clock.advance(200);
    const { id, member } = world.follower();
    world.isolate(id);
    world.clock.advance(300);
    const { raft } = member;
    expect(raft.applied).toBe(raft.commit);
    const read = world.settle(world.read(id, 500));
    expect(read.error).toMatchObject({ code: "NO_QUORUM", outcome: "not-applied" });
    expect(world.status(id).leader).toBeNull();
  });
});
