import { describe, expect, it } from "vitest";
import { logIndex, term } from "../../base/index.ts";
import {
  makeEntry,
  makeHardState,
  makePersist,
  StorageWorld,
  worldDirectory,
  worldIdentity,
} from "../../testing/storage-world.ts";
import { StorageError } from "../log-store.ts";
import { StorageDamage } from "../storage-errors.ts";
import type { OpenedLog } from "../wal/open-log.ts";
import {
  blockPayloadBytes,
  chunkBytesMax,
  chunkEnd,
  isSnapshotSize,
  snapshotBlockBytes,
} from "./snapshot-format.ts";
import type { SnapshotReader } from "./snapshot-reader.ts";
import type { SnapshotWriter } from "./snapshot-writer.ts";

const path = (index: number) =>
  `${worldDirectory}/snapshot-${String(index).padStart(16, "0")}.snap`;

function start(world: StorageWorld, count = 5): OpenedLog {
  const opened = world.openLog();
  const entries = Array.from({ length: count }, (_, at) => makeEntry(at + 1, 1));
  const request = makePersist({ hardState: makeHardState(1, "a"), entries, commit: count });
  expect(world.append(opened.store, request)).toBe(null);
  return opened;
}

function random(world: StorageWorld, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, () => Math.floor(world.random.fraction() * 256));
}

/** Writes, installs, reopens and reads one of these sections. */
function roundTrip(sections: readonly (readonly [string, Uint8Array])[], chunkBytes: number) {
  const world = new StorageWorld();
  const { store } = start(world);
  const sealed = world.seal(store.snapshots, { index: 5, term: 1, sections }, chunkBytes);
  expect(world.install(store, sealed)).toBe(null);
  expect(world.close(store)).toBe(null);
  const bytes = world.disk.peek(path(5));
  const again = world.openLog();
  expect(again.snapshotVerdict).toEqual({ kind: "sound" });
  expect(again.snapshot).toEqual(sealed.description);
  expect(bytes.length).toBe(sealed.description.identity.bytes);
  const found = world.readAll(again.store.snapshots, again.snapshot ?? sealed.description);
  if (found instanceof Error) throw found;
  expect([...found.keys()]).toEqual(sections.map(([name]) => name));
  for (const [name, data] of sections) {
    expect(Buffer.compare(found.get(name) ?? Buffer.alloc(0), data), name).toBe(0);
  }
  return { bytes, world, store: again.store, description: sealed.description };
}

describe("a snapshot", () => {
  it("comes back as it was written, at every size around the edges of blocks", () => {
    const world = new StorageWorld();
    for (const blocks of [0, 1, 2, 16, 17]) {
      for (const difference of [-40, -1, 0, 1]) {
        const size = blocks * blockPayloadBytes + difference;
        if (size < 0) continue;
        roundTrip([["one", random(world, Math.min(size, 2_000_000))]], 300_000);
      }
    }
  });

  it("is the same bytes however it was cut into chunks, and whoever writes it", () => {
    const world = new StorageWorld();
    const sections = [
      ["empty", new Uint8Array(0)],
      ["small", random(world, 7)],
      ["large", random(world, 200_003)],
      ["zeros", new Uint8Array(70_000)],
    ] as const;
    const first = roundTrip(sections, 1 << 20);
    for (const chunkBytes of [997, 65_536, blockPayloadBytes, 77_777]) {
      const other = roundTrip(sections, chunkBytes);
      expect(Buffer.compare(first.bytes, other.bytes)).toBe(0);
    }
    const changed = sections.map(([name, data]) => [name, data.slice()] as const);
    const last = changed[3]?.[1];
    if (last !== undefined) last[69_999] = 1;
    const different = roundTrip(changed, 65_536);
    expect(different.description.identity.hash).not.toBe(first.description.identity.hash);
  });

  it("gives any bytes of its file for sending", () => {
    const world = new StorageWorld();
    const data = random(world, 3 * blockPayloadBytes + 10);
    const trip = roundTrip([["one", data]], 100_000);
    const { bytes, store, description } = trip;
    const reader = trip.world.wait<SnapshotReader, Error>((done) =>
      store.snapshots.read(description, done),
    );
    if (reader instanceof Error) throw reader;
    const edges = [0, 1, 511, 512, 513, 512 + snapshotBlockBytes, bytes.length - 513];
    for (const offset of [...edges, bytes.length - 512, bytes.length - 1]) {
      for (const length of [1, 512, 1000, snapshotBlockBytes, 5 * snapshotBlockBytes]) {
        const found = trip.world.wait<Uint8Array, Error>((done) =>
          reader.readBytes(offset, length, done),
        );
        if (found instanceof Error) throw found;
        expect(Buffer.compare(found, bytes.slice(offset, offset + length))).toBe(0);
      }
    }
  });

  it("is written with bounded memory: a call is answered when there is room for another", () => {
    const world = new StorageWorld();
    const { store } = start(world);
    const position = { index: logIndex(5), term: term(1) };
    const writer = world.wait<SnapshotWriter, Error>((done) =>
      store.snapshots.begin(position, new Uint8Array(0), done),
    );
    if (writer instanceof Error) throw writer;
    writer.section("one");
    world.fault = ({ kind }) => (kind === "write" ? { kind: "hang" } : null);
    const chunk = new Uint8Array(100_000);
    let taken = 0;
    while (world.ask((done) => writer.write(chunk, done)) === null) taken += chunk.length;
    expect(taken).toBeLessThanOrEqual(16 * snapshotBlockBytes);
    expect(() => writer.write(chunk, () => {})).toThrow("one write is under way at a time");
  });

  it("that is aborted or fails leaves nothing behind, and the next one may be begun", () => {
    const world = new StorageWorld();
    const { store } = start(world);
    const before = world.disk.files();
    const content = { index: 5, term: 1, sections: [["one", "text"]] } as const;
    const position = { index: logIndex(5), term: term(1) };
    const writer = world.wait<SnapshotWriter, Error>((done) =>
      store.snapshots.begin(position, new Uint8Array(0), done),
    );
    if (writer instanceof Error) throw writer;
    expect(world.disk.files().length).toBe(before.length + 1);
    expect(world.ask((done) => writer.abort(() => done(null)))).toBe(null);
    expect(world.disk.files()).toEqual(before);
    for (const failing of ["write", "sync"] as const) {
      world.fault = ({ kind }) => (kind === failing ? { kind: "fail", code: "ENOSPC" } : null);
      expect(world.trySeal(store.snapshots, content)).toBeInstanceOf(StorageError);
      expect(world.disk.files()).toEqual(before);
    }
    world.fault = () => null;
    expect(world.install(store, world.seal(store.snapshots, content))).toBe(null);
  });

  it("H15: that is being read is not pruned, nor is the newest", () => {
    const world = new StorageWorld();
    const { store } = start(world);
    for (const index of [2, 3, 5]) {
      const sections = [["one", `state ${index}`]] as const;
      expect(world.install(store, world.seal(store.snapshots, { index, term: 1, sections }))).toBe(
        null,
      );
    }
    const [oldest] = store.snapshots.list;
    if (oldest === undefined) throw new Error("no snapshot");
    const reader = world.wait<SnapshotReader, Error>((done) => store.snapshots.read(oldest, done));
    if (reader instanceof Error) throw reader;
    const prune = () => world.ask((done) => store.snapshots.prune(logIndex(100), done));
    expect(prune()).toBe(null);
    const indexes = () => store.snapshots.list.map(({ identity }) => identity.position.index);
    expect(indexes()).toEqual([2, 5]);
    expect(world.disk.files()).not.toContain(path(3));
    expect(world.disk.files()).toContain(path(2));
    expect(world.ask((done) => reader.close(() => done(null)))).toBe(null);
    expect(prune()).toBe(null);
    expect(indexes()).toEqual([5]);
    expect(world.disk.files()).not.toContain(path(2));
  });

  it("of another cluster is damage, by name", () => {
    const other = new StorageWorld();
    const identity = { ...worldIdentity, clusterId: "ffffffffffffffff" };
    const { store } = other.openLog({ identity });
    const hardState = makeHardState(1);
    other.append(store, makePersist({ hardState, entries: [makeEntry(1, 1)], commit: 1 }));
    const content = { index: 1, term: 1, sections: [["one", "text"]] } as const;
    expect(other.install(store, other.seal(store.snapshots, content))).toBe(null);
    const world = new StorageWorld();
    expect(world.close(start(world).store)).toBe(null);
    world.disk.put(path(1), other.disk.peek(path(1)));
    const { snapshotVerdict, snapshot } = world.openLog();
    expect(snapshot).toBe(null);
    const [damage] = snapshotVerdict.kind === "fallback" ? snapshotVerdict.damaged : [];
    expect(damage).toBeInstanceOf(StorageDamage);
    expect(damage?.message).toContain("a snapshot of cluster ffffffffffffffff");
  });
});

describe("chunks of a snapshot", () => {
  it("cover the file without gaps, each with one block at most", () => {
    for (const fileBytes of [1049, 66_560, 66_561, 66_600, 131_584, 132_096, 1_000_000]) {
      if (!isSnapshotSize(fileBytes)) continue;
      let offset = 0;
      while (offset < fileBytes) {
        const end = chunkEnd(fileBytes, offset);
        expect(end).toBeGreaterThan(offset);
        expect(end - offset).toBeLessThanOrEqual(chunkBytesMax);
        // A chunk that begins inside a block ends with it.
        expect(chunkEnd(fileBytes, end - 1)).toBe(end);
        expect(end === fileBytes || (end - 512) % 65_536 === 0).toBe(true);
        offset = end;
      }
      expect(offset).toBe(fileBytes);
    }
  });
});
