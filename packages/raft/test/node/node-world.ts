/**
 * Members on a memory network and memory disks under a virtual clock, driven through their
 * callbacks: for the tests of the node. What is killed stays silent, as a dead process does.
 */
import {
  ByteReader,
  crc32,
  type LogIndex,
  nodeId,
  type QuorateError,
} from "../../src/base/index.ts";
import type { MemberChange } from "../../src/core/index.ts";
import {
  createMachineSet,
  type MachineDeclarations,
  type MachineSet,
  type RawMachine,
  rawMachine,
  type StateCapture,
  type StateRestore,
} from "../../src/machine/index.ts";
import { encodeCommand } from "../../src/machine/machine-set.ts";
import { PieceSource } from "../../src/machine/state-capture.ts";
import type {
  MemoryBudget,
  MetricsHook,
  NodeEvents,
  NodeLimits,
  StartOptions,
} from "../../src/node/index.ts";
import { checkOptions, type OpenedMember, openMember, statusOf } from "../../src/node/index.ts";
import type { Clock, Ports } from "../../src/ports/index.ts";
import { type DiskFault, type DiskOperation, MemoryDisk } from "../../src/testing/memory-disk.ts";
import { createMemoryNetwork, type MemoryNetwork } from "../../src/testing/memory-network.ts";
import { createNoDisk } from "../../src/testing/no-disk.ts";
import { createSeededRandom, type SeededRandom } from "../../src/testing/seeded-random.ts";
import { createVirtualClock, type VirtualClock } from "../../src/testing/virtual-clock.ts";

/** Applies texts in order; the result of a command is its place, from 1. */
export class Journal implements RawMachine<number> {
  readonly texts: string[] = [];
  /** Called before each apply. */
  onApply: (text: string) => void = () => {};
  /** Set where states are to be compared. */
  hashState?: () => number;

  /** What it can apply: commands that begin with `v2:` need 2, and so on. */
  version = 1;
  /** In force at each text. */
  readonly versions: number[] = [];

  commandVersion(command: Uint8Array): number {
    const text = new TextDecoder().decode(command.subarray(0, 8));
    return Number(/^v(\d):/.exec(text)?.[1] ?? 1);
  }

  apply(command: Uint8Array, context?: { readonly version: number }): number {
    const text = new TextDecoder().decode(command);
    this.onApply(text);
    this.versions.push(context?.version ?? 1);
    return this.texts.push(text);
  }
}

/** One whose texts can be in a snapshot: each with its length in front. */
export class SnapshotJournal extends Journal implements RawMachine<number> {
  capture(): StateCapture {
    const texts = this.texts.slice();
    let at = 0;
    return new PieceSource((writer) => {
      const text = texts[at++];
      if (text === undefined) return false;
      const bytes = new TextEncoder().encode(text);
      writer.u32(bytes.length).raw(bytes);
      return true;
    });
  }

  restore(): StateRestore {
    this.texts.length = 0;
    this.versions.length = 0;
    let rest: Uint8Array = new Uint8Array(0);
    return {
      write: (bytes) => {
        const all = new Uint8Array(rest.length + bytes.length);
        all.set(rest);
        all.set(bytes, rest.length);
        rest = this.#takeWhole(all);
      },
      finish: () => {
        if (rest.length > 0) throw new Error("the journal ends in the middle of a text");
      },
    };
  }

  /** Returns what is left. */
  #takeWhole(bytes: Uint8Array): Uint8Array {
    const reader = new ByteReader(bytes);
    while (reader.remaining >= 4) {
      const start = reader.offset;
      const length = reader.u32();
      if (reader.remaining < length) return bytes.slice(start);
      this.texts.push(new TextDecoder().decode(reader.raw(length)));
      this.versions.push(0); // which one was in force then is not in it
    }
    return bytes.slice(reader.offset);
  }
}

/** The bytes of an entry for the machine `machine`. */
export function commandFor(machine: string, text: string): Uint8Array {
  return encodeCommand(machine, new TextEncoder().encode(text));
}

/** What became of a request. */
export interface Answer {
  readonly text: string;
  readonly askedMs: number;
  count: number;
  error: QuorateError | null;
  result: unknown;
  atMs: number | null;
  abort: (error: QuorateError) => void;
}

export interface Running {
  readonly id: string;
  readonly opened: OpenedMember;
  readonly member: OpenedMember["member"];
  readonly journal: Journal;
  readonly machines: MachineSet<MachineDeclarations>;
  readonly events: { [Name in keyof NodeEvents]: NodeEvents[Name][] };
  readonly log: string[];
  kill(): void;
}

export interface WorldOptions {
  readonly members?: readonly string[];
  /** Each member has a disk; else all is in memory. */
  readonly disk?: boolean;
  /** The journals can be in snapshots. */
  readonly snapshots?: boolean;
  readonly seed?: number;
  readonly limits?: Partial<NodeLimits>;
  readonly latencyMs?: number;
  readonly metrics?: MetricsHook;
  /** What all members hold together. */
  readonly memory?: MemoryBudget;
  readonly settings?: NonNullable<StartOptions<Record<never, never>>["settings"]>;
  /** How a member's clock goes: its pace (1: true) and how far it is ahead. */
  readonly clockOf?: (id: string) => { readonly pace: number; readonly aheadMs: number };
}

export const worldLimits: Partial<NodeLimits> = { tickMs: 5, heartbeatMs: 20, electionMs: 100 };
export const worldDir = "/data/member";

export class NodeWorld {
  readonly clock: VirtualClock = createVirtualClock();
  readonly network: MemoryNetwork;
  readonly random: SeededRandom;
  readonly ids: readonly string[];
  readonly running = new Map<string, Running>();
  readonly answers: Answer[] = [];
  /** Asked before each disk operation of any member. */
  fault: (id: string, operation: DiskOperation) => DiskFault | null = () => null;
  /** Milliseconds that the disk takes for an operation. */
  diskMs: (id: string, operation: DiskOperation) => number = () => 0.5;
  /** Names of machines that a member declares besides `journal`. */
  /** The version of the journal in a member's program; 1 unless given. */
  readonly versions = new Map<string, number>();
  readonly alsoDeclares = new Map<string, readonly string[]>();
  readonly #options: WorldOptions;
  readonly #lives = new Map<string, Life>();
  readonly #disks = new Map<string, MemoryDisk>();

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    this.ids = options.members ?? ["a", "b", "c"];
    this.random = createSeededRandom(options.seed ?? 1);
    this.network = createMemoryNetwork({ clock: this.clock, latencyMs: options.latencyMs ?? 1 });
  }

  disk(id: string): MemoryDisk {
    let disk = this.#disks.get(id);
    if (disk === undefined) {
      disk = new MemoryDisk({
        defer: (callback, operation) => void this.clock.after(this.diskMs(id, operation), callback),
        onOperation: (operation) => this.fault(id, operation),
      });
      this.#disks.set(id, disk);
    }
    return disk;
  }

  startAll(): this {
    for (const id of this.ids) this.start(id);
    return this;
  }

  /** @throws what the start was refused for */
  start(id: string, changes: Partial<StartOptions<Record<never, never>>> = {}): Running {
    const result = this.tryStart(id, changes);
    if (result === null) throw new Error(`the start of ${id} does not end`);
    if (result instanceof Error) throw result;
    return result;
  }

  /** Null: it did not end within a second. */
  tryStart(
    id: string,
    changes: Partial<StartOptions<Record<never, never>>> = {},
  ): Running | Error | null {
    const life: Life = { isAlive: true, held: null };
    this.#lives.set(id, life);
    const own = this.#options.clockOf?.(id) ?? { pace: 1, aheadMs: 0 };
    const clock = mortalClock(this.clock, life, own);
    const journal = this.#options.snapshots === true ? new SnapshotJournal() : new Journal();
    journal.version = this.versions.get(id) ?? 1;
    const log: string[] = [];
    const write = (level: string) => (_fields: object, text: string) => {
      log.push(`${level} ${text}`);
    };
    const ports: Ports = {
      clock,
      random: this.random,
      disk: this.#options.disk === true ? this.disk(id) : createNoDisk(clock),
      network: this.network.endpoint(id),
      crc32,
    };
    const formed = { members: Object.fromEntries(this.ids.map((name) => [name, `${name}:1`])) };
    const options = checkOptions({
      id,
      ...(changes.join === undefined ? formed : {}),
      limits: { ...worldLimits, ...this.#options.limits },
      checkInvariants: true,
      recorder: true,
      settings: this.#options.settings ?? {},
      ...(this.#options.disk === true ? { dir: worldDir } : {}),
      ...changes,
    });
    const more = (this.alsoDeclares.get(id) ?? []).map((name) => [
      name,
      rawMachine(() => new Journal()),
    ]);
    const machines = createMachineSet({
      journal: rawMachine(() => journal),
      ...Object.fromEntries(more),
    });
    const logger = {
      ...{ debug: write("debug"), info: write("info") },
      ...{ warn: write("warn"), error: write("error") },
    };
    let result: Running | Error | null = null;
    const { metrics, memory } = this.#options;
    const measured = {
      ...(metrics === undefined ? {} : { metrics }),
      ...(memory === undefined ? {} : { memory }),
    };
    openMember({ options, ports, machines, logger, ...measured }, (error, opened) => {
      if (opened === undefined) {
        result = error;
        return;
      }
      const kill = () => {
        life.isAlive = false;
        this.network.kill(id);
        this.#disks.get(id)?.kill();
        this.running.delete(id);
      };
      result = { ...toRunning(id, opened, journal, log, kill), machines };
      this.running.set(id, result);
    });
    this.clock.advanceUntil(() => result !== null, 1000);
    return result;
  }

  node(id: string): Running {
    const found = this.running.get(id);
    if (found === undefined) throw new Error(`${id} does not run`);
    return found;
  }

  status(id: string) {
    return statusOf(this.node(id).opened);
  }

  /** Lets time pass until a majority of all agrees on a leader, another one than `before`. */
  leader(before: string | null = null): Running {
    let found: Running | null = null;
    const look = (): boolean => {
      found = this.#agreed();
      return found !== null && found.id !== before;
    };
    if (!this.clock.advanceUntil(look, 10_000) || found === null) throw new Error("no leader");
    return found;
  }

  #agreed(): Running | null {
    for (const one of this.running.values()) {
      const { role, hardState } = one.member.raft;
      if (role !== "leader" || !one.member.isRunning) continue;
      const count = [...this.running.values()].filter(
        ({ member }) =>
          member.raft.leader === one.id && member.raft.hardState.term === hardState.term,
      ).length;
      if (count > one.member.raft.configuration.voters.length / 2) return one;
    }
    return null;
  }

  /** Cuts `id` off for so long that another one leads, which is returned. */
  leaderBut(id: string): Running {
    const leader = this.leader();
    if (leader.id !== id) return leader;
    this.isolate(id);
    const next = this.leader(id);
    this.heal();
    this.clock.advance(5000);
    return next;
  }

  /** Some member that runs and does not lead. */
  follower(): Running {
    const leader = this.leader();
    const found = [...this.running.values()].find((one) => one !== leader);
    if (found === undefined) throw new Error("no follower");
    return found;
  }

  isolate(id: string): void {
    const others = new Set([...this.ids, ...this.running.keys()]);
    for (const other of others) if (other !== id) this.network.cut(id, other);
  }

  /** The process stands still: nothing of it runs, and what is sent to it waits. */
  pause(id: string): void {
    const life = this.#lives.get(id);
    if (life === undefined || life.held !== null) return;
    life.held = [];
    this.isolate(id);
  }

  /**
   * It goes on, and first does what `first` says, then what waited. What its clock shows is the
   * time that has passed.
   */
  resume(id: string, first: () => void = () => {}): void {
    const life = this.#lives.get(id);
    if (life === undefined || life.held === null) return;
    const { held } = life;
    life.held = null;
    first();
    for (const callback of held) callback();
    this.heal();
  }

  heal(): void {
    this.network.healAll();
  }

  propose(id: string, text: string, timeoutMs = 2000, data = commandFor("journal", text)): Answer {
    const { member } = this.node(id);
    const answer = this.#answer(text);
    const request = member.propose(data, timeoutMs, (error, result) => {
      this.#settle(answer, error, result);
    });
    if (request instanceof Error) this.#settle(answer, request, undefined);
    else answer.abort = (error) => member.abortCommand(request, error);
    return answer;
  }

  /** The result is how many texts the member had applied. */
  read(id: string, timeoutMs = 2000, byLease = false): Answer {
    const { member, journal } = this.node(id);
    const answer = this.#answer(`read ${id}`);
    const done = (error: QuorateError | null) => {
      this.#settle(answer, error, journal.texts.length);
    };
    const request = member.read(timeoutMs, done, byLease);
    if (request instanceof Error) this.#settle(answer, request, undefined);
    else answer.abort = (error) => request.settle(error);
    return answer;
  }

  /** Changes the members at `id`; only if they are those of the entry at `expected`. */
  change(
    id: string,
    steps: readonly MemberChange[],
    timeoutMs = 2000,
    expected: LogIndex | null = null,
  ): Answer {
    const { member } = this.node(id);
    const answer = this.#answer(`change ${steps.map((step) => `${step.kind} ${step.id}`)}`);
    const request = member.changeMembers({ changes: steps, expected }, timeoutMs, (error) => {
      this.#settle(answer, error, undefined);
    });
    if (request instanceof Error) this.#settle(answer, request, undefined);
    else answer.abort = (error) => member.abortChange(request, error);
    return answer;
  }

  /** Asks `id` to hand over, to `to` or whoever is fit; the result is who leads then. */
  transfer(id: string, to: string | null = null, timeoutMs = 2000): Answer {
    const { member } = this.node(id);
    const answer = this.#answer(`transfer to ${to}`);
    const target = to === null ? null : nodeId(to);
    const request = member.transferLeadership(target, timeoutMs, (error, leader) => {
      this.#settle(answer, error, leader);
    });
    if (request instanceof Error) this.#settle(answer, request, undefined);
    else answer.abort = (error) => request.settle(error);
    return answer;
  }

  /** Starts a member that joins through `seed`, and is to be added. */
  join(id: string, seed: string, changes: Partial<StartOptions<Record<never, never>>> = {}) {
    return this.start(id, { ...joining(id, seed), ...changes });
  }

  /** Runs until the request has settled. */
  settle(answer: Answer, limitMs = 10_000): Answer {
    this.clock.advanceUntil(() => answer.count > 0, limitMs);
    return answer;
  }

  /** Stops a member and lets time pass until it has. */
  stop(id: string): void {
    let isStopped = false;
    this.node(id).member.stop(() => {
      isStopped = true;
    });
    this.clock.advanceUntil(() => isStopped, 10_000);
    if (!isStopped) throw new Error(`${id} does not stop`);
    this.running.delete(id);
  }

  #answer(text: string): Answer {
    const answer: Answer = {
      ...{ text, askedMs: this.clock.nowMs(), count: 0, error: null },
      ...{ result: undefined, atMs: null, abort: () => {} },
    };
    this.answers.push(answer);
    return answer;
  }

  #settle(answer: Answer, error: QuorateError | null, result: unknown): void {
    answer.count++;
    answer.error = error;
    answer.result = result;
    answer.atMs = this.clock.nowMs();
  }
}

function toRunning(
  id: string,
  opened: OpenedMember,
  journal: Journal,
  log: string[],
  kill: () => void,
): Omit<Running, "machines"> {
  const { member } = opened;
  const events: Running["events"] = {
    ...{ leader: [], role: [], peer: [], election: [], campaign: [], commit: [] },
    ...{ replication: [], storage: [], "catch-up": [], stopped: [] },
    "disk-damage": [],
    ...{ membership: [], "member-progress": [], "snapshot-taken": [], "snapshot-failed": [] },
    ...{ "snapshot-installed": [], "snapshot-progress": [] },
    "machine-version": [],
    ...{ membership: [], "member-progress": [], transfer: [], "disk-health": [] },
  };
  member.events.on("leader", (event) => events.leader.push(event));
  member.events.on("role", (event) => events.role.push(event));
  member.events.on("peer", (event) => events.peer.push(event));
  member.events.on("election", (event) => events.election.push(event));
  member.events.on("campaign", (event) => events.campaign.push(event));
  member.events.on("commit", (event) => events.commit.push(event));
  member.events.on("replication", (event) => events.replication.push(event));
  member.events.on("storage", (event) => events.storage.push(event));
  member.events.on("catch-up", (event) => events["catch-up"].push(event));
  member.events.on("disk-damage", (event) => events["disk-damage"].push(event));
  member.events.on("machine-version", (event) => events["machine-version"].push(event));
  member.events.on("membership", (event) => events.membership.push(event));
  member.events.on("member-progress", (event) => events["member-progress"].push(event));
  member.events.on("snapshot-taken", (event) => events["snapshot-taken"].push(event));
  member.events.on("snapshot-failed", (event) => events["snapshot-failed"].push(event));
  member.events.on("snapshot-installed", (event) => events["snapshot-installed"].push(event));
  member.events.on("snapshot-progress", (event) => events["snapshot-progress"].push(event));
  member.events.on("disk-health", (event) => events["disk-health"].push(event));
  member.events.on("transfer", (event) => events.transfer.push(event));
  member.events.on("stopped", (event) => events.stopped.push(event));
  return { id: nodeId(id), opened, member, journal, events, log, kill };
}

/** Options of a member that joins. */
export function joining(id: string, seed: string) {
  return { join: [`${seed}:1`], address: `${id}:1` };
}

interface Life {
  isAlive: boolean;
  /** Of a process that stands still: what is due and waits. Null: it runs. */
  held: (() => void)[] | null;
}

/** A clock of a process: nothing runs any more when it is dead. */
function mortalClock(
  clock: Clock,
  life: Life,
  { pace, aheadMs }: { readonly pace: number; readonly aheadMs: number },
): Clock {
  const run = (callback: () => void): void => {
    if (!life.isAlive) return;
    if (life.held === null) callback();
    else life.held.push(() => run(callback));
  };
  const ifAlive = (callback: () => void) => () => run(callback);
  return {
    nowMs: () => clock.nowMs() * pace + aheadMs,
    wallMs: () => clock.wallMs() + aheadMs,
    after: (delayMs, callback) => clock.after(delayMs / pace, ifAlive(callback)),
    defer: (callback) => clock.defer(ifAlive(callback)),
  };
}
