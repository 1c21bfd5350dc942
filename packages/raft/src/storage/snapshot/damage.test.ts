/**
 * Every byte of a small snapshot is flipped, and it is cut at every length. It is never taken: what
 * is damaged is named, and an older one does only where the log reaches back to it.
 */
import { describe, expect, it } from "vitest";
import { crc32 } from "../../base/index.ts";
import {
  makeEntry,
  makeHardState,
  makePersist,
  StorageWorld,
  worldDirectory,
} from "../../testing/storage-world.ts";
import { StorageDamage, UnknownFormatError } from "../storage-errors.ts";
import type { OpenedLog } from "../wal/open-log.ts";
import { snapshotBlockBytes } from "./snapshot-format.ts";

const older = `${worldDirectory}/snapshot-0000000000000002.snap`;
const newer = `${worldDirectory}/snapshot-0000000000000004.snap`;
const logStart = `${worldDirectory}/log-start`;
const options = { segmentBytesMax: 2048 };

/** Entries 1 to 6 in three segments, snapshots at 2 and at 4. */
function makeFiles(compactThrough: number): ReadonlyMap<string, Uint8Array> {
  const world = new StorageWorld();
  const { store } = world.openLog(options);
  const hardState = makeHardState(1);
  world.append(store, makePersist({ hardState, entries: [makeEntry(1, 1, "x".repeat(700))] }));
  for (let index = 2; index <= 6; index++) {
    const entries = [makeEntry(index, 1, "x".repeat(700))];
    world.append(store, makePersist({ entries, commit: 4 }));
  }
  for (const index of [2, 4]) {
    const sections = [
      ["one", `state ${index}`],
      ["two", new Uint8Array(3)],
    ] as const;
    expect(world.install(store, world.seal(store.snapshots, { index, term: 1, sections }))).toBe(
      null,
    );
  }
  if (compactThrough > 0) expect(world.compact(store, compactThrough, 1)).toBe(null);
  expect(world.close(store)).toBe(null);
  return new Map(world.disk.files().map((path) => [path, world.disk.peek(path)]));
}

const wholeLog = makeFiles(0);
const shortLog = makeFiles(4);

function makeWorld(files: ReadonlyMap<string, Uint8Array>): StorageWorld {
  const world = new StorageWorld();
  for (const [path, bytes] of files) world.disk.put(path, bytes);
  return world;
}

/** What came of opening, in a few words. */
function outcome(world: StorageWorld): string {
  const opened = world.tryOpenLog(options);
  if (opened instanceof StorageDamage) return "refused";
  if (opened === null || opened instanceof Error) throw new Error(`unexpected: ${opened}`);
  const { snapshotVerdict, snapshot, base } = opened;
  if ("damaged" in snapshotVerdict) checkNamed(world, opened);
  const index = snapshot?.identity.position.index ?? "no snapshot";
  return `${snapshotVerdict.kind} ${base.index} ${index}`;
}

function checkNamed(world: StorageWorld, { snapshotVerdict }: OpenedLog): void {
  const damaged = "damaged" in snapshotVerdict ? snapshotVerdict.damaged : [];
  for (const damage of damaged) {
    expect([older, newer]).toContain(damage.place.file);
    expect(damage.place.offset).not.toBe(null);
    expect(world.warnings).toContain(damage.message);
  }
}

describe("a damaged snapshot", () => {
  it("is sound before it is damaged", () => {
    expect(outcome(makeWorld(wholeLog))).toBe("sound 0 4");
    expect(outcome(makeWorld(shortLog))).toBe("sound 4 4");
  });

  const size = wholeLog.get(newer)?.length ?? 0;
  const damages: readonly [string, (world: StorageWorld, at: number) => void][] = [
    ["flipped at every byte", (world, at) => flip(world, newer, at)],
    ["cut at every length", (world, at) => world.disk.poke(newer, (bytes) => bytes.slice(0, at))],
    ["with zeros from every byte on", (world, at) => zeroFrom(world, at)],
  ];
  for (const [what, damage] of damages) {
    it(`${what} is not taken, but an older one if the log reaches back`, () => {
      for (let at = 0; at < size; at++) {
        const world = makeWorld(wholeLog);
        damage(world, at);
        expect(`${at} ${outcome(world)}`).toBe(`${at} fallback 0 2`);
      }
    });

    it(`${what}, and behind a log that does not reach back, is lost`, () => {
      for (let at = 0; at < size; at += 3) {
        const world = makeWorld(shortLog);
        damage(world, at);
        expect(`${at} ${outcome(world)}`).toBe(`${at} lost 4 no snapshot`);
      }
    });
  }

  it("is read to its end: damage in a block far from its table is found at the start", () => {
    const world = makeWorld(wholeLog);
    const { store } = world.openLog(options);
    const sections = [["large", new Uint8Array(3 * snapshotBlockBytes).fill(5)]] as const;
    const content = { index: 5, term: 1, sections };
    expect(world.install(store, world.seal(store.snapshots, content, 100_000))).toBe(null);
    expect(world.close(store)).toBe(null);
    const path = `${worldDirectory}/snapshot-0000000000000005.snap`;
    const sound = world.disk.peek(path);
    const offsets = [530, snapshotBlockBytes, 2 * snapshotBlockBytes, 2 * snapshotBlockBytes + 520];
    for (const offset of offsets) {
      flip(world, path, offset);
      const { snapshotVerdict, snapshot } = world.openLog(options);
      expect(snapshotVerdict.kind).toBe("fallback");
      expect(snapshot?.identity.position.index).toBe(4);
      world.disk.kill();
      world.disk.poke(path, () => sound);
    }
    expect(outcome(world)).toBe("sound 0 5");
  });

  it("whose blocks are sound and whose hash is another is not taken", () => {
    const world = makeWorld(wholeLog);
    world.disk.poke(newer, (bytes) => {
      const trailer = bytes.length - 512;
      bytes[trailer + 10 + 8 + 16 + 20] = (bytes[trailer + 10 + 8 + 16 + 20] ?? 0) ^ 1;
      seal(bytes, trailer);
      return bytes;
    });
    expect(outcome(world)).toBe("fallback 0 2");
    expect(world.warnings.join()).toContain("its content has the hash");
  });

  it("goes when it would be pruned", () => {
    const world = makeWorld(wholeLog);
    flip(world, newer, 600);
    const { store } = world.openLog(options);
    const newest = world.seal(store.snapshots, { index: 5, term: 1, sections: [["one", "5"]] });
    expect(world.install(store, newest)).toBe(null);
    const keepFrom = newest.description.identity.position.index;
    expect(world.ask((done) => store.snapshots.prune(keepFrom, done))).toBe(null);
    const names = world.disk.files().filter((path) => path.endsWith(".snap"));
    expect(names).toEqual([`${worldDirectory}/snapshot-0000000000000005.snap`]);
  });

  it("is left to the log alone where all are damaged and it is whole", () => {
    const world = makeWorld(wholeLog);
    flip(world, newer, 600);
    flip(world, older, 600);
    expect(outcome(world)).toBe("fallback 0 no snapshot");
  });

  it("H12: that is missing is lost too; the log still knows what its entries follow", () => {
    const world = makeWorld(shortLog);
    world.disk.drop(newer);
    expect(outcome(world)).toBe("lost 4 no snapshot");
    world.disk.kill();
    const { base, entries, store } = world.openLog(options);
    expect(base).toEqual({ index: 4, term: 1 });
    expect(entries.map(({ index }) => index)).toEqual([5, 6]);
    // A snapshot from a peer mends it.
    const peer = world.seal(store.snapshots, { index: 4, term: 1, sections: [["one", "4"]] });
    expect(world.install(store, peer)).toBe(null);
    expect(world.close(store)).toBe(null);
    expect(outcome(world)).toBe("sound 4 4");
  });

  it("under the name of another index is not taken", () => {
    const world = makeWorld(wholeLog);
    const bytes = world.disk.peek(older);
    world.disk.poke(newer, () => bytes);
    expect(outcome(world)).toBe("fallback 0 2");
  });

  it("is noticed while it is read, before a byte of the block is handed out", () => {
    const world = makeWorld(wholeLog);
    const { store, snapshot } = world.openLog(options);
    if (snapshot === null) throw new Error("no snapshot");
    const reader = world.readAll(store.snapshots, snapshot);
    expect(reader).toBeInstanceOf(Map);
    flip(world, newer, 512 + 24 + 1);
    const damage = world.readAll(store.snapshots, snapshot);
    expect(damage).toBeInstanceOf(StorageDamage);
    expect(String(damage)).toContain("the checksum of block 0 is wrong");
  });

  it("of another version is a stop", () => {
    for (const offset of [0, size - 512]) {
      const world = makeWorld(wholeLog);
      setVersion(world, newer, offset);
      expect(world.tryOpenLog(options)).toBeInstanceOf(UnknownFormatError);
    }
  });
});

describe("a snapshot that contradicts", () => {
  it("H11: what is committed is refused, and the running log never takes it", () => {
    const world = makeWorld(wholeLog);
    const { store } = world.openLog(options);
    const hardState = makeHardState(7);
    expect(world.append(store, makePersist({ hardState }))).toBe(null);
    const forged = world.seal(store.snapshots, { index: 4, term: 7, sections: [["one", "4"]] });
    const { position } = forged.description.identity;
    expect(store.effectOf(position)).toBe("conflict");
    expect(() => store.install(forged, () => {})).toThrow(
      "a snapshot never contradicts what is committed",
    );
    const bytes = world.disk.peek(forged.temporaryPath);
    expect(world.close(store)).toBe(null);
    world.disk.put(newer, bytes);
    const error = world.tryOpenLog(options);
    expect(error).toBeInstanceOf(StorageDamage);
    expect(String(error)).toContain("another one is committed there");
  });

  it("H11: of a term that the hard state does not know is refused", () => {
    const world = makeWorld(wholeLog);
    const other = new StorageWorld();
    const { store } = other.openLog();
    const forged = other.seal(store.snapshots, { index: 9, term: 2, sections: [["one", "9"]] });
    world.disk.put(
      `${worldDirectory}/snapshot-0000000000000009.snap`,
      other.disk.peek(forged.temporaryPath),
    );
    const error = world.tryOpenLog(options);
    expect(String(error)).toContain("it is of term 2, and the hard state of term 1");
  });
});

describe("the start of the log", () => {
  it("that is flipped, cut or missing is damage", () => {
    for (let at = 0; at < 512; at++) {
      const world = makeWorld(shortLog);
      flip(world, logStart, at);
      expect(`${at} ${outcome(world)}`).toBe(`${at} refused`);
      const cut = makeWorld(shortLog);
      cut.disk.poke(logStart, (bytes) => bytes.slice(0, at));
      expect(`${at} ${outcome(cut)}`).toBe(`${at} refused`);
    }
    const world = makeWorld(shortLog);
    world.disk.drop(logStart);
    expect(outcome(world)).toBe("refused");
  });

  it("of another version is a stop", () => {
    const world = makeWorld(shortLog);
    setVersion(world, logStart, 0);
    expect(world.tryOpenLog(options)).toBeInstanceOf(UnknownFormatError);
  });

  it("H7: whose first segment is missing is damage, though later ones are there", () => {
    const world = makeWorld(shortLog);
    const [first] = world.disk.files().filter((path) => path.endsWith(".wal"));
    expect(first).toBe(`${worldDirectory}/log-0000000000000005.wal`);
    world.disk.drop(first ?? "");
    const error = world.tryOpenLog(options);
    expect(error).toBeInstanceOf(StorageDamage);
    expect(String(error)).toContain("segment 5, with which the log begins, is missing");
  });
});

function flip(world: StorageWorld, path: string, at: number): void {
  world.disk.poke(path, (bytes) => {
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
    return bytes;
  });
}

/** Whatever is not zero yet becomes it; at least the byte itself changes. */
function zeroFrom(world: StorageWorld, at: number): void {
  world.disk.poke(newer, (bytes) => {
    const tail = bytes.subarray(at);
    if (tail.every((byte) => byte === 0)) return bytes.slice(0, at);
    tail.fill(0);
    return bytes;
  });
}

function setVersion(world: StorageWorld, path: string, offset: number): void {
  world.disk.poke(path, (bytes) => {
    bytes[offset + 8] = 2;
    seal(bytes, offset);
    return bytes;
  });
}

/** Makes the checksum of a sealed block right again. */
function seal(bytes: Uint8Array, offset: number): void {
  const checksum = crc32(bytes.subarray(offset, offset + 508));
  new DataView(bytes.buffer).setUint32(offset + 508, checksum, true);
}
