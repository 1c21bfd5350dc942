/**
 * Clients on all members send commands of unique texts, read, give up, while members die, come back
 * and are cut off. Acknowledged: applied exactly once, at the place that was answered. Not applied:
 * in nobody's log. Unknown: at most once. A run repeats by its seed.
 */
import { describe, expect, it } from "vitest";
import { type Answer, NodeWorld } from "../../test/node/node-world.ts";
import { aborted } from "./errors.ts";

const steps = 150;

function makeWorld(seed: number): NodeWorld {
  return new NodeWorld({
    ...{ disk: true, seed, latencyMs: 1 },
    limits: { waitingCountMax: 20, keptResultsMax: seed % 2 === 0 ? 4 : 1000 },
  }).startAll();
}

/** What the dead asked for is never answered: their process is gone. */
function disturb(world: NodeWorld, dead: Set<Answer>, openOf: (id: string) => Answer[]): void {
  const { random } = world;
  const id = world.ids[random.below(world.ids.length)] ?? "a";
  const isRunning = world.running.has(id);
  switch (random.below(12)) {
    case 0:
      if (!isRunning) break;
      for (const answer of openOf(id)) dead.add(answer);
      world.node(id).kill();
      world.disk(id).crash({ random: () => random.fraction(), keepShare: 0.5 });
      break;
    case 1:
    case 2:
      for (const one of world.ids) if (!world.running.has(one)) world.start(one);
      break;
    case 3:
      world.isolate(id);
      break;
    case 4: {
      const other = world.ids[random.below(world.ids.length)] ?? "b";
      const mode = random.below(2) === 0 ? "drop" : "stall";
      if (other !== id) world.network.cut(id, other, { mode, oneWay: random.below(2) === 0 });
      break;
    }
    case 5:
    case 6:
      world.heal();
      break;
    case 7:
      if (isRunning && random.below(3) === 0) world.stop(id);
      break;
    default:
      break;
  }
}

function run(seed: number): readonly string[] {
  const world = makeWorld(seed);
  const { random } = world;
  const askedOf = new Map<Answer, string>();
  const dead = new Set<Answer>();
  const openOf = (id: string) =>
    world.answers.filter((answer) => answer.count === 0 && askedOf.get(answer) === id);
  for (let step = 0; step < steps; step++) {
    for (const id of [...world.running.keys()]) {
      for (let burst = random.below(4); burst > 0; burst--) {
        const text = `${id}${step}.${burst}`;
        const answer = world.propose(id, text, 50 + random.below(1500));
        askedOf.set(answer, id);
        if (random.below(20) === 0) answer.abort(aborted("unknown", undefined));
      }
      if (random.below(3) === 0) askedOf.set(world.read(id, 500), id);
    }
    disturb(world, dead, openOf);
    world.clock.advance(random.below(60));
  }
  world.heal();
  for (const id of world.ids) if (!world.running.has(id)) world.start(id);
  world.leader();
  world.clock.advance(10_000);
  const texts = checkLogs(world);
  for (const answer of world.answers) checkAnswer(answer, texts, dead.has(answer));
  return texts;
}

function checkLogs(world: NodeWorld): readonly string[] {
  const [first, ...rest] = world.ids.map((id) => world.node(id).journal.texts);
  expect(first).toBeDefined();
  for (const texts of rest) expect(texts).toEqual(first);
  return first ?? [];
}

function checkAnswer(answer: Answer, texts: readonly string[], isDead: boolean): void {
  if (isDead) {
    expect(answer.count).toBe(0);
    return;
  }
  expect(answer.count).toBe(1);
  const { text, error, result } = answer;
  if (text.startsWith("read")) return;
  const seen = texts.filter((one) => one === text).length;
  if (error === null) expect([text, seen, texts[Number(result) - 1]]).toEqual([text, 1, text]);
  else if (error.outcome === "applied") expect([text, seen]).toEqual([text, 1]);
  else if (error.outcome === "not-applied") expect([text, seen]).toEqual([text, 0]);
  else expect(seen).toBeLessThanOrEqual(1);
}

describe("random kills, partitions and heals", () => {
  it.each(Array.from({ length: 25 }, (_, i) => i + 1))("seed %d keeps every promise", (seed) => {
    expect(run(seed).length).toBeGreaterThan(0);
  });

  it("repeat by their seed", () => {
    expect(run(7)).toEqual(run(7));
  });
});
