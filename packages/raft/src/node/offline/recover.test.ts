/** Recovery of a cluster from the directory of one member, on a simulated disk that crashes. */
import { describe, expect, it } from "vitest";
import { crc32, isQuorateError, nodeId, type QuorateError } from "../../base/index.ts";
import {
  createConfiguration,
  decodeConfiguration,
  type Entry,
  encodeConfiguration,
} from "../../core/index.ts";
import { type OpenedLog, runTask, type Task } from "../../storage/index.ts";
import {
  makeEntry,
  makeHardState,
  makePersist,
  StorageWorld,
  worldDirectory,
} from "../../testing/storage-world.ts";
import { encodeSnapshotConfiguration } from "../snapshots/snapshot-configuration.ts";
import { describeLosses } from "./directory-report.ts";
import { fromOfflineError } from "./errors.ts";
import { inspect, type OfflinePorts, type RecoveredCluster, recover } from "./recover.ts";

const oldCluster = "00c1a51e00c1a51e";
const members = createConfiguration(
  ["a", "b", "c"].map((id) => ({ id: nodeId(id), address: `${id}:1` })),
);
const first = makeEntry(1, 1, encodeConfiguration(members), "configuration");
const confirmed = { clusterId: oldCluster, id: null, address: null, token: null } as const;
const request = { directory: worldDirectory, ...confirmed };

function portsOf({ disk, clock, random }: StorageWorld): OfflinePorts {
  return { disk, clock, random, crc32 };
}

/** What a task came to; null: the disk fell silent. */
function run<Value>(world: StorageWorld, task: Task<Value>): Value | Error | null {
  let result: Value | Error | null = null;
  runTask(task, (error, value) => {
    result = error === null ? (value ?? null) : fromOfflineError(error, worldDirectory);
  });
  world.clock.advance(0);
  return result;
}

function must<Value>(value: Value | Error | null): Value {
  if (value instanceof Error) throw value;
  if (value === null) throw new Error("the disk answers");
  return value;
}

interface Life {
  /** Of a snapshot with `state 6` in it; the log is compacted up to there. */
  readonly snapshot?: boolean;
  readonly mustCatchUp?: boolean;
  readonly close?: boolean;
}

/** Entries 1 to 9, the first 7 known to be committed, in term 3. */
function lived({ snapshot = false, mustCatchUp = false, close = true }: Life, seed = 1) {
  const world = new StorageWorld(seed);
  const opened = world.openDirectory(oldCluster);
  if (opened instanceof Error) throw opened;
  const segmentBytesMax = snapshot ? 1024 : 1024 * 1024;
  const { store } = world.openLog({ identity: opened.identity, segmentBytesMax });
  const rest: Entry[] = [2, 3, 4, 5, 6].map((index) => makeEntry(index, 2));
  const hardState = makeHardState(3, "b", mustCatchUp);
  world.append(store, makePersist({ hardState, entries: [first, ...rest], commit: 6 }));
  world.append(store, makePersist({ entries: [makeEntry(7, 2)], commit: 7 }));
  if (snapshot) {
    const configuration = new TextDecoder().decode(
      encodeSnapshotConfiguration({ configuration: members, index: first.index }),
    );
    const sections = [["bank", "state 6".repeat(30)]] as const;
    const sealed = world.seal(store.snapshots, { index: 6, term: 2, configuration, sections });
    expect(world.install(store, sealed)).toBe(null);
    expect(world.compact(store, 6, 2)).toBe(null);
  }
  world.append(store, makePersist({ entries: [makeEntry(8, 3), makeEntry(9, 3)], commit: 7 }));
  if (close) world.close(store);
  world.disk.crash({ random: () => 0.5, keepShare: 0 });
  return { world, incarnation: opened.identity.incarnation };
}

function imageOf(world: StorageWorld): Map<string, string> {
  const { disk } = world;
  return new Map(disk.files().map((path) => [path, Buffer.from(disk.peek(path)).toString("hex")]));
}

/** What a start finds. */
function start(world: StorageWorld): { readonly clusterId: string; readonly log: OpenedLog } {
  const opened = world.openDirectory("00000000000000ff");
  if (opened instanceof Error) throw opened;
  const { clusterId } = opened.identity;
  return { clusterId, log: world.openLog({ identity: opened.identity }) };
}

function textOf({ log }: { readonly log: OpenedLog }): string {
  const entries = log.entries.map(({ index, term, kind }) => `${index}/${term} ${kind}`);
  return `${log.base.index}: ${entries.join(", ")}; commit ${log.commit}`;
}

/** Nothing of the old cluster is left, and nothing of its log is missing. */
function expectNew(world: StorageWorld, life: Life, name: string): string {
  const found = start(world);
  const { log } = found;
  expect(found.clusterId, name).not.toBe(oldCluster);
  expect(log.verdict, name).toEqual({ kind: "intact" });
  const from = life.snapshot === true ? 6 : 0;
  expect(log.base.index, name).toBe(from);
  expect(log.entries.map(({ index }) => index)).toEqual(
    Array.from({ length: 10 - from }, (_, at) => from + 1 + at),
  );
  const last = log.entries.at(-1);
  expect([last?.kind, last?.term, log.commit]).toEqual(["configuration", 4, 10]);
  const alone = createConfiguration([{ id: nodeId("a"), address: "a:1" }]);
  expect(decodeConfiguration(last?.data ?? new Uint8Array())).toEqual(alone);
  expect(log.hardState).toEqual(makeHardState(4, "a"));
  const kept = log.entries.find(({ index }) => index === 8);
  expect(new TextDecoder().decode(kept?.data)).toBe("entry 8");
  if (life.snapshot === true) {
    if (log.snapshot === null) throw new Error("the snapshot is there");
    const sections = world.readAll(log.store.snapshots, log.snapshot);
    if (sections instanceof Error) throw sections;
    expect(new TextDecoder().decode(sections.get("bank"))).toBe("state 6".repeat(30));
  }
  const strays = world.disk.files().filter((file) => /rebuild|\.tmp$/.test(file));
  expect(strays, name).toEqual([]);
  return found.clusterId;
}

describe("looking into a directory", () => {
  it.each([true, false])("changes no byte of it, closed in order or not (%s)", (close) => {
    const { world } = lived({ close, snapshot: true });
    const before = imageOf(world);
    const report = must(run(world, inspect(portsOf(world), worldDirectory, null)));
    expect(imageOf(world)).toEqual(before);
    expect(report).toMatchObject({
      ...{ clusterId: oldCluster, member: "a", address: "a:1", term: 3, commit: 7 },
      ...{ base: { index: 6, term: 2 }, last: { index: 9, term: 3 }, warnings: [] },
      snapshot: { index: 6, term: 2 },
    });
    expect(report.members.map(({ id, role }) => `${id} ${role}`)).toEqual(
      ["a", "b", "c"].map((id) => `${id} voter`),
    );
    expect(must(run(world, inspect(portsOf(world), worldDirectory, nodeId("a"))))).toEqual(report);
  });

  it("leaves an unreadable last write where it is, and says that it would be given up", () => {
    const { world } = lived({ close: false });
    const segment = `${worldDirectory}/log-0000000000000001.wal`;
    world.disk.poke(segment, (bytes) => {
      const end = bytes.length - 512 + 80;
      bytes[end] = (bytes[end] ?? 0) ^ 0xff;
      return bytes;
    });
    const before = imageOf(world);
    const report = must(run(world, inspect(portsOf(world), worldDirectory, null)));
    expect(imageOf(world)).toEqual(before);
    expect(report).toMatchObject({ lostTail: { file: segment }, last: { index: 7, term: 2 } });
    expect(describeLosses(report).join("\n")).toContain("may have been acknowledged");
    const done = must(run(world, recover(portsOf(world), request)));
    expect(done.last).toBe(8);
    expect(start(world).log.hardState).toEqual(makeHardState(4, "a"));
  });

  it("says in sentences what may be lost", () => {
    const { world } = lived({ mustCatchUp: true });
    const report = must(run(world, inspect(portsOf(world), worldDirectory, null)));
    expect(describeLosses(report)).toEqual([
      "What b, c acknowledged and this log lacks is lost: it ends with entry 9 of term 3.",
      "b, c belong to the old cluster from then on: refused with their old data, welcome as new " +
        "members with empty directories.",
      "2 entries are not known to be committed (entries 8 to 9): from then on they count, also " +
        "where a client was told that its command failed.",
      "a knows that it may lack entries that it had acknowledged.",
    ]);
    const alone = report.members.map((one) => ({
      ...one,
      role: one.id === "a" ? ("voter" as const) : ("learner" as const),
    }));
    expect(describeLosses({ ...report, members: alone, mustCatchUp: false })).toEqual([
      "b, c belong to the old cluster from then on: refused with their old data, welcome as new " +
        "members with empty directories.",
    ]);
    const others = report.members.slice(1);
    expect(describeLosses({ ...report, members: others }).join("\n")).toContain(
      "a is no member by its own log",
    );
  });
});

describe("recovery", () => {
  it.each<Life>([{}, { snapshot: true }, { mustCatchUp: true, close: false }])(
    "keeps the log and makes the member a cluster of its own: %j",
    (life) => {
      const { world, incarnation } = lived(life);
      const done = must(run(world, recover(portsOf(world), request)));
      expect(done).toMatchObject({ member: "a", address: "a:1", term: 4, last: 10 });
      expect(done.token).toMatch(/^recovered-[0-9a-f]{16}$/);
      world.disk.crash({ random: () => 0.5, keepShare: 0 });
      expect(expectNew(world, life, "after the power failed")).toBe(done.clusterId);
      world.disk.kill();
      const again = must(run(world, inspect(portsOf(world), worldDirectory, null)));
      expect(again.incarnation).not.toBe(incarnation);
      expect(again.members).toEqual([{ id: "a", address: "a:1", role: "voter" }]);
    },
  );

  it("takes another address and a token, and gives the same id for the same", () => {
    const one = lived({}).world;
    const other = lived({}, 2).world;
    const given = { ...request, address: "10.0.0.9:2380", token: "t1" };
    const done = must(run(one, recover(portsOf(one), given)));
    expect(done).toMatchObject({ address: "10.0.0.9:2380", token: "t1" });
    expect(must(run(other, recover(portsOf(other), given))).clusterId).toBe(done.clusterId);
    const repeated = run(one, recover(portsOf(one), { ...given, clusterId: done.clusterId }));
    expect((repeated as Error).message).toBe(
      "Cannot recover with token t1: with it the new cluster would have the id of the old one",
    );
  });

  it("is refused, and nothing is changed, without the right id, name or directory", () => {
    const { world } = lived({});
    const before = imageOf(world);
    const tries: [Partial<typeof request> | object, string][] = [
      [{ clusterId: "00c1a51e00c1a51f" }, "WRONG_CLUSTER"],
      [{ id: nodeId("b") }, "BAD_CONFIG"],
    ];
    for (const [changes, code] of tries) {
      const refusal = run(world, recover(portsOf(world), { ...request, ...changes }));
      expect(refusal).toMatchObject({ name: "QuorateError", code });
      expect(imageOf(world)).toEqual(before);
    }
    const nowhere = run(world, recover(portsOf(world), { ...request, directory: "/none" }));
    expect(nowhere).toMatchObject({ code: "BAD_CONFIG" });
    expect((nowhere as Error).message).toContain("/none");
  });

  it("is refused while a member runs on the directory", () => {
    const { world } = lived({});
    start(world);
    const refusal = run(world, recover(portsOf(world), request));
    expect(refusal).toMatchObject({ code: "DATA_DIR_IN_USE" });
  });

  it("is refused for a log that was damaged where it was acknowledged", () => {
    const { world } = lived({});
    const segment = `${worldDirectory}/log-0000000000000001.wal`;
    world.disk.poke(segment, (bytes) => {
      bytes[600] = (bytes[600] ?? 0) ^ 0xff;
      return bytes;
    });
    const before = imageOf(world);
    const refusal = run(world, recover(portsOf(world), request));
    if (!isQuorateError(refusal, "CORRUPT")) throw refusal;
    expect(refusal.details).toMatchObject({ file: segment, offset: 512 });
    expect(refusal.hint).toContain("quorate snapshot restore");
    expect(imageOf(world)).toEqual(before);
  });

  it("is refused where the snapshot that the log goes on from cannot be read", () => {
    const { world } = lived({ snapshot: true });
    const [snapshot = ""] = world.disk.files().filter((file) => file.endsWith(".snap"));
    world.disk.poke(snapshot, (bytes) => {
      bytes[700] = (bytes[700] ?? 0) ^ 0xff;
      return bytes;
    });
    const refusal = run(world, recover(portsOf(world), request));
    expect((refusal as QuorateError).message).toContain("no snapshot that holds those can be read");
  });

  it("is refused for an empty log", () => {
    const world = new StorageWorld();
    const opened = world.openDirectory(oldCluster);
    if (opened instanceof Error) throw opened;
    world.close(world.openLog({ identity: opened.identity }).store);
    world.disk.crash({ random: () => 0.5, keepShare: 0 });
    const refusal = run(world, recover(portsOf(world), request));
    expect((refusal as QuorateError).message).toContain("its log is empty");
  });

  it("leaves the old content on a full disk", () => {
    const { world } = lived({ snapshot: true });
    const before = textOf(start(world));
    world.disk.kill();
    world.disk.spaceBytes = [...imageOf(world).values()].reduce(
      (sum, hex) => sum + hex.length / 2,
      2000,
    );
    const refusal = run(world, recover(portsOf(world), request));
    expect(refusal).toMatchObject({ code: "STORAGE_FAILED" });
    world.disk.kill();
    const found = start(world);
    expect([found.clusterId, textOf(found)]).toEqual([oldCluster, before]);
  });
});

describe("a crash at every operation of a recovery", () => {
  it.each<Life>([{}, { snapshot: true, close: false }])("%j: the old or the new, whole", (life) => {
    const outcomes = new Map<string, number>();
    const expected = textOf(start(lived(life).world));
    for (let operation = 1, isOver = false; !isOver; operation++) {
      for (const keepShare of [0, 0.6]) {
        const { world } = lived(life, operation);
        const until = world.disk.operations + operation;
        world.fault = ({ number }) => (number >= until ? { kind: "hang" } : null);
        const done = run<RecoveredCluster>(world, recover(portsOf(world), request));
        isOver = world.disk.operations < until;
        world.fault = () => null;
        world.disk.crash({ random: () => world.random.fraction(), keepShare });
        const name = `operation ${operation}, keep ${keepShare}`;
        const found = start(world);
        outcomes.set(found.clusterId === oldCluster ? "old" : "new", operation);
        if (done !== null) expect(found.clusterId, name).toBe(must(done).clusterId);
        if (found.clusterId === oldCluster) {
          expect(textOf(found), name).toBe(expected);
          world.disk.kill();
          must(run(world, recover(portsOf(world), request)));
        }
        world.disk.crash({ random: () => world.random.fraction(), keepShare: 0 });
        expectNew(world, life, name);
      }
    }
    expect([...outcomes.keys()].sort()).toEqual(["new", "old"]);
  });

  it("is finished by a look, whatever crashes that in turn", () => {
    for (let operation = 1, isOver = false; !isOver; operation++) {
      const { world } = lived({ snapshot: true }, operation);
      let isHanging = false;
      world.fault = ({ kind, path }) => {
        if (kind === "remove" && path.endsWith("/identity")) isHanging = true;
        return isHanging ? { kind: "hang" } : null;
      };
      expect(run(world, recover(portsOf(world), request))).toBe(null);
      world.disk.crash({ random: () => world.random.fraction(), keepShare: 0.5 });
      const until = world.disk.operations + operation;
      world.fault = ({ number }) => (number >= until ? { kind: "hang" } : null);
      run(world, inspect(portsOf(world), worldDirectory, null));
      isOver = world.disk.operations < until;
      world.fault = () => null;
      world.disk.crash({ random: () => world.random.fraction(), keepShare: 0.5 });
      expectNew(world, { snapshot: true }, `operation ${operation}`);
    }
  });
});
