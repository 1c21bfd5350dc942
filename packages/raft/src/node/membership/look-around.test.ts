import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../logger.ts";
import { start } from "../node.ts";
import { askCluster, identifyDirectory } from "./look-around.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorate-look-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("looking around before a start", () => {
  it("says whose a directory is, also while its member runs, and who the members are", async () => {
    const dir = join(folder, "a");
    expect(await identifyDirectory(dir)).toBeNull();
    const members = { a: "127.0.0.1:0" };
    await using node = await start({ id: "a", members, dir, logger: silentLogger });
    const { clusterId, address } = node.status();
    expect(await identifyDirectory(dir)).toEqual({ clusterId, member: "a", hasLog: true });
    const asked = await askCluster({ seeds: [address], id: "d", address: "127.0.0.1:1" });
    expect(asked).toEqual({
      clusterId,
      members: [{ id: "a", address: "127.0.0.1:0", votes: true }],
    });
    const taken = askCluster({ seeds: [address], id: "a", address: "127.0.0.1:1" });
    await expect(taken).rejects.toMatchObject({ code: "CANNOT_JOIN" });
    const unclear = askCluster({ seeds: ["here"], id: "d", address: "127.0.0.1:1" });
    await expect(unclear).rejects.toMatchObject({ code: "BAD_CONFIG" });
  });
});
