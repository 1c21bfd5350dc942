import { describe, expect, it } from "vitest";
import { crc32 } from "../base/index.ts";
import {
  makeEntry,
  makeHardState,
  makePersist,
  StorageWorld,
  worldDirectory,
} from "../testing/storage-world.ts";
import type { OpenedDirectory } from "./open-directory.ts";
import { ForeignDirectoryError, StorageDamage, UnknownFormatError } from "./storage-errors.ts";

const cluster = "00000000000000c1";
const path = `${worldDirectory}/identity`;

function opened(result: OpenedDirectory | Error): OpenedDirectory {
  if (result instanceof Error) throw result;
  return result;
}

function reopen(world: StorageWorld): StorageWorld {
  world.disk.crash({ random: () => 0.5, keepShare: 0 });
  return world;
}

describe("a data directory", () => {
  it("gets an identity once, durable", () => {
    const world = new StorageWorld();
    const first = opened(world.openDirectory(cluster));
    expect(first.fresh).toBe(true);
    expect(first.identity.clusterId).toBe(cluster);
    expect(first.identity.incarnation).toMatch(/^[0-9a-f]{16}$/);
    world.openLog({ identity: first.identity });
    const second = opened(reopen(world).openDirectory(cluster));
    expect(second.fresh).toBe(false);
    expect(second.identity).toEqual(first.identity);
  });

  it("whose log was removed is not taken for what it was: it gets another incarnation", () => {
    const world = new StorageWorld();
    const first = opened(world.openDirectory(cluster));
    const { store } = world.openLog({ identity: first.identity });
    world.append(store, makePersist({ hardState: makeHardState(1), entries: [makeEntry(1, 1)] }));
    reopen(world);
    for (const name of ["hard-state.0", "hard-state.1", "log-end", "log-0000000000000001.wal"]) {
      world.disk.drop(`${worldDirectory}/${name}`);
    }
    const second = opened(world.openDirectory(cluster));
    expect(second.fresh).toBe(true);
    expect(second.identity.incarnation).not.toBe(first.identity.incarnation);
    const { store: anew } = world.openLog({ identity: second.identity });
    world.append(anew, makePersist({ hardState: makeHardState(1), entries: [makeEntry(1, 1)] }));
    expect(opened(reopen(world).openDirectory(cluster)).identity).toEqual(second.identity);
  });

  it("is locked while it is open", () => {
    const world = new StorageWorld();
    const { lock } = opened(world.openDirectory(cluster));
    expect(world.openDirectory(cluster)).toMatchObject({ systemCode: "ELOCKED" });
    world.wait<true, Error>((done) => lock.release((error) => done(error, true)));
    opened(world.openDirectory(cluster));
  });

  it("of another member is refused with both names, and left unlocked", () => {
    const world = new StorageWorld();
    opened(world.openDirectory(cluster));
    const other = reopen(world).openDirectory(cluster, "b");
    expect(other).toBeInstanceOf(ForeignDirectoryError);
    expect(other).toMatchObject({ expected: "b", found: "a" });
    expect(String(other)).toBe(
      "ForeignDirectoryError: Cannot use /data: it belongs to member a, and this is member b. " +
        "Start with the directory of member b, or with an empty one for a new member.",
    );
    opened(world.openDirectory(cluster));
  });

  it("says itself of which cluster it is", () => {
    const world = new StorageWorld();
    world.openLog({ identity: opened(world.openDirectory(cluster)).identity });
    const { identity } = opened(reopen(world).openDirectory("00000000000000c2"));
    expect(identity.clusterId).toBe(cluster);
  });

  it("with a log and no identity is damaged, never empty", () => {
    const world = new StorageWorld();
    const { identity } = opened(world.openDirectory(cluster));
    const { store } = world.openLog({ identity });
    const hardState = makeHardState(1);
    world.append(store, makePersist({ hardState, entries: [makeEntry(1, 1)] }));
    reopen(world).disk.drop(path);
    const error = world.openDirectory(cluster);
    expect(error).toBeInstanceOf(StorageDamage);
    expect(String(error)).toContain("there are log files (hard-state.0) but no identity");
  });

  it("whose identity has a flipped bit is damaged, at every byte", () => {
    for (let offset = 0; offset < 512; offset++) {
      const world = new StorageWorld();
      opened(world.openDirectory(cluster));
      reopen(world).disk.poke(path, (bytes) => {
        bytes[offset] = (bytes[offset] ?? 0) ^ 64;
        return bytes;
      });
      expect(world.openDirectory(cluster)).toBeInstanceOf(StorageDamage);
    }
  });

  it("of another format version is refused", () => {
    const world = new StorageWorld();
    opened(world.openDirectory(cluster));
    reopen(world).disk.poke(path, (bytes) => {
      bytes[8] = 9;
      new DataView(bytes.buffer).setUint32(508, crc32(bytes.subarray(0, 508)), true);
      return bytes;
    });
    expect(world.openDirectory(cluster)).toBeInstanceOf(UnknownFormatError);
  });

  it("whose making is interrupted anywhere can be opened, with an empty log", () => {
    for (let operation = 1, isOver = false; !isOver; operation++) {
      for (const keepShare of [0, 0.5, 1]) {
        const world = new StorageWorld(operation);
        const last = world.disk.operations + operation;
        world.fault = ({ number }) => (number >= last ? { kind: "hang" } : null);
        const interrupted = (() => {
          let result: OpenedDirectory | null = null;
          try {
            result = opened(world.openDirectory(cluster));
          } catch {
            return null;
          }
          return world.tryOpenLog({ identity: result.identity });
        })();
        isOver = interrupted !== null;
        world.fault = () => null;
        world.disk.crash({ random: () => world.random.fraction(), keepShare });
        const { identity } = opened(world.openDirectory(cluster));
        const log = world.openLog({ identity });
        expect(log.entries).toEqual([]);
        expect(log.hardState).toEqual(makeHardState(0));
      }
    }
  });
});
