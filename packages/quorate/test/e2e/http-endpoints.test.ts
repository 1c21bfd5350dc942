/** Plain HTTP on the client port: what probes and clients ask before they speak gRPC. */
import { type Logger, silentLogger } from "@quorate/raft";
import { afterEach, describe, expect, it } from "vitest";
import { freePorts } from "../../../raft/test/support/free-ports.ts";
import {
  defaultServerOptions,
  type QuorateServer,
  quorateVersion,
  startServer,
} from "../../src/server/index.ts";

const logger: Logger = silentLogger;
const servers: QuorateServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

/** The first of a cluster of `count` members in memory; the others never start. */
async function startFirst(count: number): Promise<string> {
  const [clientPort, ...peerPorts] = await freePorts(count + 1);
  const peers = peerPorts.map((port, at) => ({ name: `m${at}`, url: `http://127.0.0.1:${port}` }));
  const own = peers[0]?.url ?? "";
  const clientUrl = `http://127.0.0.1:${clientPort}`;
  const server = await startServer(
    {
      ...defaultServerOptions,
      name: "m0",
      dataDir: null,
      listenClientUrls: [clientUrl],
      advertiseClientUrls: [clientUrl],
      listenPeerUrls: [own],
      initialAdvertisePeerUrls: [own],
      initialCluster: peers.map(({ name, url }) => `${name}=${url}`).join(","),
    },
    logger,
  );
  servers.push(server);
  return clientUrl;
}

async function ask(
  url: string,
  method = "GET",
): Promise<{ readonly status: number; readonly body: unknown; readonly allow: string | null }> {
  const response = await fetch(url, { method });
  const text = await response.text();
  const isJson = response.headers.get("content-type") === "application/json";
  const allow = response.headers.get("allow");
  return { status: response.status, body: isJson ? JSON.parse(text) : text, allow };
}

/** Asks until the answer is another one: an election may be under way. */
async function askUntil(url: string, status: number): Promise<unknown> {
  for (;;) {
    const answer = await ask(url);
    if (answer.status === status) return answer.body;
  }
}

describe("plain HTTP on the client port", () => {
  it("says that a member with a leader is healthy, and its versions", async () => {
    const url = await startFirst(1);
    expect(await askUntil(`${url}/health`, 200)).toEqual({ health: "true" });
    expect((await ask(`${url}/health?serializable=true`)).status).toBe(200);
    expect((await ask(`${url}/version`)).body).toEqual({
      etcdserver: "3.4.23",
      etcdcluster: "3.4.0",
      quorate: quorateVersion(),
    });
  });

  it("says that a member without a leader is not, and leaves its version open", async () => {
    const url = await startFirst(3);
    expect(await ask(`${url}/health`)).toMatchObject({ status: 503, body: { health: "false" } });
    expect((await ask(`${url}/version`)).body).toMatchObject({ etcdcluster: "not_decided" });
  });

  it("refuses other methods and paths", async () => {
    const url = await startFirst(1);
    expect(await ask(`${url}/health`, "POST")).toMatchObject({ status: 405, allow: "GET" });
    expect(await ask(`${url}/nothing`)).toMatchObject({ status: 404 });
    expect(await ask(`${url}/toString`)).toMatchObject({ status: 404 });
  });
});
