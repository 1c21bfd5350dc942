/** Whatever order members are upgraded, taken back, killed and cut off in: nobody is led astray. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NodeWorld } from "../../../test/node/node-world.ts";
import { isQuorateError } from "../../base/index.ts";

const member = fc.constantFrom("a", "b", "c");

const step = fc.oneof(
  fc.record({
    kind: fc.constant("run" as const),
    id: member,
    version: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ kind: fc.constant("kill" as const), id: member }),
  fc.record({ kind: fc.constant("isolate" as const), id: member }),
  fc.record({ kind: fc.constant("heal" as const) }),
  fc.record({
    kind: fc.constant("propose" as const),
    id: member,
    version: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 400 }) }),
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

class Upgrades {
  readonly world: NodeWorld;
  /** What each run of a member that ended by itself ended with. */
  readonly ends: unknown[] = [];
  /** The newest program that each member has run. */
  readonly #newest = new Map<string, number>();
  #count = 0;

  constructor(seed: number) {
    const limits = { snapshotEntries: 8, snapshotKeptEntries: 2 };
    this.world = new NodeWorld({ disk: true, snapshots: true, seed, limits });
    this.world.startAll();
  }

  take(one: Step): void {
    const { world } = this;
    switch (one.kind) {
      case "run":
        this.run(one.id, one.version);
        break;
      case "kill":
        world.running.get(one.id)?.kill();
        break;
      case "isolate":
        world.isolate(one.id);
        break;
      case "heal":
        world.heal();
        break;
      case "propose":
        this.#propose(one.id, one.version);
        break;
      case "wait":
        world.clock.advance(one.ms);
        break;
      default:
        one satisfies never;
    }
    this.check();
  }

  run(id: string, version: number): void {
    const { world } = this;
    world.running.get(id)?.kill();
    world.versions.set(id, version);
    this.#newest.set(id, Math.max(version, this.#newest.get(id) ?? 1));
    const started = world.tryStart(id);
    if (started instanceof Error) this.ends.push(started);
  }

  /** By itself, for the client is of the program of its member. */
  #propose(id: string, version: number): void {
    const { world } = this;
    const running = world.running.get(id);
    if (running === undefined || !running.member.isRunning) return;
    if (version > running.journal.version) return;
    const text = version === 1 ? `x${this.#count++}` : `v${version}:${this.#count++}`;
    world.propose(id, text, 1000);
  }

  /** No program applies what it does not know, nothing is applied before it is enabled. */
  check(): void {
    let longest: readonly [string, number][] = [];
    for (const { member: one, journal } of this.world.running.values()) {
      if (one.stopError !== null) this.ends.push(one.stopError);
      // Only who was given an older program than before can be kept out.
      if (!one.isRunning) {
        expect(journal.version).toBeLessThan(this.#newest.get(one.raft.id) ?? 1);
      }
      const { texts, versions } = journal;
      const applied = texts.map((text, at): [string, number] => [text, versions[at] ?? 0]);
      for (const [text] of applied) {
        expect(Number(/^v(\d):/.exec(text)?.[1] ?? 1)).toBeLessThanOrEqual(journal.version);
      }
      for (const [at, version] of versions.entries()) {
        if (version === 0) continue; // from a snapshot
        expect(version).toBeLessThanOrEqual(journal.version);
        expect(Number(/^v(\d):/.exec(texts[at] ?? "")?.[1] ?? 1)).toBeLessThanOrEqual(version);
      }
      const [short, long] =
        applied.length < longest.length ? [applied, longest] : [longest, applied];
      for (const [at, [text, version]] of short.entries()) {
        expect(long[at]?.[0]).toBe(text);
        const other = long[at]?.[1] ?? 0;
        if (version > 0 && other > 0) expect(other).toBe(version);
      }
      longest = long;
    }
    for (const end of this.ends) {
      const isTooOld = isQuorateError(end, "PROGRAM_TOO_OLD");
      if (!isTooOld) expect(String(end)).toMatch(/^UnrestorableError: .* Upgrade this member\.$/);
    }
  }
}

describe("any order of upgrades", () => {
  it("I5: applies only what is enabled, the same everywhere, and ends with the newest", () => {
    fc.assert(
      fc.property(fc.nat(1_000), fc.array(step, { maxLength: 40 }), (seed, steps) => {
        const upgrades = new Upgrades(seed);
        for (const one of steps) upgrades.take(one);
        const { world } = upgrades;
        world.heal();
        for (const id of world.ids) upgrades.run(id, 3);
        const isEnabled = (id: string) => {
          const running = world.running.get(id);
          return running?.member.versions.list()[0]?.enabled === 3;
        };
        expect(world.clock.advanceUntil(() => world.ids.every(isEnabled), 20_000)).toBe(true);
        const answer = world.propose("b", "v3:end", 5000);
        world.clock.advanceUntil(() => answer.count > 0, 10_000);
        expect(answer.error).toBeNull();
        world.clock.advance(500);
        upgrades.check();
      }),
      { numRuns: 25 },
    );
  });
});
