/**
 * Turns what happens to a member into calls of its metrics hook. There is none where no hook is
 * given. Called by `member.ts`.
 */
import type { QuorateError } from "../../base/index.ts";
import {
  allVoters,
  backlogBytes,
  entryBytes,
  isChangePending,
  lastIndex,
  type Persist,
  type Raft,
} from "../../core/index.ts";
import type { NodeEventName, NodeEvents } from "../events.ts";
import type { MetricLabels, MetricName, MetricsHook } from "./metrics.ts";
import type { UnitUnderWay } from "./witness.ts";

export interface MeterHost {
  readonly raft: Raft;
  readonly hook: MetricsHook;
  /** Ticks between two tellings of the gauges. */
  readonly gaugeTicks: number;
  /** Files that recoveries have set aside. */
  readonly asideCount: number;
  nowMs(): number;
  isConnected(peer: string): boolean;
  units(): readonly UnitUnderWay[];
  /** The hook threw, and is not called any more. */
  onError(error: unknown): void;
}

type Measured = "command" | "read";
const noLabels: MetricLabels = {};

export class Meter {
  readonly #host: MeterHost;
  #isBroken = false;
  #ticks = 0;

  constructor(host: MeterHost) {
    this.#host = host;
  }

  /** A clock reading to give back to `onApplied` or `onSettled`. */
  start(): number {
    return this.#host.nowMs();
  }

  onTick(): void {
    if (this.#ticks++ % this.#host.gaugeTicks === 0) this.#try(() => this.#tellGauges());
  }

  onPersist({ entries }: Persist): void {
    let bytes = 0;
    for (const entry of entries) bytes += entryBytes(entry);
    this.#count("storage-units-count", 1);
    if (bytes > 0) this.#count("storage-bytes", bytes);
  }

  onDurable(unit: UnitUnderWay): void {
    this.#observe("storage-unit-ms", this.#host.nowMs() - unit.sinceMs);
  }

  onApplied(count: number, startedMs: number): void {
    this.#count("applied-entries-count", count);
    this.#observe("apply-ms", this.#host.nowMs() - startedMs);
  }

  onSent(message: string): void {
    this.#count("messages-sent-count", 1, { message });
  }

  onReceived(message: string): void {
    this.#count("messages-received-count", 1, { message });
  }

  onSettled(what: Measured, startedMs: number, error: QuorateError | null): void {
    this.#count(`${what}s-count`, 1, { outcome: error === null ? "ok" : error.code });
    if (error === null) this.#observe(`${what}-ms`, this.#host.nowMs() - startedMs);
  }

  /** What is told in events is counted, too. */
  onEvent<Name extends NodeEventName>(name: Name, event: NodeEvents[Name]): void {
    const told = { name, event } as AnyTold; // the pair is one of the pairs
    switch (told.name) {
      case "election":
        this.#count("elections-count", 1, { why: told.event.why });
        this.#observe("election-ms", told.event.durationMs);
        break;
      case "campaign":
        this.#count("campaigns-count", 1, { outcome: told.event.outcome });
        break;
      case "commit":
        if (told.event.kind === "stalled") this.#count("stalls-count", 1);
        break;
      case "peer": {
        const { kind, id } = told.event;
        const labels = { peer: id ?? "-" };
        if (kind === "disconnected") this.#count("disconnections-count", 1, labels);
        else if (kind === "refused") this.#count("refusals-count", 1, labels);
        break;
      }
      case "disk-damage":
        this.#count("disk-damages-count", told.event.reasons.length);
        break;
      case "snapshot-taken":
        this.#count("snapshots-taken-count", 1);
        this.#observe("snapshot-ms", told.event.forMs);
        break;
      case "snapshot-failed":
        this.#count("snapshots-failed-count", 1);
        break;
      case "snapshot-installed":
        this.#count("snapshots-installed-count", 1);
        break;
      default:
        break; // the others are in the gauges
    }
  }

  #tellGauges(): void {
    const { raft, hook } = this.#host;
    const set = (name: MetricName<"gauge">, value: number) => hook.gauge(name, value, noLabels);
    set("term", raft.hardState.term);
    set("is-leader", raft.role === "leader" ? 1 : 0);
    set("has-leader", raft.leader === null ? 0 : 1);
    set("must-catch-up", raft.hardState.mustCatchUp ? 1 : 0);
    set("files-aside-count", this.#host.asideCount);
    set("commit-index", raft.commit);
    set("applied-index", raft.applied);
    set("last-index", lastIndex(raft.log));
    set("durable-index", raft.durableIndex);
    set("log-entries-count", raft.log.entries.length);
    set("log-base-index", raft.log.base.index);
    set("snapshot-index", raft.snapshot?.position.index ?? 0);
    set("backlog-bytes", backlogBytes(raft));
    set("uncommitted-bytes", raft.leadership?.uncommittedBytes ?? 0);
    set("storage-under-way-count", this.#host.units().length);
    const voters = allVoters(raft.configuration);
    set("voters-count", voters.length);
    set("learners-count", raft.configuration.learners.length);
    set("membership-changing", isChangePending(raft) ? 1 : 0);
    const connected = voters.filter(({ id }) => this.#host.isConnected(id));
    set("peers-connected-count", connected.length);
    for (const [peer, progress] of raft.leadership?.peers ?? []) {
      hook.gauge("peer-behind-count", lastIndex(raft.log) - progress.matched, { peer });
      hook.gauge("peer-inflight-bytes", progress.inflightBytes, { peer });
    }
  }

  #count(name: MetricName<"counter">, increase: number, labels = noLabels): void {
    this.#try(() => this.#host.hook.count(name, increase, labels));
  }

  #observe(name: MetricName<"observation">, value: number): void {
    this.#try(() => this.#host.hook.observe(name, value, noLabels));
  }

  /** A hook is a guest: what it throws is told once and changes nothing. */
  #try(tell: () => void): void {
    if (this.#isBroken) return;
    try {
      tell();
    } catch (error) {
      this.#isBroken = true;
      this.#host.onError(error);
    }
  }
}

type AnyTold = { [Name in NodeEventName]: Told<Name> }[NodeEventName];

interface Told<Name extends NodeEventName> {
  readonly name: Name;
  readonly event: NodeEvents[Name];
}
