/** Debian's etcdctl saves a snapshot and moves the leadership, as with etcd. */
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { pathOfProgram, requireProgram } from "../../../../tools/debian-programs.ts";
import { type Finished, runProgramFile } from "../support/cli.ts";
import { cli, expectAll, revisionsOf, startRestored } from "../support/saved-state.ts";
import { put, ServerCluster } from "../support/server-cluster.ts";

const etcdctl = requireProgram("etcdctl");
const title = etcdctl.kind === "missing" ? `etcdctl: left out, ${etcdctl.reason}` : "etcdctl";

const clusters: ServerCluster[] = [];

afterEach(async () => {
  await Promise.all(clusters.splice(0).map((cluster) => cluster.dispose()));
});

async function started(): Promise<ServerCluster> {
  const live = await ServerCluster.started();
  clusters.push(live);
  return live;
}

function tryRun(endpoints: string, ...args: string[]): Promise<Finished> {
  return runProgramFile(pathOfProgram(etcdctl), [`--endpoints=${endpoints}`, ...args]);
}

async function run(endpoints: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await tryRun(endpoints, ...args);
  if (code !== 0) throw new Error(`etcdctl ended with ${code}: ${stderr}${stdout}`);
  return stdout;
}

const allOf = (live: ServerCluster): string =>
  live.servers.map(({ endpoint }) => endpoint).join(",");

async function idOf(live: ServerCluster, name: string): Promise<string> {
  const list = await run(allOf(live), "member", "list");
  return new RegExp(`^([0-9a-f]+), started, ${name}, `, "m").exec(list)?.[1] ?? "";
}

describe.skipIf(etcdctl.kind === "missing")(title, () => {
  it("saves a snapshot with its checksum, of which a new cluster starts", async () => {
    const live = await started();
    const [{ endpoint }] = [live.server("b")];
    const acknowledged = new Map<string, number>();
    // More than fits into the client's window.
    const value = "x".repeat(100_000);
    for (let at = 0; at < 30; at++) {
      acknowledged.set(`k${at}`, await put(endpoint, `k${at}`, value));
    }
    const file = join(live.folder, "etcdctl.snap");
    expect(await run(endpoint, "snapshot", "save", file)).toBe(`Snapshot saved at ${file}\n`);
    expect(await cli("snapshot", "status", file)).toMatch(/^Verdict +sound$/m);
    const ours = join(live.folder, "ours.snap");
    await cli("snapshot", "save", ours, "--endpoints", endpoint);
    const hashOf = (text: string): string => /^Hash +(\S+)$/m.exec(text)?.[1] ?? "";
    expect(hashOf(await cli("snapshot", "status", ours))).toMatch(/^[0-9a-f]{16}$/);
    const restored = await startRestored(file);
    clusters.push(restored);
    expectAll(await revisionsOf(restored.server("a")), acknowledged);
  });

  it("moves the leadership, and tells what is refused in etcd's words", async () => {
    const live = await started();
    const leader = await live.leader();
    const target = live.servers.find((server) => server !== leader);
    if (target === undefined) throw new Error("there are three");
    const [from, to] = [await idOf(live, leader.name), await idOf(live, target.name)];
    const told = await run(allOf(live), "move-leader", to);
    expect(told).toBe(`Leadership transferred from ${from} to ${to}\n`);
    expect((await live.leader()).name).toBe(target.name);
    // Our own command line says the same.
    const ours = await cli("move-leader", from, "--endpoints", allOf(live));
    expect(ours).toBe(`Leadership transferred from ${to} to ${from}\n`);
    const nobody = await tryRun(allOf(live), "move-leader", "123");
    expect(nobody.code).toBe(1);
    expect(nobody.stderr).toContain("etcdserver: bad leader transferee");
    const noLeader = await tryRun(target.endpoint, "move-leader", to);
    expect(noLeader.stderr).toContain("no leader endpoint given at");
  });
});
