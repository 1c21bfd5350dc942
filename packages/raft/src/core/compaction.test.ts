/** Starting behind a base, what may be dropped, and the configuration of a place in the log. */
import { describe, expect, it } from "vitest";
import { logIndex, nodeId, persistUnit, term } from "../base/index.ts";
import {
  beforeFirst,
  checkState,
  compactLog,
  configurationFor,
  createConfiguration,
  createRaft,
  defaultSettings,
  type Entry,
  encodeConfiguration,
  lastPosition,
  type PlacedSnapshot,
  type Raft,
  type RaftOptions,
  step,
  takeEffects,
} from "./index.ts";

const one = createConfiguration([{ id: nodeId("n1"), address: "n1:1" }]);
const two = createConfiguration([
  { id: nodeId("n1"), address: "n1:1" },
  { id: nodeId("n2"), address: "n2:1" },
]);

function entry(index: number, configuration: typeof one | null = null): Entry {
  const at = { index: logIndex(index), term: term(1) };
  if (configuration === null) return { ...at, kind: "command", data: new Uint8Array(1) };
  return { ...at, kind: "configuration", data: encodeConfiguration(configuration) };
}

function at(index: number) {
  return { index: logIndex(index), term: term(1) };
}

function snapshotAt(index: number, configuration = two, configurationIndex = 1): PlacedSnapshot {
  return { position: at(index), configuration, configurationIndex: logIndex(configurationIndex) };
}

function start(options: Partial<RaftOptions>): Raft {
  const raft = createRaft({
    ...{ id: nodeId("n2"), settings: defaultSettings, boot: 1, jitter: 0 },
    ...{ hardState: { term: term(1), votedFor: null, mustCatchUp: false } },
    ...{ entries: [entry(1, two), entry(2), entry(3), entry(4)], commit: logIndex(1) },
    ...options,
  });
  checkState(raft);
  return raft;
}

/** Applies what is committed. */
function apply(raft: Raft): void {
  for (const effect of takeEffects(raft)) {
    if (effect.kind !== "apply") continue;
    step(raft, { kind: "applied", index: effect.entries.at(-1)?.index ?? logIndex(0) });
  }
  checkState(raft);
}

describe("a start behind a base", () => {
  it("begins with the snapshot's state, and applies what follows", () => {
    const entries = [entry(4), entry(5), entry(6)];
    const raft = start({ base: at(3), snapshot: snapshotAt(4), entries, commit: logIndex(6) });
    expect(raft).toMatchObject({ applied: 4, applying: 4, commit: 6, durableIndex: 6 });
    expect(raft).toMatchObject({ configuration: two, configurationIndex: 1 });
    const applies = takeEffects(raft).flatMap((effect) =>
      effect.kind === "apply" ? effect.entries.map(({ index }) => index) : [],
    );
    expect(applies).toEqual([5, 6]);
  });

  it("may have nothing behind it, and knows what is committed by it", () => {
    const raft = start({ base: at(9), snapshot: snapshotAt(9), entries: [] });
    expect(lastPosition(raft.log)).toEqual(at(9));
    expect(raft).toMatchObject({ commit: 9, applied: 9, unstableFrom: 10 });
    expect(takeEffects(raft)).toEqual([]);
  });

  it("takes configurations behind the snapshot from the log, committed or not", () => {
    const entries = [entry(4), entry(5, one), entry(6)];
    const place = { base: at(3), snapshot: snapshotAt(3), entries };
    const uncommitted = start({ ...place, commit: logIndex(4) });
    expect(uncommitted).toMatchObject({ configuration: one, configurationIndex: 5 });
    expect(uncommitted).toMatchObject({ committedConfiguration: two });
    expect(start({ ...place, commit: logIndex(5) }).committedConfigurationIndex).toBe(5);
  });

  it("takes a snapshot before a change that the log shows to be committed", () => {
    const entries = [entry(4), entry(5), entry(6, two), entry(7), entry(8, one)];
    const raft = start({ base: at(3), snapshot: snapshotAt(3), entries, commit: logIndex(4) });
    expect(raft.committedConfigurationIndex).toBe(6);
    const place = { configuration: two, configurationIndex: logIndex(1) };
    step(raft, { kind: "snapshot-received", id: 1, position: at(5), term: term(1), ...place });
    const effects = takeEffects(raft).map(({ kind }) => kind);
    expect(effects).toContain("install-snapshot");
    expect(raft).toMatchObject({ commit: 5, committedConfigurationIndex: 6 });
  });

  it("is refused without what was dropped", () => {
    const entries = [entry(4)];
    expect(() => start({ base: at(3), entries })).toThrow(/behind a snapshot/);
    expect(() => start({ base: at(3), snapshot: snapshotAt(2), entries })).toThrow(/was dropped/);
    const torn = { base: at(3), snapshot: snapshotAt(9), entries };
    expect(() => start(torn)).toThrow(/the log has the snapshot's position/);
    const other = { ...snapshotAt(4), position: { index: logIndex(4), term: term(2) } };
    expect(() => start({ base: at(3), snapshot: other, entries })).toThrow(/has the snapshot's/);
    expect(() => start({ base: at(4), snapshot: snapshotAt(4), entries })).toThrow(/no gaps/);
  });
});

describe("compactLog", () => {
  it("drops what is applied, in a durable snapshot, and on disk; and nothing twice", () => {
    const raft = start({ commit: logIndex(3) });
    apply(raft);
    expect(compactLog(raft, logIndex(9))).toEqual(beforeFirst);
    step(raft, { kind: "snapshot-saved", position: at(2) });
    expect(compactLog(raft, logIndex(1))).toEqual(at(1));
    expect(compactLog(raft, logIndex(9))).toEqual(at(2));
    expect(compactLog(raft, logIndex(1))).toEqual(at(2));
    checkState(raft);
    expect(raft.log.entries.map(({ index }) => index)).toEqual([3, 4]);
    step(raft, { kind: "snapshot-saved", position: at(3) });
    step(raft, { kind: "snapshot-saved", position: at(1) }); // an older one, late
    expect(raft.snapshot?.position).toEqual(at(3));
    raft.durableIndex = logIndex(2); // as if the rest were on its way
    expect(compactLog(raft, logIndex(9))).toEqual(at(2));
  });

  it("takes no snapshot of what was not applied, or of another log", () => {
    const raft = start({ commit: logIndex(3) });
    const early = () => step(raft, { kind: "snapshot-saved", position: at(2) });
    expect(early).toThrow(/what was applied/);
    apply(raft);
    const position = { index: logIndex(2), term: term(2) };
    expect(() => step(raft, { kind: "snapshot-saved", position })).toThrow(/the own log/);
  });
});

describe("configurationFor", () => {
  it("is the newest at or before a place, from the log or from the snapshot before it", () => {
    const entries = [entry(1, one), entry(2), entry(3, two), entry(4), entry(5, one)];
    const raft = start({ entries, commit: logIndex(4) });
    apply(raft);
    const found = [1, 2, 3, 4, 5].map((index) => configurationFor(raft, logIndex(index)).index);
    expect(found).toEqual([1, 1, 3, 3, 5]);
    step(raft, { kind: "snapshot-saved", position: at(2) });
    expect(raft.snapshot).toMatchObject({ configuration: one, configurationIndex: 1 });
    compactLog(raft, logIndex(2));
    expect(configurationFor(raft, logIndex(2))).toEqual({ configuration: one, index: 1 });
    expect(configurationFor(raft, logIndex(4)).index).toBe(3);
    expect(() => configurationFor(raft, logIndex(1))).toThrow(/below the base/);
    expect(() => configurationFor(raft, logIndex(6))).toThrow(/above the log/);
  });
});

describe("configurationFor", () => {
  it("behind a base that is on its way to the disk, is the one that came with it", () => {
    const raft = start({ entries: [entry(1, one)], commit: logIndex(1) });
    const place = { configuration: two, configurationIndex: logIndex(2) };
    step(raft, { kind: "snapshot-received", id: 1, position: at(4), term: term(1), ...place });
    takeEffects(raft);
    step(raft, { kind: "applied", index: logIndex(4) });
    const entries = [entry(5), entry(6, one)];
    step(raft, {
      kind: "receive",
      message: {
        ...{ kind: "append-entries", from: nodeId("n1"), to: nodeId("n2"), term: term(1) },
        ...{ prev: at(4), entries, commit: logIndex(6), round: 1, sequence: 1 },
      },
    });
    apply(raft);
    expect(raft).toMatchObject({ snapshot: null, committedConfigurationIndex: 6, applied: 6 });
    expect(configurationFor(raft, logIndex(5))).toEqual({ configuration: two, index: 2 });
    expect(configurationFor(raft, logIndex(6))).toEqual({ configuration: one, index: 6 });
  });
});

describe("a snapshot that came", () => {
  it("is told of as it is: the term first, then itself, then what follows", () => {
    const raft = start({});
    step(raft, {
      ...{ kind: "snapshot-received", id: 7, position: at(9), term: term(3) },
      ...{ configuration: two, configurationIndex: logIndex(1) },
    });
    checkState(raft);
    const effects = takeEffects(raft);
    expect(effects.map(({ kind }) => kind)).toEqual([
      ...["role-changed", "configuration-changed", "persist", "install-snapshot"],
    ]);
    expect(effects[2]).toMatchObject({ unit: 1, hardState: { term: 3 }, entries: [] });
    expect(effects[3]).toEqual({
      ...{ kind: "install-snapshot", unit: 2, id: 7, position: at(9), replacesLog: true },
    });
    expect(raft).toMatchObject({ commit: 9, applying: 9, applied: 0, durableIndex: 1 });
    expect(raft.snapshot).toBeNull(); // not on disk
    step(raft, { kind: "persisted", unit: persistUnit(2) });
    expect(raft).toMatchObject({ durableIndex: 9, snapshot: { position: at(9) } });
    checkState(raft);
  });

  it("has a term not above that of its commitment, and a configuration within it", () => {
    const received = {
      kind: "snapshot-received",
      id: 1,
      position: at(9),
      configuration: two,
    } as const;
    const raft = start({});
    const early = { ...received, term: term(0), configurationIndex: logIndex(1) };
    expect(() => step(raft, early)).toThrow(/above that of its commitment/);
    for (const index of [0, 10]) {
      const strange = { ...received, term: term(1), configurationIndex: logIndex(index) };
      expect(() => step(raft, strange)).toThrow(/in what it stands for/);
    }
  });
});
