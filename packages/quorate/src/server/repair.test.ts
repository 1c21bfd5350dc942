/** A server whose log was damaged while it was down. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@quorate/raft";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "../../../raft/test/support/wait.ts";
import { LocalServers } from "../../test/support/local-servers.ts";
import { encodePutRequest } from "../proto/index.ts";
import { createClient } from "../rpc/index.ts";
import { startServer } from "./server.ts";

let folder: string;
let servers: LocalServers;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "quorate-repair-"));
  servers = await LocalServers.started((name) => ({ dataDir: join(folder, name) }));
});

afterEach(async () => {
  await servers.dispose();
  await rm(folder, { recursive: true, force: true });
});

const putCount = 40;

async function putAll(): Promise<void> {
  const client = createClient((await servers.leader()).clientUrls);
  try {
    for (let count = 0; count < putCount; count++) {
      const key = new TextEncoder().encode(`key-${count}`);
      const request = encodePutRequest({
        ...{ key, value: new Uint8Array(1000).fill(count), lease: 0n },
        ...{ prevKv: false, ignoreValue: false, ignoreLease: false },
      });
      const options = { timeoutMs: 5_000, idempotent: false };
      await client.unary("/etcdserverpb.KV/Put", request, options);
    }
  } finally {
    client.close();
  }
}

/** A bit in the middle of what it has acknowledged. */
async function harmLog(dir: string): Promise<string> {
  const [log] = (await readdir(dir)).filter((file) => file.endsWith(".wal"));
  const path = join(dir, log ?? "");
  const bytes = await readFile(path);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  await writeFile(path, bytes);
  return path;
}

describe("a server whose log is damaged", () => {
  it("is refused with --no-repair, naming file and offset; else it is mended", async () => {
    await putAll();
    const [follower] = await servers.followers();
    if (follower === undefined) throw new Error("there are followers");
    const { id } = follower.node;
    await follower.stop();
    const path = await harmLog(join(folder, id));
    const options = servers.optionsOf(id);
    await expect(startServer({ ...options, repairs: false }, silentLogger)).rejects.toMatchObject({
      code: "CORRUPT",
      message: expect.stringMatching(new RegExp(`${path}.* at offset \\d+`)),
      hint: expect.stringContaining("quorate"),
    });
    const mended = await startServer(options, silentLogger);
    try {
      const damage = mended.node.explain().findings.find(({ kind }) => kind === "disk-damage");
      expect(damage?.text).toContain("found damage on its disk at this start");
      const revision = (await servers.leader()).node.machines.kv.read((kv) => kv.stats().revision);
      const wanted = await revision;
      await until(() => !mended.node.status().mustCatchUp);
      expect(await mended.node.machines.kv.read((kv) => kv.stats().revision)).toBe(wanted);
      expect((await readdir(join(folder, id))).some((file) => file.endsWith(".damaged"))).toBe(
        true,
      );
    } finally {
      await mended.stop();
    }
  });
});
