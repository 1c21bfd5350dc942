/** `quorate recover` on the directory of a member that ran in this process. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectDirectory, machine, silentLogger, start } from "@quorate/raft";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { noColours } from "../output/colours.ts";
import { runProgram } from "../program.ts";

const list = machine({
  version: 1,
  initial: () => ({ texts: [] as string[] }),
  commands: {
    add(state: { texts: string[] }, text: string): number {
      return state.texts.push(text);
    },
  },
});

let directory = "";
let address = "";
let clusterId = "";

beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), "quorate-recover-")), "a");
  address = `127.0.0.1:${await freePort()}`;
  await using node = await startNode({ a: address }, "old");
  await node.machines.list.add("kept");
  await node.stop();
  clusterId = (await inspectDirectory({ dir: directory })).clusterId;
});

afterEach(async () => {
  await rm(join(directory, ".."), { recursive: true });
});

function startNode(members: Record<string, string>, token: string, joinsExisting = false) {
  const place = { id: "a", dir: directory, members, token, joinsExisting };
  return start({ ...place, machines: { list }, logger: silentLogger });
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = address === null || typeof address === "string" ? 0 : address.port;
      server.close(() => resolve(port));
    });
  });
}

async function contents(): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(directory)).filter((name) => !name.startsWith("lock-")).sort();
  const files = names.map(async (name) => {
    return [name, (await readFile(join(directory, name))).toString("hex")] as const;
  });
  return new Map(await Promise.all(files));
}

async function run(args: readonly string[], typed: string | null = null) {
  let out = "";
  let err = "";
  const code = await runProgram(["recover", ...args], {
    print: (data) => {
      out += String(data);
    },
    say: (text) => {
      err += text;
    },
    readInput: () => Promise.resolve(new Uint8Array()),
    readLines: (take) => {
      if (typed !== null) take(typed);
      return Promise.resolve();
    },
    ...{ isInputPerson: typed !== null, isPrintPerson: false, isSayPerson: false, width: 80 },
    ...{ printColours: noColours, sayColours: noColours, environment: {} },
  });
  return { code, out, err };
}

describe("recover", () => {
  it("says what is there, and changes nothing, without --force-new-cluster", async () => {
    const before = await contents();
    const { code, out, err } = await run([directory]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain(`Member     a of cluster ${clusterId}, term 2\n`);
    expect(out).toContain(`Members    a=${address}\n`);
    expect(out).toContain("If it goes on alone:\n  - nothing: it is the only member\n");
    expect(await contents()).toEqual(before);
    const { directory: report, recovered } = JSON.parse((await run([directory, "--json"])).out);
    expect(recovered).toBe(null);
    expect(report).toMatchObject({ clusterId, member: "a", address, term: 2, snapshot: null });
    expect(report.last).toMatchObject({ index: 3, term: 2 });
    expect(await contents()).toEqual(before);
  });

  it("goes on when the cluster's id is typed; the member starts with what is printed", async () => {
    const { code, out, err } = await run([directory, "--force-new-cluster"], ` ${clusterId} `);
    expect(code).toBe(0);
    expect(err).toBe(`Type the cluster's id (${clusterId}) to end it and go on with this member: `);
    const [, token = ""] = /--initial-cluster-token (\S+)/.exec(out) ?? [];
    expect(out).toContain(`--initial-cluster a=http://${address}`);
    expect(out).toContain("--initial-cluster-state existing");
    await using node = await startNode({ a: address }, token, true);
    expect(await node.machines.list.read((state) => state.texts)).toEqual(["kept"]);
    expect(await node.machines.list.add("more")).toBe(2);
    await expect(run([directory])).resolves.toMatchObject({ code: 1, out: "" });
  });

  it("takes the id as a flag, and tells a script the new one", async () => {
    const flags = ["--force-new-cluster", "--cluster-id", clusterId, "--json"];
    const to = ["--address", "127.0.0.1:1", "--initial-cluster-token", "t2", "--id", "a"];
    const { code, out, err } = await run([directory, ...flags, ...to]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    const { recovered } = JSON.parse(out);
    expect(recovered).toMatchObject({ token: "t2", member: "a", address: "127.0.0.1:1" });
    const report = await inspectDirectory({ dir: directory });
    expect(report.clusterId).toBe(recovered.clusterId);
    expect(report.members).toEqual([{ id: "a", address: "127.0.0.1:1", role: "voter" }]);
  });

  it.each<[string, string[], string | null, number, string]>([
    ["another id typed", [], "00000000000000aa", 1, "NOT_CONFIRMED"],
    ["nothing typed", [], "", 1, "NOT_CONFIRMED"],
    ["nobody there", [], null, 1, "NOT_CONFIRMED"],
    ["another id given", ["--cluster-id", "00000000000000aa"], null, 1, "WRONG_CLUSTER"],
    ["another member", ["--id", "b"], null, 1, "BAD_CONFIG"],
    ["no name", ["--id", "a/b"], null, 1, "BAD_CONFIG"],
    ["a bad address", ["--address", "nowhere", "--cluster-id", "ID"], null, 1, "BAD_CONFIG"],
  ])("changes nothing: %s", async (_what, more, typed, exit, error) => {
    const before = await contents();
    const args = more.map((text) => (text === "ID" ? clusterId : text));
    const { code, err } = await run([directory, "--force-new-cluster", ...args], typed);
    expect(code).toBe(exit);
    expect(err).toContain(`quorate: ${error}  Cannot `);
    expect(await contents()).toEqual(before);
  });

  it("refuses what is no directory, and flags that mean nothing", async () => {
    const nowhere = await run([join(directory, "nowhere")]);
    expect(nowhere.code).toBe(1);
    expect(nowhere.err).toContain("quorate: BAD_CONFIG  Cannot list");
    const empty = await run([join(directory, "..")]);
    expect(empty.err.replace(/\s+/g, " ")).toContain("so this is no member's directory");
    expect(await run([directory, "--cluster-id", clusterId])).toMatchObject({ code: 2, out: "" });
    expect(await run([directory, "--endpoints", "127.0.0.1:1"])).toMatchObject({ code: 2 });
  });
});
