/**
 * A scripted life of a log with a crash at every operation of the disk, again and again with other
 * chances. What was acknowledged is there afterwards; what was not may be, in part.
 */
import { describe, expect, it } from "vitest";
import type { Entry, HardState } from "../../core/index.ts";
import type { DiskFault } from "../../testing/memory-disk.ts";
import {
  makeEntry,
  makeHardState,
  makePersist,
  StorageWorld,
} from "../../testing/storage-world.ts";
import type { PersistRequest } from "../log-store.ts";

const options = { segmentBytesMax: 4096, unitBytesMax: 1500 };

/**
 * What a correct log may hold after a crash: the state after each request from the last
 * acknowledged one on.
 */
interface Model {
  readonly states: { readonly entries: readonly string[]; readonly hardState: HardState }[];
  acknowledged: number;
}

const script: readonly PersistRequest[] = [
  makePersist({ hardState: makeHardState(1, "a"), entries: [makeEntry(1, 1, "", "no-op")] }),
  makePersist({ entries: [makeEntry(2, 1, "x".repeat(600)), makeEntry(3, 1)] }),
  makePersist({ hardState: makeHardState(2, "b") }),
  makePersist({ truncateFrom: 3, entries: [makeEntry(3, 2, "y".repeat(1000))], commit: 2 }),
  makePersist({ entries: [makeEntry(4, 2, "z".repeat(1400)), makeEntry(5, 2)] }),
  makePersist({ entries: [makeEntry(6, 2, new Uint8Array(1200))] }),
  makePersist({ hardState: makeHardState(3), truncateFrom: 5 }),
  makePersist({ entries: [makeEntry(5, 3, "last")], commit: 4 }),
];

function text(entry: Entry): string {
  return `${entry.index}/${entry.term}/${entry.data.length}`;
}

function makeModel(): Model {
  const states: Model["states"] = [{ entries: [], hardState: makeHardState(0) }];
  for (const request of script) {
    const before = states.at(-1) ?? { entries: [], hardState: makeHardState(0) };
    const kept = before.entries.slice(0, (request.truncateFrom ?? Number.MAX_SAFE_INTEGER) - 1);
    const entries = [...kept, ...request.entries.map(text)];
    states.push({ entries, hardState: request.hardState ?? before.hardState });
  }
  return { states, acknowledged: 0 };
}

/** Runs the script with all requests at once, or one by one; stops when the disk falls silent. */
function live(world: StorageWorld, model: Model, atOnce: boolean): void {
  const opened = world.tryOpenLog(options);
  if (opened === null) return;
  if (opened instanceof Error) throw opened;
  let isSilent = false;
  for (const [at, request] of script.entries()) {
    if (isSilent) return;
    let isAnswered = false;
    opened.store.append(request, (error) => {
      expect(error).toBe(null);
      isAnswered = true;
      model.acknowledged = at + 1;
    });
    if (atOnce) continue;
    world.clock.advance(at === 3 ? 150 : 0);
    isSilent = !isAnswered;
  }
  world.clock.advance(0);
  if (model.acknowledged < script.length) return;
  opened.store.close(() => {});
  world.clock.advance(0);
}

/**
 * The entries are those of a moment after the acknowledged one, or a prefix of the way to the next
 * ones.
 */
function check(world: StorageWorld, model: Model, name: string): string {
  const opened = world.tryOpenLog(options);
  if (opened === null || opened instanceof Error) throw new Error(`${name}: ${opened}`);
  const found = opened.entries.map(text);
  const candidates = model.states.slice(model.acknowledged);
  const mustHave = candidates[0]?.entries ?? [];
  const isExact = candidates.some(({ entries }) => entries.join() === found.join());
  if (!opened.hardState.mustCatchUp) {
    expect(
      isExact,
      `${name}: found ${found.join(" ")}, wanted ${mustHave.join(" ")} or later`,
    ).toBe(true);
  }
  const terms = candidates.map(({ hardState }) => hardState.term);
  expect(terms, name).toContain(opened.hardState.term);
  expect(opened.commit).toBeLessThanOrEqual(found.length);
  return opened.verdict.kind;
}

describe("a crash at every operation of the disk", () => {
  for (const atOnce of [false, true]) {
    it(`H6: loses nothing acknowledged, requests ${atOnce ? "all at once" : "one by one"}`, () => {
      const verdicts = new Map<string, number>();
      let operation = 1;
      for (let isOver = false; !isOver; operation++) {
        for (let seed = 0; seed < 12; seed++) {
          const world = new StorageWorld(seed * 1000 + operation);
          const model = makeModel();
          const last = world.disk.operations + operation;
          world.fault = ({ number }): DiskFault | null => {
            return number >= last ? { kind: "hang" } : null;
          };
          live(world, model, atOnce);
          isOver = world.disk.operations < last;
          world.fault = () => null;
          const keepShare = [0, 1, 0.5, 0.8][seed % 4] ?? 0;
          // Names and sizes are lost or kept too; tearing inside a sector leaves a unit that is
          // wrong, not short.
          const tearShare = seed >= 8 ? (1 - keepShare) / 2 : 0;
          world.disk.crash({ random: () => world.random.fraction(), keepShare, tearShare });
          const name = `operation ${operation}, seed ${seed}`;
          const verdict = check(world, model, name);
          if (tearShare === 0) expect(verdict, name).not.toBe("unknown");
          verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
          world.disk.crash({ random: () => world.random.fraction(), keepShare: 0 });
          check(world, model, `${name}, again`);
        }
      }
      expect(operation).toBeGreaterThan(60);
      expect(verdicts.get("torn") ?? 0).toBeGreaterThan(10);
      expect(verdicts.get("intact") ?? 0).toBeGreaterThan(100);
    });
  }

  it("during recovery loses nothing either", () => {
    for (let operation = 1, isOver = false; !isOver; operation++) {
      for (let seed = 0; seed < 8; seed++) {
        const world = new StorageWorld(seed * 777 + operation);
        const model = makeModel();
        const { store } = world.openLog(options);
        for (const [at, request] of script.slice(0, 5).entries()) {
          if (world.append(store, request) === null) model.acknowledged = at + 1;
        }
        world.fault = ({ kind }) => (kind === "sync" ? { kind: "hang" } : null);
        const request = script[5] ?? makePersist();
        world.append(store, request);
        world.disk.crash({ random: () => world.random.fraction(), keepShare: 0.6, tearShare: 0.1 });
        const last = world.disk.operations + operation;
        world.fault = ({ number }) => (number >= last ? { kind: "hang" } : null);
        world.tryOpenLog(options);
        isOver = world.disk.operations < last;
        world.fault = () => null;
        world.disk.crash({ random: () => world.random.fraction(), keepShare: 0.5, tearShare: 0.1 });
        check(world, model, `recovery operation ${operation}, seed ${seed}`);
        world.disk.crash({ random: () => world.random.fraction(), keepShare: 0 });
        check(world, model, `recovery operation ${operation}, seed ${seed}, again`);
      }
    }
  });

  it("of the power after that of a process tears one copy of the hard state at most", () => {
    // Both were not synced: one by the process that died, the other by the start.
    let starts = 0;
    for (let died = 1, isOver = false; !isOver; died++) {
      for (let operation = 1, isStarted = false; !isStarted; operation++) {
        const world = new StorageWorld(operation);
        const model = makeModel();
        const { store } = world.openLog(options);
        for (const [at, request] of script.slice(0, 2).entries()) {
          if (world.append(store, request) === null) model.acknowledged = at + 1;
        }
        const end = world.disk.operations + died;
        world.fault = ({ number }) => (number >= end ? { kind: "hang" } : null);
        world.append(store, script[2] ?? makePersist());
        isOver = world.disk.operations < end;
        world.disk.kill();
        const last = world.disk.operations + operation;
        world.fault = ({ number }) => (number >= last ? { kind: "hang" } : null);
        world.tryOpenLog(options);
        isStarted = world.disk.operations < last;
        world.fault = () => null;
        world.disk.crash({ random: () => 0.5, keepShare: 0, tearShare: 1 });
        check(world, model, `died at ${died}, no power at ${operation}`);
        starts++;
      }
    }
    expect(starts).toBeGreaterThan(50);
  });
});
