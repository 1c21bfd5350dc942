import { describe, expect, it } from "vitest";
import {
  type CheckpointHeader,
  type CheckpointReader,
  type CheckpointSection,
  createDieHardModel,
  createDigraphModel,
  createMemoryBlockStore,
  type Exploration,
  type ExploreResult,
  explore,
  formatCounterexample,
  type Model,
  type ModelEntry,
  ModelViolation,
  replay,
  resumeExploration,
  runExploration,
  selfTestModels,
  startExploration,
} from "./index.ts";

/** A model over numbers below 256, from 1; `next` gives what comes out of actions 0, 1, 2 … */
function createNumbersModel(next: (state: number) => readonly number[], probe = 1): Model {
  const probeHits = new Float64Array(1);
  return {
    name: "numbers",
    description: "numbers below 256",
    probes: ["the number"],
    probeHits,
    failedAction: 0,
    initial: () => [new Uint8Array([1])],
    expand(state, emit) {
      const [value = 0] = state;
      if (value === probe) probeHits[0] = (probeHits[0] ?? 0) + 1;
      for (const [action, number] of next(value).entries()) emit(action, new Uint8Array([number]));
    },
    describe: (state, action) => `${state[0]} does ${action}`,
  };
}

/** What `save` wrote, through JSON as in a file. */
function takeCheckpoint(exploration: Exploration): CheckpointReader {
  let header = "";
  const blocks: [CheckpointSection, Uint8Array][] = [];
  exploration.save({
    header(given) {
      header = JSON.stringify(given);
    },
    block(section, block) {
      blocks.push([section, block.slice()]);
    },
  });
  return {
    header: JSON.parse(header) as CheckpointHeader, // what was saved two lines above
    blocks: (section) => blocks.filter(([name]) => name === section).map(([, block]) => block),
  };
}

describe("explore finds the published sizes", () => {
  const isQuick = ({ size }: ModelEntry): boolean => size !== null && size.distinct < 100_000;

  it.each(selfTestModels.filter(isQuick))("of $name", ({ create, size }) => {
    const { kind, statistics } = explore(create());
    expect(kind).toBe("complete");
    expect(statistics).toMatchObject(size ?? {});
    expect(statistics.levels.reduce((sum, level) => sum + level)).toBe(size?.distinct);
    expect(statistics.expanded).toBe(size?.distinct);
  });

  it("with names that the models have", () => {
    for (const { name, create } of selfTestModels) expect(create().name).toBe(name);
  });
});

describe("explore stops at what is broken", () => {
  it("with the shortest way there", () => {
    const result = explore(createDieHardModel(4));
    expect(result.kind).toBe("violation");
    if (result.kind !== "violation") return;
    expect(formatCounterexample(result.counterexample).split("\n")).toEqual([
      "   1  fill the big jug",
      "   2  pour big into small",
      "   3  empty the small jug",
      "   4  pour big into small",
      "   5  fill the big jug",
      "   6  pour big into small",
      "      the big jug holds 4 gallons",
    ]);
  });

  it("and a saved counterexample runs again", () => {
    const result = explore(createDieHardModel(4));
    if (result.kind !== "violation") throw new Error("no violation");
    const saved: typeof result.counterexample = JSON.parse(JSON.stringify(result.counterexample));
    const path = { initial: saved.initial, actions: saved.steps.map(({ action }) => action) };
    expect(replay(createDieHardModel(4), path)).toEqual({
      kind: "violation",
      counterexample: saved,
    });
    expect(replay(createDieHardModel(), path)).toMatchObject({ kind: "passed" });
    expect(replay(createDieHardModel(4), { ...path, actions: [1, 9] })).toMatchObject({
      kind: "impossible",
    });
  });

  it("at an initial state", () => {
    const model = createNumbersModel(() => []);
    model.initial = () => {
      throw new ModelViolation("born broken");
    };
    expect(explore(model)).toMatchObject({
      kind: "violation",
      counterexample: { steps: [], violation: "born broken" },
    });
  });

  it("also where a model throws another error", () => {
    const model = createNumbersModel((value) => {
      if (value === 3) throw new RangeError("three");
      return [value + 1];
    });
    expect(explore(model)).toMatchObject({
      kind: "violation",
      counterexample: { steps: [{ action: 0 }, { action: 0 }, {}], violation: "RangeError: three" },
    });
  });

  it("but not for a fault of its own storage", () => {
    const store = createMemoryBlockStore();
    store.append = () => {
      throw new Error("disk full");
    };
    const exploration = startExploration(createDigraphModel(5), { openBlockStore: () => store });
    expect(() => runExploration(exploration)).toThrow("disk full");
  });
});

describe("explore demands every probe", () => {
  it("and names those that were not reached", () => {
    const model = createNumbersModel((value) => (value < 9 ? [value + 1] : []), 10);
    expect(explore(model)).toMatchObject({
      kind: "unreached",
      probes: ["the number"],
      statistics: { distinct: 9, probes: [{ name: "the number", hits: 0 }] },
    });
  });

  it("and counts its own run only", () => {
    const model = createNumbersModel((value) => (value < 9 ? [value + 1] : []), 9);
    for (let run = 0; run < 3; run++) {
      const { statistics } = explore(model);
      expect(statistics.probes).toEqual([{ name: "the number", hits: 1 }]);
    }
  });
});

describe("an exploration that stops at a limit", () => {
  const withoutTime = ({ kind, statistics, ...rest }: ExploreResult) => {
    return { kind, ...rest, ...statistics, elapsedMs: 0, fingerprintBytes: 0 };
  };
  const ongaro = selfTestModels.find(({ name }) => name === "ongaro-raft-elections");
  const createOngaro = (): Model => (ongaro?.create ?? createDieHardModel)();

  it.each([
    ["die-hard", () => createDieHardModel(), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]],
    ["die-hard, broken", () => createDieHardModel(4), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
    ["digraphs-5", () => createDigraphModel(5), [1, 2, 3000, 9000, 9607]],
    ["ongaro-raft-elections", createOngaro, [1, 100, 4000, 5666]],
  ])("goes on to the same totals: %s", (_name, create, stops) => {
    const whole = explore(create());
    for (const statesMax of stops) {
      const exploration = startExploration(create());
      const first = runExploration(exploration, { statesMax });
      expect(first).toMatchObject({ kind: "bounded", stoppedBy: "states" });
      const resumed = resumeExploration(create(), takeCheckpoint(exploration));
      expect(withoutTime(runExploration(resumed))).toEqual(withoutTime(whole));
      // The one that was saved may go on as well.
      expect(withoutTime(runExploration(exploration))).toEqual(withoutTime(whole));
    }
  });

  it("goes on over many breaks, by time", () => {
    let nowMs = 0;
    const limits = { timeMaxMs: 1, nowMs: () => nowMs++ };
    let exploration = startExploration(createDigraphModel(5));
    let result = runExploration(exploration, limits);
    let breaks = 0;
    for (; result.kind === "bounded"; breaks++) {
      expect(result.stoppedBy).toBe("time");
      exploration = resumeExploration(createDigraphModel(5), takeCheckpoint(exploration));
      result = runExploration(exploration, limits);
    }
    expect(breaks).toBeGreaterThan(30);
    expect(withoutTime(result)).toEqual(withoutTime(explore(createDigraphModel(5))));
    expect(result.statistics.elapsedMs).toBe(breaks + 1);
  });

  it("is not mixed up with another model or other bounds", () => {
    const exploration = startExploration(createDieHardModel());
    const checkpoint = takeCheckpoint(exploration);
    expect(() => resumeExploration(createDigraphModel(3), checkpoint)).toThrow(
      'the checkpoint is of model "die-hard", not "digraphs-3"',
    );
    expect(() => resumeExploration(createDieHardModel(4), checkpoint)).toThrow("changed since");
  });

  it("does not go on from a checkpoint that lost something", () => {
    const exploration = startExploration(createDigraphModel(4));
    runExploration(exploration, { statesMax: 100 });
    const { header, blocks } = takeCheckpoint(exploration);
    for (const lost of ["fingerprints", "frontier", "next", "predecessors"]) {
      const damaged = {
        header,
        blocks: (section: CheckpointSection) => (section === lost ? [] : blocks(section)),
      };
      expect(() => resumeExploration(createDigraphModel(4), damaged)).toThrow("should be in");
    }
  });
});
