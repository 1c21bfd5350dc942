/**
 * Who reaches whom, and how badly: one link for each ordered pair of hosts. Streams and single
 * messages both ask here.
 */
import { assert } from "../../base/index.ts";
import type { CutMode, CutOptions } from "../../testing/index.ts";
import type { Random } from "../random.ts";
import { drawLatency } from "./latency.ts";
import { type LinkProfile, soundLink } from "./link-profile.ts";
import type { Timeline } from "./timeline.ts";

/** What waits for a link to be healed. */
export interface Stalled {
  /** `stalledMs`: how long nothing had passed. */
  onHealed(stalledMs: number): void;
}

/** The way from one host to another. */
export class Link {
  readonly from: string;
  readonly to: string;
  readonly random: Random;
  profile: LinkProfile = soundLink;
  #cut: CutMode | null = null;
  #cutSinceMs = 0;
  #busyUntilMs = 0;
  #stalled: Stalled[] = [];

  constructor(from: string, to: string, random: Random) {
    this.from = from;
    this.to = to;
    this.random = random;
  }

  get cutMode(): CutMode | null {
    return this.#cut;
  }

  /** When bytes that leave now arrive, without losses. */
  arrivalMs(nowMs: number, byteCount: number): number {
    const { latency, bytesPerMs } = this.profile;
    if (bytesPerMs === Number.POSITIVE_INFINITY) return nowMs + drawLatency(latency, this.random);
    const startMs = Math.max(nowMs, this.#busyUntilMs);
    this.#busyUntilMs = startMs + byteCount / bytesPerMs;
    return this.#busyUntilMs + drawLatency(latency, this.random);
  }

  /** Asks to be told when the link is healed. */
  wait(stalled: Stalled): void {
    this.#stalled.push(stalled);
  }

  /** @internal called by the topology */
  cut(mode: CutMode, nowMs: number): void {
    if (this.#cut === null) this.#cutSinceMs = nowMs;
    this.#cut = mode;
  }

  /** @internal called by the topology */
  heal(nowMs: number): void {
    if (this.#cut === null) return;
    this.#cut = null;
    const stalled = this.#stalled;
    this.#stalled = [];
    for (const one of stalled) one.onHealed(nowMs - this.#cutSinceMs);
  }
}

export class Topology {
  readonly #timeline: Timeline;
  readonly #indexes = new Map<string, number>();
  readonly #links: Link[] = [];
  /** Told of each cut that breaks what exists. */
  onDrop: (from: number, to: number) => void = () => {};

  constructor(timeline: Timeline, names: readonly string[], random: (link: number) => Random) {
    this.#timeline = timeline;
    for (const [index, name] of names.entries()) this.#indexes.set(name, index);
    assert(this.#indexes.size === names.length, "hosts have different names");
    for (const from of names) {
      for (const to of names) this.#links.push(new Link(from, to, random(this.#links.length)));
    }
  }

  /** The index of a host by its name; -1 if there is none. */
  indexOf(name: string): number {
    return this.#indexes.get(name) ?? -1;
  }

  link(from: string, to: string): Link {
    return this.linkAt(this.#known(from), this.#known(to));
  }

  linkAt(from: number, to: number): Link {
    const link = this.#links[from * this.#indexes.size + to];
    assert(link !== undefined, "a link joins two hosts");
    return link;
  }

  /** One profile for all links between different hosts. */
  setProfile(profile: LinkProfile): void {
    for (const link of this.#links) if (link.from !== link.to) link.profile = profile;
  }

  /** As on the memory network: bytes `stall` until healed, or connections `drop` at once. */
  cut(from: string, to: string, options: CutOptions = {}): void {
    const mode = options.mode ?? "stall";
    const { nowMs } = this.#timeline;
    this.link(from, to).cut(mode, nowMs);
    if (options.oneWay !== true) this.link(to, from).cut(mode, nowMs);
    if (mode === "drop") this.onDrop(this.#known(from), this.#known(to));
  }

  /** Opens both directions. */
  heal(a: string, b: string): void {
    const { nowMs } = this.#timeline;
    this.link(a, b).heal(nowMs);
    this.link(b, a).heal(nowMs);
  }

  healAll(): void {
    for (const link of this.#links) link.heal(this.#timeline.nowMs);
  }

  /** Cuts a host off from all others. */
  isolate(name: string, options: CutOptions = {}): void {
    for (const other of this.#indexes.keys()) if (other !== name) this.cut(name, other, options);
  }

  /** Only hosts of one group reach each other; whoever is in none reaches nobody. */
  partition(groups: readonly (readonly string[])[], options: CutOptions = {}): void {
    const connects = (a: string, b: string): boolean =>
      groups.some((group) => group.includes(a) && group.includes(b));
    this.shape((from, to) => connects(from, to), options.mode);
  }

  /** Any digraph: a link is open where `isOpen` says so, and cut elsewhere. */
  shape(isOpen: (from: string, to: string) => boolean, mode: CutMode = "stall"): void {
    for (const { from, to } of this.#links) {
      if (from === to) continue;
      if (isOpen(from, to)) this.link(from, to).heal(this.#timeline.nowMs);
      else this.cut(from, to, { mode, oneWay: true });
    }
  }

  /** Whether bytes pass from one host to another. */
  isOpen(from: string, to: string): boolean {
    return this.link(from, to).cutMode === null;
  }

  #known(name: string): number {
    const index = this.indexOf(name);
    assert(index >= 0, "there is a host of that name", () => name);
    return index;
  }
}
