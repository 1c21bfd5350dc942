/** Snapshot files and the directories made of them, on a simulated disk that crashes. */
import { describe, expect, it } from "vitest";
import { crc32, isQuorateError, nodeId } from "../../base/index.ts";
import { createConfiguration, encodeConfiguration } from "../../core/index.ts";
import {
  type OpenedDirectory,
  type OpenedLog,
  openDirectory,
  openLog,
  runTask,
  type Task,
} from "../../storage/index.ts";
import {
  makeEntry,
  makeHardState,
  makePersist,
  StorageWorld,
  worldIdentity,
} from "../../testing/storage-world.ts";
import {
  decodeSnapshotConfiguration,
  encodeSnapshotConfiguration,
} from "../snapshots/snapshot-configuration.ts";
import { damageHints, fromOfflineError } from "./errors.ts";
import type { OfflinePorts } from "./recover.ts";
import { inspectFile, type RestoreRequest, restore } from "./restore.ts";

const oldMembers = createConfiguration([{ id: nodeId("a"), address: "a:1" }]);
const newMembers = createConfiguration(
  ["n1", "n2", "n3"].map((id) => ({ id: nodeId(id), address: `${id}:2380` })),
);
const saved = "/saved/backup.snap";
const bank = "state 6 ".repeat(20_000);

function portsOf({ disk, clock, random }: StorageWorld): OfflinePorts {
  return { disk, clock, random, crc32 };
}

function run<Value>(world: StorageWorld, task: Task<Value>): Value | Error | null {
  let result: Value | Error | null = null;
  runTask(task, (error, value) => {
    if (error === null) result = value ?? null;
    else result = fromOfflineError(error, "/new", damageHints.snapshot);
  });
  world.clock.advance(0);
  return result;
}

function must<Value>(value: Value | Error | null): Value {
  if (value instanceof Error) throw value;
  if (value === null) throw new Error("the disk answers");
  return value;
}

/** The bytes of a snapshot of entry 6 of term 2. */
const bytes: Uint8Array = (() => {
  const world = new StorageWorld();
  const { store } = world.openLog();
  const first = makeEntry(1, 1, encodeConfiguration(oldMembers), "configuration");
  const rest = [2, 3, 4, 5, 6].map((index) => makeEntry(index, 2));
  const hardState = makeHardState(3, "a");
  world.append(store, makePersist({ hardState, entries: [first, ...rest], commit: 6 }));
  const configuration = new TextDecoder().decode(
    encodeSnapshotConfiguration({ configuration: oldMembers, index: first.index }),
  );
  const sections = [
    ["@position", "p"],
    ["bank", bank],
    ["empty", ""],
  ] as const;
  const sealed = world.seal(store.snapshots, { index: 6, term: 2, configuration, sections }, 4000);
  world.install(store, sealed);
  return world.disk.peek("/data/snapshot-0000000000000006.snap").slice();
})();

/** A disk with nothing but the file on it. */
function withFile(content: Uint8Array = bytes, seed = 1): StorageWorld {
  const world = new StorageWorld(seed);
  world.disk.put(saved, content);
  return world;
}

function requestFor(id: string, directory = `/new/${id}`): RestoreRequest {
  return { file: saved, directory, id: nodeId(id), configuration: newMembers, token: null };
}

/** What a start finds. */
function start(world: StorageWorld, id: string): { opened: OpenedDirectory; log: OpenedLog } {
  const { disk, clock, random } = world;
  const place = { disk, clock, random, crc32, directory: `/new/${id}` };
  const opened = must(
    world.wait<OpenedDirectory, Error>((done) =>
      openDirectory({ ...place, clusterId: "00000000000000ff", member: nodeId(id) }, done),
    ),
  );
  const log = must(
    world.wait<OpenedLog, Error>((done) =>
      openLog({ ...place, identity: opened.identity, warn: () => undefined }, done),
    ),
  );
  return { opened, log };
}

function expectRestored(world: StorageWorld, id: string, clusterId: string): void {
  const { opened, log } = start(world, id);
  expect(opened.identity).toMatchObject({ clusterId, member: id });
  expect(log).toMatchObject({
    ...{ base: { index: 6, term: 2 }, entries: [], commit: 6 },
    ...{ hardState: makeHardState(2), verdict: { kind: "intact" } },
    snapshotVerdict: { kind: "sound" },
  });
  if (log.snapshot === null) throw new Error("the snapshot is there");
  expect(decodeSnapshotConfiguration(log.snapshot.configuration)).toEqual({
    ...{ configuration: newMembers, index: 6 },
  });
  const sections = world.readAll(log.store.snapshots, log.snapshot);
  if (sections instanceof Error) throw sections;
  const texts = [...sections].map(([name, data]) => [name, new TextDecoder().decode(data)]);
  expect(texts).toEqual([
    ["@position", "p"],
    ["bank", bank],
    ["empty", ""],
  ]);
  const strays = world.disk.files().filter((file) => /rebuild|\.tmp$/.test(file));
  expect(strays).toEqual([]);
}

describe("what a snapshot file is", () => {
  it("is told from its content", () => {
    const world = withFile();
    const report = must(run(world, inspectFile(portsOf(world), saved)));
    expect(report).toMatchObject({ file: saved, fileBytes: bytes.length, damage: null });
    expect(report.contents).toMatchObject({
      ...{ clusterId: worldIdentity.clusterId, index: 6, term: 2, bytes: bytes.length },
      members: [{ id: "a", address: "a:1", role: "voter" }],
      sections: [
        { name: "@position", bytes: 1 },
        { name: "bank", bytes: bank.length },
        { name: "empty", bytes: 0 },
      ],
    });
  });

  it("is told with what a saved file has behind it, however many zeros that are", () => {
    for (let padding = 0; padding < 512; padding++) {
      const fileBytes = bytes.length + padding + 32;
      const content = new Uint8Array(fileBytes).fill(7, bytes.length + padding);
      content.set(bytes);
      const world = withFile(content);
      const report = must(run(world, inspectFile(portsOf(world), saved)));
      // Saved files are filled up to whole sectors; anything else behind a snapshot is damage.
      expect(report.damage === null, `${padding} zeros`).toBe(fileBytes % 512 === 32);
      if (report.damage === null) expect(report.contents?.bytes).toBe(bytes.length);
    }
  });

  it.each<[string, number, boolean]>([
    ["header", 20, false],
    ["block", 512 + 65_536 + 100, true],
    ["trailer", -20, false],
  ])("says where it is damaged: in the %s", (what, at, isDescribed) => {
    const content = bytes.slice();
    const offset = at < 0 ? content.length + at : at;
    content[offset] = (content[offset] ?? 0) ^ 1;
    const world = withFile(content);
    const report = must(run(world, inspectFile(portsOf(world), saved)));
    expect(report.damage?.reason).toContain(what);
    expect(report.damage?.offset).toBeLessThanOrEqual(offset);
    expect(report.contents !== null).toBe(isDescribed);
    const refusal = run(world, restore(portsOf(world), requestFor("n1")));
    if (!isQuorateError(refusal, "CORRUPT")) throw refusal;
    expect(refusal.hint).toContain("Use another snapshot");
    expect(world.disk.files()).toEqual([saved]);
  });

  it("says that it is cut short, or none at all", () => {
    for (const content of [bytes.subarray(0, 70_000), new Uint8Array(0), new Uint8Array(9000)]) {
      const world = withFile(content);
      const report = must(run(world, inspectFile(portsOf(world), saved)));
      expect(report.damage).not.toBe(null);
    }
  });
});

describe("restore", () => {
  it("makes equal directories for all members of one new cluster", () => {
    const world = withFile();
    const ids = ["n1", "n2", "n3"];
    const done = ids.map((id) => must(run(world, restore(portsOf(world), requestFor(id)))));
    const [first] = done;
    expect(first?.token).toMatch(/^restored-[0-9a-f]{16}$/);
    expect(first?.clusterId).not.toBe(worldIdentity.clusterId);
    expect(new Set(done.map(({ clusterId }) => clusterId)).size).toBe(1);
    world.disk.crash({ random: () => 0.5, keepShare: 0 });
    for (const id of ids) expectRestored(world, id, first?.clusterId ?? "");
    const files = world.disk.files().filter((file) => file.endsWith(".snap"));
    const contents = files.filter((file) => file !== saved).map((file) => world.disk.peek(file));
    expect(contents.length).toBe(3);
    for (const content of contents) expect(Buffer.compare(content, contents[0] ?? content)).toBe(0);
  });

  it("is refused in a directory that holds something, and for the old cluster's id", () => {
    const world = withFile();
    must(run(world, restore(portsOf(world), requestFor("n1"))));
    const again = run(world, restore(portsOf(world), requestFor("n1")));
    expect((again as Error).message).toContain("it holds a member's data already (hard-state.0)");
    expect(again).toMatchObject({ code: "BAD_CONFIG" });
    expectRestored(world, "n1", clusterIdOf(world));
  });

  it("is refused for a directory in use, or with a token that gives the old id", () => {
    const world = withFile();
    must(run(world, restore(portsOf(world), { ...requestFor("n1"), token: "t" })));
    const { log, opened } = start(world, "n1");
    expect(run(world, restore(portsOf(world), requestFor("n1")))).toMatchObject({
      code: "DATA_DIR_IN_USE",
    });
    expect(log.snapshot).not.toBe(null);
    world.disk.kill();
    const [own = ""] = world.disk.files().filter((file) => file.startsWith("/new/n1/snapshot"));
    const request = { ...requestFor("n2"), file: own, token: "t" };
    const refusal = run(world, restore(portsOf(world), request));
    expect((refusal as Error).message).toContain("whose old members would be let in");
    expect(opened.identity.member).toBe("n1");
  });

  it("leaves a directory that no member starts on, on a full disk; then works", () => {
    const world = withFile();
    world.disk.spaceBytes = bytes.length + 9000;
    expect(run(world, restore(portsOf(world), requestFor("n1")))).toMatchObject({
      code: "STORAGE_FAILED",
    });
    expect(() => start(world, "n1")).toThrow("a snapshot was being restored into it");
    world.disk.spaceBytes = Number.POSITIVE_INFINITY;
    const { clusterId } = must(run(world, restore(portsOf(world), requestFor("n1"))));
    expectRestored(world, "n1", clusterId);
  });
});

describe("a crash at every operation of a restore", () => {
  it("leaves nothing, what refuses to start, or all; and the same restore ends it", () => {
    const outcomes = new Set<string>();
    for (let operation = 1, isOver = false; !isOver; operation++) {
      for (const keepShare of [0, 0.6]) {
        const world = withFile(bytes, operation);
        const until = world.disk.operations + operation;
        world.fault = ({ number }) => (number >= until ? { kind: "hang" } : null);
        const done = run(world, restore(portsOf(world), requestFor("n1")));
        isOver = world.disk.operations < until;
        world.fault = () => null;
        world.disk.crash({ random: () => world.random.fraction(), keepShare });
        const isEmpty = !world.disk.files().some((file) => /^\/new\/n1\/(?!.*\.tmp$)/.test(file));
        let outcome = "empty";
        if (!isEmpty) {
          outcome = outcomeOf(world);
          if (outcome === "whole") expectRestored(world, "n1", clusterIdOf(world));
        }
        outcomes.add(outcome);
        if (done !== null) expect(outcome).toBe("whole");
        world.disk.crash({ random: () => world.random.fraction(), keepShare: 0 });
        if (outcome === "whole") continue;
        const { clusterId } = must(run(world, restore(portsOf(world), requestFor("n1"))));
        world.disk.crash({ random: () => world.random.fraction(), keepShare: 0 });
        expectRestored(world, "n1", clusterId);
      }
    }
    expect([...outcomes].sort()).toEqual(["empty", "refused", "whole"]);
  });

  it("ends what was decided, when the same restore is run again", () => {
    const world = withFile();
    world.fault = ({ kind, path }) =>
      kind === "rename" && path.endsWith("/rebuild-identity") ? { kind: "hang" } : null;
    expect(run(world, restore(portsOf(world), requestFor("n1")))).toBe(null);
    world.fault = () => null;
    world.disk.crash({ random: () => world.random.fraction(), keepShare: 0 });
    const { clusterId } = must(run(world, restore(portsOf(world), requestFor("n1"))));
    expectRestored(world, "n1", clusterId);
  });
});

/** Opens the directory as a start does, and lets go of it. */
function outcomeOf(world: StorageWorld): "whole" | "refused" {
  try {
    start(world, "n1");
    return "whole";
  } catch (error) {
    expect(error).toMatchObject({ name: "UnfinishedRestoreError" });
    return "refused";
  } finally {
    world.disk.kill();
  }
}

function clusterIdOf(world: StorageWorld): string {
  const { clusterId } = start(world, "n1").opened.identity;
  world.disk.kill();
  return clusterId;
}
