import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import { crc32 } from "../base/index.ts";
import { osClock, osCrc32, osDisk } from "../ports/os/index.ts";
import type { RecoveredLog } from "../storage/index.ts";
import { openLog, openMemoryLog } from "../storage/index.ts";
import { type LogStoreHarness, logStoreConformance } from "./log-store-conformance.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { worldIdentity } from "./storage-world.ts";

describe("log store conformance", () => {
  describe("the write-ahead log on the disk of the system", () => {
    for (const { name, run } of logStoreConformance(onSystem)) it(name, run);
  });
  describe("the write-ahead log on a simulated disk", () => {
    for (const { name, run } of logStoreConformance(onMemoryDisk)) it(name, run);
  });
  describe("the log in memory", () => {
    for (const { name, run } of logStoreConformance(inMemory)) it(name, run);
  });
});

async function onSystem(): Promise<LogStoreHarness> {
  const directory = await mkdtemp(join(tmpdir(), "quorate-log-"));
  return {
    open: () => open({ disk: osDisk, crc32: osCrc32, directory }),
    kill: async () => {},
    dispose: () => rm(directory, { recursive: true }),
  };
}

async function onMemoryDisk(): Promise<LogStoreHarness> {
  const disk = new MemoryDisk({ defer: (callback) => osClock.defer(callback) });
  await new Promise<void>((resolve) => disk.makeDirectory("/data", () => resolve()));
  return {
    open: () => open({ disk, crc32, directory: "/data" }),
    kill: async () => disk.crash({ random: Math.random, keepShare: 0 }),
    dispose: async () => {},
  };
}

async function inMemory(): Promise<LogStoreHarness> {
  const { clusterId } = worldIdentity;
  const options = { clock: osClock, crc32: osCrc32, clusterId };
  return { open: async () => openMemoryLog(options), dispose: async () => {} };
}

type Place = Pick<Parameters<typeof openLog>[0], "disk" | "crc32" | "directory">;

function open(place: Place): Promise<RecoveredLog> {
  return new Promise((resolve, reject) => {
    const options = { ...place, clock: osClock, identity: worldIdentity, warn: () => {} };
    openLog(options, (error, opened) => {
      if (error !== null || opened === undefined) reject(error);
      else resolve(opened);
    });
  });
}
