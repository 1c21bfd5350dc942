/** The small models, explored to the end: their sizes are frozen, so that a silent loss shows. */
import { describe, expect, it } from "vitest";
import { explore, type Model, ModelViolation } from "../index.ts";
import { type Bounds, RaftModel, raftModels } from "./index.ts";

function create(name: string): Model {
  const model = raftModels[name]?.();
  if (model === undefined) throw new Error(`There is no model ${name}`);
  return model;
}

const smallest: Bounds = {
  name: "smallest",
  preVote: false,
  checkQuorum: false,
  termMax: 2,
  timeoutsMax: 1,
  proposalsMax: 0,
  crashesMax: 0,
  roundsMax: 1,
  ticksMax: 0,
  readsMax: 0,
  duplicatesMax: 0,
  followerReads: false,
  asyncDisk: true,
  storesCommit: false,
};

describe("models of the core", () => {
  it.each([
    { name: "crash-small", distinct: 5_920, generated: 18_867, depth: 23 },
    { name: "duplicates-small", distinct: 3_601, generated: 14_332, depth: 23 },
    { name: "failover-small", distinct: 228_145, generated: 909_670, depth: 31 },
    { name: "leases-small", distinct: 192_774, generated: 880_182, depth: 20 },
    { name: "membership-small", distinct: 110_822, generated: 268_646, depth: 31 },
    { name: "reads-small", distinct: 32_643, generated: 114_221, depth: 20 },
    { name: "snapshots-small", distinct: 216_492, generated: 768_701, depth: 24 },
  ])("$name holds, to the end", ({ name, distinct, generated, depth }) => {
    const result = explore(create(name));
    expect(result.kind).toBe("complete");
    const { statistics } = result;
    expect(statistics.probes.filter(({ hits }) => hits === 0)).toEqual([]);
    expect({
      distinct: statistics.distinct,
      generated: statistics.generated,
      depth: statistics.depth,
    }).toEqual({ distinct, generated, depth });
  });

  it("begins once for each number of slow clocks, and says what time does", () => {
    const model = create("leases");
    const worlds = model.initial();
    expect(new Set(worlds.map((world) => world.join(" "))).size).toBe(4);
    const [world] = worlds;
    if (world === undefined) throw new Error("There is no initial state");
    const [timer] = childrenOf(model, world);
    if (timer === undefined) throw new Error("A timer runs out first");
    const lines = childrenOf(model, timer.state).map(({ action }) => {
      return model.describe(timer.state, action);
    });
    expect(lines).toContain("half a lease passes");
  });

  it("refuses clocks where silence is measured, too", () => {
    const bounds: Bounds = { ...smallest, checkQuorum: true, clocks: { stepsMax: 1, slow: [1] } };
    expect(() => new RaftModel(bounds)).toThrow("clocks go with neither CheckQuorum nor");
    const long: Bounds = { ...smallest, clocks: { stepsMax: 8, slow: [1] } };
    expect(() => new RaftModel(long)).toThrow("stepsMax is 8; give 0 to 7");
  });

  it("gives the same bytes for a state, whatever the process saw before", () => {
    const first = create("crash-small");
    const second = create("crash-small");
    explore(first);
    const [initial] = first.initial();
    if (initial === undefined) throw new Error("There is no initial state");
    expect(second.initial()).toEqual([initial]);
    let state = initial;
    for (let depth = 0; depth < 12; depth++) {
      const next = childrenOf(first, state);
      expect(childrenOf(second, state)).toEqual(next);
      state = next.at(-1)?.state ?? state;
    }
  });

  it("says what an action is", () => {
    const model = create("crash-small");
    const [initial] = model.initial();
    if (initial === undefined) throw new Error("There is no initial state");
    expect(model.describe(initial, 0)).toBe("a's election timer runs out");
    expect(model.describe(initial, 1)).toBe("a crashes, 0 of 0 units kept");
  });

  it("refuses bounds that the encoding has no room for", () => {
    const bounds: Bounds = { ...smallest, name: "large", termMax: 8 };
    expect(() => new RaftModel(bounds)).toThrow("termMax is 8; give 2 to 7");
    expect(ModelViolation.name).toBe("ModelViolation");
  });
});

function childrenOf(model: Model, state: Uint8Array): { action: number; state: Uint8Array }[] {
  const children: { action: number; state: Uint8Array }[] = [];
  model.expand(state, (action, next) => children.push({ action, state: next.slice() }));
  return children;
}
