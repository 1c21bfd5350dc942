/**
 * A scripted life of a log with snapshots, compactions and installations, with a crash at every
 * operation of the disk. What was acknowledged is there afterwards, in the log or in a snapshot.
 */
import { describe, expect, it } from "vitest";
import { crc32 } from "../../base/index.ts";
import type { HardState } from "../../core/index.ts";
import type { DiskFault } from "../../testing/memory-disk.ts";
import {
  makeEntry,
  makeHardState,
  makePersist,
  type SnapshotContent,
  StorageWorld,
  worldDirectory,
  worldIdentity,
} from "../../testing/storage-world.ts";
import type { LogStore, PersistRequest, StorageError } from "../log-store.ts";
import { decodeLogStart, logStartFileName } from "./log-start.ts";
import type { OpenedLog } from "./open-log.ts";
import { parseSegmentFileName } from "./segment-header.ts";

const options = { segmentBytesMax: 4096, unitBytesMax: 1500, idleWitnessMs: 20 };

type Step =
  | { readonly kind: "append"; readonly request: PersistRequest }
  | { readonly kind: "install"; readonly content: SnapshotContent }
  | { readonly kind: "compact"; readonly index: number; readonly term: number };

const append = (parts: Parameters<typeof makePersist>[0]): Step => ({
  kind: "append",
  request: makePersist(parts),
});
const install = (index: number, term: number): Step => ({
  kind: "install",
  content: { index, term, sections: [["state", `state ${index} ${"s".repeat(700)}`]] },
});
const compact = (index: number, term: number): Step => ({ kind: "compact", index, term });

const script: readonly Step[] = [
  append({ hardState: makeHardState(1, "a"), entries: [makeEntry(1, 1, "", "no-op")] }),
  append({ entries: [makeEntry(2, 1, "x".repeat(600)), makeEntry(3, 1)] }),
  append({ entries: [makeEntry(4, 1, "y".repeat(1400)), makeEntry(5, 1, "z".repeat(1400))] }),
  install(3, 1),
  append({ entries: [makeEntry(6, 1, "6".repeat(1300))], commit: 5 }),
  compact(3, 1),
  install(5, 1),
  append({ hardState: makeHardState(2, "b"), truncateFrom: 6, entries: [makeEntry(6, 2, "six")] }),
  append({ entries: [makeEntry(7, 2, "7".repeat(1300)), makeEntry(8, 2, "8".repeat(1300))] }),
  compact(5, 1),
  append({ entries: [makeEntry(9, 2, "9".repeat(1300))], commit: 6 }),
  // From a leader that this member is far behind: nothing of the log stays.
  install(20, 2),
  append({ entries: [makeEntry(21, 2), makeEntry(22, 2, "w".repeat(900))] }),
  append({ hardState: makeHardState(3), commit: 21 }),
  // And one that contradicts an uncommitted entry.
  install(22, 3),
  append({ entries: [makeEntry(23, 3, "v".repeat(1400)), makeEntry(24, 3, "u".repeat(1400))] }),
  install(24, 3),
  append({ entries: [makeEntry(25, 3, "t".repeat(1000))], commit: 24 }),
  compact(24, 3),
];

interface State {
  /** Entries by index, as far back as the log must reach if nothing was dropped. */
  readonly log: ReadonlyMap<number, string>;
  /** Where the log begins at the latest, and at the earliest. */
  readonly first: number;
  readonly hardState: HardState;
  readonly snapshot: number;
}

const text = (index: number, term: number) => `${index}/${term}`;

function makeStates(): readonly State[] {
  const states: State[] = [
    { log: new Map([[0, "0/0"]]), first: 0, hardState: makeHardState(0), snapshot: 0 },
  ];
  for (const step of script) {
    const before = states.at(-1);
    if (before === undefined) throw new Error("there is always a state");
    states.push(after(before, step));
  }
  return states;
}

function after(state: State, step: Step): State {
  const log = new Map(state.log);
  switch (step.kind) {
    case "append": {
      const { truncateFrom, entries, hardState } = step.request;
      if (truncateFrom !== null) {
        for (const index of log.keys()) if (index >= truncateFrom) log.delete(index);
      }
      for (const entry of entries) log.set(entry.index, text(entry.index, entry.term));
      return { ...state, log, hardState: hardState ?? state.hardState };
    }
    case "install": {
      const { index, term } = step.content;
      const isKept = log.get(index) === text(index, term);
      if (isKept) return { ...state, snapshot: index };
      return {
        ...state,
        log: new Map([[index, text(index, term)]]),
        first: index,
        snapshot: index,
      };
    }
    case "compact":
      return state;
    default:
      return step satisfies never;
  }
}

const states = makeStates();

interface Progress {
  acknowledged: number;
}

/** One step after the other, as far as the disk answers. */
function live(world: StorageWorld, progress: Progress): void {
  const opened = world.tryOpenLog(options);
  if (opened === null) return;
  if (opened instanceof Error) throw opened;
  for (const [at, step] of script.entries()) {
    if (!isDone(world, opened.store, step)) return;
    progress.acknowledged = at + 1;
    if (at % 5 === 3) world.clock.advance(50);
  }
  world.close(opened.store);
}

function isDone(world: StorageWorld, store: LogStore, step: Step): boolean {
  const answer = perform(world, store, step);
  if (answer instanceof Error) throw answer;
  return answer === null;
}

function perform(world: StorageWorld, store: LogStore, step: Step): StorageError | null | "silent" {
  switch (step.kind) {
    case "append":
      return world.append(store, step.request);
    case "compact":
      return world.compact(store, step.index, step.term);
    case "install": {
      const sealed = world.trySeal(store.snapshots, step.content, 500);
      if (sealed === null) return "silent";
      return sealed instanceof Error ? sealed : world.install(store, sealed);
    }
    default:
      return step satisfies never;
  }
}

/** Null if what was found may be there in this state. */
function differs(opened: OpenedLog, state: State): string | null {
  const { base, entries, snapshot, hardState } = opened;
  const last = entries.at(-1) ?? base;
  if (state.log.get(base.index) !== text(base.index, base.term)) return "another base";
  const lastWanted = Math.max(...state.log.keys());
  if (last.index !== lastWanted) return `ends at ${last.index}, not ${lastWanted}`;
  for (const [at, entry] of entries.entries()) {
    if (entry.index !== base.index + 1 + at) return `a gap before ${entry.index}`;
    if (state.log.get(entry.index) !== text(entry.index, entry.term)) return "another entry";
  }
  if ((snapshot?.identity.position.index ?? 0) !== state.snapshot) return "another snapshot";
  if (hardState.term !== state.hardState.term) return "another term";
  return null;
}

function check(world: StorageWorld, progress: Progress, name: string): OpenedLog {
  const opened = world.tryOpenLog(options);
  if (opened === null || opened instanceof Error) throw new Error(`${name}: ${opened}`);
  const kind = opened.snapshot === null ? "none" : "sound";
  expect(opened.snapshotVerdict, name).toEqual({ kind });
  checkFiles(world, name);
  const { acknowledged } = progress;
  // The hard state is written before the records of the same request.
  const between = states.slice(0, -1).map((state, at) => {
    return { ...state, hardState: states[at + 1]?.hardState ?? state.hardState };
  });
  const candidates = [...states.slice(acknowledged), ...between.slice(acknowledged)];
  const reasons = candidates.map((state) => differs(opened, state));
  expect(reasons.includes(null), `${name}: after step ${acknowledged}: ${reasons[0]}`).toBe(true);
  if (opened.base.index > 0) {
    expect(opened.snapshot?.identity.position.index, name).toBeGreaterThanOrEqual(
      opened.base.index,
    );
  }
  if (opened.snapshot !== null) {
    const { index } = opened.snapshot.identity.position;
    const found = world.readAll(opened.store.snapshots, opened.snapshot);
    if (found instanceof Error) throw found;
    const state = Buffer.from(found.get("state") ?? []).toString();
    expect(state.startsWith(`state ${index} `), name).toBe(true);
    expect(opened.commit).toBeGreaterThanOrEqual(index);
  }
  return opened;
}

/** What was dropped, or never finished, is gone after an opening at the latest. */
function checkFiles(world: StorageWorld, name: string): void {
  const files = world.disk.files();
  expect(
    files.filter((file) => file.endsWith(".tmp")),
    name,
  ).toEqual([]);
  const path = `${worldDirectory}/${logStartFileName}`;
  const start = files.includes(path)
    ? decodeLogStart(world.disk.peek(path), path, worldIdentity, crc32).segment
    : 1;
  const [oldest = ""] = files.filter((file) => file.endsWith(".wal"));
  expect(parseSegmentFileName(oldest.slice(worldDirectory.length + 1)), name).toBe(start);
}

/** The log that was found can go on: another life follows, and nothing of it is lost. */
function goOn(world: StorageWorld, opened: OpenedLog, name: string): void {
  const last = opened.entries.at(-1) ?? opened.base;
  const next = makeEntry(last.index + 1, 9, "after the crash");
  const request = makePersist({ hardState: makeHardState(9), entries: [next] });
  expect(world.append(opened.store, request), name).toBe(null);
  world.disk.crash({ random: () => 0.5, keepShare: 0 });
  const again = world.openLog(options);
  expect(again.entries.at(-1)?.index, name).toBe(last.index + 1);
  expect(again.entries.at(-1)?.term, name).toBe(9);
}

describe("a crash at every operation of the disk, with snapshots and compaction", () => {
  it("H7, H8, H10, H14: loses nothing acknowledged, no gap between snapshot and log", () => {
    const kept = new Map<string, number>();
    let operation = 1;
    for (let isOver = false; !isOver; operation++) {
      for (let seed = 0; seed < 3; seed++) {
        const world = new StorageWorld(seed * 1000 + operation);
        const progress: Progress = { acknowledged: 0 };
        const last = world.disk.operations + operation;
        world.fault = ({ number }): DiskFault | null => {
          return number >= last ? { kind: "hang" } : null;
        };
        live(world, progress);
        isOver = world.disk.operations < last;
        world.fault = () => null;
        const keepShare = [0, 1, 0.5][seed] ?? 0;
        world.disk.crash({ random: () => world.random.fraction(), keepShare });
        const name = `operation ${operation}, seed ${seed}`;
        const { verdict } = check(world, progress, name);
        kept.set(verdict.kind, (kept.get(verdict.kind) ?? 0) + 1);
        world.disk.crash({ random: () => world.random.fraction(), keepShare: 0 });
        goOn(world, check(world, progress, `${name}, again`), name);
      }
    }
    expect(operation).toBeGreaterThan(150);
    expect(kept.get("intact") ?? 0).toBeGreaterThan(100);
  });

  it("H7: and at every operation of the recovery after it", () => {
    // Where a snapshot has its name, and the log is not replaced yet.
    for (const stage of ["log-start", ".wal.tmp", "log-end"]) {
      for (let operation = 1, isOver = false; !isOver; operation++) {
        for (const keepShare of [0, 0.5, 1]) {
          const world = new StorageWorld(operation);
          const progress: Progress = { acknowledged: 0 };
          const isInstall = () => progress.acknowledged === 11;
          let isHanging = false;
          world.fault = ({ kind, path }) => {
            if (isInstall() && kind === "open" && path.includes(stage)) isHanging = true;
            if (isInstall() && stage === "log-end" && kind === "write" && path.includes(stage)) {
              isHanging = true;
            }
            return isHanging ? { kind: "hang" } : null;
          };
          live(world, progress);
          expect(isHanging, stage).toBe(true);
          world.disk.crash({ random: () => world.random.fraction(), keepShare });
          const last = world.disk.operations + operation;
          world.fault = ({ number }) => (number >= last ? { kind: "hang" } : null);
          world.tryOpenLog(options);
          isOver = world.disk.operations < last;
          world.fault = () => null;
          world.disk.crash({ random: () => world.random.fraction(), keepShare });
          const name = `${stage}, recovery operation ${operation}, keep ${keepShare}`;
          goOn(world, check(world, progress, name), name);
        }
      }
    }
  });

  it("in the end has removed what was dropped", () => {
    const world = new StorageWorld();
    const progress: Progress = { acknowledged: 0 };
    live(world, progress);
    expect(progress.acknowledged).toBe(script.length);
    const opened = check(world, progress, "the end");
    expect(opened.base).toEqual({ index: 24, term: 3 });
    const segments = world.disk.files().filter((file) => file.endsWith(".wal"));
    expect(segments.length).toBe(1);
  });
});
