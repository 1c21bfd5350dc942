/**
 * A log with damage where it was acknowledged, opened with others that can help: what is left is a
 * part of what was there, the member abstains durably, and nothing is lost sight of.
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
import type { OpenedLog, OpenLogOptions } from "./open-log.ts";

const others: Partial<OpenLogOptions> = { segmentBytesMax: 1024, repair: () => null };
const path = (name: string) => `${worldDirectory}/${name}`;
const segment = (number: number) => path(`log-${String(number).padStart(16, "0")}.wal`);

/**
 * Segments of one unit each: entries 1 and 2; 3; 4; 5, all of term 2 but the first two, and entry 3
 * was another one of term 1 before. The witness is written.
 */
function makeWorld(): StorageWorld {
  const world = new StorageWorld();
  const { store } = world.openLog(others);
  const requests = [
    makePersist({ hardState: makeHardState(1, "a"), entries: [makeEntry(1, 1, "", "no-op")] }),
    makePersist({ entries: [makeEntry(2, 1), makeEntry(3, 1, "old three")], commit: 2 }),
    makePersist({ hardState: makeHardState(2, "b"), truncateFrom: 3, entries: [makeEntry(3, 2)] }),
    makePersist({ entries: [makeEntry(4, 2)], commit: 3 }),
    makePersist({ entries: [makeEntry(5, 2)], commit: 5 }),
  ];
  for (const request of requests) expect(world.append(store, request)).toBe(null);
  expect(world.close(store)).toBe(null);
  return world;
}

/** Entries up to 20 in segments of one unit, a snapshot of 10, the log behind 8. */
function makeCompacted(): StorageWorld {
  const world = new StorageWorld();
  const { store } = world.openLog(others);
  for (let index = 1; index <= 20; index++) {
    const hardState = index === 1 ? { hardState: makeHardState(1) } : {};
    const entries = [makeEntry(index, 1)];
    expect(world.append(store, makePersist({ ...hardState, entries, commit: index }))).toBe(null);
  }
  const content = { index: 10, term: 1, sections: [["machine", "ten"]] as const };
  expect(world.install(store, world.seal(store.snapshots, content))).toBe(null);
  expect(world.compact(store, 8, 1)).toBe(null);
  expect(world.close(store)).toBe(null);
  return world;
}

const flip = (world: StorageWorld, file: string, offset: number) =>
  world.disk.poke(file, (bytes) => {
    bytes[offset] = (bytes[offset] ?? 0) ^ 16;
    return bytes;
  });

const logOf = ({ base, entries }: OpenedLog) =>
  [`${base.index}/${base.term}:`, ...entries.map(({ index, term }) => `${index}/${term}`)].join(
    " ",
  );

/** Opens twice, with the power cut in between: the second finds what the first has left. */
function openTwice(world: StorageWorld): OpenedLog {
  const first = world.openLog(others);
  expect(first.repair).not.toBeNull();
  expect(first.hardState.mustCatchUp).toBe(true);
  world.disk.crash({ random: () => 0.5, keepShare: 0 });
  const second = world.openLog(others);
  expect(second.repair).toBeNull();
  expect([logOf(second), second.commit]).toEqual([logOf(first), first.commit]);
  expect(second.hardState).toEqual(first.hardState);
  expect(second.aside).toEqual(first.aside);
  // And it takes new entries in the place of those that are lost, which stay over a restart.
  const last = second.entries.at(-1) ?? second.base;
  const entries = [makeEntry(last.index + 1, second.hardState.term, "from a peer")];
  expect(world.append(second.store, makePersist({ entries }))).toBe(null);
  expect(world.close(second.store)).toBe(null);
  const third = world.openLog(others);
  expect(third.entries.at(-1)?.index).toBe(last.index + 1);
  expect(third.verdict.kind).toBe("intact");
  return first;
}

describe("a damaged log whose member is not alone", () => {
  it.each([
    ["in the first segment's header", 1, 30, "0/0:", 0],
    ["in the first unit", 1, 530, "0/0:", 0],
    ["in the second", 2, 530, "0/0: 1/1", 0],
    ["in the third, whose loss brings back what it replaced", 3, 530, "0/0: 1/1 2/1 3/1", 2],
    ["in the header of the fourth segment", 4, 3, "0/0: 1/1 2/1 3/2", 2],
    ["in the last unit, which the witness vouches for", 5, 600, "0/0: 1/1 2/1 3/2 4/2", 3],
  ])("%s ends before it", (_name, number, offset, log, commit) => {
    const world = makeWorld();
    flip(world, segment(number), offset);
    const damaged = world.disk.peek(segment(number));
    const opened = openTwice(world);
    expect(logOf(opened)).toBe(log);
    expect(opened.commit).toBe(commit);
    const kept = opened.repair?.setAside ?? [];
    expect(kept).toHaveLength(6 - number);
    expect(kept[0]).toBe(`${segment(number)}.1.damaged`);
    expect(world.disk.peek(kept[0] ?? "")).toEqual(damaged);
    expect(opened.aside).toEqual(kept);
    expect(opened.repair?.damages[0]?.place.file).toBe(segment(number));
    expect(world.warnings.join("\n")).toContain(`${segment(number)}.1.damaged`);
  });

  it.each([
    ["the first", 1, "0/0:"],
    ["one in the middle", 3, "0/0: 1/1 2/1 3/1"],
    ["the last", 5, "0/0: 1/1 2/1 3/2 4/2"],
  ])("ends before a missing segment: %s", (_name, number, log) => {
    const world = makeWorld();
    world.disk.drop(segment(number));
    expect(logOf(openTwice(world))).toBe(log);
  });

  it("is empty where all segments are gone", () => {
    const world = makeWorld();
    for (let number = 1; number <= 5; number++) world.disk.drop(segment(number));
    const opened = openTwice(world);
    expect(logOf(opened)).toBe("0/0:");
    expect(opened.hardState).toEqual(makeHardState(2, "b", true));
  });

  it("ends before a sector that cannot be read", () => {
    const world = makeWorld();
    world.disk.inode(segment(3)).spoil(1);
    expect(logOf(openTwice(world))).toBe("0/0: 1/1 2/1 3/1");
  });

  it("is not touched by a read that fails once", () => {
    const world = makeWorld();
    let failures = 0;
    world.fault = ({ kind, path: read }) => {
      const isFirst = kind === "read" && read === segment(3) && failures++ === 0;
      return isFirst ? { kind: "fail", code: "EIO" } : null;
    };
    const opened = world.openLog(others);
    expect(opened.repair).toBeNull();
    expect(opened.entries).toHaveLength(5);
  });

  it("ends before a segment of an older time", () => {
    const world = makeWorld();
    const old = world.disk.peek(segment(2));
    world.disk.poke(segment(4), () => old);
    expect(logOf(openTwice(world))).toBe("0/0: 1/1 2/1 3/2");
  });

  it("is the snapshot where the damage lies before it, and goes on behind it where it may", () => {
    const world = makeCompacted();
    flip(world, segment(9), 530);
    const opened = openTwice(world);
    expect(logOf(opened)).toBe("10/1:");
    expect(opened.snapshot?.identity.position.index).toBe(10);
    const behind = makeCompacted();
    flip(behind, segment(15), 530);
    expect(logOf(openTwice(behind))).toBe("8/1: 9/1 10/1 11/1 12/1 13/1 14/1");
  });

  it("begins anew behind a sound snapshot where the start of the log cannot be read", () => {
    for (const harm of [
      (world: StorageWorld) => flip(world, path("log-start"), 40),
      (world: StorageWorld) => world.disk.drop(path("log-start")),
      (world: StorageWorld) => world.disk.inode(path("log-start")).spoil(0),
    ]) {
      const world = makeCompacted();
      harm(world);
      expect(logOf(openTwice(world))).toBe("10/1:");
    }
  });

  it("begins at the beginning where its only snapshot is damaged", () => {
    const world = makeCompacted();
    const snapshot = path("snapshot-0000000000000010.snap");
    flip(world, snapshot, 700);
    const opened = openTwice(world);
    expect(logOf(opened)).toBe("0/0:");
    expect(opened.snapshot).toBeNull();
    expect(opened.aside).toContain(`${snapshot}.1.damaged`);
    expect(opened.aside).toContain(`${path("log-start")}.1.damaged`);
  });

  it("abstains, as the disk does not give back its snapshot", () => {
    const world = makeCompacted();
    world.disk.inode(path("snapshot-0000000000000010.snap")).spoil(1);
    expect(logOf(openTwice(world))).toBe("0/0:");
  });

  it("loses nothing to a second damage but what follows it, and keeps both apart", () => {
    const world = makeWorld();
    flip(world, segment(4), 530);
    const first = world.openLog(others);
    const entries = [makeEntry(4, 2, "again")];
    expect(world.append(first.store, makePersist({ entries }))).toBe(null);
    world.disk.kill();
    flip(world, segment(3), 530);
    const opened = openTwice(world);
    expect(logOf(opened)).toBe("0/0: 1/1 2/1 3/1");
    expect(opened.aside).toContain(`${segment(4)}.1.damaged`);
    expect(opened.aside).toContain(`${segment(3)}.1.damaged`);
    expect(new Set(opened.aside).size).toBe(opened.aside.length);
  });

  it("is repaired by whatever start comes to the end of it, and abstains whenever it opens", () => {
    const harms: readonly [StorageWorld, () => StorageWorld, (world: StorageWorld) => void][] = [
      [makeWorld(), makeWorld, (world) => flip(world, segment(3), 530)],
      [makeWorld(), makeWorld, (world) => flip(world, segment(1), 30)],
      [
        makeCompacted(),
        makeCompacted,
        (world) => flip(world, path("snapshot-0000000000000010.snap"), 700),
      ],
    ];
    for (const [before, make, harm] of harms) {
      const sound = before.openLog(others);
      const held = new Set(sound.entries.map(({ index, term }) => `${index}/${term}`));
      held.add("3/1"); // what a lost truncation brings back
      for (const keepShare of [0, 0.6]) {
        for (let operation = 1; ; operation++) {
          const world = make();
          harm(world);
          let count = 0;
          world.fault = () => {
            count++;
            return count >= operation ? { kind: "hang" } : null;
          };
          if (world.tryOpenLog(others) !== null) break;
          world.disk.crash({ random: () => world.random.fraction(), keepShare });
          world.fault = () => null;
          const again = world.openLog(others);
          expect(`${operation} ${again.hardState.mustCatchUp}`).toBe(`${operation} true`);
          for (const { index, term } of again.entries) expect(held).toContain(`${index}/${term}`);
          const committed = again.entries.filter(({ index }) => index <= again.commit);
          for (const { index, term } of committed) expect(`${index}/${term}`).not.toBe("3/1");
        }
      }
    }
  });
});

describe("what is refused all the same, with nothing changed", () => {
  const refuse = (world: StorageWorld, options: Partial<OpenLogOptions>): string => {
    const files = world.disk.files().filter((name) => !name.endsWith(".tmp"));
    const before = files.map((name) => world.disk.peek(name));
    const error = world.tryOpenLog(options);
    expect(error).toBeInstanceOf(StorageDamage);
    expect(files.map((name) => world.disk.peek(name))).toEqual(before);
    expect(world.disk.files()).toEqual(files);
    return String(error);
  };

  it("a member that nobody can help", () => {
    const world = makeWorld();
    flip(world, segment(3), 530);
    const text = refuse(world, { ...others, repair: () => "nobody has what is missing" });
    expect(text).toContain("nobody has what is missing");
    expect(refuse(world, { segmentBytesMax: 1024 })).not.toContain("nobody");
  });

  it("a hard state of which no copy can be read, whatever else is damaged", () => {
    for (const harm of [() => {}, (world: StorageWorld) => flip(world, segment(3), 530)]) {
      const world = makeWorld();
      flip(world, path("hard-state.0"), 40);
      flip(world, path("hard-state.1"), 40);
      harm(world);
      expect(refuse(world, others)).toContain("hard-state");
    }
    const world = makeWorld();
    for (const copy of [0, 1]) world.disk.inode(path(`hard-state.${copy}`)).spoil(0);
    expect(refuse(world, others)).toContain("the disk refuses to read it");
  });

  it("an older hard state, which the witness or the log behind the damage knows", () => {
    const world = new StorageWorld();
    const { store } = world.openLog(others);
    const first = { hardState: makeHardState(1, "a"), entries: [makeEntry(1, 1)] };
    expect(world.append(store, makePersist(first))).toBe(null);
    expect(world.close(store)).toBe(null);
    const old = [0, 1].map((copy) => world.disk.peek(path(`hard-state.${copy}`)));
    const again = world.openLog(others);
    const second = { hardState: makeHardState(2, "b"), entries: [makeEntry(2, 2)] };
    expect(world.append(again.store, makePersist(second))).toBe(null);
    expect(world.append(again.store, makePersist({ entries: [makeEntry(3, 2)] }))).toBe(null);
    world.disk.kill();
    for (const copy of [0, 1]) world.disk.poke(path(`hard-state.${copy}`), () => old[copy]);
    flip(world, segment(2), 530);
    expect(refuse(world, others)).toContain("an older copy may have been put back");
  });
});

describe("what the policy is told", () => {
  it("the newest configuration, also from behind the damage", () => {
    const world = new StorageWorld();
    const { store } = world.openLog(others);
    const names = ["one", "two", "three"];
    for (const [at, name] of names.entries()) {
      const entries = [makeEntry(at + 1, 1, name, "configuration")];
      const hardState = at === 0 ? { hardState: makeHardState(1) } : {};
      expect(world.append(store, makePersist({ ...hardState, entries }))).toBe(null);
    }
    expect(world.close(store)).toBe(null);
    flip(world, segment(2), 530);
    const heard: string[] = [];
    world.openLog({
      ...others,
      repair: ({ configuration }) => {
        heard.push(new TextDecoder().decode(configuration?.data));
        return null;
      },
    });
    expect(heard).toEqual(["three"]);
  });
});
