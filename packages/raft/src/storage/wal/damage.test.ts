/**
 * Every byte of a small log is cut off, flipped and zeroed. Whatever happens, what was acknowledged
 * is there, or the directory is refused, or the member knows that it must catch up.
 */
import { describe, expect, it } from "vitest";
import {
  makeEntry,
  makeHardState,
  makePersist,
  StorageWorld,
  worldDirectory,
} from "../../testing/storage-world.ts";
import { StorageDamage } from "../storage-errors.ts";
import type { OpenedLog } from "./open-log.ts";

const segmentPath = `${worldDirectory}/log-0000000000000001.wal`;
const logEndPath = `${worldDirectory}/log-end`;

/**
 * Unit 1: entries 1, 2. Unit 2: entry 3, long. Unit 3: truncation from 3 and entries 3, 4. Each one
 * sector or more.
 */
const requests = [
  makePersist({
    hardState: makeHardState(1, "a"),
    entries: [makeEntry(1, 1, "", "no-op"), makeEntry(2, 1, "two")],
  }),
  makePersist({ entries: [makeEntry(3, 1, "three ".repeat(150))], commit: 2 }),
  makePersist({
    hardState: makeHardState(2, "b"),
    truncateFrom: 3,
    entries: [makeEntry(3, 2, "new three"), makeEntry(4, 2, new Uint8Array(700))],
  }),
];
const finalLog = "1/1 2/1 3/2 4/2";
const beforeLast = "1/1 2/1 3/1";
const lastUnitOffset = 512 + 512 + 1024;
const end = lastUnitOffset + 1024;

const names = ["log-0000000000000001.wal", "hard-state.0", "hard-state.1", "log-end"];
const closedFiles = makeFiles(true);
const openFiles = makeFiles(false);

/**
 * A world whose log holds all requests; `isClosed`: with the witness, else killed before it was
 * written.
 */
function makeWorld(isClosed: boolean): StorageWorld {
  const world = new StorageWorld();
  for (const [path, bytes] of isClosed ? closedFiles : openFiles) world.disk.put(path, bytes);
  return world;
}

function makeFiles(isClosed: boolean): Map<string, Uint8Array> {
  const world = new StorageWorld();
  const { store } = world.openLog();
  for (const request of requests) expect(world.append(store, request)).toBe(null);
  if (isClosed) expect(world.close(store)).toBe(null);
  const paths = names.map((name) => `${worldDirectory}/${name}`);
  return new Map(paths.map((path) => [path, world.disk.peek(path)]));
}

/** Quicker than `toEqual`, which looks at every byte as a property. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

function describeLog(opened: OpenedLog): string {
  return opened.entries.map((entry) => `${entry.index}/${entry.term}`).join(" ");
}

/** What came of opening, in one word or two. */
function outcome(world: StorageWorld): string {
  const opened = world.tryOpenLog();
  if (opened instanceof StorageDamage) return "damaged";
  if (opened === null || opened instanceof Error) throw new Error(`unexpected: ${opened}`);
  const { verdict, hardState } = opened;
  expect(hardState.mustCatchUp).toBe(verdict.kind === "unknown");
  return `${verdict.kind} ${describeLog(opened)}`;
}

/** As one that is opened a second time: what the first time found must be settled by then. */
function outcomeOfSecond(world: StorageWorld): string {
  world.disk.crash({ random: () => 0.5, keepShare: 0 });
  return describeLog(world.openLog());
}

describe("a log whose last unit was cut short", () => {
  it("has the size that the offsets in this file say", () => {
    expect(makeWorld(false).disk.peek(segmentPath).length).toBe(end);
  });

  it("drops the last unit at every length in it, and is settled at the second opening", () => {
    for (let size = lastUnitOffset; size < end; size++) {
      const world = makeWorld(false);
      world.disk.poke(segmentPath, (bytes) => bytes.slice(0, size));
      const expected = size === lastUnitOffset ? "intact" : "torn";
      expect(`${size} ${outcome(world)}`).toBe(`${size} ${expected} ${beforeLast}`);
      if (size % 64 !== 0) continue;
      expect(outcomeOfSecond(world)).toBe(beforeLast);
      expect(world.disk.peek(segmentPath).length).toBe(lastUnitOffset);
    }
  });

  it("is damaged wherever it is cut once the witness is written", () => {
    for (let size = 0; size < end; size += 1) {
      const world = makeWorld(true);
      const original = world.disk.peek(segmentPath).slice(0, size);
      world.disk.poke(segmentPath, () => original);
      expect(`${size} ${outcome(world)}`).toBe(`${size} damaged`);
      expect(isSame(world.disk.peek(segmentPath), original)).toBe(true);
    }
  });

  it("is torn where whole sectors of the last unit were never written", () => {
    // Its second sector is zeros by content (700 zero bytes), except for its last entry's first
    // bytes.
    const world = makeWorld(false);
    world.disk.poke(segmentPath, (bytes) => bytes.fill(0, lastUnitOffset, lastUnitOffset + 512));
    expect(outcome(world)).toBe(`torn ${beforeLast}`);
  });

  it("is torn where the file grew and nothing of the unit arrived", () => {
    const world = makeWorld(false);
    world.disk.poke(segmentPath, (bytes) => bytes.fill(0, lastUnitOffset));
    expect(outcome(world)).toBe(`torn ${beforeLast}`);
  });
});

describe("a flipped byte", () => {
  const flip = (world: StorageWorld, path: string, offset: number, mask: number): void =>
    world.disk.poke(path, (bytes) => {
      bytes[offset] = (bytes[offset] ?? 0) ^ mask;
      return bytes;
    });

  it("H3: before the last unit is damage, named, and nothing is cut", () => {
    for (let offset = 0; offset < lastUnitOffset; offset++) {
      for (const mask of offset % 7 === 0 ? [1, 2, 4, 8, 16, 32, 64, 128] : [0xff]) {
        const world = makeWorld(false);
        flip(world, segmentPath, offset, mask);
        const before = world.disk.peek(segmentPath);
        expect(`${offset} ${outcome(world)}`).toBe(`${offset} damaged`);
        expect(isSame(world.disk.peek(segmentPath), before)).toBe(true);
      }
    }
  });

  it("in the last unit leaves the member waiting, and the tail is kept", () => {
    for (let offset = lastUnitOffset; offset < end; offset++) {
      const world = makeWorld(false);
      flip(world, segmentPath, offset, 1 << (offset % 8));
      const tail = world.disk.peek(segmentPath).slice(lastUnitOffset);
      expect(`${offset} ${outcome(world)}`).toBe(`${offset} unknown ${beforeLast}`);
      const kept = `${segmentPath}.unit-3.1.suspect`;
      expect(isSame(world.disk.peek(kept), tail)).toBe(true);
      if (offset % 64 !== 0) continue;
      world.disk.crash({ random: () => 0.5, keepShare: 0 });
      const again = world.openLog();
      expect(again.hardState).toEqual(makeHardState(2, "b", true));
      expect(describeLog(again)).toBe(beforeLast);
    }
  });

  it("in the last header leaves the member waiting, whatever piece of a write is behind it", () => {
    for (const piece of [1, 300, 511]) {
      const world = makeWorld(false);
      flip(world, segmentPath, lastUnitOffset + 20, 1);
      world.disk.poke(segmentPath, (bytes) => {
        const longer = new Uint8Array(end + piece).fill(7, end);
        longer.set(bytes);
        return longer;
      });
      expect(outcome(world)).toBe(`unknown ${beforeLast}`);
    }
  });

  it("in the last unit is repaired by whatever start comes to the end of it", () => {
    for (const keepShare of [0, 0.5, 1]) {
      for (let operation = 1; ; operation++) {
        const world = makeWorld(false);
        flip(world, segmentPath, lastUnitOffset + 30, 1);
        let count = 0;
        world.fault = () => {
          count++;
          return count >= operation ? { kind: "hang" } : null;
        };
        if (world.tryOpenLog() !== null) break;
        world.disk.crash({ random: () => world.random.fraction(), keepShare });
        world.fault = () => null;
        const again = world.openLog();
        expect(`${operation} ${describeLog(again)}`).toBe(`${operation} ${beforeLast}`);
        expect(again.hardState.mustCatchUp).toBe(true);
      }
    }
  });

  it("anywhere is damage once the witness is written", () => {
    for (let offset = 0; offset < end; offset++) {
      const world = makeWorld(true);
      flip(world, segmentPath, offset, 1 << (offset % 8));
      expect(`${offset} ${outcome(world)}`).toBe(`${offset} damaged`);
    }
  });

  it("in the witness weakens nothing but the evidence, and is mended", () => {
    for (let offset = 0; offset < 512; offset += 3) {
      for (const block of [0, 4096]) {
        const world = makeWorld(true);
        flip(world, logEndPath, block + offset, 4);
        expect(outcome(world)).toBe(`intact ${finalLog}`);
        expect(world.warnings).toHaveLength(1);
        world.warnings.length = 0;
        world.disk.crash({ random: () => 0.5, keepShare: 0 });
        expect(outcome(world)).toBe(`intact ${finalLog}`);
        expect(world.warnings).toEqual([]);
      }
    }
  });

  it("in the witness makes a missing last unit unknown: one write may have hit both", () => {
    const world = makeWorld(true);
    const sector = world.disk.peek(segmentPath).slice(lastUnitOffset, lastUnitOffset + 512);
    // The newer block holds what was meant for the log, and the log what was there before.
    world.disk.poke(logEndPath, (bytes) => void bytes.set(sector, 4096));
    world.disk.poke(segmentPath, (bytes) => void bytes.fill(0, lastUnitOffset, end));
    expect(outcome(world)).toBe(`unknown ${beforeLast}`);
  });

  it("in one copy of the hard state is mended from the other", () => {
    for (const copy of [0, 1]) {
      for (let offset = 0; offset < 512; offset++) {
        const world = makeWorld(true);
        flip(world, `${worldDirectory}/hard-state.${copy}`, offset, 32);
        const opened = world.openLog();
        expect(opened.hardState).toEqual(makeHardState(2, "b"));
        expect(world.warnings).toHaveLength(1);
        world.disk.crash({ random: () => 0.5, keepShare: 0 });
        world.warnings.length = 0;
        expect(world.openLog().hardState).toEqual(makeHardState(2, "b"));
        expect(world.warnings).toEqual([]);
      }
    }
  });

  it("in both copies of the hard state is damage", () => {
    const world = makeWorld(true);
    flip(world, `${worldDirectory}/hard-state.0`, 30, 1);
    flip(world, `${worldDirectory}/hard-state.1`, 400, 1);
    const error = world.tryOpenLog();
    expect(error).toBeInstanceOf(StorageDamage);
    expect(String(error)).toContain("hard-state.0");
  });
});

describe("what is named", () => {
  it("is file, offset, unit and entries", () => {
    const world = makeWorld(true);
    world.disk.poke(segmentPath, (bytes) => bytes.fill(0, 1024 + 512, 1024 + 520));
    const error = world.tryOpenLog();
    expect(error).toBeInstanceOf(StorageDamage);
    expect((error as StorageDamage).place).toEqual({
      file: segmentPath,
      offset: 1024,
      unit: 2,
      firstIndex: 3,
      lastIndex: 3,
    });
    expect(String(error)).toBe(
      "StorageDamage: Cannot open /data/log-0000000000000001.wal at offset 1024, unit 2, entries " +
        "3 to 3: the checksum of the unit is wrong (unit 3 follows at offset 2048, so it was " +
        "acknowledged); restore the file, or remove this member and add it anew",
    );
  });
});

describe("what was in a unit whose header cannot be read", () => {
  it("is told from its neighbours", () => {
    const world = new StorageWorld();
    const { store } = world.openLog();
    world.append(store, makePersist({ hardState: makeHardState(1), entries: [makeEntry(1, 1)] }));
    world.append(store, makePersist({ entries: [makeEntry(2, 1), makeEntry(3, 1)] }));
    world.append(store, makePersist({ entries: [makeEntry(4, 1)] }));
    world.disk.kill();
    world.disk.poke(segmentPath, (bytes) => bytes.fill(0, 1024, 1536));
    const error = world.tryOpenLog();
    expect((error as StorageDamage).place).toMatchObject({ unit: 2, firstIndex: 2, lastIndex: 3 });
  });
});

describe("files that are missing, old or of others", () => {
  it("a log without any hard state is damage", () => {
    const world = makeWorld(true);
    world.disk.drop(`${worldDirectory}/hard-state.0`);
    world.disk.drop(`${worldDirectory}/hard-state.1`);
    expect(outcome(world)).toBe("damaged");
  });

  it("a hard state without a log is damage", () => {
    const world = makeWorld(true);
    world.disk.drop(segmentPath);
    expect(outcome(world)).toBe("damaged");
  });

  it("one hard state or the witness is made anew, with a warning", () => {
    for (const name of ["hard-state.0", "hard-state.1", "log-end"]) {
      const world = makeWorld(true);
      world.disk.drop(`${worldDirectory}/${name}`);
      expect(outcome(world)).toBe(`intact ${finalLog}`);
      expect(world.warnings.join()).toContain(name);
      expect(world.disk.peek(`${worldDirectory}/${name}`).length).toBeGreaterThan(0);
    }
  });

  it("an older copy of each file is noticed", () => {
    for (const [at, name] of ["log-0000000000000001.wal", "hard-state.0", "log-end"].entries()) {
      const world = new StorageWorld();
      const { store } = world.openLog();
      expect(world.append(store, requests[0] ?? makePersist())).toBe(null);
      expect(world.close(store)).toBe(null);
      const path = `${worldDirectory}/${name}`;
      const old = world.disk.peek(path);
      const again = world.openLog();
      for (const request of requests.slice(1)) {
        expect(world.append(again.store, request)).toBe(null);
      }
      expect(world.close(again.store)).toBe(null);
      world.disk.poke(path, () => old);
      if (name === "hard-state.0") world.disk.poke(`${worldDirectory}/hard-state.1`, () => old);
      const expected = at < 2 ? "damaged" : `intact ${finalLog}`;
      expect(`${name} ${outcome(world)}`).toBe(`${name} ${expected}`);
    }
  });

  it("the segment of another directory is damage", () => {
    const world = new StorageWorld();
    const incarnation = "ffffffffffffffff";
    const identity = { ...makeForeign(), incarnation };
    const { store } = world.openLog({ identity });
    expect(world.append(store, requests[0] ?? makePersist())).toBe(null);
    expect(world.close(store)).toBe(null);
    const foreign = world.disk.peek(segmentPath);
    const other = makeWorld(true);
    other.disk.poke(segmentPath, () => foreign);
    const error = other.tryOpenLog();
    expect(String(error)).toContain("incarnation ffffffffffffffff");
  });
});

function makeForeign() {
  const world = new StorageWorld();
  const opened = world.openDirectory("00c1a51e00c1a51e");
  if (opened instanceof Error) throw opened;
  return opened.identity;
}
