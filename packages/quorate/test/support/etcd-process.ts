/**
 * A real etcd on loopback for comparisons: one member, its data in a temporary directory, ports
 * that were free a moment ago, stopped by its own process. Only tests use it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface EtcdProcess {
  readonly clientUrl: string;
  stop(): Promise<void>;
}

/**
 * Starts etcd and waits until it says that it serves.
 *
 * @throws Error with etcd's own output if it ends before that
 */
export async function startEtcd(): Promise<EtcdProcess> {
  const directory = mkdtempSync(join(tmpdir(), "quorate-etcd-"));
  const [clientPort, peerPort] = await freePorts();
  const clientUrl = `http://127.0.0.1:${clientPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const child = spawn(
    "etcd",
    [
      ["--name", "reference"],
      ["--data-dir", join(directory, "data")],
      ["--listen-client-urls", clientUrl],
      ["--advertise-client-urls", clientUrl],
      ["--listen-peer-urls", peerUrl],
      ["--initial-advertise-peer-urls", peerUrl],
      ["--initial-cluster", `reference=${peerUrl}`],
    ].flat(),
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const ended = once(child, "exit");
  await serving(child);
  return {
    clientUrl,
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Resolves once etcd has printed that its client port is open; goes on draining its output. */
function serving(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes("serving") && output.includes("client requests")) resolve();
    });
    child.on("error", reject);
    child.on("exit", (code) => {
      reject(new Error(`Cannot start etcd: it ended with code ${code}:\n${output}`));
    });
  });
}

/** Two ports that nobody listens on; both are held until both are known. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("a TCP port has a number");
    ports.push(address.port);
  }
  for (const server of servers) {
    server.close();
    await once(server, "close");
  }
  return [ports[0] ?? 0, ports[1] ?? 0];
}
