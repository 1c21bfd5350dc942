/**
 * Three member processes of the built `quorate server`, and others that join them, on free ports
 * with their data in a folder, and the few gRPC calls that the fault tests make.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "../../../raft/test/support/free-ports.ts";
import { endWithUs } from "../../../raft/test/support/own-children.ts";
import { until } from "../../../raft/test/support/wait.ts";
import {
  decodePutResponse,
  decodeRangeResponse,
  decodeStatusResponse,
  encodePutRequest,
  encodeRangeRequest,
  type RangeResponse,
} from "../../src/proto/index.ts";
import { createClient, RpcError } from "../../src/rpc/index.ts";
import { cliProgram } from "./cli.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

export class ServerProcess {
  readonly name: string;
  /** `host:port` for clients. */
  readonly endpoint: string;
  readonly pid: number;
  /** All that it wrote to stderr: its log. */
  text = "";
  exitCode: number | null = null;
  isGone = false;
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;

  constructor(name: string, endpoint: string, args: readonly string[]) {
    this.name = name;
    this.endpoint = endpoint;
    this.#child = spawn(process.execPath, [cliProgram, "server", ...args], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    endWithUs(this.#child);
    this.pid = this.#child.pid ?? 0;
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.text += text;
    });
    this.ended = new Promise((resolve) => {
      this.#child.once("close", (code) => {
        this.exitCode = code;
        this.isGone = true;
        resolve();
      });
    });
  }

  async kill(): Promise<void> {
    if (!this.isGone) this.#child.kill("SIGKILL");
    await this.ended;
  }

  /** Asks it to stop, and waits until it has. */
  async terminate(): Promise<void> {
    if (!this.isGone) this.#child.kill("SIGTERM");
    await this.ended;
  }
}

export interface ServerClusterOptions {
  /** Where a member keeps its data; `folder` is the test's own. */
  readonly dirOf?: (name: string, folder: string) => string;
  readonly flags?: readonly string[];
}

/** Those of the first cluster, and those that may join it. */
const names = "abcdef";

function inFolder(name: string, folder: string): string {
  return join(folder, name);
}

export class ServerCluster {
  readonly folder: string = mkdtempSync(join(tmpdir(), "quorate-servers-"));
  readonly initialCluster: string;
  readonly #ports: readonly number[];
  readonly #options: ServerClusterOptions;
  readonly #servers = new Map<string, ServerProcess>();
  readonly #all: ServerProcess[] = [];

  private constructor(ports: readonly number[], options: ServerClusterOptions) {
    this.#ports = ports;
    this.#options = options;
    this.initialCluster = ["a", "b", "c"].map((name) => `${name}=${this.peerUrl(name)}`).join(",");
  }

  /** All three run and answer linearizable reads. */
  static async started(options: ServerClusterOptions = {}): Promise<ServerCluster> {
    const cluster = new ServerCluster(await freePorts(2 * names.length), options);
    cluster.launchAll();
    await cluster.ready();
    return cluster;
  }

  /** Ports and a folder; nothing runs. */
  static async prepared(options: ServerClusterOptions = {}): Promise<ServerCluster> {
    return new ServerCluster(await freePorts(2 * names.length), options);
  }

  peerUrl(name: string): string {
    return `http://127.0.0.1:${this.#ports[names.indexOf(name) + names.length]}`;
  }

  /** `host:port` for other members. */
  peerAddress(name: string): string {
    return this.peerUrl(name).replace("http://", "");
  }

  launch(name: string): ServerProcess {
    return this.launchWith(name, ["--initial-cluster", this.initialCluster]);
  }

  /** One that asks `a`, `b` and `c` for their cluster, if its directory is empty. */
  launchJoining(name: string): ServerProcess {
    const seeds = ["a", "b", "c"].map((seed) => this.peerAddress(seed)).join(",");
    return this.launchWith(name, ["--join", seeds]);
  }

  /** With these flags of its cluster. */
  launchWith(name: string, clusterFlags: readonly string[]): ServerProcess {
    const client = `127.0.0.1:${this.#ports[names.indexOf(name)]}`;
    const { dirOf = inFolder, flags = [] } = this.#options;
    const args = [
      ["--name", name],
      ["--data-dir", dirOf(name, this.folder)],
      ["--listen-client-urls", `http://${client}`],
      ["--listen-peer-urls", this.peerUrl(name)],
      clusterFlags,
      ["--heartbeat-interval", "50"],
      ["--election-timeout", "500"],
    ].flat();
    const server = new ServerProcess(name, client, [...args, ...flags]);
    this.#servers.set(name, server);
    this.#all.push(server);
    return server;
  }

  launchAll(): void {
    for (const name of ["a", "b", "c"]) this.launch(name);
  }

  /** The newest process of each member. */
  get servers(): ServerProcess[] {
    return [...this.#servers.values()];
  }

  server(name: string): ServerProcess {
    const server = this.#servers.get(name);
    if (server === undefined) throw new Error(`there is no server ${name}`);
    return server;
  }

  /** A linearizable read works through each of them. */
  async ready(servers = this.servers): Promise<void> {
    await Promise.all(servers.map((server) => until(() => range(server.endpoint, "ready"))));
  }

  leader(): Promise<ServerProcess> {
    return until(async () => {
      for (const server of this.servers) {
        if (!server.isGone && (await leads(server.endpoint))) return server;
      }
      return null;
    });
  }

  /** Ends every process that was launched here and removes the folder. */
  async dispose(): Promise<void> {
    await Promise.all(this.#all.map((server) => server.kill()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function putRequest(key: string, value: Uint8Array): Uint8Array {
  return encodePutRequest({
    key: bytesOf(key),
    value,
    lease: 0n,
    prevKv: false,
    ignoreValue: false,
    ignoreLease: false,
  });
}

/** One unary call on a connection of its own. @throws RpcError */
export async function call(
  endpoint: string,
  path: string,
  request: Uint8Array,
  timeoutMs = 5_000,
): Promise<Uint8Array> {
  const client = createClient([endpoint], { connectTimeoutMs: 1_000 });
  try {
    const options = { timeoutMs, idempotent: false };
    return (await client.unary(`/etcdserverpb.${path}`, request, options)).message;
  } finally {
    client.close();
  }
}

/** The revision of the put. @throws RpcError */
export async function put(endpoint: string, key: string, value = "x"): Promise<number> {
  const answer = await call(endpoint, "KV/Put", putRequest(key, bytesOf(value)));
  return decodePutResponse(answer).header?.revision ?? 0;
}

/** All keys with this prefix, by a linearizable read. @throws RpcError */
export async function range(endpoint: string, prefix: string): Promise<RangeResponse> {
  const end = bytesOf(prefix);
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  const request = encodeRangeRequest({
    key: bytesOf(prefix),
    rangeEnd: end,
    limit: 0,
    revision: 0,
    sortOrder: "NONE",
    sortTarget: "KEY",
    serializable: false,
    keysOnly: false,
    countOnly: false,
    minModRevision: 0,
    maxModRevision: 0,
    minCreateRevision: 0,
    maxCreateRevision: 0,
  });
  return decodeRangeResponse(await call(endpoint, "KV/Range", request));
}

async function leads(endpoint: string): Promise<boolean> {
  try {
    const answer = await call(endpoint, "Maintenance/Status", new Uint8Array(0), 1_000);
    const { header, leader } = decodeStatusResponse(answer);
    return leader !== 0n && leader === header?.memberId;
  } catch (error) {
    if (error instanceof RpcError) return false; // it is on its way up or down
    throw error;
  }
}
