/** When snapshots are due, and how much of the log stays; what their configuration looks like. */
import { describe, expect, it } from "vitest";
import { FormatError, logIndex, nodeId, term } from "../../base/index.ts";
import { createConfiguration, createLog, type Entry } from "../../core/index.ts";
import { defaultLimits } from "../limits.ts";
import {
  decodeSnapshotConfiguration,
  encodeSnapshotConfiguration,
  placeSnapshot,
} from "./snapshot-configuration.ts";
import { SnapshotPolicy } from "./snapshot-policy.ts";

const mebibyte = 1024 * 1024;
const limits = {
  snapshotEntries: 160,
  snapshotLogBytes: 64 * mebibyte,
  snapshotKeptEntries: 10,
  snapshotKeptBytes: 4 * mebibyte,
};

function entryOf(index: number, bytes: number): Entry {
  const data = new Uint8Array(bytes);
  return { index: logIndex(index), term: term(1), kind: "command", data };
}

/** The indexes at which one is due, of entries of one size. */
function dueOf(policy: SnapshotPolicy, last: number, entry: Entry, size = 0): number[] {
  const due: number[] = [];
  for (let index = 1; index <= last; index++) {
    if (!policy.onApplied({ ...entry, index: logIndex(index) })) continue;
    due.push(index);
    policy.onBegun();
    policy.onNewest(size, true);
  }
  return due;
}

describe("when a snapshot is due", () => {
  it("small ones: at each multiple of snapshotEntries", () => {
    expect(dueOf(new SnapshotPolicy(limits), 500, entryOf(1, 10))).toEqual([160, 320, 480]);
  });

  it("large ones: when as many bytes of log have come as the one before has", () => {
    const policy = new SnapshotPolicy(limits);
    policy.onNewest(4 * mebibyte, false);
    const due = dueOf(policy, 800, entryOf(1, mebibyte / 60), 4 * mebibyte);
    expect(due).toEqual([320, 640]);
  });

  it("after snapshotLogBytes at the next sixteenth, however large the one before is", () => {
    const policy = new SnapshotPolicy(limits);
    policy.onNewest(1024 * mebibyte, false);
    const due = dueOf(policy, 300, entryOf(1, mebibyte), 1024 * mebibyte);
    expect(due).toEqual([70, 140, 210, 280]);
  });

  it("at the next sixteenth where the newest cannot be read", () => {
    const policy = new SnapshotPolicy(limits);
    policy.hurry();
    expect(dueOf(policy, 100, entryOf(1, 10))).toEqual([10]);
  });
});

describe("how much of the log stays", () => {
  const entries = (count: number, bytes: number) =>
    Array.from({ length: count }, (_, at) => entryOf(at + 1, bytes));

  it.each([
    ["as many entries as are kept", 10, 20, 10],
    ["fewer, if they are large", mebibyte, 20, 17],
    ["all, if there are no more", 10, 5, 0],
  ])("%s", (_what, bytes, snapshot, cut) => {
    const log = createLog(entries(30, bytes));
    expect(new SnapshotPolicy(limits).cutAt(log, logIndex(snapshot))).toBe(cut);
  });
});

describe("the configuration of a snapshot", () => {
  const configuration = createConfiguration([{ id: nodeId("a"), address: "a:1" }]);
  const placed = { configuration, index: logIndex(7) };
  const bytes = encodeSnapshotConfiguration(placed);

  it("comes back with the index of its entry", () => {
    expect([...bytes.subarray(0, 9)]).toEqual([1, 7, 0, 0, 0, 0, 0, 0, 0]);
    expect(decodeSnapshotConfiguration(bytes)).toEqual(placed);
  });

  it("is refused in another format, or of no entry", () => {
    const change = (at: number, value: number) => bytes.map((byte, i) => (i === at ? value : byte));
    expect(() => decodeSnapshotConfiguration(change(0, 2))).toThrow(FormatError);
    expect(() => decodeSnapshotConfiguration(change(1, 0))).toThrow(FormatError);
    expect(() => decodeSnapshotConfiguration(bytes.subarray(0, 5))).toThrow(FormatError);
  });

  it("is refused behind the snapshot's own position", () => {
    const identity = { position: { index: logIndex(6), term: term(1) }, bytes: 1, hash: "" };
    const description = { identity, configuration: bytes, sections: [] };
    expect(() => placeSnapshot(description)).toThrow(FormatError);
  });
});

describe("the defaults", () => {
  it("keep less behind a snapshot than makes one due", () => {
    expect(defaultLimits.snapshotKeptEntries).toBeLessThan(defaultLimits.snapshotEntries);
    expect(defaultLimits.snapshotKeptBytes).toBeLessThan(defaultLimits.snapshotLogBytes);
  });
});
