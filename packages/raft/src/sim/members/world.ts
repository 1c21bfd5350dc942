/**
 * Whole members on simulated machines, their clients, and everybody who watches them. What befalls
 * them is in `nemesis.ts`; how it ends, in `liveness.ts`.
 */
import { type LogIndex, type NodeId, nodeId, term } from "../../base/index.ts";
import {
  createConfiguration,
  type Entry,
  encodeConfiguration,
  type HardState,
} from "../../core/index.ts";
import { type CheckedOptions, checkOptions } from "../../node/index.ts";
import { mix } from "../checker/index.ts";
import { createHistoryRecorder, type HistoryRecorder } from "../histories/index.ts";
import { createHosts, type Hosts } from "../hosts/index.ts";
import type { CoreObserver } from "../observer.ts";
import { createRandom } from "../random.ts";
import { Violation } from "../violation.ts";
import { Client } from "./clients.ts";
import { type ObservedClocks, observedClocks, setClocks } from "./clocks.ts";
import { createMemberEvaluations, expect, type MemberEvaluations } from "./invariants.ts";
import type { Load, LoadMachines } from "./load.ts";
import type { MembersOptions } from "./options.ts";
import { SimMember } from "./sim-member.ts";
import { isRecalled } from "./strikes.ts";
import { createTrace, recordEvent, type Subject, type Trace } from "./trace.ts";

/** Independent streams of chance; those of the machines come behind. */
export const streams = {
  options: 1,
  nemesis: 2,
  liveness: 3,
  features: 4,
  operator: 5,
  leases: 6,
  clocks: 7,
  aims: 8,
  aimed: 9,
  clients: 16,
  hosts: 1024,
} as const;

/** Cluster and first state, the same for all members. */
export interface Beginning extends ObservedClocks {
  readonly ids: readonly NodeId[];
  /** Members that may join later; none so far. */
  readonly joiners: readonly NodeId[];
  readonly hardState: HardState;
  readonly entries: readonly Entry[];
  readonly commit: LogIndex;
}

/** Where each member keeps its files. */
export const memberDirectory = "/data";

export class World {
  readonly seed: number;
  readonly options: MembersOptions;
  readonly load: Load<unknown, unknown>;
  readonly hosts: Hosts;
  readonly members: readonly SimMember[];
  readonly clients: readonly Client[];
  readonly observers: readonly CoreObserver[];
  readonly recorder: HistoryRecorder<unknown, unknown> = createHistoryRecorder();
  readonly evaluations: MemberEvaluations = createMemberEvaluations();
  readonly trace: Trace = createTrace();
  /** By code and outcome: how requests were refused. */
  readonly refusals: Record<string, number> = {};
  /** Inputs to cores, proposals among them; not the ticks that did nothing. */
  steps = 0;
  idleTicks = 0;
  /** What went wrong first. */
  failure: unknown = null;
  /** Who lost its directory and came back all the same: nobody may listen to it. */
  stranger: NodeId | null = null;
  /** A member has a new term or vote, and now writes it. */
  onHardState: (member: SimMember) => void = () => {};
  /** Who clients may ask. */
  takesRequests: (member: SimMember) => boolean = (member) => member.state === "up";
  /** As members applied them: entry k is at k - 1. */
  readonly committed: Entry[] = [];
  /** Of the machines' state after each index. */
  readonly #hashes: number[] = [];
  #requestId = 0;

  constructor(
    seed: number,
    options: MembersOptions,
    load: Load<unknown, unknown>,
    createObservers: (beginning: Beginning) => readonly CoreObserver[],
  ) {
    this.seed = seed;
    this.options = options;
    this.load = load;
    const ids = Array.from({ length: options.memberCount }, (_, at) => nodeId(`n${at + 1}`));
    this.hosts = createHosts({
      names: ids,
      random: (stream) => createRandom(seed, streams.hosts + stream),
      link: options.link,
      disk: options.disk,
      datagrams: options.datagrams,
      windowBytes: options.windowBytes,
    });
    this.hosts.datagrams.mayKeep = (message) => isRecalled(message, options.strikes);
    const { leases } = options.features;
    setClocks(leases, this.hosts, createRandom(seed, streams.clocks));
    const beginning = { ...beginningOf(ids), ...observedClocks(leases, this.hosts) };
    this.onCommitted(beginning.entries);
    this.observers = createObservers(beginning);
    this.members = this.hosts.list.map(
      (host, at) => new SimMember(this, at, host, optionsOf(host.name, at, ids, options)),
    );
    this.clients = Array.from(
      { length: options.clients.count },
      (_, number) => new Client(this, number, createRandom(seed, streams.clients + number)),
    );
  }

  get nowMs(): number {
    return this.hosts.timeline.nowMs;
  }

  /** Whether disks of this world may fail operations. */
  get hasDiskErrors(): boolean {
    const { rates, features } = this.options;
    const isFilled = features.aims?.kinds.includes("full-disk") === true;
    return rates["disk-error"] > 0 || rates["disk-full"] > 0 || isFilled;
  }

  nextRequestId(): number {
    this.#requestId++;
    return this.#requestId;
  }

  note(what: string, member: string, subject: Subject): void {
    recordEvent(this.trace, this.nowMs, what, member, subject);
  }

  countOutcome(code: string, outcome: string): void {
    const key = `${code} ${outcome}`;
    this.refusals[key] = (this.refusals[key] ?? 0) + 1;
  }

  /** The world ends here: the first failure counts. */
  fail(error: unknown): void {
    this.failure ??= error;
  }

  broken(invariant: string, message: string): void {
    this.fail(new Violation(invariant, message));
  }

  /** Runs a check: what it throws is a failure of the world, and goes on. */
  guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  /** Entries that a member is to apply, in order. */
  onCommitted(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.index === this.committed.length + 1) this.committed.push(entry);
    }
  }

  /** The machines of a member have applied `index`, or were restored to it. */
  onApplied(
    member: SimMember,
    machines: LoadMachines<unknown, unknown>,
    index: LogIndex,
    how: "applied" | "replayed" | "restored",
  ): void {
    const hash = machines.hash();
    this.trace.hash = mix(this.trace.hash, hash);
    const known = this.#hashes[index];
    if (known === undefined) this.#hashes[index] = hash;
    else {
      const invariant = how === "restored" ? "D6" : how === "replayed" ? "D5" : "D7";
      expect(this.evaluations, invariant, known === hash, () => {
        const since =
          how === "replayed" ? "it had before its restart, or others have" : "others have";
        const difference = machines.describeDifference?.() ?? "";
        return `${member.id} has another state at index ${index} than ${since}: ${difference}`;
      });
    }
    this.evaluations.L++;
    machines.check();
  }
}

function beginningOf(ids: readonly NodeId[]): Beginning {
  const configuration = createConfiguration(ids.map((id) => ({ id, address: addressOf(id) })));
  const first: Entry = {
    index: 1 as LogIndex, // the first index
    term: term(1),
    kind: "configuration",
    data: encodeConfiguration(configuration),
  };
  const hardState = { term: term(1), votedFor: null, mustCatchUp: false };
  return { ids, joiners: [], hardState, entries: [first], commit: first.index };
}

function addressOf(id: string): string {
  return `${id}:1`;
}

function optionsOf(
  id: string,
  at: number,
  ids: readonly NodeId[],
  { limits, settings, transportLimits, features }: MembersOptions,
): CheckedOptions {
  const priorities = features.transfers?.priorities ?? [];
  const priority = priorities[at % priorities.length] ?? settings.priority;
  return checkOptions({
    id,
    members: Object.fromEntries(ids.map((name) => [name, addressOf(name)])),
    dir: memberDirectory,
    limits,
    settings: { ...settings, priority },
    transportLimits,
    checkInvariants: false, // the checker looks at every step, not only at every turn
  });
}
