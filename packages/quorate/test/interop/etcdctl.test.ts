import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pathOfProgram, requireProgram } from "../../../../tools/debian-programs.ts";
import { findBasePort, type RunningDev, runCli, runProgramFile, startDev } from "../support/cli.ts";

/** Debian's etcdctl against three of our members: through each of them, and all at once. */

const etcdctl = requireProgram("etcdctl");
const title = etcdctl.kind === "missing" ? `etcdctl: left out, ${etcdctl.reason}` : "etcdctl";

describe.skipIf(etcdctl.kind === "missing")(title, () => {
  let dev: RunningDev;

  beforeAll(async () => {
    dev = await startDev(["--memory", "--base-port", String(await findBasePort())]);
  });

  afterAll(async () => {
    expect(await dev.stop()).toBe(0);
  });

  /** Through all members, or through the one given. */
  async function run(args: readonly string[], input = "", endpoint?: string): Promise<string> {
    const endpoints = `--endpoints=${endpoint ?? dev.endpoints.join(",")}`;
    const path = pathOfProgram(etcdctl);
    const { code, stdout, stderr } = await runProgramFile(path, [endpoints, ...args], { input });
    if (code !== 0) throw new Error(`etcdctl ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  it("puts through each member, gets from each", async () => {
    for (const [at, endpoint] of dev.endpoints.entries()) {
      expect(await run(["put", "each", `by ${at}`], "", endpoint)).toBe("OK\n");
      for (const other of dev.endpoints) {
        expect(await run(["get", "each"], "", other)).toBe(`each\nby ${at}\n`);
      }
    }
  });

  it("knows prefix, range, limit, order, count and revisions", async () => {
    for (const key of ["p/1", "p/2", "p/3"]) await run(["put", key, key]);
    expect(await run(["get", "--prefix", "p/", "--keys-only"])).toBe("p/1\n\np/2\n\np/3\n\n");
    expect(await run(["get", "p/1", "p/3", "--print-value-only"])).toBe("p/1\np/2\n");
    expect(await run(["get", "--prefix", "p/", "--limit", "1"])).toBe("p/1\np/1\n");
    const last = ["get", "--prefix", "p/", "--order", "DESCEND", "--limit", "1", "--keys-only"];
    expect(await run(last)).toBe("p/3\n\n");
    expect(await run(["get", "--from-key", "p/3", "--keys-only"])).toBe("p/3\n\n");
    expect(await run(["get", "p/1", "--consistency", "s"])).toBe("p/1\np/1\n");
    await expect(run(["get", "p/1", "--rev", "999999"])).rejects.toThrow(
      "etcdserver: mvcc: required revision is a future revision",
    );
  });

  it("deletes keys and ranges, and shows what was there", async () => {
    for (const key of ["d/1", "d/2", "d/3"]) await run(["put", key, "x"]);
    expect(await run(["del", "d/1", "--prev-kv"])).toBe("1\nd/1\nx\n");
    expect(await run(["del", "--prefix", "d/"])).toBe("2\n");
    expect(await run(["get", "--prefix", "d/"])).toBe("");
  });

  it("runs transactions both ways", async () => {
    const text = 'version("t") = "0"\n\nput t 1\nget t\n\nget t\ndel t\n\n';
    expect(await run(["txn"], text)).toBe("SUCCESS\n\nOK\n\nt\n1\n");
    expect(await run(["txn"], text)).toBe("FAILURE\n\nt\n1\n\n1\n");
  });

  it("lists members, status and health", async () => {
    const list = await run(["member", "list"]);
    for (const { name, peerUrl, clientUrl } of dev.members) {
      expect(list).toMatch(new RegExp(`, started, ${name}, ${peerUrl}, ${clientUrl}, false$`, "m"));
    }
    const status = await run(["endpoint", "status"]);
    const rows = status.trimEnd().split("\n");
    expect(rows).toHaveLength(3);
    for (const row of rows) expect(row).toContain(", 3.4.23, ");
    expect(rows.filter((row) => row.split(", ")[4] === "true")).toHaveLength(1);
    for (const flags of [[], ["--cluster"]]) {
      const args = [`--endpoints=${dev.endpoints.join(",")}`, "endpoint", "health", ...flags];
      const health = await runProgramFile(pathOfProgram(etcdctl), args);
      expect(health.code).toBe(0);
      expect(`${health.stdout}${health.stderr}`.match(/is healthy/g)).toHaveLength(3);
    }
  });

  it("writes URLs into :authority: `endpoint status` by URL, and of the cluster", async () => {
    const urls = dev.endpoints.map((endpoint) => `http://${endpoint}`).join(",");
    for (const flags of [[], ["--cluster"]]) {
      const rows = (await run(["endpoint", "status", ...flags], "", urls)).trimEnd().split("\n");
      expect(rows).toHaveLength(3);
      for (const row of rows) expect(row).toContain(", 3.4.23, ");
    }
    const cluster = await run(["endpoint", "status", "--cluster"]);
    expect(cluster.trimEnd().split("\n")).toHaveLength(3);
    expect(await run(["put", "by-url", "1"], "", urls)).toBe("OK\n");
  });

  it("prints what our own command line prints", async () => {
    const endpoint = dev.endpoints[1] ?? "";
    const ours = async (args: readonly string[], input = ""): Promise<string> =>
      (await runCli(["--endpoints", endpoint, ...args], { input })).stdout;
    const theirs = (args: readonly string[], input = ""): Promise<string> =>
      run(args, input, endpoint);
    await run(["put", "same/1", "a b"]);
    await run(["put", "same/2", ""]);
    const reads = [
      ["get", "same/", "--prefix"],
      ["get", "same/", "--prefix", "--keys-only"],
      ["get", "same/1", "--print-value-only"],
      ["get", "same/none"],
      ["member", "list"],
    ];
    for (const read of reads) {
      expect({ read, text: await ours(read) }).toEqual({ read, text: await theirs(read) });
      if (read.includes("--print-value-only")) continue; // in etcdctl a matter of the simple form
      const json = [await ours([...read, "-o", "json"]), await theirs([...read, "-w", "json"])];
      expect({ read, text: json[0] }).toEqual({ read, text: json[1] });
    }
    const withoutCounters = (text: string): string =>
      text.replace(/"(\w*revision|version)":\d+/g, "");
    const put = ["put", "same/1", "a b", "--prev-kv"];
    expect(await ours(put)).toBe(await theirs(put));
    const txn = "\nput same/3 x\nget same/3\ndel same/none\n\n\n";
    expect(await ours(["txn"], txn)).toBe(await theirs(["txn"], txn));
    expect(withoutCounters(await ours(["txn", "-o", "json"], txn))).toBe(
      withoutCounters(await theirs(["txn", "-w", "json"], txn)),
    );
  });
});
