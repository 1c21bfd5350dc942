/** Three member processes on free ports of loopback, with what became of every write of theirs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import type { NodeLimits } from "../../src/index.ts";
import { freePorts } from "./free-ports.ts";
import type { Load, MemberStart } from "./member-messages.ts";
import { type LaunchOptions, MemberProcess } from "./member-process.ts";
import { until } from "./wait.ts";
import { WriteLedger } from "./write-ledger.ts";

export const memberIds = ["a", "b", "c"] as const;

/** Short enough for tests, long enough for a busy machine of two cores. */
export const testLimits: Partial<NodeLimits> = { heartbeatMs: 50, electionMs: 400 };

export const lightLoad: Load = { clients: 2, paddingBytes: 0, timeoutMs: 3_000 };

export interface ClusterOptions {
  readonly limits?: Partial<NodeLimits>;
  /** Where a member keeps its data; in the folder of the test unless given. */
  readonly dirOf?: (id: string) => string | null;
  readonly token?: string;
}

/** Compiles the member's program into one file: a process then starts in a fifth of the time. */
export function bundleMemberProgram(folder: string): string {
  const outfile = join(folder, "member-program.mjs");
  buildSync({
    entryPoints: [fileURLToPath(new URL("member-program.ts", import.meta.url))],
    bundle: true,
    platform: "node",
    format: "esm",
    sourcemap: "inline",
    logLevel: "error",
    outfile,
  });
  return outfile;
}

export class ProcessCluster {
  readonly folder: string = mkdtempSync(join(tmpdir(), "quorate-members-"));
  readonly program: string = bundleMemberProgram(this.folder);
  readonly ledger = new WriteLedger();
  /** Peer addresses by name, as every member is told them. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly #options: ClusterOptions;
  readonly #members = new Map<string, MemberProcess>();
  readonly #all: MemberProcess[] = [];

  private constructor(ports: readonly number[], options: ClusterOptions) {
    this.#options = options;
    const entries = memberIds.map((id, at) => [id, `127.0.0.1:${ports[at]}`] as const);
    this.addresses = Object.fromEntries(entries);
  }

  /** Nothing runs yet. */
  static async create(options: ClusterOptions = {}): Promise<ProcessCluster> {
    return new ProcessCluster(await freePorts(memberIds.length), options);
  }

  /** All three run, and all know the leader. */
  static async started(options: ClusterOptions = {}): Promise<ProcessCluster> {
    const cluster = await ProcessCluster.create(options);
    try {
      await cluster.launchAll();
      const { id } = await cluster.leader();
      await Promise.all(cluster.members.map((member) => member.until(() => member.leader === id)));
    } catch (error) {
      await cluster.dispose();
      throw error;
    }
    return cluster;
  }

  dirOf(id: string): string | null {
    const { dirOf } = this.#options;
    return dirOf === undefined ? join(this.folder, id) : dirOf(id);
  }

  /** Starts a process for the member, without waiting for it. */
  launch(
    id: string,
    changes: Partial<MemberStart> = {},
    options: Partial<LaunchOptions> = {},
  ): MemberProcess {
    const { limits = {}, token } = this.#options;
    const start: MemberStart = {
      id,
      members: this.addresses,
      dir: this.dirOf(id),
      limits: { ...testLimits, ...limits },
      life: this.#all.length,
      ...(token === undefined ? {} : { token }),
      ...changes,
    };
    const member = new MemberProcess(start, {
      program: this.program,
      onOutcome: (value, error) => this.ledger.record(value, error),
      ...options,
    });
    this.#all.push(member);
    this.#members.set(id, member);
    return member;
  }

  /** A second process for the same member, which remains the member's newest all the same. */
  launchBeside(id: string): MemberProcess {
    const first = this.member(id);
    const second = this.launch(id);
    this.#members.set(id, first);
    return second;
  }

  /** Counts it no longer among the members. */
  forget(id: string): void {
    this.#members.delete(id);
  }

  async launchAll(): Promise<void> {
    for (const id of memberIds) this.launch(id);
    await Promise.all(this.members.map((member) => member.started()));
  }

  /** The newest process of the member. */
  member(id: string): MemberProcess {
    const member = this.#members.get(id);
    if (member === undefined) throw new Error(`member ${id} was never launched`);
    return member;
  }

  /** The newest process of each member. */
  get members(): MemberProcess[] {
    return [...this.#members.values()];
  }

  others(than: MemberProcess): MemberProcess[] {
    return this.members.filter((member) => member.id !== than.id);
  }

  /** Waits until one of `among` leads, in the newest term that any of them knows. */
  async leader(among: readonly MemberProcess[] = this.members): Promise<MemberProcess> {
    const find = () => {
      const live = among.filter((member) => member.isRunning);
      const newest = Math.max(...live.map((member) => member.term));
      return live.find(({ id, leader, term }) => leader === id && term === newest);
    };
    while (find() === undefined) {
      const before = among.map(({ lines, term, leader }) => [lines.length, term, leader].join());
      const hasNews = (member: MemberProcess, at: number) =>
        [member.lines.length, member.term, member.leader].join() !== before[at];
      await Promise.race(
        among
          .filter((member) => !member.isGone)
          .map((member) => member.until(() => hasNews(member, among.indexOf(member)))),
      );
    }
    const leader = find();
    if (leader === undefined) throw new Error("there was a leader a moment ago");
    return leader;
  }

  async beginLoad(load: Load = lightLoad, members = this.members): Promise<void> {
    await Promise.all(members.map((member) => member.ask({ kind: "load", load })));
  }

  async endLoad(members = this.members): Promise<void> {
    await Promise.all(members.map((member) => member.ask({ kind: "unload" })));
  }

  /** Waits until so many more writes are acknowledged than now. */
  async acknowledged(more: number, seenBy: MemberProcess): Promise<void> {
    const goal = this.ledger.applied.length + more;
    await seenBy.until(() => this.ledger.applied.length >= goal);
  }

  /** The ledger of each member, read linearizably, once all have applied the same. */
  async readAll(members = this.members): Promise<(readonly string[])[]> {
    return await until(async () => {
      const ledgers = await Promise.all(members.map((member) => member.ask({ kind: "read" })));
      return ledgers.every(({ length }) => length === ledgers[0]?.length) && ledgers;
    });
  }

  /** Everything in which the members contradict what was promised, or each other. */
  async contradictions(): Promise<string[]> {
    const appliedCount = this.ledger.applied.length;
    const [first = [], ...others] = await this.readAll();
    const found = this.ledger.contradictions(first, appliedCount);
    for (const other of others) {
      const at = first.findIndex((value, place) => value !== other[place]);
      if (at < 0) continue;
      found.push(`${first[at]} and ${other[at]} are both at place ${at + 1}, on two members`);
    }
    return found;
  }

  async killAll(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
  }

  async stopAll(): Promise<void> {
    await Promise.all(
      this.members.map(async (member) => {
        if (member.isRunning) await member.ask({ kind: "stop" });
        await member.end();
      }),
    );
  }

  /** Ends every process that was launched here and removes the folder. */
  async dispose(): Promise<void> {
    await Promise.all(this.#all.map((member) => member.kill()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}
