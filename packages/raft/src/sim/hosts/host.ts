/**
 * One machine: a clock, a disk that outlives its programs, and at most one running program. The
 * world starts, pauses, kills and powers it off. Made by `hosts.ts`.
 */
import { assert } from "../../base/index.ts";
import type { Random } from "../random.ts";
import type { HostTime } from "./host-time.ts";
import { Life } from "./life.ts";
import type { CrashShares, SimDisk } from "./sim-disk.ts";
import type { StreamNetwork } from "./stream-network.ts";
import type { Timeline } from "./timeline.ts";

export interface HostParts {
  readonly name: string;
  readonly index: number;
  readonly timeline: Timeline;
  readonly time: HostTime;
  readonly disk: SimDisk;
  readonly network: StreamNetwork;
  /** Whoever else must hear that a life is over. */
  onEnd(life: Life): void;
  /** The stream of a life's own chance. */
  random(life: number): Random;
}

export interface PauseOptions {
  /** The monotonic clock stands still, too: a suspended machine, not a stopped program. */
  readonly stopsClock?: boolean;
}

export class Host {
  readonly name: string;
  readonly index: number;
  readonly time: HostTime;
  readonly disk: SimDisk;
  readonly #parts: HostParts;
  #life: Life | null = null;
  #lives = 0;

  constructor(parts: HostParts) {
    this.name = parts.name;
    this.index = parts.index;
    this.time = parts.time;
    this.disk = parts.disk;
    this.#parts = parts;
  }

  /** The program that runs or is paused; null when none does. */
  get life(): Life | null {
    return this.#life;
  }

  /** Starts a program: its doors are in `ports`. The machine is on from here on. */
  boot(): Life {
    assert(this.#life === null, "a host runs one program at a time", () => this.name);
    const { name, index, timeline, time, disk, network, random } = this.#parts;
    const life = new Life({
      host: name,
      hostIndex: index,
      number: ++this.#lives,
      timeline,
      time,
      random: random(this.#lives),
      disk: (owner) => disk.portFor(owner),
      network: (owner) => network.portFor(owner),
    });
    this.#life = life;
    time.owner = life;
    network.onBoot(life);
    return life;
  }

  /**
   * The program dies; the machine stays on. Its connections are reset, what it wrote stays
   * readable. Nothing if none runs.
   */
  kill(): void {
    const life = this.#end();
    if (life === null) return;
    this.disk.onKill();
    this.#parts.network.onKill(life);
    this.#parts.onEnd(life);
  }

  /**
   * The power fails: what was not synced is decided by chance, and the others hear nothing; their
   * connections hang until the machine is on again or their own patience ends.
   */
  crash(shares?: CrashShares): void {
    const life = this.#end();
    this.disk.crash(shares);
    this.#parts.network.onCrash(this.index);
    if (life !== null) this.#parts.onEnd(life);
  }

  /** As SIGSTOP or a long collection of garbage: time passes, nothing runs. */
  pause(options: PauseOptions = {}): void {
    this.#life?.pause();
    if (options.stopsClock === true) this.time.stop();
  }

  /** All that came due meanwhile runs now. */
  resume(): void {
    this.time.go();
    this.#life?.resume(() => this.#parts.network.onResume(this.index));
  }

  #end(): Life | null {
    const life = this.#life;
    this.#life = null;
    life?.end();
    this.time.owner = null;
    this.time.go();
    return life;
  }
}
