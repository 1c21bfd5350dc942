/**
 * Files of format version 1 as they were once written, under `test/golden/storage`. They are never
 * changed: a new format gets a new version. `UPDATE_GOLDEN=1` writes those of a new version.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { crc32 } from "../../base/index.ts";
import {
  makeEntry,
  makeHardState,
  makePersist,
  StorageWorld,
  worldDirectory,
  worldIdentity,
} from "../../testing/storage-world.ts";
import { decodeIdentity, encodeIdentity } from "../identity.ts";

const goldenPath = fileURLToPath(new URL("../../../test/golden/storage/v1/", import.meta.url));
const names = [
  "identity",
  "hard-state.0",
  "hard-state.1",
  "log-end",
  "log-0000000000000001.wal",
  "log-0000000000000002.wal",
];
const options = { segmentBytesMax: 3072 };

const entries = [
  makeEntry(1, 1, "configuration", "configuration"),
  makeEntry(2, 1, "", "no-op"),
  makeEntry(3, 1, "a command"),
];
const later = [makeEntry(3, 7, "another"), makeEntry(4, 7, new Uint8Array(1500))];

/** A small life that has every kind of record in it, and two segments. */
function write(): Map<string, Uint8Array> {
  const world = new StorageWorld();
  const { store } = world.openLog(options);
  world.append(store, makePersist({ hardState: makeHardState(1, "a"), entries, commit: 2 }));
  const hardState = makeHardState(7, "member-with.a_longer-name", true);
  world.append(store, makePersist({ hardState, truncateFrom: 3, entries: later }));
  world.append(store, makePersist({ entries: [makeEntry(5, 7, "five ".repeat(99))], commit: 4 }));
  expect(world.close(store)).toBe(null);
  const files = new Map([["identity", encodeIdentity(worldIdentity, crc32)]]);
  for (const name of names.slice(1)) files.set(name, world.disk.peek(`${worldDirectory}/${name}`));
  return files;
}

describe("golden files", () => {
  it("are what this version writes, byte for byte", () => {
    const files = write();
    if (process.env["UPDATE_GOLDEN"] === "1") {
      mkdirSync(goldenPath, { recursive: true });
      for (const [name, bytes] of files) writeFileSync(goldenPath + name, bytes);
    }
    for (const name of names) {
      expect(files.get(name)?.length, name).toBe(readFileSync(goldenPath + name).length);
      expect(
        Buffer.compare(files.get(name) ?? Buffer.alloc(0), readFileSync(goldenPath + name)),
        name,
      ).toBe(0);
    }
  });

  it("are read by this version", () => {
    const world = new StorageWorld();
    for (const name of names.slice(1)) {
      world.disk.put(`${worldDirectory}/${name}`, readFileSync(goldenPath + name));
    }
    const log = world.openLog(options);
    expect(log.verdict).toEqual({ kind: "intact" });
    expect(log.hardState).toEqual(makeHardState(7, "member-with.a_longer-name", true));
    expect(log.commit).toBe(4);
    const found = log.entries.map((entry) => ({ ...entry, data: new Uint8Array(entry.data) }));
    const expected = [...entries.slice(0, 2), ...later, makeEntry(5, 7, "five ".repeat(99))];
    expect(found).toEqual(expected);
    expect(world.warnings).toEqual([]);
    const identity = decodeIdentity(readFileSync(`${goldenPath}identity`), "identity", crc32);
    expect(identity).toEqual(worldIdentity);
  });
});
