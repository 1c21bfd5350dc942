import { describe, expect, it } from "vitest";
import type { DiskError, DiskFile } from "../../ports/index.ts";
import { createRandom } from "../random.ts";
import type { DamageKind } from "./damage-profile.ts";
import { type DiskProfile, soundDisk } from "./disk-profile.ts";
import { createHosts } from "./hosts.ts";
import { fixedLatency } from "./latency.ts";

type Outcome<Value> = { error: DiskError | null; value: Value | undefined; atMs: number };

function makeDisk(changes: Partial<DiskProfile> = {}, seed = 1) {
  const hosts = createHosts({
    names: ["a"],
    random: (stream) => createRandom(seed, stream),
    disk: { ...soundDisk, ...changes },
  });
  const { timeline } = hosts;
  const host = hosts.host("a");
  const disk = host.boot().ports.disk;
  /** Null: no answer within the time given. */
  const ask = <Value>(
    start: (done: (error: DiskError | null, value?: Value) => void) => void,
    limitMs = 10_000,
  ): Outcome<Value> | null => {
    const found: Outcome<Value>[] = [];
    start((error, value) => found.push({ error, value, atMs: timeline.nowMs }));
    expect(found, "nothing completes inside the call").toEqual([]);
    timeline.runUntilThat(() => found.length > 0, limitMs);
    return found[0] ?? null;
  };
  const sound = <Value = void>(
    start: (done: (error: DiskError | null, value?: Value) => void) => void,
  ): Value => {
    const outcome = ask(start);
    if (outcome === null || outcome.error !== null) throw outcome?.error ?? new Error("silent");
    return outcome.value as Value; // the operation says what it gives
  };
  return { hosts, host, timeline, disk, ask, sound, faults: hosts.faults };
}

const fill = (length: number, value: number) => new Uint8Array(length).fill(value);
const nothingKept = { keepShare: 0 };

/** A file of 8 synced sectors, each written twice, and 2 more that were not synced. */
function withFiles(seed = 1) {
  const made = makeDisk({}, seed);
  const { disk, sound } = made;
  sound((done) => disk.makeDirectory("/d", done));
  for (const name of ["/d/a", "/d/b"]) {
    const file = sound<DiskFile>((done) => disk.open(name, "create", done));
    sound((done) => disk.syncDirectory("/d", done));
    for (const value of [1, 2]) {
      for (let sector = 0; sector < 8; sector++) {
        sound((done) => file.write(sector * 512, [fill(512, value * 16 + sector)], done));
      }
      sound((done) => file.sync(done));
    }
    sound((done) => file.write(4096, [fill(1024, 99)], done));
  }
  return made;
}

describe("a sound disk", () => {
  it("answers after its latencies and injects nothing", () => {
    const { disk, ask, faults } = makeDisk({ syncLatency: fixedLatency(7) });
    expect(ask((done) => disk.makeDirectory("/d", done))?.atMs).toBe(0.05);
    const file = ask<DiskFile>((done) => disk.open("/d/f", "create", done))?.value;
    expect(ask((done) => file?.write(0, [fill(10, 1)], done))?.atMs).toBeCloseTo(0.15);
    expect(ask((done) => file?.sync(done))?.atMs).toBeCloseTo(7.15);
    expect(ask<Uint8Array>((done) => file?.read(0, 99, done))?.value).toEqual(fill(10, 1));
    expect(faults.byKind).toEqual({});
  });
});

describe("a bad disk", () => {
  it("fails reads, writes, syncs, opens and names as its profile says", () => {
    const { host, disk, ask, sound, faults } = makeDisk();
    sound((done) => disk.makeDirectory("/d", done));
    const file = sound<DiskFile>((done) => disk.open("/d/f", "create", done));
    sound((done) => file.write(0, [fill(600, 1)], done));
    const all = { readErrorShare: 1, writeErrorShare: 1, openErrorShare: 1, nameErrorShare: 1 };
    host.disk.profile = { ...soundDisk, ...all, errorCodes: ["EROFS"] };
    const codes = [
      ask<Uint8Array>((done) => file.read(0, 1, done)),
      ask((done) => file.write(600, [fill(9000, 2)], done)),
      ask((done) => disk.open("/d/f", "existing", done)),
      ask((done) => disk.rename("/d/f", "/d/g", done)),
      ask((done) => disk.remove("/d/f", done)),
      ask((done) => disk.list("/d", done)),
      ask((done) => disk.syncDirectory("/d", done)),
    ].map((outcome) => outcome?.error?.code);
    expect(codes).toEqual(Array.from({ length: 7 }, () => "EROFS"));
    const size = host.disk.memory.peek("/d/f").length;
    expect(size).toBeGreaterThanOrEqual(600); // a part of the write may have got through
    expect(size).toBeLessThan(600 + 4096);
    expect(faults.byKind).toEqual({
      ...{ "disk.read-error": 1, "disk.write-error": 1, "disk.open-error": 1 },
      ...{ "disk.rename-error": 1, "disk.remove-error": 1, "disk.list-error": 1 },
      "disk.sync-directory-error": 1,
    });
  });

  it.each([
    ["clean", fill(512, 2), fill(512, 1), fill(512, 1)],
    ["lost", fill(512, 1), fill(512, 1), fill(512, 1)],
    ["dirty", fill(512, 2), fill(512, 1), fill(512, 2)],
    ["written", fill(512, 2), fill(512, 2), fill(512, 2)],
  ] as const)("leaves data %s by a failed sync", (aftermath, seen, crashed, crashedAfterSync) => {
    for (const syncsAgain of [false, true]) {
      const { host, disk, ask, sound } = makeDisk();
      sound((done) => disk.makeDirectory("/d", done));
      const file = sound<DiskFile>((done) => disk.open("/d/f", "create", done));
      sound((done) => disk.syncDirectory("/d", done));
      sound((done) => file.write(0, [fill(512, 1)], done));
      sound((done) => file.sync(done));
      sound((done) => file.write(0, [fill(512, 2)], done));
      host.disk.profile = { ...soundDisk, syncErrorShare: 1, syncAftermaths: [aftermath] };
      expect(ask((done) => file.sync(done))?.error?.code).toBe("EIO");
      host.disk.profile = soundDisk;
      expect(host.disk.memory.peek("/d/f")).toEqual(seen);
      if (syncsAgain) sound((done) => file.sync(done));
      host.crash(nothingKept);
      expect(host.disk.memory.peek("/d/f")).toEqual(syncsAgain ? crashedAfterSync : crashed);
    }
  });

  it("stands still for a while or for good, and a crash then finds nothing synced", () => {
    const { host, disk, ask, sound, timeline } = makeDisk();
    sound((done) => disk.makeDirectory("/d", done));
    const file = sound<DiskFile>((done) => disk.open("/d/f", "create", done));
    sound((done) => disk.syncDirectory("/d", done));
    const startMs = timeline.nowMs;
    file.write(0, [fill(9, 1)], () => {});
    host.disk.stall(1000);
    expect(ask((done) => file.write(0, [fill(9, 1)], done))?.atMs).toBeCloseTo(startMs + 1000.05);
    host.disk.stall();
    expect(ask((done) => file.sync(done), 1e6)).toBeNull();
    host.disk.unstall();
    sound((done) => file.sync(done));
    sound((done) => file.write(9, [fill(9, 2)], done));
    host.disk.stall();
    expect(ask((done) => file.sync(done), 1e6)).toBeNull();
    host.crash(nothingKept);
    expect(host.disk.memory.peek("/d/f")).toEqual(fill(9, 1));
    const next = host.boot().ports.disk;
    expect(ask((done) => next.list("/d", done))?.error).toBeNull();
  });

  it("goes on at once when a stall is ended before its time, unless another one holds it", () => {
    const { host, disk, ask, sound, timeline } = makeDisk();
    sound((done) => disk.makeDirectory("/d", done));
    const startMs = timeline.nowMs;
    host.disk.stall(100);
    host.disk.stall(1000);
    expect(ask((done) => disk.list("/d", done))?.atMs).toBeCloseTo(startMs + 1000.05);
    const againMs = timeline.nowMs;
    host.disk.stall(1000);
    timeline.after(10, () => host.disk.unstall());
    expect(ask((done) => disk.list("/d", done))?.atMs).toBeCloseTo(againMs + 10.05);
  });

  it("tells of each operation before it is done", () => {
    const { host, disk, ask, sound } = makeDisk();
    sound((done) => disk.makeDirectory("/d", done));
    const seen: string[] = [];
    host.disk.onOperation = ({ kind, path }) => {
      seen.push(`${kind} ${path}, ${host.disk.memory.files().length} files`);
    };
    sound<DiskFile>((done) => disk.open("/d/f", "create", done));
    ask((done) => disk.rename("/d/f", "/d/g", done));
    expect(seen).toEqual(["open /d/f, 0 files", "rename /d/f, 1 files"]);
  });

  it("is full until space is given back, and refuses new names then", () => {
    const { host, disk, ask, sound } = makeDisk();
    sound((done) => disk.makeDirectory("/d", done));
    const file = sound<DiskFile>((done) => disk.open("/d/f", "create", done));
    sound((done) => file.write(0, [fill(500, 1)], done));
    host.disk.setFreeBytes(100);
    const outcome = ask((done) => file.write(500, [fill(200, 2)], done));
    expect([outcome?.error?.code, host.disk.memory.peek("/d/f").length]).toEqual(["ENOSPC", 600]);
    expect(ask((done) => disk.open("/d/g", "create", done))?.error?.code).toBe("ENOSPC");
    expect(ask((done) => disk.open("/d/f", "existing", done))?.error).toBeNull();
    sound((done) => file.write(0, [fill(600, 3)], done)); // in place there is room
    host.disk.setFreeBytes(Number.POSITIVE_INFINITY);
    sound((done) => file.write(600, [fill(200, 2)], done));
    sound<DiskFile>((done) => disk.open("/d/g", "create", done));
  });

  it("reads short without an error, if asked to lie", () => {
    const { host, disk, sound, faults } = makeDisk();
    sound((done) => disk.makeDirectory("/d", done));
    const file = sound<DiskFile>((done) => disk.open("/d/f", "create", done));
    sound((done) => file.write(0, [fill(500, 1)], done));
    host.disk.profile = { ...soundDisk, shortReadShare: 1 };
    const got = sound<Uint8Array>((done) => file.read(0, 500, done));
    expect(got.length).toBeLessThan(500);
    expect(faults.of("disk.short-read")).toBe(1);
  });
});

describe("damage at rest", () => {
  const kinds = ["rotten", "zeroed", "stale", "lost-sync", "misdirected", "cut-short"] as const;

  it.each(kinds)("%s changes what its report says, and nothing else", (kind) => {
    for (let seed = 1; seed <= 60; seed++) {
      const { host, faults } = withFiles(seed);
      host.crash({ keepShare: 1 });
      const { memory } = host.disk;
      const before = new Map(memory.files().map((path) => [path, memory.peek(path)]));
      const weights: Partial<Record<DamageKind, number>> = { [kind]: 1 };
      const report = host.disk.damage({ weights }, createRandom(seed, 99));
      expect(report?.kind).toBe(kind);
      expect(host.disk.damages).toEqual([report]);
      expect(faults.of(`damage.${kind}`)).toBe(1);
      const reported = new Set<string>();
      for (const range of report?.ranges ?? []) {
        const last = range.firstSector + range.sectorCount - 1;
        for (let at = range.firstSector; at <= last; at++) reported.add(`${range.path} ${at}`);
        // The first 8 sectors were synced, what follows only survived.
        expect(range.wasSynced, JSON.stringify(range)).toBe(range.firstSector < 8);
      }
      const changed = changedSectors(before, (path) => memory.peek(path));
      expect(changed.length).toBeGreaterThan(0);
      for (const sector of changed) expect([...reported]).toContain(sector);
    }
  });

  it("stale and lost-sync bring back what was there before", () => {
    const { host } = withFiles();
    host.crash(nothingKept);
    const only = { files: (path: string) => path === "/d/a" };
    const stale = host.disk.damage({ weights: { stale: 1 }, ...only }, createRandom(1, 1));
    const at = stale?.ranges[0]?.firstSector ?? -1;
    expect(host.disk.memory.peek("/d/a")[at * 512]).toBe(16 + at);
    host.disk.damage({ weights: { "lost-sync": 1 }, ...only }, createRandom(1, 1));
    const bytes = host.disk.memory.peek("/d/a");
    for (let sector = 0; sector < 8; sector++) expect(bytes[sector * 512]).toBe(16 + sector);
    expect(host.disk.memory.peek("/d/b")[0]).toBe(32);
  });

  it("leaves alone what was synced last, if it is to", () => {
    const hits = (sparesRecent: boolean): boolean[] =>
      Array.from({ length: 60 }, (_, seed) => {
        const { host } = withFiles(seed + 1);
        host.crash(nothingKept);
        const recent = new Map(
          host.disk.memory.files().map((path) => [path, host.disk.memory.inode(path).lastSynced()]),
        );
        const profile = { weights: { zeroed: 1 }, recentShare: 0, sparesRecent };
        const ranges = host.disk.damage(profile, createRandom(seed, 1))?.ranges ?? [];
        return ranges.some(({ path, firstSector, sectorCount }) =>
          recent
            .get(path)
            ?.some((sector) => sector >= firstSector && sector < firstSector + sectorCount),
        );
      });
    expect(hits(true)).not.toContain(true);
    expect(hits(false)).toContain(true);
  });

  it("begins within so many sectors of a file's end, if it is to", () => {
    const beginnings = (lastSectors?: number): Set<number> => {
      const aim = lastSectors === undefined ? {} : { lastSectors };
      const profile = { weights: { rotten: 1 }, recentShare: 0, sectorsMax: 1, ...aim };
      const found = new Set<number>();
      for (let seed = 1; seed <= 60; seed++) {
        const { host } = withFiles(seed);
        host.crash({ keepShare: 1 });
        const { memory } = host.disk;
        const range = host.disk.damage(profile, createRandom(seed, 1))?.ranges[0];
        if (range === undefined) continue;
        found.add(memory.inode(range.path).sectorCount - range.firstSector);
      }
      return found;
    };
    expect([...beginnings(2)].sort()).toEqual([1, 2]);
    expect(Math.max(...beginnings())).toBeGreaterThan(2);
  });

  it("lost-file and wipe take names away, restore brings an old disk back", () => {
    const { host } = withFiles();
    host.crash(nothingKept);
    const image = host.disk.image();
    host.disk.damage({ weights: { "lost-file": 1 } }, createRandom(1, 1));
    expect(host.disk.memory.files().length).toBe(1);
    host.disk.wipe();
    expect(host.disk.memory.files()).toEqual([]);
    expect(host.disk.damage({ weights: { rotten: 1 } }, createRandom(1, 1))).toBeNull();
    host.disk.restore(image);
    expect(host.disk.memory.files()).toEqual(["/d/a", "/d/b"]);
    expect(host.disk.memory.peek("/d/b").length).toBe(4096);
    expect(host.disk.damage({ weights: {} }, createRandom(1, 1))).toBeNull();
  });

  it("of what never was synced is not said to be of anything promised, until a sync", () => {
    const { host, sound } = withFiles();
    host.crash({ keepShare: 1 });
    const { memory } = host.disk;
    expect([7, 8, 9].map((at) => memory.inode("/d/a").isSynced(at))).toEqual([true, false, false]);
    const { disk } = host.boot().ports;
    const file = sound<DiskFile>((done) => disk.open("/d/a", "existing", done));
    sound((done) => file.sync(done));
    expect(memory.inode("/d/a").isSynced(9)).toBe(true);
  });
});

function changedSectors(
  before: ReadonlyMap<string, Uint8Array>,
  now: (path: string) => Uint8Array,
): readonly string[] {
  const changed: string[] = [];
  for (const [path, old] of before) {
    const fresh = now(path);
    for (let at = 0; at * 512 < Math.max(old.length, fresh.length); at++) {
      const a = old.subarray(at * 512, at * 512 + 512);
      const b = fresh.subarray(at * 512, at * 512 + 512);
      if (a.length !== b.length || a.some((byte, i) => byte !== b[i]))
        changed.push(`${path} ${at}`);
    }
  }
  return changed;
}
