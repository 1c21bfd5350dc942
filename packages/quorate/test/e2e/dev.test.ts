import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  cliProgram,
  createFolder,
  findBasePort,
  isAlive,
  type RunningDev,
  runCli,
  startDev,
  waitUntil,
} from "../support/cli.ts";

/** `quorate dev` as a person and a program use it: real processes, real kills. */

let folder: ReturnType<typeof createFolder>;
let running: RunningDev[];

beforeEach(() => {
  folder = createFolder();
  running = [];
});

afterEach(async () => {
  for (const dev of running) {
    if (isAlive(dev.pid)) await dev.stop();
    for (const { pid } of dev.members) await waitUntil(() => !isAlive(pid));
  }
  folder.remove();
});

async function start(...args: string[]): Promise<RunningDev> {
  const dev = await startDev(args, { cwd: folder.path });
  running.push(dev);
  return dev;
}

interface StatusMember {
  readonly name: string;
  readonly role: string;
  readonly error?: string;
}

async function statusOf(endpoint: string): Promise<readonly StatusMember[]> {
  const { stdout } = await runCli(["status", "-o", "json", "--endpoints", endpoint]);
  // What `status -o json` prints; the fields are what is tested.
  return (JSON.parse(stdout) as { members: StatusMember[] }).members;
}

describe("quorate dev --json", () => {
  it("serves through every member, survives the kill of its leader, and comes back", async () => {
    const base = await findBasePort();
    const first = await start("--base-port", String(base));
    expect(first.lines.out).toHaveLength(1);
    expect(
      first.members.map(({ name, clientUrl, peerUrl, dataDir }) => [
        name,
        clientUrl,
        peerUrl,
        dataDir,
      ]),
    ).toEqual(
      ["a", "b", "c"].map((name, at) => [
        name,
        `http://127.0.0.1:${base + 10 * at}`,
        `http://127.0.0.1:${base + 10 * at + 1}`,
        join(folder.path, ".quorate/dev", name),
      ]),
    );
    for (const [at, endpoint] of first.endpoints.entries()) {
      const put = await runCli(["put", `key${at}`, `value${at}`, "--endpoints", endpoint]);
      expect(put).toEqual({ code: 0, stdout: "OK\n", stderr: "" });
    }

    const members = await statusOf(first.endpoints[2] ?? "");
    expect(members.map(({ name }) => name)).toEqual(["a", "b", "c"]);
    const leader = members.find(({ role }) => role === "leader")?.name;
    const killed = first.members.find(({ name }) => name === leader);
    process.kill(killed?.pid ?? 0, "SIGKILL");
    await waitUntil(() => !isAlive(killed?.pid ?? 0));
    const survivors = first.endpoints.filter((_, at) => first.members[at]?.name !== leader);
    for (const endpoint of survivors) {
      const get = await runCli(["get", "key", "--prefix", "--endpoints", endpoint]);
      expect(get.stdout).toBe("key0\nvalue0\nkey1\nvalue1\nkey2\nvalue2\n");
    }
    await waitUntil(() => first.lines.err.some((line) => / leads now, \d+ ms after /.test(line)));
    expect(first.lines.err.join("\n")).toContain(
      `${leader} (pid ${killed?.pid}) was killed by SIGKILL; its last lines:`,
    );
    const put = await runCli(["put", "later", "yes", "--endpoints", survivors.join(",")]);
    expect(put.code).toBe(0);
    const down = (await statusOf(survivors[0] ?? "")).find(({ name }) => name === leader);
    expect(down).toMatchObject({ role: "down", error: "nothing listens there (ECONNREFUSED)" });

    expect(await first.stop()).toBe(0);
    for (const { pid } of first.members) expect(isAlive(pid)).toBe(false);

    const second = await start(); // the folder knows the ports
    expect(second.endpoints).toEqual(first.endpoints);
    for (const endpoint of second.endpoints) {
      const get = await runCli(["get", "later", "--endpoints", endpoint]);
      expect(get.stdout).toBe("later\nyes\n");
    }
  });

  it("leaves no member behind when it is killed with -9", async () => {
    const dev = await start("--memory", "--base-port", String(await findBasePort()));
    expect(dev.members.every(({ dataDir }) => dataDir === null)).toBe(true);
    dev.process.kill("SIGKILL");
    await dev.ended;
    for (const { pid } of dev.members) await waitUntil(() => !isAlive(pid));
  });

  it("runs other numbers of members", async () => {
    const base = await findBasePort(1);
    const dev = await start("--memory", "--nodes", "1", "--base-port", String(base));
    expect(dev.members).toHaveLength(1);
    const get = await runCli(["get", "x", "--endpoints", `127.0.0.1:${base}`]);
    expect(get).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("stops by SIGINT, too, and while it starts", async () => {
    const base = await findBasePort();
    const child = spawn(
      process.execPath,
      [cliProgram, "dev", "--memory", "--base-port", String(base)],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    const ended = new Promise((resolve) => child.on("close", resolve));
    // As soon as a port is open, long before a leader is elected.
    await waitUntil(async () => {
      const { stderr } = await runCli([
        "get",
        "x",
        "--endpoints",
        `127.0.0.1:${base}`,
        "--command-timeout",
        "100ms",
      ]);
      return !stderr.includes("ECONNREFUSED");
    });
    child.kill("SIGINT");
    expect(await ended).toBe(0);
    const { stderr } = await runCli(["get", "x", "--endpoints", `127.0.0.1:${base}`]);
    expect(stderr).toContain("ECONNREFUSED");
  });
});

describe("what dev refuses", () => {
  it("a port in use, by its number", async () => {
    const base = await findBasePort();
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(base + 11, "127.0.0.1", resolve));
    try {
      const args = ["dev", "--base-port", String(base)];
      const { code, stdout, stderr } = await runCli(args, { cwd: folder.path });
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toBe(
        `quorate: PORT_IN_USE  a port is not free: 127.0.0.1:${base + 11} (EADDRINUSE)\n` +
          "  Stop what listens there (another quorate dev?), or choose other ports with\n" +
          "  --base-port N.\n",
      );
      // Nothing of it is left: other ports can be chosen now.
      const dev = await start("--base-port", String(await findBasePort()));
      expect(dev.members).toHaveLength(3);
    } finally {
      holder.close();
    }
  });

  it("a folder that is in use, or of another cluster", async () => {
    const base = await findBasePort();
    await start("--base-port", String(base));
    const again = await runCli(["dev"], { cwd: folder.path });
    expect(again.code).toBe(1);
    expect(again.stderr).toContain("PORT_IN_USE  6 ports are not free");
    const other = await runCli(["dev", "--nodes", "5"], { cwd: folder.path });
    expect(other.code).toBe(1);
    expect(other.stderr.replace(/\s+/g, " ")).toContain(
      `holds a cluster of 3 with the client ports ${base}, ${base + 10}, ${base + 20}; ` +
        "the flags ask for another one",
    );
  });

  it("flags that make no sense", async () => {
    const cases: [string[], string][] = [
      [["--nods", "3"], "unknown option '--nods'\n  Did you mean --nodes?"],
      [["--nodes", "0"], "Write a whole number\n  from 1 to 7."],
      [["--memory", "--data-dir", "x"], "cannot be used with option '--data-dir <dir>'"],
      [["--base-port", "65530"], "leads to port 65551; the last one is 65535"],
      [["--endpoints", "x"], "dev takes no --endpoints"],
    ];
    for (const [args, text] of cases) {
      const { code, stdout, stderr } = await runCli(["dev", ...args], { cwd: folder.path });
      expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: "" });
      expect(stderr).toContain(text);
    }
  });
});
