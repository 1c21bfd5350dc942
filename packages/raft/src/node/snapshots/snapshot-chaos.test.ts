/**
 * Transfers under random faults, by seed: cuts of two kinds, kills and restarts of every member,
 * newer snapshots, new leaders, pruning. Whatever happens: memory and places stay within their
 * limits, nothing verified comes twice to one life of a receiver, and when the faults end the
 * newest snapshot arrives.
 */
import { describe, expect, it } from "vitest";
import {
  bytesFrom,
  contentOf,
  fileOf,
  mebibyte,
  type TransferMember,
  TransferWorld,
} from "../../../test/transfer/transfer-world.ts";
import type { SnapshotIdentity } from "../../storage/index.ts";
import { createSeededRandom, type SeededRandom } from "../../testing/seeded-random.ts";

const names = ["a", "b", "c", "d"];
const limits = {
  snapshotBytesPerSecond: mebibyte,
  snapshotSendsMax: 1,
  snapshotWindowBytes: 256 * 1024,
};
const window = mebibyte / 4;

class Chaos {
  readonly world: TransferWorld;
  readonly random: SeededRandom;
  readonly members = new Map<string, TransferMember>();
  readonly dead = new Set<string>();
  leader = "a";
  term = 2;
  newest = 9;
  readonly contents = new Map<number, SnapshotIdentity>();

  constructor(seed: number) {
    this.random = createSeededRandom(seed);
    this.world = new TransferWorld(names, {
      latencyMs: () => 1 + this.random.below(20),
      pieces: { bytesMax: 30_000, random: this.random },
    });
    for (const name of names) this.members.set(name, this.world.start(name, { limits }));
    for (const name of ["a", "b"]) this.give(name);
  }

  member(name: string): TransferMember {
    const member = this.members.get(name);
    if (member === undefined) throw new Error(`${name} is a member`);
    return member;
  }

  give(name: string): void {
    const member = this.member(name);
    const held = member.opened.store.snapshots.newest?.identity.position.index ?? 0;
    if (this.dead.has(name) || held >= this.newest) return;
    const identity = this.world.give(member, contentOf(this.newest, mebibyte));
    this.contents.set(this.newest, identity);
  }

  pick(): string {
    return names[this.random.below(names.length)] ?? "a";
  }

  kill(name: string): void {
    if (this.dead.size > 1 || this.dead.has(name)) return;
    this.dead.add(name);
    this.world.network.kill(name);
    this.member(name).storage.disk.kill();
  }

  restart(name: string): void {
    if (!this.dead.delete(name)) return;
    const { storage } = this.member(name);
    storage.fault = () => null;
    const again = this.world.start(name, { limits, storage });
    again.applied = again.opened.store.snapshots.newest?.identity.position.index ?? 0;
    this.members.set(name, again);
  }

  /** What a leader does: offers its newest to all that lack it. */
  offerAll(): void {
    const leader = this.member(this.leader);
    const { newest } = leader.opened.store.snapshots;
    if (this.dead.has(this.leader) || newest === null) return;
    const { identity } = newest;
    const has = (member: TransferMember) => member.applied >= identity.position.index;
    const sources = names.map((name) => this.member(name)).filter(has);
    for (const member of this.members.values()) {
      if (member === leader || has(member)) continue;
      this.world.offer(leader, member, identity, sources, this.term);
    }
  }

  fault(): void {
    const [one, other] = [this.pick(), this.pick()];
    switch (this.random.below(8)) {
      case 0:
        this.kill(one);
        break;
      case 1:
        for (const name of names) this.restart(name);
        break;
      case 2:
        if (one !== other) this.world.network.cut(one, other, { mode: "drop" });
        break;
      case 3:
        if (one !== other) this.world.network.cut(one, other);
        break;
      case 4:
        this.world.network.healAll();
        break;
      case 5:
        this.elect();
        break;
      case 6:
        if (this.newest < 40) this.newest += 10;
        this.give(this.leader);
        break;
      default:
        this.prune(one);
    }
  }

  /** Somebody who has the newest one leads. */
  elect(): void {
    const can = names.filter((name) => {
      return !this.dead.has(name) && this.member(name).applied >= this.newest;
    });
    this.leader = can[this.random.below(Math.max(1, can.length))] ?? this.leader;
    this.term += 1;
  }

  prune(name: string): void {
    if (this.dead.has(name)) return;
    const { opened, exchange } = this.member(name);
    const keepFrom = exchange.neededFrom ?? opened.store.snapshots.newest?.identity.position.index;
    if (keepFrom !== undefined) opened.store.snapshots.prune(keepFrom, () => {});
  }

  check(): void {
    for (const { exchange, blocks, events } of this.members.values()) {
      expect(exchange.fetching?.heldBytes ?? 0).toBeLessThanOrEqual(window);
      expect(exchange.sending.length).toBeLessThanOrEqual(1);
      // Each began a file of 1 MiB, and lost at most a window at each source that it left.
      const begun = events.filter(({ kind }) => kind === "fetch-started").length;
      const left = events.filter(({ kind }) => kind === "source-left").length;
      expect(bytesFrom(blocks)).toBeLessThanOrEqual(begun * 1.1 * mebibyte + left * window);
    }
  }

  settle(): void {
    this.world.network.healAll();
    for (const name of names) this.restart(name);
    this.newest += 10;
    this.give("a");
    this.leader = "a";
    this.term += 1;
    const isDone = () => names.every((name) => this.member(name).applied === this.newest);
    for (let second = 0; second < 120 && !isDone(); second++) {
      this.offerAll();
      this.world.clock.advance(1000);
      this.check();
    }
    expect(isDone()).toBe(true);
  }
}

describe("transfers under faults", () => {
  it.each(Array.from({ length: 12 }, (_, seed) => seed))("seed %i", (seed) => {
    const chaos = new Chaos(seed);
    for (let step = 0; step < 60; step++) {
      chaos.world.clock.advance(chaos.random.below(700));
      if (chaos.random.below(3) === 0) chaos.fault();
      chaos.offerAll();
      chaos.check();
    }
    chaos.settle();
    const snapshot = chaos.contents.get(chaos.newest);
    if (snapshot === undefined) throw new Error("the newest was written");
    const sent = fileOf(chaos.member("a"), snapshot);
    for (const member of chaos.members.values()) {
      expect(Buffer.compare(fileOf(member, snapshot), sent)).toBe(0);
      expect([member.failures, member.damaged]).toEqual([[], []]);
    }
    chaos.world.stop(...chaos.members.values());
    expect(chaos.world.network.connectionCount()).toBe(0);
  });
});
