import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { crc32 } from "../../base/index.ts";
import { DiskError, type DiskFile } from "../disk.ts";
import { createOsPorts, osCrc32, osDisk, osRandom } from "./index.ts";

let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quorate-disk-"));
});

afterEach(() => rm(directory, { recursive: true }));

/** The value or the error of a callback operation. */
function wait<Value = void>(
  start: (done: (error: DiskError | null, value?: Value) => void) => void,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error === null ? resolve(value as Value) : reject(error)));
  });
}

const openFile = (path: string, mode: "create" | "existing") =>
  wait<DiskFile>((done) => osDisk.open(path, mode, done));

describe("the disk of the system", () => {
  it("writes many chunks one after the other, more than the kernel takes at once", async () => {
    const file = await openFile(join(directory, "f"), "create");
    const chunks = Array.from({ length: 3000 }, (_, at) => new Uint8Array(at % 7).fill(at % 251));
    await wait((done) => file.write(10, chunks, done));
    await wait((done) => file.sync(done));
    const size = await wait<number>((done) => file.size(done));
    expect(size).toBe(10 + chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    const bytes = await wait<Uint8Array>((done) => file.read(0, size + 100, done));
    expect(Buffer.compare(bytes.subarray(10), Buffer.concat(chunks))).toBe(0);
    await wait((done) => file.truncate(3, done));
    expect((await wait<Uint8Array>((done) => file.read(0, 10, done))).length).toBe(3);
    await wait((done) => file.close(done));
  });

  it("completes nothing inside the call", async () => {
    const file = await openFile(join(directory, "f"), "create");
    for (const start of [
      (done: () => void) => file.write(0, [], done),
      (done: () => void) => file.read(0, 0, done),
    ]) {
      let isInside = true;
      await new Promise<void>((resolve) => {
        start(() => {
          expect(isInside).toBe(false);
          resolve();
        });
        isInside = false;
      });
    }
    await wait((done) => file.close(done));
  });

  it("makes directories with their parents, and lists names in order", async () => {
    const path = join(directory, "a", "b", "c");
    await wait((done) => osDisk.makeDirectory(path, done));
    await wait((done) => osDisk.makeDirectory(path, done));
    for (const name of ["z", "m", "a"]) await writeFile(join(path, name), name);
    await wait((done) => osDisk.rename(join(path, "z"), join(path, "b"), done));
    await wait((done) => osDisk.remove(join(path, "m"), done));
    await wait((done) => osDisk.syncDirectory(path, done));
    expect(await wait<readonly string[]>((done) => osDisk.list(path, done))).toEqual(["a", "b"]);
  });

  it("names operation, path and code of what fails", async () => {
    const path = join(directory, "f");
    await expect(openFile(path, "existing")).rejects.toMatchObject({ code: "ENOENT", path });
    await writeFile(path, "");
    await expect(openFile(path, "create")).rejects.toThrow(
      `Cannot create ${path}: file already exists (EEXIST)`,
    );
    await expect(wait((done) => osDisk.makeDirectory(path, done))).rejects.toMatchObject({
      code: "ENOTDIR",
    });
    await expect(wait((done) => osDisk.remove(`${path}x`, done))).rejects.toBeInstanceOf(DiskError);
  });
});

describe("the ports of the system", () => {
  it("have a checksum equal to the reference", () => {
    const bytes = new TextEncoder().encode("123456789");
    expect(osCrc32(bytes)).toBe(0xcbf43926);
    expect(osCrc32(bytes.subarray(4), osCrc32(bytes.subarray(0, 4)))).toBe(crc32(bytes));
  });

  it("draw ids of 16 hex digits", () => {
    expect(osRandom.id64()).toMatch(/^[0-9a-f]{16}$/);
    expect(osRandom.id64()).not.toBe(osRandom.id64());
  });

  it("have a clock that does not go back, cancels timers and defers", async () => {
    const { clock } = createOsPorts();
    const before = clock.nowMs();
    clock.after(0, () => expect.unreachable("a cancelled timer does not run")).cancel();
    await new Promise<void>((resolve) => clock.after(5, () => clock.defer(resolve)));
    expect(clock.nowMs()).toBeGreaterThanOrEqual(before + 4);
  });
});
