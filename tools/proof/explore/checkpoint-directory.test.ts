import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  createDigraphModel,
  type Exploration,
  type ExploreResult,
  explore,
  resumeExploration,
  runExploration,
  startExploration,
} from "../../../packages/raft/src/sim/explorer/index.ts";
import { isCheckpointPlace, readCheckpoint, writeCheckpoint } from "./checkpoint-directory.ts";
import { createFileBlockStore, type FileBlockStore } from "./file-blocks.ts";

let directory = "";
let stores: FileBlockStore[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "quorate-checkpoint-"));
  stores = [];
});

afterEach(() => {
  for (const store of stores) store.close();
  rmSync(directory, { recursive: true, force: true });
});

function openBlockStore(name: string): FileBlockStore {
  const store = createFileBlockStore(join(directory, `${name}-${stores.length}`));
  stores.push(store);
  return store;
}

/** An exploration in files that stopped half way. */
function startHalf(): Exploration {
  const exploration = startExploration(createDigraphModel(5), { openBlockStore });
  expect(runExploration(exploration, { statesMax: 5000 }).kind).toBe("bounded");
  return exploration;
}

function withoutBytes({ kind, statistics }: ExploreResult): object {
  return { kind, ...statistics, fingerprintBytes: 0 };
}

describe("states in files", () => {
  it("are found as those in memory are", () => {
    const result = runExploration(startExploration(createDigraphModel(5), { openBlockStore }));
    expect(result).toEqual(explore(createDigraphModel(5)));
  });

  it("give blocks back by number, and none that are not there", () => {
    const store = openBlockStore("blocks");
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 5; index++) store.append(new Uint8Array(index).fill(round));
      for (const index of [3, 0, 4, 2]) {
        expect(store.read(index)).toEqual(new Uint8Array(index).fill(round));
      }
      expect(() => store.read(5)).toThrow("no block 5");
      store.clear();
      expect(store.count).toBe(0);
    }
  });
});

describe("a checkpoint in a directory", () => {
  it("is gone on with, in files and in memory, to the same totals", () => {
    const place = join(directory, "checkpoint");
    writeCheckpoint(place, startHalf());
    for (const options of [{ openBlockStore }, {}]) {
      const resumed = resumeExploration(createDigraphModel(5), readCheckpoint(place), options);
      const result = runExploration(resumed);
      expect(withoutBytes(result)).toEqual(withoutBytes(explore(createDigraphModel(5))));
    }
  });

  it("takes the place of an older one", () => {
    const place = join(directory, "checkpoint");
    const exploration = startHalf();
    writeCheckpoint(place, exploration);
    runExploration(exploration, { statesMax: 7000 });
    writeCheckpoint(place, exploration);
    expect(readCheckpoint(place).header.distinct).toBe(exploration.distinct);
    expect(readdirSync(directory)).not.toContain("checkpoint.new");
  });

  it("is refused when a byte of it changed", () => {
    const place = join(directory, "checkpoint");
    writeCheckpoint(place, startHalf());
    for (const section of ["fingerprints", "frontier", "next", "predecessors"]) {
      const path = join(place, `${section}.bin`);
      const bytes = readFileSync(path);
      const damaged = Buffer.from(bytes);
      damaged[bytes.length - 3] = (damaged[bytes.length - 3] ?? 0) ^ 4;
      writeFileSync(path, damaged);
      expect(() => resumeExploration(createDigraphModel(5), readCheckpoint(place))).toThrow(
        `${section}.bin is damaged in the block at`,
      );
      writeFileSync(path, bytes.subarray(0, -1));
      expect(() => resumeExploration(createDigraphModel(5), readCheckpoint(place))).toThrow(
        `${section}.bin ends within the block at`,
      );
      writeFileSync(path, bytes);
    }
  });

  it("is not written over something else", () => {
    writeFileSync(join(directory, "mine"), "");
    expect(isCheckpointPlace(directory)).toBe(false);
    expect(isCheckpointPlace(join(directory, "new"))).toBe(true);
    expect(() => writeCheckpoint(directory, startHalf())).toThrow("holds something else");
    expect(readdirSync(directory)).toContain("mine");
    expect(() => readCheckpoint(directory)).toThrow("has no checkpoint");
  });
});
