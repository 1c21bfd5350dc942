/**
 * A snapshot and the start of a log of format version 1 as they were once written. They are never
 * changed: a new format gets a new version. `UPDATE_GOLDEN=1` writes those of a new version.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  makeEntry,
  makeHardState,
  makePersist,
  StorageWorld,
  worldDirectory,
} from "../../testing/storage-world.ts";
import { ContentHash } from "./content-hash.ts";
import { blockHeaderBytes, snapshotBlockBytes } from "./snapshot-format.ts";

const goldenPath = fileURLToPath(new URL("../../../test/golden/storage/v1/", import.meta.url));
const snapshotName = "snapshot-0000000000000300.snap";
const names = [snapshotName, "log-start"];

const large = Uint8Array.from({ length: snapshotBlockBytes + 9 }, (_, at) => (at >> 7) & 0xff);
const content = {
  index: 300,
  term: 7,
  configuration: "configuration",
  sections: [
    ["kv", "the state of a machine"],
    ["empty", ""],
    ["large", large],
  ],
} as const;

/** A member that was far behind: its log is replaced. */
function write(): StorageWorld {
  const world = new StorageWorld();
  const { store } = world.openLog();
  const hardState = makeHardState(7);
  world.append(store, makePersist({ hardState, entries: [makeEntry(1, 1)], commit: 1 }));
  expect(world.install(store, world.seal(store.snapshots, content))).toBe(null);
  expect(world.close(store)).toBe(null);
  return world;
}

describe("golden snapshots", () => {
  it("are what this version writes, byte for byte", () => {
    const world = write();
    for (const name of names) {
      const bytes = world.disk.peek(`${worldDirectory}/${name}`);
      if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(goldenPath + name, bytes);
      expect(Buffer.compare(bytes, readFileSync(goldenPath + name)), name).toBe(0);
    }
  });

  it("are read by this version", () => {
    const world = write();
    for (const name of names) {
      world.disk.put(`${worldDirectory}/${name}`, readFileSync(goldenPath + name));
    }
    const opened = world.openLog();
    const { snapshot, base } = opened;
    if (snapshot === null) throw new Error("no snapshot");
    expect(base).toEqual({ index: 300, term: 7 });
    expect(Buffer.from(snapshot.configuration).toString()).toBe("configuration");
    expect(snapshot.sections).toEqual([
      { name: "kv", bytes: 22 },
      { name: "empty", bytes: 0 },
      { name: "large", bytes: snapshotBlockBytes + 9 },
    ]);
    const sections = world.readAll(opened.store.snapshots, snapshot);
    if (sections instanceof Error) throw sections;
    expect(Buffer.from(sections.get("kv") ?? []).toString()).toBe("the state of a machine");
    expect(Buffer.compare(sections.get("large") ?? Buffer.alloc(0), large)).toBe(0);
  });

  it("have the sizes and the hashes that docs/formats.md says", () => {
    const bytes = readFileSync(goldenPath + snapshotName);
    expect(bytes.readUInt32LE(512 + 4)).toBe(snapshotBlockBytes - blockHeaderBytes);
    const table = 4 + 13 + 2 + (2 + 2 + 8) + (2 + 5 + 8) + (2 + 5 + 8);
    const stream = 22 + snapshotBlockBytes + 9 + table;
    expect(bytes.length).toBe(512 + stream + 2 * blockHeaderBytes + 512);
    const hashes = ["", "a", "abcd", "abcde"].map((text) => {
      const hash = new ContentHash();
      hash.update(new TextEncoder().encode(text));
      return hash.finish();
    });
    expect(hashes).toEqual([
      "3d13dac1c83856e1",
      "6f95bb80f712c063",
      "4db01253b2aa8162",
      "0a0a6616c10f6def",
    ]);
  });
});
