/** Maintenance.Snapshot of servers in this process: the newest state, as fast as it is fetched. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { until } from "../../../raft/test/support/wait.ts";
import { framed } from "../../test/rpc/echo-server.ts";
import { LocalServers } from "../../test/support/local-servers.ts";
import { runHere } from "../../test/support/run-program.ts";
import { encodePutRequest } from "../proto/index.ts";
import { createClient } from "../rpc/index.ts";
import type { QuorateServer } from "./server.ts";

let live: LocalServers;
let folder = "";
let sessions: ClientHttp2Session[] = [];

beforeEach(async () => {
  live = await LocalServers.started();
  folder = await mkdtemp(join(tmpdir(), "quorate-snapshots-"));
});

afterEach(async () => {
  for (const session of sessions) session.destroy();
  sessions = [];
  await live.dispose();
  await rm(folder, { recursive: true });
});

async function put(server: QuorateServer, key: string, value: Uint8Array): Promise<void> {
  const client = createClient(server.clientUrls);
  const rest = { lease: 0n, prevKv: false, ignoreValue: false, ignoreLease: false };
  const request = encodePutRequest({ key: new TextEncoder().encode(key), value, ...rest });
  await client.unary("/etcdserverpb.KV/Put", request, { timeoutMs: 10_000, idempotent: false });
  client.close();
}

async function fill(megabytes: number): Promise<void> {
  const leader = await live.leader();
  for (let at = 0; at < megabytes; at++) await put(leader, `large-${at}`, Buffer.alloc(1e6, at));
}

function save(server: QuorateServer, file: string) {
  const [url = ""] = server.clientUrls;
  return runHere("snapshot", "save", file, "-o", "json", "--endpoints", url.slice(7));
}

/** A call that is opened and not read. */
function openCall(server: QuorateServer): ClientHttp2Stream {
  const session = connect(server.clientUrls[0] ?? "", { settings: { initialWindowSize: 70_000 } });
  session.on("error", () => undefined);
  sessions.push(session);
  const path = "/etcdserverpb.Maintenance/Snapshot";
  const head = { ":method": "POST", ":path": path, "content-type": "application/grpc" };
  const stream = session.request({ ...head, te: "trailers" });
  stream.on("error", () => undefined);
  stream.end(framed(""));
  return stream;
}

describe("Maintenance.Snapshot", () => {
  it("gives the state of the asked member as it is, not that of the last snapshot", async () => {
    for (const [at, server] of live.servers.entries()) {
      const key = `key-${at}`;
      await put(server, key, new TextEncoder().encode(`value-${at}`));
      const file = join(folder, `${at}.snap`);
      const { code, out } = await save(server, file);
      expect(code).toBe(0);
      const { applied } = server.node.status();
      expect(JSON.parse(out)).toMatchObject({ damage: null, contents: { index: applied } });
      const text = (await readFile(file)).toString("latin1");
      expect(text).toContain(key);
      expect(text).not.toContain(`key-${at + 1}`);
      expect((await runHere("snapshot", "status", file)).code).toBe(0);
    }
  });

  it("waits for a slow client, and lets it go with what it held when it leaves", async () => {
    await fill(3);
    const leader = await live.leader();
    const slow = [openCall(leader), openCall(leader)];
    for (const stream of slow) await new Promise((resolve) => stream.once("response", resolve));
    const refused = await save(leader, join(folder, "third.snap"));
    expect(refused.err).toContain("OVERLOADED  Cannot take more work: snapshotExportsMax (2)");
    await put(leader, "goes-on", new Uint8Array(1));
    for (const stream of slow) stream.close();
    await until(async () => (await save(leader, join(folder, "after.snap"))).code === 0);
  });

  it("ends with the server, though a client has not fetched it", async () => {
    await fill(3);
    const leader = await live.leader();
    const stream = openCall(leader);
    await new Promise((resolve) => stream.once("response", resolve));
    await leader.stop();
    expect(leader.node.status().role).not.toBe("leader");
  });
});
