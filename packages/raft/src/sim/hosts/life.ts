/**
 * One run of a member's program, from its start to its end: the doors it is given, its turns, and
 * whether it runs, stands still or is dead. Made by `host.ts`, one for each start.
 */
import { crc32 } from "../../base/index.ts";
import type { Clock, Disk, Network, Random as PortRandom, Ports } from "../../ports/index.ts";
import type { Random } from "../random.ts";
import type { HostTime } from "./host-time.ts";
import { type EventOwner, type Timeline, TimelineEvent } from "./timeline.ts";

export interface LifeParts {
  readonly host: string;
  readonly hostIndex: number;
  readonly number: number;
  readonly timeline: Timeline;
  readonly time: HostTime;
  readonly random: Random;
  disk(life: Life): Disk;
  network(life: Life): Network;
}

export class Life implements EventOwner {
  /** The host's name. */
  readonly host: string;
  readonly hostIndex: number;
  /** 1, 2, 3 … on its host. */
  readonly number: number;
  /** What `openMember` asks for. */
  readonly ports: Ports;
  readonly #timeline: Timeline;
  readonly #time: HostTime;
  #state: EventOwner["state"] = "running";
  #deferred: (() => void)[] = [];
  #spare: (() => void)[] = [];
  /** Set while a turn's end is due. */
  #turn: TimelineEvent | null = null;
  readonly #runTurn = (): void => this.#endTurn();
  /** Came due while paused, in order. */
  #held: TimelineEvent[] = [];

  constructor(parts: LifeParts) {
    this.host = parts.host;
    this.hostIndex = parts.hostIndex;
    this.number = parts.number;
    this.#timeline = parts.timeline;
    this.#time = parts.time;
    this.ports = {
      clock: this.#clock(),
      random: toPort(parts.random),
      disk: parts.disk(this),
      network: parts.network(this),
      crc32,
    };
  }

  get state(): EventOwner["state"] {
    return this.#state;
  }

  get isAlive(): boolean {
    return this.#state !== "dead";
  }

  /** Runs `callback` now; after the pause if there is one; never if this life is over. */
  enter(callback: () => void): void {
    if (this.#state === "running") callback();
    else if (this.#state === "paused") {
      this.hold(new TimelineEvent(this.#timeline.nowMs, 0, callback, this, Number.NaN));
    }
  }

  /** Runs `callback` later at this instant, as an event of this life. */
  post(callback: () => void): void {
    this.#timeline.add(this.#timeline.nowMs, callback, this, Number.NaN);
  }

  /** Runs `callback` at the end of the turn. */
  defer(callback: () => void): void {
    if (this.#state === "dead") return;
    this.#deferred.push(callback);
    const { nowMs } = this.#timeline;
    this.#turn ??= this.#timeline.add(nowMs, this.#runTurn, this, Number.NaN);
  }

  hold(event: TimelineEvent): void {
    this.#held.push(event);
  }

  /** How many events wait for the end of the pause. */
  get heldCount(): number {
    return this.#held.length;
  }

  /** @internal called by the host */
  pause(): void {
    if (this.#state === "running") this.#state = "paused";
  }

  /**
   * What is due runs at this instant: timers and answers of the disk in the order they came due,
   * then what `between` adds (the network), then the rest of the turn.
   *
   * @internal called by the host
   */
  resume(between: () => void): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    const held = this.#held;
    this.#held = [];
    const { nowMs } = this.#timeline;
    const localMs = this.#time.nowMs();
    for (const event of held) {
      if (event === this.#turn) continue;
      // A machine that was suspended finds its timers as far ahead as they were.
      const isEarly = event.localMs > localMs;
      this.#timeline.readd(event, isEarly ? this.#time.toTimelineMs(event.localMs) : nowMs);
    }
    between();
    if (this.#turn !== null && held.includes(this.#turn)) this.#timeline.readd(this.#turn, nowMs);
  }

  /** Nothing of it ever runs again. @internal called by the host */
  end(): void {
    this.#state = "dead";
    this.#held = [];
    this.#deferred = [];
  }

  #endTurn(): void {
    const deferred = this.#deferred;
    this.#deferred = this.#spare;
    this.#turn = null;
    for (const callback of deferred) {
      if (this.#state === "dead") return; // one of them was the end
      callback();
    }
    deferred.length = 0;
    this.#spare = deferred;
  }

  #clock(): Clock {
    const time = this.#time;
    return {
      nowMs: () => time.nowMs(),
      wallMs: () => time.wallMs(),
      after: (delayMs, callback) => {
        const localMs = time.nowMs() + Math.max(0, delayMs);
        return this.#timeline.add(time.toTimelineMs(localMs), callback, this, localMs);
      },
      defer: (callback) => this.defer(callback),
    };
  }
}

/** A world's stream as a program's door to chance. */
function toPort(random: Random): PortRandom {
  const word = (): string => random.below(0x1_0000_0000).toString(16).padStart(8, "0");
  const id64 = (): string => {
    const id = word() + word();
    return id === "0000000000000000" ? id64() : id;
  };
  return { fraction: () => random.unit(), id64 };
}
