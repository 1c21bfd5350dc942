import { describe, expect, it } from "vitest";
import type { DirectoryLock, DiskError, DiskFile } from "../ports/index.ts";
import { type DiskFault, MemoryDisk } from "./memory-disk.ts";

/** Callbacks run when `run` is called: everything between two calls is one moment. */
function makeDisk(spaceBytes?: number) {
  const queue: (() => void)[] = [];
  const state: { fault: DiskFault | null } = { fault: null };
  const disk = new MemoryDisk({
    defer: (callback) => queue.push(callback),
    onOperation: () => state.fault,
    ...(spaceBytes === undefined ? {} : { spaceBytes }),
  });
  const run = () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) next();
  };
  const wait = <Value = void>(
    start: (done: (error: DiskError | null, value?: Value) => void) => void,
  ): Value => {
    let result: { error: DiskError | null; value?: Value | undefined } | null = null;
    start((error, value) => {
      result = { error, value };
    });
    expect(result, "nothing completes inside the call").toBe(null);
    run();
    const { error, value } = result ?? { error: new Error("no answer"), value: undefined };
    if (error !== null) throw error;
    return value as Value; // the operation says what it gives
  };
  wait((done) => disk.makeDirectory("/d", done));
  return { disk, state, wait, run };
}

const bytes = (length: number, value: number) => new Uint8Array(length).fill(value);
const losing = { random: () => 0.5, keepShare: 0 };

describe("the simulated disk", () => {
  it("loses names and bytes that were not synced, and keeps those that were", () => {
    const { disk, wait } = makeDisk();
    const create = (path: string) => wait<DiskFile>((done) => disk.open(path, "create", done));
    const a = create("/d/a");
    wait((done) => a.write(0, [bytes(600, 1)], done));
    wait((done) => a.sync(done));
    wait((done) => disk.syncDirectory("/d", done));
    wait((done) => a.write(600, [bytes(600, 2)], done));
    create("/d/b");
    disk.crash(losing);
    expect(wait<readonly string[]>((done) => disk.list("/d", done))).toEqual(["a"]);
    expect(disk.peek("/d/a")).toEqual(bytes(600, 1));
  });

  it("keeps, loses and tears sectors independently", () => {
    const { disk, wait } = makeDisk();
    const file = wait<DiskFile>((done) => disk.open("/d/a", "create", done));
    wait((done) => disk.syncDirectory("/d", done));
    wait((done) => file.write(0, [bytes(2048, 9)], done));
    // Size kept; sector 0 kept, 1 lost, 2 torn in the middle, 3 kept.
    const chances = [0.1, 0.1, 0.9, 0.6, 0.5, 0.1];
    disk.crash({ random: () => chances.shift() ?? 0.9, keepShare: 0.5, tearShare: 0.2 });
    const expected = new Uint8Array(2048).fill(9);
    expected.fill(0, 512, 1024);
    expected.fill(0, 1024 + 256, 1536);
    expect(Buffer.compare(disk.peek("/d/a"), expected)).toBe(0);
  });

  it("renames in one piece: the old name or the new one survives", () => {
    for (const keepShare of [0, 1]) {
      const { disk, wait } = makeDisk();
      disk.put("/d/a", bytes(3, 1));
      disk.put("/d/b", bytes(3, 2));
      wait((done) => disk.rename("/d/a", "/d/b", done));
      expect(disk.peek("/d/b")).toEqual(bytes(3, 1));
      disk.crash({ random: () => 0.5, keepShare });
      expect(wait<readonly string[]>((done) => disk.list("/d", done))).toEqual(
        keepShare === 1 ? ["b"] : ["a", "b"],
      );
      expect(disk.peek("/d/b")).toEqual(bytes(3, keepShare === 1 ? 1 : 2));
    }
  });

  it("shows after a failed sync what it does not have", () => {
    const { disk, state, wait } = makeDisk();
    const file = wait<DiskFile>((done) => disk.open("/d/a", "create", done));
    wait((done) => disk.syncDirectory("/d", done));
    wait((done) => file.write(0, [bytes(10, 1)], done));
    state.fault = { kind: "fail", code: "EIO" };
    expect(() => wait((done) => file.sync(done))).toThrow("EIO");
    state.fault = null;
    wait((done) => file.sync(done));
    expect(disk.peek("/d/a")).toEqual(bytes(10, 1));
    disk.crash(losing);
    expect(disk.peek("/d/a")).toEqual(new Uint8Array(0));
  });

  it("fills up, and writes in place where it is full", () => {
    const { disk, wait } = makeDisk(1000);
    const file = wait<DiskFile>((done) => disk.open("/d/a", "create", done));
    wait((done) => file.write(0, [bytes(800, 1)], done));
    expect(() => wait((done) => file.write(800, [bytes(300, 2)], done))).toThrow("ENOSPC");
    expect(disk.peek("/d/a").length).toBe(1000);
    wait((done) => file.write(0, [bytes(1000, 3)], done));
  });

  it("never answers the dead", () => {
    const { disk, wait, run } = makeDisk();
    const file = wait<DiskFile>((done) => disk.open("/d/a", "create", done));
    wait<DirectoryLock>((done) => disk.lock("/d", done));
    file.write(0, [bytes(1, 1)], () => expect.unreachable("the process is dead"));
    disk.kill();
    run();
    expect(disk.peek("/d/a").length).toBe(1);
    wait<DirectoryLock>((done) => disk.lock("/d", done));
    expect(() => wait<DirectoryLock>((done) => disk.lock("/d", done))).toThrow("ELOCKED");
  });

  it("reads zeros where a file grew over a gap, after a crash as before it", () => {
    const { disk, wait } = makeDisk();
    const file = wait<DiskFile>((done) => disk.open("/d/a", "create", done));
    wait((done) => disk.syncDirectory("/d", done));
    wait((done) => file.write(0, [bytes(2048, 7)], done));
    wait((done) => file.sync(done));
    wait((done) => file.truncate(100, done));
    wait((done) => file.write(1536, [bytes(512, 8)], done));
    wait((done) => file.sync(done));
    disk.crash(losing);
    const expected = new Uint8Array(2048);
    expected.fill(7, 0, 100).fill(8, 1536);
    expect(disk.peek("/d/a")).toEqual(expected);
  });

  it("does not hear the dead: their files and locks are closed to them", () => {
    const { disk, wait, run } = makeDisk();
    const file = wait<DiskFile>((done) => disk.open("/d/a", "create", done));
    const lock = wait<DirectoryLock>((done) => disk.lock("/d", done));
    disk.kill();
    wait<DirectoryLock>((done) => disk.lock("/d", done));
    const answers: string[] = [];
    file.write(0, [bytes(10, 1)], () => answers.push("write"));
    file.sync(() => answers.push("sync"));
    lock.release(() => answers.push("release"));
    run();
    expect([answers, disk.peek("/d/a").length]).toEqual([[], 0]);
    expect(() => wait((done) => disk.lock("/d", (error) => done(error)))).toThrow("ELOCKED");
  });
});
