/** Debian's etcdctl adds a member to three of our processes, and removes it, as with etcd. */
import { afterEach, describe, expect, it } from "vitest";
import { pathOfProgram, requireProgram } from "../../../../tools/debian-programs.ts";
import { until } from "../../../raft/test/support/wait.ts";
import { runProgramFile } from "../support/cli.ts";
import { put, ServerCluster } from "../support/server-cluster.ts";

const etcdctl = requireProgram("etcdctl");
const title = etcdctl.kind === "missing" ? `etcdctl: left out, ${etcdctl.reason}` : "etcdctl";

let cluster: ServerCluster | null = null;

afterEach(async () => {
  await cluster?.dispose();
  cluster = null;
});

/** Through those that stay: who is given another address is cut off until it is there. */
async function run(live: ServerCluster, ...args: string[]): Promise<string> {
  const staying = ["a", "b", "c"].map((name) => live.server(name).endpoint);
  const endpoints = `--endpoints=${staying.join(",")}`;
  const path = pathOfProgram(etcdctl);
  const { code, stdout, stderr } = await runProgramFile(path, [endpoints, "member", ...args]);
  if (code !== 0) throw new Error(`etcdctl ended with ${code}: ${stderr}${stdout}`);
  return stdout;
}

/** The first group of the pattern. It pads an id of fewer than 16 digits here, not in its list. */
function find(text: string, pattern: RegExp): string {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Error(`${pattern} is not in what etcdctl printed: ${text}`);
  return found;
}

describe.skipIf(etcdctl.kind === "missing")(title, () => {
  it("announces a member, which is then started as one of etcd's; removes it", async () => {
    const live = await ServerCluster.started();
    cluster = live;
    const added = await run(live, "add", "d", `--peer-urls=${live.peerUrl("d")}`);
    const padded = find(added, /^Member ([ 0-9a-f]{16}) added to cluster/);
    const id = padded.trimStart();
    expect(await run(live, "list")).toContain(`${id}, unstarted, , ${live.peerUrl("d")}, , true`);
    const twice = run(live, "add", "e", `--peer-urls=${live.peerUrl("d")}`);
    await expect(twice).rejects.toThrow("etcdserver: Peer URLs already exists");

    // What etcdctl prints is what the process is to be started with.
    const variable = (name: string): string => find(added, new RegExp(`^${name}="(.*)"$`, "m"));
    expect(variable("ETCD_NAME")).toBe("d");
    const flags = [
      ["--initial-cluster", variable("ETCD_INITIAL_CLUSTER")],
      ["--initial-cluster-state", variable("ETCD_INITIAL_CLUSTER_STATE")],
    ].flat();
    const d = live.launchWith("d", flags);
    const isStarted = new RegExp(`^${id}, started, d, ${live.peerUrl("d")}, .*, false$`, "m");
    await until(async () => isStarted.test(await run(live, "list")));
    await put(d.endpoint, "through-d");
    await expect(run(live, "promote", id)).rejects.toThrow(
      "etcdserver: can only promote a learner member",
    );

    // It is the same one after a crash, whatever the flags say.
    await d.kill();
    const back = live.launchWith("d", []);
    await live.ready([back]);
    expect(await run(live, "list")).toMatch(isStarted);

    await run(live, "update", id, `--peer-urls=${live.peerUrl("e")}`);
    expect(await run(live, "list")).toContain(`started, d, ${live.peerUrl("e")},`);
    await run(live, "update", id, `--peer-urls=${live.peerUrl("d")}`);
    expect(await run(live, "remove", id)).toContain(`Member ${padded} removed from cluster`);
    await expect(run(live, "remove", id)).rejects.toThrow("etcdserver: member not found");
    expect((await run(live, "list")).trimEnd().split("\n")).toHaveLength(3);
    await back.ended;
    expect(back.text).toContain("MEMBER_REMOVED");
  });
});
