import { describe, expect, it } from "vitest";
import type { Entry } from "../../core/index.ts";
import type { DiskOperation } from "../../testing/memory-disk.ts";
import {
  makeEntry,
  makeHardState,
  makePersist,
  StorageWorld,
  worldDirectory,
} from "../../testing/storage-world.ts";
import { StorageError } from "../log-store.ts";
import { StorageDamage, UnknownFormatError } from "../storage-errors.ts";
import type { OpenedLog } from "./open-log.ts";

const first = `${worldDirectory}/log-0000000000000001.wal`;
const second = `${worldDirectory}/log-0000000000000002.wal`;
const third = `${worldDirectory}/log-0000000000000003.wal`;

function indexes(entries: readonly Entry[]): string {
  return entries.map((entry) => `${entry.index}/${entry.term}`).join(" ");
}

function start(world: StorageWorld): OpenedLog {
  const opened = world.openLog();
  const request = makePersist({ hardState: makeHardState(1, "a"), entries: [makeEntry(1, 1)] });
  expect(world.append(opened.store, request)).toBe(null);
  return opened;
}

describe("group commit", () => {
  it("has one write and one sync under way, and merges what arrives meanwhile", () => {
    const world = new StorageWorld();
    const { store } = start(world);
    const operations: string[] = [];
    world.fault = ({ kind }) => {
      operations.push(kind);
      return null;
    };
    let answered = 0;
    for (let i = 2; i < 102; i++) {
      store.append(makePersist({ entries: [makeEntry(i, 1)] }), () => answered++);
    }
    world.clock.advance(0);
    expect(answered).toBe(100);
    expect(operations).toEqual(["write", "sync", "write", "sync"]);
  });

  it("starts a new unit at the limit, and takes a larger request as one", () => {
    const world = new StorageWorld();
    const { store } = world.openLog({ unitBytesMax: 2000 });
    const hardState = makeHardState(1);
    store.append(makePersist({ hardState, entries: [makeEntry(1, 1)] }), () => {});
    const syncs: DiskOperation[] = [];
    for (let i = 2; i < 8; i++) {
      store.append(makePersist({ entries: [makeEntry(i, 1, "x".repeat(900))] }), () => {});
    }
    store.append(makePersist({ entries: [makeEntry(8, 1, "x".repeat(9000))] }), () => {});
    world.fault = (operation) => {
      if (operation.kind === "sync" && operation.path === first) syncs.push(operation);
      return null;
    };
    world.clock.advance(0);
    expect(syncs).toHaveLength(1 + 3 + 1);
    expect(world.close(store)).toBe(null);
    expect(world.openLog().entries).toHaveLength(8);
  });

  it("writes the hard state twice, one after the other, before the records", () => {
    const world = new StorageWorld();
    const { store } = start(world);
    const operations: string[] = [];
    world.fault = ({ kind, path }) => {
      operations.push(`${kind} ${path.slice(worldDirectory.length + 1)}`);
      return null;
    };
    const entries = [makeEntry(2, 2)];
    world.append(store, makePersist({ hardState: makeHardState(2), entries }));
    expect(operations).toEqual([
      "write hard-state.0",
      "sync hard-state.0",
      "write hard-state.1",
      "sync hard-state.1",
      "write log-0000000000000001.wal",
      "sync log-0000000000000001.wal",
    ]);
  });

  it("stores a commit index with the entries it speaks of, not with those they replaced", () => {
    const world = new StorageWorld();
    const { store } = world.openLog({ unitBytesMax: 2000 });
    const hardState = makeHardState(1, "a");
    world.append(store, makePersist({ hardState, entries: [makeEntry(1, 1)] }));
    // While the first unit is written, an old leader's entries wait, and what a new one put in
    // their place: too much for one unit.
    store.append(makePersist({ entries: [makeEntry(2, 1)] }), () => {});
    const old = [makeEntry(3, 1, "x".repeat(950)), makeEntry(4, 1, "x".repeat(950))];
    store.append(makePersist({ entries: old }), () => {});
    const replacement = {
      hardState: makeHardState(2),
      truncateFrom: 3,
      entries: [makeEntry(3, 2), makeEntry(4, 2)],
      commit: 4,
    };
    store.append(makePersist(replacement), () => {});
    let writes = 0;
    world.fault = ({ kind, path }) => {
      if (kind === "write" && path === first) writes++;
      return writes > 1 ? { kind: "hang" } : null;
    };
    world.clock.advance(0);
    world.disk.crash({ random: () => world.random.fraction(), keepShare: 0, tearShare: 0 });
    world.fault = () => null;
    const { entries, commit } = world.openLog();
    expect(indexes(entries)).toBe("1/1 2/1 3/1 4/1");
    expect(commit).toBeLessThanOrEqual(2);
  });

  it("touches no disk for a commit hint: it is stored with what comes next or at the close", () => {
    const world = new StorageWorld();
    const { store } = start(world);
    const before = world.disk.operations;
    expect(world.append(store, makePersist({ commit: 1 }))).toBe(null);
    expect(world.disk.operations).toBe(before);
    expect(world.close(store)).toBe(null);
    expect(world.openLog().commit).toBe(1);
  });

  it("refuses what the core must never ask for", () => {
    const world = new StorageWorld();
    const { store } = start(world);
    const append = (parts: Parameters<typeof makePersist>[0]) => () =>
      store.append(makePersist(parts), () => {});
    expect(append({ entries: [makeEntry(3, 1)] })).toThrow("an entry follows the last one");
    expect(append({ hardState: makeHardState(0) })).toThrow("the term never falls");
    expect(append({ hardState: makeHardState(1, "b") })).toThrow("one vote a term");
    expect(append({ entries: [makeEntry(2, 9)] })).toThrow("no entry is of a term above");
    expect(append({ commit: 1, truncateFrom: 1 })).not.toThrow();
  });
});

describe("the witness", () => {
  it("is written once the log was idle, once", () => {
    const world = new StorageWorld();
    const { store } = start(world);
    const writes: string[] = [];
    world.fault = ({ kind, path }) => {
      if (kind === "write") writes.push(path);
      return null;
    };
    world.clock.advance(60);
    world.append(store, makePersist({ entries: [makeEntry(2, 1)] }));
    world.clock.advance(99);
    expect(writes).toEqual([first]);
    world.clock.advance(1);
    expect(writes).toEqual([first, `${worldDirectory}/log-end`]);
    world.clock.advance(10_000);
    expect(writes).toHaveLength(2);
    expect(world.clock.pendingCount()).toBe(0);
  });

  it("makes the opening of a log that was closed in order free of writes", () => {
    const world = new StorageWorld();
    expect(world.close(start(world).store)).toBe(null);
    const kinds = new Set<string>();
    world.fault = ({ kind }) => {
      kinds.add(kind);
      return null;
    };
    const { store } = world.openLog();
    expect([...kinds].sort()).toEqual([
      "close",
      "list",
      "open",
      "read",
      "size",
      "sync",
      "sync-directory",
    ]);
    kinds.clear();
    world.clock.advance(1000);
    expect(world.close(store)).toBe(null);
    expect([...kinds]).toEqual(["close"]);
  });
});

describe("segments", () => {
  function fill(world: StorageWorld): OpenedLog {
    const opened = world.openLog({ segmentBytesMax: 2048 });
    const { store } = opened;
    const hardState = makeHardState(1);
    world.append(store, makePersist({ hardState, entries: [makeEntry(1, 1, "x".repeat(800))] }));
    for (let i = 2; i <= 5; i++) {
      world.append(store, makePersist({ entries: [makeEntry(i, 1, "x".repeat(800))] }));
    }
    return opened;
  }

  it("follow one another, and truncation reaches across them", () => {
    const world = new StorageWorld();
    const { store } = fill(world);
    const hardState = makeHardState(2);
    const entries = [makeEntry(2, 2)];
    world.append(store, makePersist({ hardState, truncateFrom: 2, entries }));
    world.disk.crash({ random: () => 0.5, keepShare: 0 });
    const opened = world.openLog({ segmentBytesMax: 2048 });
    expect(indexes(opened.entries)).toBe("1/1 2/2");
    world.append(opened.store, makePersist({ entries: [makeEntry(3, 2)] }));
    expect(world.close(opened.store)).toBe(null);
    expect(indexes(world.openLog().entries)).toBe("1/1 2/2 3/2");
  });

  it("H19: that are missing, swapped or foreign are damage", () => {
    for (const missing of [first, second, third]) {
      const world = new StorageWorld();
      expect(world.close(fill(world).store)).toBe(null);
      world.disk.drop(missing);
      expect(`${missing} ${world.tryOpenLog()}`).toMatch(/StorageDamage/);
    }
    const world = new StorageWorld();
    expect(world.close(fill(world).store)).toBe(null);
    const bytes = world.disk.peek(second);
    world.disk.poke(third, () => bytes);
    expect(String(world.tryOpenLog())).toContain("it is segment 2 under another's name");
  });

  it("before the last are never torn", () => {
    const world = new StorageWorld();
    fill(world);
    world.disk.kill();
    world.disk.poke(first, (bytes) => bytes.slice(0, bytes.length - 512));
    expect(world.tryOpenLog()).toBeInstanceOf(StorageDamage);
  });
});

describe("the first error", () => {
  const failing: readonly [string, (operation: DiskOperation) => boolean][] = [
    ["the sync of a unit", ({ kind, path }) => kind === "sync" && path === first],
    ["the write of a unit", ({ kind, path }) => kind === "write" && path === first],
    [
      "the sync of a hard state",
      ({ kind, path }) => kind === "sync" && path.includes("hard-state"),
    ],
  ];
  for (const [what, isHit] of failing) {
    it(`H1: is final: ${what}`, () => {
      const world = new StorageWorld();
      const { store } = start(world);
      let faults = 0;
      world.fault = (operation) => {
        if (!isHit(operation) || faults > 0) return null;
        faults++;
        return { kind: "fail", code: "EIO" };
      };
      const errors: (StorageError | null)[] = [];
      const hardState = makeHardState(2);
      const onAnswer = (error: StorageError | null) => errors.push(error);
      store.append(makePersist({ hardState, entries: [makeEntry(2, 2)] }), onAnswer);
      store.append(makePersist({ entries: [makeEntry(3, 2)] }), onAnswer);
      world.clock.advance(0);
      const operations = world.disk.operations;
      store.append(makePersist({ entries: [makeEntry(4, 2)] }), onAnswer);
      world.clock.advance(1000);
      expect(world.disk.operations).toBe(operations);
      expect(errors).toHaveLength(3);
      expect(errors[0]).toBeInstanceOf(StorageError);
      expect(errors[0]?.systemCode).toBe("EIO");
      expect(errors[1]).toBe(errors[0]);
      expect(errors[2]).toBe(errors[0]);
      expect(world.close(store)).toBe(errors[0]);
    });
  }

  it("H1: in the sync of a unit: the next process writes it again before it promises it", () => {
    const world = new StorageWorld();
    const { store } = start(world);
    world.fault = ({ kind }) => (kind === "sync" ? { kind: "fail", code: "EIO" } : null);
    const entries = [makeEntry(2, 1)];
    expect(world.append(store, makePersist({ entries }))).toBeInstanceOf(StorageError);
    world.disk.kill();
    world.fault = () => null;
    // The page cache shows entry 2 as if all were well, and a sync alone would write nothing.
    expect(indexes(world.openLog().entries)).toBe("1/1 2/1");
    world.disk.crash({ random: () => 0.5, keepShare: 0 });
    expect(indexes(world.openLog().entries)).toBe("1/1 2/1");
  });

  it("in the sync of a hard state: the same", () => {
    const world = new StorageWorld();
    const { store } = start(world);
    world.fault = ({ kind }) => (kind === "sync" ? { kind: "fail", code: "EIO" } : null);
    const hardState = makeHardState(2, "b");
    expect(world.append(store, makePersist({ hardState }))).toBeInstanceOf(StorageError);
    world.disk.kill();
    world.fault = () => null;
    const seen = world.openLog().hardState;
    expect(seen).toEqual(hardState);
    world.disk.crash({ random: () => 0.5, keepShare: 0 });
    // Both copies were written again: either alone is enough.
    world.disk.poke(`${worldDirectory}/hard-state.1`, (bytes) => bytes.fill(1));
    expect(world.openLog().hardState).toEqual(seen);
  });
});

describe("a full disk", () => {
  it("ends the member, which starts and reads while it is full, and goes on when it is not", () => {
    const world = new StorageWorld();
    const { store } = start(world);
    world.disk.spaceBytes = 8 * 1024;
    const big = makePersist({ entries: [makeEntry(2, 1, "x".repeat(9000))] });
    const error = world.append(store, big);
    expect(error).toBeInstanceOf(StorageError);
    expect((error as StorageError).systemCode).toBe("ENOSPC");
    for (let restart = 0; restart < 2; restart++) {
      world.disk.kill();
      const full = world.openLog();
      expect(full.verdict.kind).toBe("torn");
      expect(indexes(full.entries)).toBe("1/1");
      world.clock.advance(1000);
    }
    expect(world.warnings.join()).toContain("ENOSPC");
    world.disk.kill();
    const opened = world.openLog();
    world.disk.spaceBytes = Number.POSITIVE_INFINITY;
    expect(world.append(opened.store, makePersist({ entries: [makeEntry(2, 1)] }))).toBe(null);
    world.disk.crash({ random: () => 0.5, keepShare: 0 });
    const after = world.openLog();
    expect(after.verdict.kind).toBe("intact");
    expect(indexes(after.entries)).toBe("1/1 2/1");
  });
});

describe("formats of other versions", () => {
  it("are refused by name", async () => {
    const { crc32 } = await import("../../base/index.ts");
    const names = ["log-0000000000000001.wal", "hard-state.0", "hard-state.1", "log-end"];
    for (const name of names) {
      const world = new StorageWorld();
      expect(world.close(start(world).store)).toBe(null);
      const path = `${worldDirectory}/${name}`;
      world.disk.poke(path, (bytes) => {
        bytes[8] = 2;
        const checksum = crc32(bytes.subarray(0, 508));
        new DataView(bytes.buffer).setUint32(508, checksum, true);
        return bytes;
      });
      const error = world.tryOpenLog();
      expect(error).toBeInstanceOf(UnknownFormatError);
      expect(String(error)).toContain(name);
      expect(String(error)).toContain("of version 2");
    }
  });
});
