/** Whole members on hosts: clean without faults, sound with faults, and the same twice. */
import { describe, expect, it } from "vitest";
import { createMachineSet, type RawMachine, rawMachine } from "../../machine/index.ts";
import { encodeCommand } from "../../machine/machine-set.ts";
import {
  checkOptions,
  type NodeLimits,
  type OpenedMember,
  openMember,
  silentLogger,
} from "../../node/index.ts";
import { createRandom } from "../random.ts";
import { createDatagramTransport } from "./datagram-transport.ts";
import { soundDisk } from "./disk-profile.ts";
import type { Host } from "./host.ts";
import { createHosts, type HostsOptions } from "./hosts.ts";
import { soundDatagrams, soundLink } from "./link-profile.ts";

const names = ["a", "b", "c"];
const limits: Partial<NodeLimits> = { tickMs: 5, heartbeatMs: 20, electionMs: 100 };

class Journal implements RawMachine<number> {
  readonly texts: string[] = [];

  apply(command: Uint8Array): number {
    return this.texts.push(new TextDecoder().decode(command));
  }
}

interface WorldOptions extends Partial<HostsOptions> {
  readonly seed: number;
  readonly datagramDoor?: boolean;
}

class World {
  readonly hosts;
  readonly journals = new Map<string, Journal>();
  readonly members = new Map<string, OpenedMember["member"]>();
  readonly #datagramDoor: boolean;
  done = 0;
  #proposed = 0;

  constructor({ seed, datagramDoor = false, ...more }: WorldOptions) {
    this.#datagramDoor = datagramDoor;
    const random = (stream: number) => createRandom(seed, stream);
    this.hosts = createHosts({ names, random, traces: true, ...more });
    for (const host of this.hosts.list) this.start(host);
  }

  start(host: Host): void {
    const life = host.boot();
    const journal = new Journal();
    const options = checkOptions({
      id: host.name,
      members: Object.fromEntries(names.map((name) => [name, `${name}:1`])),
      dir: "/data",
      checkInvariants: true,
      limits,
    });
    const { datagrams } = this.hosts;
    const createTransport = createDatagramTransport(datagrams, life);
    const parts = {
      options,
      ports: life.ports,
      machines: createMachineSet({ journal: rawMachine(() => journal) }),
      logger: silentLogger,
      ...(this.#datagramDoor ? { createTransport } : {}),
    };
    openMember(parts, (_error, opened) => {
      if (opened === undefined) return;
      this.journals.set(host.name, journal);
      this.members.set(host.name, opened.member);
    });
  }

  /** A command to every member, each `everyMs`. */
  propose(everyMs: number): void {
    this.hosts.timeline.after(everyMs, () => this.propose(everyMs));
    for (const name of names) {
      const host = this.hosts.host(name);
      const member = this.members.get(name);
      if (host.life?.state !== "running" || member === undefined) continue;
      const text = `${name} ${this.#proposed++}`;
      const data = encodeCommand("journal", new TextEncoder().encode(text));
      member.propose(data, 2000, (error) => {
        if (error === null) this.done += 1;
      });
    }
  }

  restart(host: Host, end: (host: Host) => void): void {
    end(host);
    this.members.delete(host.name);
    this.start(host);
  }

  run(ms: number): this {
    const { timeline } = this.hosts;
    timeline.runUntil(timeline.nowMs + ms);
    return this;
  }

  /** All journals are beginnings of the longest. */
  expectAgreement(): void {
    const all = [...this.journals.values()].map(({ texts }) => texts);
    const longest = all.reduce((one, other) => (one.length > other.length ? one : other));
    for (const texts of all) expect(texts).toEqual(longest.slice(0, texts.length));
  }
}

const badLink = {
  ...soundLink,
  latency: { minMs: 0.2, meanMs: 2, spikeShare: 0.01, spikeMs: 100 },
  ...{ lossShare: 0.01, resetShare: 0.003, corruptShare: 0.003, splitShare: 0.1 },
};
const slowDisk = { ...soundDisk, syncLatency: { minMs: 0.2, meanMs: 2 } };

/** Kills, power failures, pauses, cuts and clocks, by a stream of its own. */
function torment(world: World, seed: number): void {
  const random = createRandom(seed, 2_000_000);
  const { timeline, topology, list } = world.hosts;
  const next = (): void => {
    const host = list[random.below(list.length)];
    if (host === undefined) return;
    const way = random.below(7);
    if (way === 0) world.restart(host, (one) => one.kill());
    if (way === 1) world.restart(host, (one) => one.crash());
    if (way === 2) host.pause({ stopsClock: random.chance(0.5) });
    if (way === 3) for (const one of list) one.resume();
    if (way === 4) topology.isolate(host.name, { mode: random.chance(0.5) ? "drop" : "stall" });
    if (way === 5) topology.healAll();
    if (way === 6) host.time.setRate(0.5 + random.unit());
    timeline.after(random.unit() * 200, next);
  };
  next();
}

describe("members on hosts without faults", () => {
  it.each([false, true])("commit everything, and no fault is counted (datagrams: %s)", (door) => {
    const world = new World({ seed: 1, datagramDoor: door });
    world.run(1000).propose(10);
    world.run(2000);
    expect(world.done).toBeGreaterThan(500);
    expect(world.journals.get("a")?.texts.length).toBeGreaterThan(500);
    world.expectAgreement();
    expect(world.hosts.faults.byKind).toEqual({});
  });
});

describe("members on hosts with faults", () => {
  const run = (seed: number, datagramDoor: boolean): World => {
    const datagrams = {
      ...soundDatagrams,
      ...{ dropShare: 0.02, duplicateShare: 0.05, reorderShare: 0.1, unreportedShare: 0.1 },
    };
    const world = new World({ seed, datagramDoor, link: badLink, disk: slowDisk, datagrams });
    world.propose(10);
    torment(world, seed);
    world.run(3000);
    world.expectAgreement();
    return world;
  };

  it.each([false, true])("agree, go on, and do the same again (datagrams: %s)", (door) => {
    const world = run(3, door);
    expect(world.done).toBeGreaterThan(100);
    expect(world.hosts.faults.total).toBeGreaterThan(30);
    const again = run(3, door);
    expect(again.hosts.traceHash()).toBe(world.hosts.traceHash());
    expect(again.hosts.faults.byKind).toEqual(world.hosts.faults.byKind);
    expect(again.hosts.timeline.eventCount).toBe(world.hosts.timeline.eventCount);
    expect(run(4, door).hosts.traceHash()).not.toBe(world.hosts.traceHash());
  });

  it("refuse every corrupted frame", () => {
    const link = { ...soundLink, corruptShare: 0.02 };
    const world = new World({ seed: 5, link });
    world.run(1000).propose(20);
    world.run(5000);
    expect(world.hosts.faults.of("network.corrupt")).toBeGreaterThan(10);
    expect(world.done).toBeGreaterThan(100);
    world.expectAgreement();
  });
});
