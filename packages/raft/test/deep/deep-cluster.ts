/** Three members with a large state, a load on them, and a place for one that joins. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import type { NodeLimits } from "../../src/index.ts";
import { freePorts } from "../support/free-ports.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { until } from "../support/wait.ts";
import { DeepMember } from "./deep-member.ts";
import type { LoadReport, SteadyLoad } from "./deep-messages.ts";

export interface DeepOptions {
  /** Pages of the machine: 16,384 are 1 GiB. */
  readonly pageCount: number;
  readonly limits: Partial<NodeLimits>;
  /** Whether something stands in front of each of the first members, to cut and to count. */
  readonly isProxied?: boolean;
}

const firstIds = ["a", "b", "c"];

export class DeepCluster {
  readonly folder: string = mkdtempSync(join(tmpdir(), "quorate-deep-"));
  readonly proxies = new Map<string, TcpProxy>();
  readonly #options: DeepOptions;
  readonly #ports: readonly number[];
  readonly #program: string;
  readonly #all: DeepMember[] = [];
  readonly #members = new Map<string, DeepMember>();

  private constructor(options: DeepOptions, ports: readonly number[]) {
    this.#options = options;
    this.#ports = ports;
    this.#program = bundleProgram(this.folder);
  }

  /** All three run and know the leader. */
  static async started(options: DeepOptions): Promise<DeepCluster> {
    const cluster = new DeepCluster(options, await freePorts(2 * firstIds.length + 1));
    if (options.isProxied === true) await cluster.#startProxies();
    await Promise.all(firstIds.map((id) => cluster.launch(id)));
    await cluster.leader();
    return cluster;
  }

  async #startProxies(): Promise<void> {
    for (const [at, id] of firstIds.entries()) {
      const proxy = new TcpProxy(this.#ports[at] ?? 0, this.#innerPort(at));
      await proxy.listen();
      this.proxies.set(id, proxy);
    }
  }

  #innerPort(at: number): number {
    return this.#ports[firstIds.length + 1 + at] ?? 0;
  }

  get members(): readonly DeepMember[] {
    return [...this.#members.values()];
  }

  member(id: string): DeepMember {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`${id} was never launched`);
    return member;
  }

  addressOf(id: string): string {
    const at = firstIds.indexOf(id);
    return `127.0.0.1:${this.#ports[at < 0 ? firstIds.length : at]}`;
  }

  /** Starts a process for one of the first members, or for one that joins them. */
  async launch(id: string): Promise<DeepMember> {
    const { pageCount, limits, isProxied = false } = this.#options;
    const at = firstIds.indexOf(id);
    const isFirst = at >= 0;
    const addresses = firstIds.map((first) => this.addressOf(first));
    const address = this.addressOf(id);
    const member = new DeepMember(this.#program, {
      ...{ id, address, pageCount, limits },
      members: isFirst
        ? Object.fromEntries(firstIds.map((one, i) => [one, addresses[i] ?? ""]))
        : null,
      join: isFirst ? [] : addresses,
      listen: isFirst && isProxied ? `127.0.0.1:${this.#innerPort(at)}` : address,
      dir: join(this.folder, id),
    });
    this.#all.push(member);
    this.#members.set(id, member);
    await this.until(() => member.isStarted, `${id} has started`);
    return member;
  }

  /** @throws Error if a member ends meanwhile that nobody killed */
  async until(condition: () => boolean, what: string): Promise<void> {
    await until(() => {
      return condition() || this.members.some(({ isGone }) => isGone);
    });
    const gone = this.members.find(({ isGone }) => isGone);
    if (gone === undefined || condition()) return;
    throw new Error(`${gone.id} ended before ${what}; it said:\n${gone.lines.join("\n")}`);
  }

  /** The one whom all that run take for the leader. */
  async leader(): Promise<DeepMember> {
    return await until(() => {
      const live = this.members.filter(({ isGone, isStarted }) => isStarted && !isGone);
      const names = new Set(live.map(({ leader }) => leader));
      const [name] = names;
      return names.size === 1 && (live.find(({ id }) => id === name) ?? false);
    });
  }

  /** `kill -9`; it counts no longer among the members until it is launched again. */
  async kill(id: string): Promise<void> {
    const member = this.member(id);
    this.#members.delete(id);
    await member.kill();
  }

  async beginLoad(members: readonly DeepMember[], load: SteadyLoad): Promise<void> {
    await Promise.all(members.map((member) => member.ask({ kind: "load", load })));
  }

  async reports(): Promise<ReadonlyMap<string, LoadReport>> {
    const reports = new Map<string, LoadReport>();
    for (const member of this.members) {
      reports.set(member.id, await member.ask({ kind: "report" }));
    }
    return reports;
  }

  /** The load ends, and all members have applied all of it. */
  async settle(): Promise<void> {
    await Promise.all(this.members.map((member) => member.ask({ kind: "unload" })));
    const { last } = await (await this.leader()).ask({ kind: "status" });
    await until(async () => {
      const all = await Promise.all(this.members.map((member) => member.ask({ kind: "status" })));
      return all.every(({ applied }) => applied >= last);
    });
  }

  /** SHA-256 of each member's whole state. */
  digests(): Promise<readonly string[]> {
    return Promise.all(this.members.map((member) => member.ask({ kind: "digest" })));
  }

  snapshotPath(id: string, index: number): string {
    return join(this.folder, id, `snapshot-${String(index).padStart(16, "0")}.snap`);
  }

  /** Ends every process that was launched here and removes the folder. */
  async dispose(): Promise<void> {
    const isProfiled = process.env["DEEP_NODE_ARGS"] !== undefined;
    await Promise.all(this.#all.map((member) => (isProfiled ? member.end() : member.kill())));
    await Promise.all([...this.proxies.values()].map((proxy) => proxy.close()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** One file: a process then starts in a fifth of the time. */
function bundleProgram(folder: string): string {
  const outfile = join(folder, "deep-program.mjs");
  buildSync({
    entryPoints: [fileURLToPath(new URL("deep-program.ts", import.meta.url))],
    bundle: true,
    platform: "node",
    format: "esm",
    sourcemap: "inline",
    logLevel: "error",
    outfile,
  });
  return outfile;
}
