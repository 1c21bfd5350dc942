/**
 * Sessions below the public edge. Clients on all members send commands of unique texts through
 * sessions, while members die, come back from their disks, and are cut off, each with a clock of
 * its own. A run repeats by its seed.
 */
import { describe, expect, it } from "vitest";
import { commandFor, NodeWorld, type Running } from "../../test/node/node-world.ts";
import { type Outcome, QuorateError } from "../base/index.ts";
import type { ClientSession } from "./client-sessions.ts";

const ttlMs = 250;

/** A client's command and what it was told; null while it was told nothing. */
interface Told {
  readonly text: string;
  outcome: Outcome | null;
  code: string;
  result: unknown;
}

class Clients {
  readonly told: Told[] = [];
  readonly #world: NodeWorld;
  /** By member; those of a process that died are gone with it. */
  readonly #sessions = new Map<Running, ClientSession>();
  #count = 0;

  constructor(world: NodeWorld) {
    this.#world = world;
  }

  /** One more command through the session of `id`; opens it first if there is none. */
  ask(id: string): void {
    const one = this.#world.node(id);
    const session = this.#sessions.get(one);
    if (session === undefined || session.state !== "open") this.#open(one);
    else this.#propose(session, `${id}${this.#count++}`);
  }

  #open(one: Running): void {
    one.member.openSession(ttlMs, 500, (_error, session) => {
      if (session !== undefined) this.#sessions.set(one, session);
    });
  }

  #propose(session: ClientSession, text: string): void {
    const told: Told = { text, outcome: null, code: "", result: undefined };
    this.told.push(told);
    const timeoutMs = 100 + this.#world.random.below(3000);
    const settle = (error: QuorateError | null, result?: unknown) => {
      expect(told.outcome).toBeNull();
      told.outcome = error?.outcome ?? "applied";
      told.code = error?.code ?? "";
      told.result = result;
    };
    const request = session.propose(commandFor("journal", text), timeoutMs, settle);
    if (request instanceof QuorateError) settle(request);
  }
}

function disturb(world: NodeWorld): void {
  const { random, ids } = world;
  const id = ids[random.below(ids.length)] ?? "a";
  const isRunning = world.running.has(id);
  switch (random.below(10)) {
    case 0:
      if (!isRunning) break;
      world.node(id).kill();
      world.disk(id).crash({ random: () => random.fraction(), keepShare: 0.5 });
      break;
    case 1:
    case 2:
      for (const one of ids) if (!world.running.has(one)) world.start(one);
      break;
    case 3:
      world.isolate(id);
      break;
    case 4: {
      const other = ids[random.below(ids.length)] ?? "b";
      const mode = random.below(2) === 0 ? "drop" : "stall";
      if (other !== id) world.network.cut(id, other, { mode, oneWay: random.below(2) === 0 });
      break;
    }
    case 5:
    case 6:
      world.heal();
      break;
    default:
      break;
  }
}

/** The tables of all members by the index that they have applied. */
class Tables {
  readonly #byIndex = new Map<number, string>();
  /** How often a member was found where another one had been. */
  compared = 0;

  look(world: NodeWorld): void {
    for (const { member, machines } of world.running.values()) {
      const table = Buffer.from(machines.encodeSessions()).toString("base64");
      const known = this.#byIndex.get(member.raft.applied);
      if (known === undefined) this.#byIndex.set(member.raft.applied, table);
      else {
        expect(table).toBe(known);
        this.compared++;
      }
    }
  }
}

/** Clocks that are hours apart and go at different paces. */
const clocks = {
  a: { pace: 1, aheadMs: 0 },
  b: { pace: 1.05, aheadMs: 3_600_000 },
  c: { pace: 0.95, aheadMs: 36_000_000 },
};

function run(seed: number) {
  const clockOf = (id: string) => clocks[id as keyof typeof clocks]; // the world's members
  const limits = { keptResultsMax: seed % 2 === 0 ? 4 : 1000 };
  const world = new NodeWorld({ disk: true, seed, latencyMs: 1, clockOf, limits }).startAll();
  const clients = new Clients(world);
  const tables = new Tables();
  for (let step = 0; step < 150; step++) {
    for (const id of [...world.running.keys()]) {
      for (let burst = world.random.below(4); burst > 0; burst--) clients.ask(id);
    }
    disturb(world);
    world.clock.advance(world.random.below(60));
    tables.look(world);
  }
  world.heal();
  for (const id of world.ids) if (!world.running.has(id)) world.start(id);
  world.leader();
  world.clock.advance(10_000);
  tables.look(world);
  const [first, ...rest] = world.ids.map((id) => world.node(id).journal.texts);
  for (const texts of rest) expect(texts).toEqual(first);
  return { told: clients.told, texts: first ?? [], compared: tables.compared };
}

describe("sessions of members that die, come back and are cut off", () => {
  const seeds = Array.from({ length: 12 }, (_, i) => i + 1);
  const codes = new Set<string>();

  it.each(seeds)("I3, I4, I7: seed %d keeps every promise", (seed) => {
    const { told, texts, compared } = run(seed);
    const places = new Map<string, number[]>();
    for (const [at, text] of texts.entries()) {
      places.set(text, [...(places.get(text) ?? []), at + 1]);
    }
    for (const { text, outcome, result, code } of told) {
      const seen = places.get(text) ?? [];
      codes.add(`${code} ${outcome}`);
      if (outcome === "applied" && code === "") expect([text, seen]).toEqual([text, [result]]);
      else if (outcome === "applied") expect([text, seen.length]).toEqual([text, 1]);
      else if (outcome === "not-applied") expect([text, seen]).toEqual([text, []]);
      else expect([text, seen.length < 2]).toEqual([text, true]); // unknown, or its client died
    }
    expect(texts.length).toBeGreaterThan(0);
    expect(compared).toBeGreaterThan(50);
  });

  it("meet what there is to meet", () => {
    for (const code of [" applied", "TIMEOUT unknown", "SESSION_EXPIRED not-applied"]) {
      expect([...codes]).toContain(code);
    }
  });

  it("repeat by their seed", () => {
    expect(run(7)).toEqual(run(7));
  });
});
