import { describe, expect, it } from "vitest";
import { crc32 } from "../../base/index.ts";
import { StorageWorld, worldDirectory } from "../../testing/storage-world.ts";
import { StorageDamage, UnfinishedRestoreError, UnknownFormatError } from "../storage-errors.ts";
import { decodeRebuildMark, encodeRebuildMark } from "./rebuild.ts";

const clusterId = "00000000000000c1";

function read(bytes: Uint8Array) {
  return decodeRebuildMark(bytes, "rebuild", crc32);
}

/** With a checksum that is right. */
function changed(change: (bytes: Uint8Array) => void): Uint8Array {
  const bytes = encodeRebuildMark({ stage: "begun", clusterId }, crc32);
  change(bytes);
  new DataView(bytes.buffer).setUint32(508, crc32(bytes.subarray(0, 508)), true);
  return bytes;
}

describe("the mark of a rebuild", () => {
  it("has these bytes", () => {
    const bytes = encodeRebuildMark({ stage: "decided", clusterId }, crc32);
    const hex = Buffer.from(bytes.subarray(0, 20)).toString("hex");
    expect([bytes.length, hex]).toEqual([512, `71756f722d726264010002${clusterId}00`]);
    for (const stage of ["begun", "decided", "cleared"] as const) {
      expect(read(encodeRebuildMark({ stage, clusterId }, crc32))).toEqual({ stage, clusterId });
    }
  });

  it("is refused where it cannot be read, or is of a later version", () => {
    const bytes = encodeRebuildMark({ stage: "begun", clusterId }, crc32);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      expect(() => read(damaged)).toThrow(StorageDamage);
    }
    expect(() => read(new Uint8Array(512))).toThrow("it is all zeros");
    expect(() => read(changed((all) => all.fill(9, 10, 11)))).toThrow("it is at stage 9");
    expect(() => read(changed((all) => all.fill(2, 8, 9)))).toThrow(UnknownFormatError);
  });
});

describe("a directory", () => {
  const path = `${worldDirectory}/rebuild`;

  it("that is being filled is refused, and nothing in it is touched", () => {
    const world = new StorageWorld();
    world.disk.put(path, encodeRebuildMark({ stage: "begun", clusterId }, crc32));
    world.disk.put(`${path}-identity`, new Uint8Array(3));
    expect(world.openDirectory(clusterId)).toBeInstanceOf(UnfinishedRestoreError);
    expect(world.disk.files()).toEqual([path, `${path}-identity`]);
  });

  it("forgets what was written beside it and not decided", () => {
    const world = new StorageWorld();
    world.disk.put(`${path}.tmp`, new Uint8Array(100));
    world.disk.put(`${path}-identity`, new Uint8Array(3));
    world.disk.put(`${path}-log-0000000000000001.wal.tmp`, new Uint8Array(3));
    const opened = world.openDirectory(clusterId);
    expect(opened).toMatchObject({ fresh: true });
    expect(world.disk.files()).toEqual([`${worldDirectory}/identity`]);
  });

  it("whose mark cannot be read is damaged, never used", () => {
    const world = new StorageWorld();
    world.disk.put(path, new Uint8Array(512));
    expect(world.openDirectory(clusterId)).toBeInstanceOf(StorageDamage);
  });

  it("keeps files of others, and what is kept for a person to look at", () => {
    const world = new StorageWorld();
    const suspect = `${worldDirectory}/log-0000000000000001.wal.unit-3.1.suspect`;
    const kept = [`${worldDirectory}/lost+found`, suspect, `${worldDirectory}/recording-1.jsonl`];
    for (const file of kept) world.disk.put(file, new Uint8Array(1));
    const old = ["identity", "log-end", "log-0000000000000007.wal"];
    for (const name of old) world.disk.put(`${worldDirectory}/${name}`, new Uint8Array(1));
    const identity = new StorageWorld();
    identity.openDirectory(clusterId);
    world.disk.put(`${path}-identity`, identity.disk.peek(`${worldDirectory}/identity`));
    world.disk.put(path, encodeRebuildMark({ stage: "decided", clusterId }, crc32));
    world.openDirectory("00000000000000c2");
    expect(world.disk.files()).toEqual([...kept, `${worldDirectory}/identity`].sort());
  });
});
