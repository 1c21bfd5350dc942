import { describe, expect, it } from "vitest";
import { type LogIndex, logIndex, nodeId, persistUnit, term } from "../../base/index.ts";
import {
  type Entry,
  emptyConfiguration,
  type HardState,
  type Persist,
  type PlacedSnapshot,
} from "../../core/index.ts";
import {
  createDiskRecord,
  type DiskRecord,
  explainRecovery,
  type Found,
  recordDurable,
  recordSnapshot,
} from "./explain-recovery.ts";

function entry(index: number, entryTerm: number): Entry {
  return { index: logIndex(index), term: term(entryTerm), kind: "no-op", data: new Uint8Array() };
}

function hardState(stateTerm: number, votedFor: string | null = null): HardState {
  return {
    term: term(stateTerm),
    votedFor: votedFor === null ? null : nodeId(votedFor),
    mustCatchUp: false,
  };
}

const abstaining = (state: HardState): HardState => ({ ...state, mustCatchUp: true });

function unit(
  number: number,
  parts: { hardState?: HardState; cut?: number; entries?: Entry[] },
): Persist {
  const { cut, entries = [] } = parts;
  return {
    kind: "persist",
    unit: persistUnit(number),
    hardState: parts.hardState ?? null,
    truncateFrom: cut === undefined ? null : logIndex(cut),
    entries,
    commit: 0 as LogIndex, // none
  };
}

/** Entries 1 to 3 are durable; then a new term with two entries more, then they are replaced. */
function record(): DiskRecord {
  const disk = createDiskRecord(hardState(1), [entry(1, 1), entry(2, 1), entry(3, 1)], logIndex(1));
  disk.pending.push(
    unit(1, { hardState: hardState(2, "n2"), entries: [entry(4, 2), entry(5, 2)] }),
    unit(2, { hardState: hardState(3), cut: 4, entries: [entry(4, 3)] }),
    unit(3, { entries: [entry(5, 3)] }),
  );
  return disk;
}

function explained(disk: DiskRecord, found: Pick<Found, "hardState" | "entries">, harmed: boolean) {
  const nothing = { base: 0 as LogIndex, snapshot: null }; // before the first
  return explainRecovery(disk, { ...found, ...nothing }, harmed, []);
}

const one = [entry(1, 1), entry(2, 1), entry(3, 1)];
const two = [...one, entry(4, 2), entry(5, 2)];
const three = [...one, entry(4, 3)];
const four = [...three, entry(5, 3)];

describe("a recovery without damage", () => {
  it.each([
    ["nothing of what was under way", hardState(1), one, { keptUnits: 0, keptEntries: null }],
    ["the first unit", hardState(2, "n2"), two, { keptUnits: 1, keptEntries: null }],
    ["the second", hardState(3), three, { keptUnits: 2, keptEntries: null }],
    ["all", hardState(3), four, { keptUnits: 3, keptEntries: null }],
    [
      "a hard state and not its entries",
      hardState(2, "n2"),
      one,
      { keptUnits: 0, keptEntries: null, keptHardStates: 1 },
    ],
    [
      "the newest hard state of units that are written together",
      hardState(3),
      two,
      { keptUnits: 1, keptEntries: null, keptHardStates: 2 },
    ],
  ])("keeps %s", (_what, state, entries, recovery) => {
    const disk = record();
    expect(explained(disk, { hardState: state, entries }, false)).toEqual(recovery);
    expect(disk.entries).toEqual(entries);
    expect(disk.pending).toEqual([]);
  });

  it.each([
    ["a durable entry is gone", hardState(1), one.slice(0, 2)],
    ["a vote is gone", hardState(1), two],
    ["the term fell", hardState(0), one],
    ["another vote", hardState(2, "n3"), two],
    ["an entry is another one", hardState(1), [...one.slice(0, 2), entry(3, 0)]],
    ["an entry nobody wrote", hardState(3), [...four, entry(6, 3)]],
    ["a part of a unit", hardState(2, "n2"), two.slice(0, 4)],
    ["it abstains for no reason", abstaining(hardState(1)), one],
  ])("is refused as D2 when %s", (_what, state, entries) => {
    const found = { hardState: state, entries };
    expect(() => explained(record(), found, false)).toThrow(/^D2: a start found/);
  });

  it("is measured by what is durable by then", () => {
    const disk = record();
    recordDurable(disk, []);
    recordDurable(disk, []);
    expect(() => explained(disk, { hardState: hardState(2, "n2"), entries: two }, false)).toThrow(
      /^D2/,
    );
  });
});

describe("a recovery after damage", () => {
  it("may be of an older log if the member abstains", () => {
    const disk = record();
    for (let count = 0; count < 3; count++) recordDurable(disk, []);
    const found = { hardState: abstaining(hardState(3)), entries: three };
    expect(explained(disk, found, true)).toEqual({ keptUnits: 0, keptEntries: 4 });
  });

  it("tells of entries that came back with the unit that had removed them", () => {
    const disk = record();
    for (let count = 0; count < 2; count++) recordDurable(disk, []);
    const found = { hardState: abstaining(hardState(3)), entries: two };
    expect(explained(disk, found, true)).toEqual({
      keptUnits: 0,
      keptEntries: 3,
      restored: [entry(4, 2), entry(5, 2)],
    });
  });

  it("may have lost nothing", () => {
    const found = { hardState: abstaining(hardState(1)), entries: one };
    expect(explained(record(), found, true)).toEqual({ keptUnits: 0, keptEntries: 3 });
  });

  it("is refused as D3 when the member does not abstain", () => {
    const found = { hardState: hardState(1), entries: one.slice(0, 2) };
    expect(() => explained(record(), found, true)).toThrow(/^D3: damage went unnoticed/);
  });

  it("is refused as D2 when the term fell all the same", () => {
    const found = { hardState: abstaining(hardState(0)), entries: one };
    expect(() => explained(record(), found, true)).toThrow(/^D2/);
  });
});

describe("a recovery with snapshots", () => {
  const placed = (index: number): PlacedSnapshot => ({
    position: { index: logIndex(index), term: term(1) },
    configuration: emptyConfiguration,
    configurationIndex: logIndex(1),
  });
  const found = (base: number, snapshot: number): Found => ({
    hardState: hardState(1),
    entries: one,
    base: base as LogIndex, // 0, too
    snapshot: snapshot === 0 ? null : placed(snapshot),
  });
  const saved = (): DiskRecord => {
    const disk = createDiskRecord(hardState(1), one, logIndex(3));
    recordSnapshot(disk, logIndex(1));
    disk.dropped = 1;
    return disk;
  };

  it.each([
    ["nothing was dropped yet", 0],
    ["all was dropped that may be", 1],
  ])("is explained when %s", (_what, base) => {
    const recovery = explainRecovery(saved(), found(base, 1), false, one);
    expect(recovery.snapshots).toEqual({ base, saved: null });
  });

  it("may find an own snapshot that nobody has told of", () => {
    const disk = saved();
    disk.saving.push({ index: logIndex(2), term: term(1) });
    const recovery = explainRecovery(disk, found(0, 2), false, one);
    expect(recovery.snapshots?.saved).toEqual(placed(2));
  });

  it("counts an installation under way by its snapshot", () => {
    const disk = createDiskRecord(hardState(1), one.slice(0, 1), logIndex(1));
    const position = { index: logIndex(3), term: term(1) };
    const install = { kind: "install-snapshot", unit: persistUnit(1), id: 1, position } as const;
    disk.pending.push({ ...install, replacesLog: true });
    expect(explainRecovery(disk, found(3, 3), false, one)).toMatchObject({ keptUnits: 1 });
  });

  it.each([
    ["an older snapshot", 0, 0],
    ["a snapshot that nobody wrote", 0, 2],
    ["a log that begins where nothing was dropped", 2, 1],
  ])("is refused as D2 when it finds %s", (_what, base, snapshot) => {
    const all = found(base, snapshot);
    expect(() => explainRecovery(saved(), all, false, one)).toThrow(/^D2/);
  });
});
