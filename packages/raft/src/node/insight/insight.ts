/**
 * What a member shows of itself: the witness and, where somebody measures, the meter, behind one
 * door. Told of everything that happens; tells listeners, the log and the hook. Decides nothing.
 * Called by `member.ts`.
 */
import { nodeId, type PersistUnit, QuorateError } from "../../base/index.ts";
import type { Apply, Input, Message, Persist, Raft } from "../../core/index.ts";
import type { Clock } from "../../ports/index.ts";
import type { PeerMessage } from "../../transport/index.ts";
import type { EventHub, NodeEventName, NodeEvents } from "../events.ts";
import type { NodeLimits } from "../limits.ts";
import { describeThrown, type Logger } from "../logger.ts";
import type { Peers } from "../peers.ts";
import type { DiskDamage } from "../repair.ts";
import type { CommandDone } from "../requests.ts";
import type { VersionGate } from "../versions/version-gate.ts";
import { type ExplainFacts, type Explanation, explain } from "./explain.ts";
import { Meter } from "./meter.ts";
import type { MetricsHook } from "./metrics.ts";
import { type NewsLine, Witness } from "./witness.ts";

/** What it needs of the member. */
export interface InsightHost {
  readonly raft: Raft;
  readonly clock: Clock;
  readonly limits: NodeLimits;
  readonly logger: Logger;
  readonly events: EventHub;
  readonly peers: Peers;
  readonly metrics: MetricsHook | null;
  readonly damage?: DiskDamage | null;
  readonly gate?: Pick<VersionGate, "held">;
  isRunning(): boolean;
}

export class Insight {
  readonly #host: InsightHost;
  readonly #witness: Witness;
  readonly #meter: Meter | null;
  /** Events of the turn, told at its end. */
  #news: (() => void)[] = [];

  constructor(host: InsightHost) {
    this.#host = host;
    const { raft, limits, clock, peers, metrics } = host;
    this.#witness = new Witness({
      ...{ raft, limits, damage: host.damage ?? null },
      nowMs: () => clock.nowMs(),
      isConnected: (peer) => peers.isConnected(peer),
      tell: (name, event, line) => this.#tellLater(name, event, line),
      onUnitDurable: (unit) => this.#meter?.onDurable(unit),
    });
    this.#meter = metrics === null ? null : this.#createMeter(metrics);
  }

  #createMeter(hook: MetricsHook): Meter {
    const { raft, limits, clock, peers, logger } = this.#host;
    return new Meter({
      ...{ raft, hook, asideCount: this.#host.damage?.kept.length ?? 0 },
      gaugeTicks: Math.max(1, Math.round(limits.heartbeatMs / limits.tickMs)),
      nowMs: () => clock.nowMs(),
      isConnected: (peer) => peers.isConnected(nodeId(peer)),
      units: () => this.#witness.units,
      onError: (error) => {
        const text = `The metrics hook threw, and is not called any more: ${describeThrown(error)}`;
        logger.error({}, text);
      },
    });
  }

  /** `stopped`: null while the member runs. */
  explain(stopped: ExplainFacts["stopped"]): Explanation {
    const { raft, clock, limits, peers } = this.#host;
    const { tickMs, slowStorageMs } = limits;
    return explain({
      ...{ raft, tickMs, slowStorageMs, stopped },
      nowMs: clock.nowMs(),
      sightings: this.#witness,
      damage: this.#host.damage ?? null,
      held: this.#host.gate?.held ?? [],
      peerOf: (id) => peers.of(id),
      strangers: peers.strangers,
    });
  }

  /** After the core was given `input`. */
  onStep(input: Input): void {
    this.#witness.onStep(input);
    if (input.kind === "tick") this.#meter?.onTick();
  }

  onPersist(effect: Persist): void {
    this.#witness.onPersist(effect);
    this.#meter?.onPersist(effect);
  }

  onDurable(unit: PersistUnit): void {
    this.#witness.onDurable(unit);
  }

  onReceived(message: PeerMessage): void {
    this.#meter?.onReceived(message.kind);
  }

  onSent(message: Message): void {
    this.#meter?.onSent(message.kind);
  }

  /** Returns what is to be called when the machines have applied it; null: nobody measures. */
  onApply({ entries }: Apply): (() => void) | null {
    const meter = this.#meter;
    if (meter === null) return null;
    const startedMs = meter.start();
    return () => meter.onApplied(entries.length, startedMs);
  }

  /** `done` itself where nobody measures. */
  measured(what: "command" | "read", done: CommandDone): CommandDone {
    const meter = this.#meter;
    if (meter === null) return done;
    const startedMs = meter.start();
    return (error, result) => {
      meter.onSettled(what, startedMs, error);
      done(error, result);
    };
  }

  /** An event of another part of the member, counted and told at once. */
  tell<Name extends NodeEventName>(name: Name, event: NodeEvents[Name]): void {
    this.#meter?.onEvent(name, event);
    this.#host.events.emit(name, event);
  }

  /** `error` ends the member. */
  onFailed(error: Error): void {
    if (!(error instanceof QuorateError) || error.code !== "STORAGE_FAILED") return;
    const { unit = null, bytes = 0, sinceMs = null } = this.#witness.units[0] ?? {};
    const forMs = sinceMs === null ? 0 : this.#host.clock.nowMs() - sinceMs;
    this.#host.events.emit("storage", { kind: "failed", unit, bytes, forMs, error });
  }

  /** Called at the end of a turn. A listener may stop the member: then nobody hears the rest. */
  tellNews(): void {
    if (this.#news.length === 0) return;
    const news = this.#news;
    this.#news = [];
    for (const tell of news) if (this.#host.isRunning()) tell();
  }

  #tellLater<Name extends NodeEventName>(
    name: Name,
    event: NodeEvents[Name],
    { level, text }: NewsLine,
  ): void {
    this.#meter?.onEvent(name, event);
    this.#news.push(() => {
      this.#host.logger[level]({ event: name }, text);
      this.#host.events.emit(name, event);
    });
  }
}
