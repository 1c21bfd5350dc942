import { describe, expect, it } from "vitest";
import type { Entry } from "../../core/index.ts";
import {
  makeEntry,
  makeHardState,
  makePersist,
  StorageWorld,
  worldDirectory,
} from "../../testing/storage-world.ts";
import type { LogStore, StorageError } from "../log-store.ts";
import type { OpenedLog } from "./open-log.ts";

const options = { segmentBytesMax: 2048 };
const segment = (number: number) => `${worldDirectory}/log-${String(number).padStart(16, "0")}.wal`;

function indexes(entries: readonly Entry[]): string {
  return entries.map((entry) => `${entry.index}/${entry.term}`).join(" ");
}

/** Entries 1 to `count`, each in a segment of its own, all committed but the last. */
function fill(world: StorageWorld, count: number): OpenedLog {
  const opened = world.openLog(options);
  for (let index = 1; index <= count; index++) {
    const hardState = index === 1 ? { hardState: makeHardState(1) } : {};
    const entries = [makeEntry(index, 1, "x".repeat(800))];
    const request = makePersist({ ...hardState, entries, commit: index - 1 });
    expect(world.append(opened.store, request)).toBe(null);
  }
  return opened;
}

function snapshot(world: StorageWorld, store: LogStore, index: number, term: number): void {
  const content = { index, term, sections: [["state", `state ${index}`]] } as const;
  expect(world.install(store, world.seal(store.snapshots, content))).toBe(null);
}

function segments(world: StorageWorld): readonly string[] {
  return world.disk.files().filter((path) => path.endsWith(".wal"));
}

function reopen(world: StorageWorld): OpenedLog {
  world.disk.crash({ random: () => 0.5, keepShare: 0 });
  return world.openLog(options);
}

describe("compaction", () => {
  it("removes whole segments, the oldest first, once the start of the log is durable", () => {
    const world = new StorageWorld();
    const { store } = fill(world, 6);
    snapshot(world, store, 4, 1);
    const operations: string[] = [];
    world.fault = ({ kind, path }) => {
      operations.push(`${kind} ${path.slice(worldDirectory.length + 1)}`);
      return null;
    };
    expect(world.compact(store, 4, 1)).toBe(null);
    expect(operations).toEqual([
      "open log-start.tmp",
      "write log-start.tmp",
      "sync log-start.tmp",
      "close log-start.tmp",
      "rename log-start.tmp",
      "sync-directory ",
      ...[1, 2, 3, 4].map((number) => `remove ${segment(number).slice(worldDirectory.length + 1)}`),
      "sync-directory ",
    ]);
    expect(segments(world)).toEqual([segment(5), segment(6)]);
  });

  it("H12: leaves a log that knows index and term before its first entry", () => {
    const world = new StorageWorld();
    const { store } = fill(world, 6);
    snapshot(world, store, 4, 1);
    expect(world.compact(store, 4, 1)).toBe(null);
    const opened = reopen(world);
    expect(opened.base).toEqual({ index: 4, term: 1 });
    expect(indexes(opened.entries)).toBe("5/1 6/1");
    expect(opened.snapshot?.identity.position).toEqual({ index: 4, term: 1 });
    expect(opened.snapshotVerdict).toEqual({ kind: "sound" });
    expect(opened.commit).toBe(5);
    const hardState = makeHardState(2);
    const request = makePersist({ hardState, truncateFrom: 6, entries: [makeEntry(6, 2)] });
    expect(world.append(opened.store, request)).toBe(null);
    expect(indexes(reopen(world).entries)).toBe("5/1 6/2");
  });

  it("H12: to the tip keeps the position of the tip, and the log goes on", () => {
    const world = new StorageWorld();
    const { store } = fill(world, 3);
    snapshot(world, store, 3, 1);
    expect(world.compact(store, 3, 1)).toBe(null);
    expect(segments(world)).toEqual([segment(3)]);
    const opened = reopen(world);
    expect(opened.base).toEqual({ index: 3, term: 1 });
    expect(opened.entries).toEqual([]);
    expect(opened.commit).toBe(3);
    expect(world.append(opened.store, makePersist({ entries: [makeEntry(4, 1)] }))).toBe(null);
    expect(indexes(reopen(world).entries)).toBe("4/1");
  });

  it("keeps a segment with an entry behind the position, though it was truncated later", () => {
    const world = new StorageWorld();
    const { store } = fill(world, 5);
    // Segment 6 begins where the old log ended, and reaches back into it.
    const hardState = makeHardState(2);
    const replaced = [makeEntry(5, 2, "y".repeat(800)), makeEntry(6, 2, "z".repeat(800))];
    const request = makePersist({ hardState, truncateFrom: 5, entries: replaced, commit: 6 });
    expect(world.append(store, request)).toBe(null);
    snapshot(world, store, 6, 2);
    expect(world.compact(store, 4, 1)).toBe(null);
    expect(segments(world)).toEqual([segment(5), segment(6)]);
    let opened = reopen(world);
    expect(indexes(opened.entries)).toBe("5/2 6/2");
    // Now the entry that was truncated goes, and with it the base of the truncation.
    expect(world.compact(opened.store, 5, 2)).toBe(null);
    expect(segments(world)).toEqual([segment(6)]);
    opened = reopen(world);
    expect(opened.base).toEqual({ index: 5, term: 2 });
    expect(indexes(opened.entries)).toBe("6/2");
  });

  it("knows after a start as well how far each segment reaches", () => {
    const world = new StorageWorld();
    snapshot(world, fill(world, 6).store, 5, 1);
    const { store } = reopen(world);
    expect(world.compact(store, 3, 1)).toBe(null);
    expect(segments(world)).toEqual([segment(4), segment(5), segment(6)]);
    expect(indexes(reopen(world).entries)).toBe("4/1 5/1 6/1");
  });

  it("only drops what is in a snapshot", () => {
    const world = new StorageWorld();
    const { store } = fill(world, 5);
    snapshot(world, store, 3, 1);
    expect(() => world.compact(store, 4, 1)).toThrow("only what is in a snapshot is dropped");
    expect(() => world.compact(store, 3, 9)).toThrow("only what is there is dropped");
  });

  it("has its place among the appends, and one error ends all", () => {
    const world = new StorageWorld();
    const { store } = fill(world, 4);
    snapshot(world, store, 3, 1);
    const sealed = world.seal(store.snapshots, { index: 4, term: 1, sections: [["state", "4"]] });
    world.fault = ({ kind, path }) =>
      kind === "rename" && path.includes("snapshot") ? { kind: "fail", code: "EIO" } : null;
    const answers: string[] = [];
    const note = (what: string) => (error: StorageError | null) =>
      answers.push(`${what} ${error?.systemCode ?? "ok"}`);
    const { position } = sealed.description.identity;
    store.append(makePersist({ entries: [makeEntry(5, 1)] }), note("append"));
    store.compact({ ...position, index: makeEntry(3, 1).index }, note("compact"));
    store.install(sealed, note("install"));
    store.append(makePersist({ entries: [makeEntry(6, 1)] }), note("append"));
    store.compact(position, note("compact"));
    world.clock.advance(0);
    expect(answers).toEqual([
      "append ok",
      "compact ok",
      "install EIO",
      "append EIO",
      "compact EIO",
    ]);
    const { entries, base } = reopen(world);
    expect(base.index).toBe(3);
    expect(indexes(entries)).toBe("4/1 5/1");
  });

  it("bounds the log while writes go on: segments do not pile up", () => {
    const world = new StorageWorld();
    const { store } = fill(world, 3);
    for (let index = 4; index <= 60; index++) {
      const entries = [makeEntry(index, 1, "x".repeat(800))];
      expect(world.append(store, makePersist({ entries, commit: index }))).toBe(null);
      if (index % 10 !== 0) continue;
      snapshot(world, store, index, 1);
      expect(world.compact(store, index - 5, 1)).toBe(null);
      const keepFrom = makeEntry(index - 5, 1).index;
      expect(world.ask((done) => store.snapshots.prune(keepFrom, done))).toBe(null);
      expect(segments(world).length).toBeLessThanOrEqual(7);
      expect(store.snapshots.list.length).toBe(1);
    }
    const opened = reopen(world);
    expect(opened.base.index).toBe(55);
    expect(opened.entries.length).toBe(5);
  });
});

describe("an installed snapshot", () => {
  it("H9: keeps the entries behind it where the log has its last entry", () => {
    const world = new StorageWorld();
    const { store } = fill(world, 5);
    snapshot(world, store, 3, 1);
    const opened = reopen(world);
    expect(opened.base).toEqual({ index: 0, term: 0 });
    expect(indexes(opened.entries)).toBe("1/1 2/1 3/1 4/1 5/1");
    expect(opened.snapshot?.identity.position.index).toBe(3);
  });

  it("H10: leaves nothing of a log that ends before it", () => {
    const world = new StorageWorld();
    const { store } = fill(world, 6);
    expect(store.effectOf(makeEntry(9, 1))).toBe("replaces-log");
    snapshot(world, store, 9, 1);
    expect(segments(world)).toEqual([segment(7)]);
    const opened = reopen(world);
    expect(opened.base).toEqual({ index: 9, term: 1 });
    expect(opened.entries).toEqual([]);
    expect(world.append(opened.store, makePersist({ entries: [makeEntry(10, 1)] }))).toBe(null);
    expect(indexes(reopen(world).entries)).toBe("10/1");
  });

  it("H10: takes an uncommitted tail with it, and what is asked for next rests on it", () => {
    const world = new StorageWorld();
    const { store } = fill(world, 6);
    expect(world.append(store, makePersist({ hardState: makeHardState(3) }))).toBe(null);
    const content = { index: 6, term: 3, sections: [["state", "6"]] } as const;
    const sealed = world.seal(store.snapshots, content);
    expect(store.effectOf(sealed.description.identity.position)).toBe("replaces-log");
    const answers: (StorageError | null)[] = [];
    store.install(sealed, (error) => answers.push(error));
    const next = makePersist({ entries: [makeEntry(7, 3)], commit: 7 });
    store.append(next, (error) => answers.push(error));
    expect(store.effectOf(sealed.description.identity.position)).toBe("covered");
    world.clock.advance(0);
    expect(answers).toEqual([null, null]);
    const opened = reopen(world);
    expect(opened.base).toEqual({ index: 6, term: 3 });
    expect(indexes(opened.entries)).toBe("7/3");
    expect(opened.commit).toBe(7);
  });

  it("H8: gets its name after all that was asked for before it is durable", () => {
    const world = new StorageWorld();
    const { store } = fill(world, 2);
    const sealed = world.seal(store.snapshots, { index: 3, term: 2, sections: [["state", "3"]] });
    const operations: string[] = [];
    world.fault = ({ kind, path }) => {
      const [file] = /hard-state|wal$|snapshot/.exec(path) ?? [""];
      if (file !== "" && !["open", "close"].includes(kind)) operations.push(`${kind} ${file}`);
      return null;
    };
    const hardState = makeHardState(2);
    store.append(makePersist({ hardState, entries: [makeEntry(3, 2)], commit: 3 }), () => {});
    store.install(sealed, () => {});
    store.append(makePersist({ entries: [makeEntry(4, 2)] }), () => {});
    world.clock.advance(0);
    const records = ["write wal", "sync wal"];
    const hard = ["write hard-state", "sync hard-state"];
    const expected = [...hard, ...hard, ...records, "rename snapshot", ...records];
    expect(operations).toEqual(expected);
  });

  it("H7: is followed by a segment whose loss is noticed at once", () => {
    const world = new StorageWorld();
    const { store } = fill(world, 3);
    snapshot(world, store, 9, 1);
    expect(world.append(store, makePersist({ entries: [makeEntry(10, 1)] }))).toBe(null);
    world.disk.kill();
    world.disk.drop(segment(4));
    expect(String(world.tryOpenLog(options))).toContain("the log begins with this segment");
  });

  it("stands in for a last write that cannot be read and had its base in it", () => {
    const world = new StorageWorld();
    const { store } = fill(world, 4);
    snapshot(world, store, 4, 1);
    expect(world.compact(store, 4, 1)).toBe(null);
    world.disk.kill();
    world.disk.poke(segment(4), (bytes) => {
      bytes[700] = 0xff;
      return bytes;
    });
    const opened = world.openLog(options);
    expect(opened.verdict.kind).toBe("unknown");
    expect(opened.hardState.mustCatchUp).toBe(true);
    expect(opened.base).toEqual({ index: 4, term: 1 });
    expect(opened.entries).toEqual([]);
    expect(world.append(opened.store, makePersist({ entries: [makeEntry(5, 1)] }))).toBe(null);
    expect(indexes(reopen(world).entries)).toBe("5/1");
  });

  it("H8: is asked for when it has gone, and not made up for by segments that are left", () => {
    const world = new StorageWorld();
    const { store } = fill(world, 4);
    snapshot(world, store, 3, 1);
    expect(world.compact(store, 3, 1)).toBe(null);
    expect(world.close(store)).toBe(null);
    world.disk.drop(`${worldDirectory}/snapshot-0000000000000003.snap`);
    const opened = world.openLog(options);
    expect(opened.snapshotVerdict).toEqual({ kind: "lost", damaged: [] });
    expect(opened.snapshot).toBe(null);
    expect(opened.base).toEqual({ index: 3, term: 1 });
  });
});
