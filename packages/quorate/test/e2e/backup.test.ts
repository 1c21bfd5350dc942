/** Real processes: a snapshot is saved under load and restored; a lost cluster is recovered. */
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Putters } from "../support/putters.ts";
import {
  cli,
  expectAll,
  printedServerFlags,
  revisionsOf,
  startRestored,
} from "../support/saved-state.ts";
import { put, ServerCluster, ServerProcess } from "../support/server-cluster.ts";

const clusters: ServerCluster[] = [];
const processes: ServerProcess[] = [];

afterEach(async () => {
  await Promise.all(processes.splice(0).map((server) => server.kill()));
  await Promise.all(clusters.splice(0).map((cluster) => cluster.dispose()));
});

async function started(): Promise<{ live: ServerCluster; putters: Putters }> {
  const live = await ServerCluster.started();
  clusters.push(live);
  const endpoints = live.servers.map(({ endpoint }) => endpoint);
  const putters = new Putters(endpoints, 2);
  await putters.more(60);
  return { live, putters };
}

describe("snapshot save under load", () => {
  it("has what the member acknowledged; a new cluster starts with it and goes on", async () => {
    const { live, putters } = await started();
    for (const [at, { endpoint }] of live.servers.entries()) {
      const own = [...putters.acknowledged].filter(([key]) => key.startsWith(`k${at}-`));
      const before = new Map(own);
      const file = join(live.folder, `${at}.snap`);
      const text = await cli("snapshot", "save", file, "--endpoints", endpoint);
      expect(text).toMatch(/^Verdict +sound$/m);
      expect(await cli("snapshot", "status", file)).toBe(text);
      await putters.more(20);
      if (at > 0) continue;
      const restored = await startRestored(file);
      clusters.push(restored);
      const stores = await Promise.all(restored.servers.map(revisionsOf));
      for (const found of stores) {
        expect(found).toEqual(stores[0]);
        expectAll(found, before);
      }
      expect(before.size).toBeGreaterThan(5);
      const revision = Math.max(...(stores[0]?.values() ?? []));
      expect(await put(restored.server("b").endpoint, "k-later")).toBeGreaterThan(revision);
      await restored.dispose();
    }
    await putters.end();
  });

  it("of a member without its quorum, too", async () => {
    const { live, putters } = await started();
    await putters.end();
    const [left, ...others] = live.servers;
    if (left === undefined) throw new Error("there are three");
    const own = [...putters.acknowledged].filter(([key]) => key.startsWith("k0-"));
    await Promise.all(others.map((server) => server.kill()));
    const file = join(live.folder, "left.snap");
    await cli("snapshot", "save", file, "--endpoints", left.endpoint);
    await left.kill();
    const restored = await startRestored(file);
    clusters.push(restored);
    expectAll(await revisionsOf(restored.server("c")), new Map(own));
  });
});

describe("recover", () => {
  it("makes a cluster of what is left, which starts by the command that it prints", async () => {
    const { live, putters } = await started();
    await putters.end();
    const leader = await live.leader();
    await Promise.all(live.servers.map((server) => server.kill()));
    const directory = join(live.folder, leader.name);
    const look = await cli("recover", directory, "--json");
    // The test says what must be in it.
    const { directory: report } = JSON.parse(look) as { directory: { clusterId: string } };
    const flags = ["--force-new-cluster", "--cluster-id", report.clusterId];
    const text = await cli("recover", directory, ...flags);
    const client = leader.endpoint;
    const server = new ServerProcess(leader.name, client, [
      ...printedServerFlags(text),
      ...["--listen-client-urls", `http://${client}`],
    ]);
    processes.push(server);
    await live.ready([server]);
    const found = await revisionsOf(server);
    expectAll(found, putters.acknowledged);
    expect(await put(client, "k-later")).toBeGreaterThan(Math.max(...found.values()));
  });
});
