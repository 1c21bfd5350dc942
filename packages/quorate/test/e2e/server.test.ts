import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cliProgram, createFolder, findBasePort, runCli, waitUntil } from "../support/cli.ts";

/** `quorate server` on its own: log, signals, and what it refuses at its start. */

let folder: ReturnType<typeof createFolder>;
let base: number;
let children: ChildProcess[];

beforeEach(async () => {
  folder = createFolder();
  base = await findBasePort(1);
  children = [];
});

afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  folder.remove();
});

const flags = (port: number): string[] =>
  [
    ["--listen-client-urls", `http://127.0.0.1:${port}`],
    ["--listen-peer-urls", `http://127.0.0.1:${port + 1}`],
  ].flat();

interface RunningServer {
  readonly child: ChildProcess;
  readonly lines: string[];
}

async function startServer(...args: string[]): Promise<RunningServer> {
  const child = spawn(process.execPath, [cliProgram, "server", ...flags(base), ...args], {
    cwd: folder.path,
    stdio: ["ignore", "inherit", "pipe"],
  });
  children.push(child);
  const lines: string[] = [];
  if (child.stderr === null) throw new Error("stderr is a pipe");
  createInterface({ input: child.stderr }).on("line", (line) => lines.push(line));
  await waitUntil(() => child.exitCode !== null || lines.some((line) => /published/.test(line)));
  return { child, lines };
}

async function endOf({ child }: RunningServer): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}

const endpoint = (): string => `127.0.0.1:${base}`;

describe("quorate server", () => {
  it("logs JSON lines with zap's keys, warns of open ports, and stops by SIGTERM", async () => {
    const server = await startServer("--name", "solo");
    expect((await runCli(["put", "a", "1", "--endpoints", endpoint()])).stdout).toBe("OK\n");
    server.child.kill("SIGTERM");
    expect(await endOf(server)).toBe(0);
    const parsed = server.lines.map((line): Record<string, unknown> => JSON.parse(line));
    for (const line of parsed) {
      expect(line).toMatchObject({ logger: "quorate", member: "solo" });
      expect(["debug", "info", "warn", "error"]).toContain(line["level"]);
      expect(line["ts"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(typeof line["msg"]).toBe("string");
    }
    const open = parsed.filter(({ msg }) => /neither authentication nor encryption/.test(`${msg}`));
    expect(open.map(({ level }) => level)).toEqual(["warn"]);

    const again = await startServer("--name", "solo");
    expect((await runCli(["get", "a", "--endpoints", endpoint()])).stdout).toBe("a\n1\n");
    again.child.kill("SIGINT");
    expect(await endOf(again)).toBe(0);
  });

  it("shows the lines of the level asked for, from the environment too", async () => {
    const child = spawn(
      process.execPath,
      [cliProgram, "server", ...flags(base), "--memory", "--log-level", "error"],
      { stdio: ["ignore", "inherit", "pipe"], env: { ...process.env, ETCD_NAME: "from-env" } },
    );
    children.push(child);
    let text = "";
    child.stderr.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    await waitUntil(async () => {
      const { stdout } = await runCli(["member", "list", "--endpoints", endpoint()]);
      return stdout.includes(", started, from-env, ");
    });
    child.kill("SIGTERM");
    await once(child, "close");
    expect({ code: child.exitCode, text }).toEqual({ code: 0, text: "" });
  });

  it("names a client port and a peer port in use", async () => {
    await startServer("--memory");
    const [client, peer] = [base, base + 1];
    const other = await findBasePort(1);
    const run = (...args: string[]): ReturnType<typeof runCli> =>
      runCli(["server", "--memory", ...args], { cwd: folder.path });
    const clientTaken = await run(
      ...flags(other),
      "--listen-client-urls",
      `http://127.0.0.1:${client}`,
    );
    expect(clientTaken.code).toBe(1);
    expect(clientTaken.stderr.replace(/\s+/g, " ")).toContain(
      `quorate: BAD_CONFIG Cannot start with --listen-client-urls http://127.0.0.1:${client}: ` +
        "the address is in use (EADDRINUSE)",
    );
    const peerTaken = await run(...flags(other), "--listen-peer-urls", `http://127.0.0.1:${peer}`);
    expect(peerTaken.code).toBe(1);
    expect(peerTaken.stderr.replace(/\s+/g, " ")).toContain(
      `quorate: BAD_CONFIG Cannot start with --listen-peer-urls 127.0.0.1:${peer}: `,
    );
  });

  it("refuses a directory in use and one of another cluster", async () => {
    const first = await startServer("--data-dir", "data");
    const other = await findBasePort(1);
    const args = ["server", ...flags(other), "--data-dir", "data"];
    const inUse = await runCli(args, { cwd: folder.path });
    expect(inUse.code).toBe(1);
    expect(inUse.stderr).toMatch(/^quorate: DATA_DIR_IN_USE {2}/m);
    first.child.kill("SIGTERM");
    expect(await endOf(first)).toBe(0);
    const foreign = await runCli([...args, "--initial-cluster-token", "other"], {
      cwd: folder.path,
    });
    expect(foreign.code).toBe(1);
    expect(foreign.stderr).toMatch(/^quorate: (WRONG_CLUSTER|BAD_CONFIG) {2}/m);
  });
});
