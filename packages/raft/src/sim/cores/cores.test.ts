import { describe, expect, it } from "vitest";
import type { CoreObserver } from "../observer.ts";
import { invariantIds } from "../violation.ts";
import { type CoresRun, replayCores, runCores, shrinkCores } from "./index.ts";

/** Says that something is wrong as soon as a member has ended twice and another leads term 3. */
function complainer(): CoreObserver {
  const ends = new Map<number, number>();
  let isLed = false;
  const nothing = (): void => {};
  const look = (): void => {
    if (isLed && [...ends.values()].some((count) => count >= 2)) throw new Error("complaint");
  };
  return {
    onStart: nothing,
    onStep(_, raft) {
      if (raft.role === "leader" && raft.hardState.term >= 3) isLed = true;
      look();
    },
    onPropose: nothing,
    onChange: nothing,
    onTransfer: nothing,
    onTake: nothing,
    onDurable: nothing,
    onLeave: nothing,
    onCrash(at) {
      ends.set(at, (ends.get(at) ?? 0) + 1);
    },
  };
}

const changing = { membership: "always", snapshots: "always" } as const;
const leading = { leadership: "always" } as const;

describe("a world of bare cores", () => {
  it("holds every invariant after every step, and puts each to the test", () => {
    const counts = Object.fromEntries(invariantIds.map((id) => [id, 0]));
    for (let seed = 1; seed <= 200; seed++) {
      const { failure, evaluations } = runCores(seed);
      if (failure !== null) expect.fail(`seed ${seed}: ${failure.message}\n${failure.trace}`);
      for (const id of invariantIds) counts[id] = (counts[id] ?? 0) + evaluations.counts[id];
    }
    expect(invariantIds.filter((id) => counts[id] === 0)).toEqual([]);
  });

  it("changes its members, also who leads, and loses changes that were not committed", () => {
    const counts = { changes: 0, voterChanges: 0, configurationsUndone: 0 };
    const kinds = new Set<string>();
    for (let seed = 1; seed <= 60; seed++) {
      const { failure, operations, actions } = runCores(seed, { membership: "always" });
      if (failure !== null) expect.fail(`seed ${seed}: ${failure.message}\n${failure.trace}`);
      for (const name of ["changes", "voterChanges", "configurationsUndone"] as const) {
        counts[name] += operations[name];
      }
      for (const action of actions) {
        if (action.kind !== "change") continue;
        for (const { kind } of action.changes) kinds.add(kind);
      }
    }
    expect(counts.voterChanges).toBeGreaterThan(50);
    expect(counts.changes).toBeGreaterThan(counts.voterChanges);
    expect(counts.configurationsUndone).toBeGreaterThan(0);
    expect([...kinds].sort()).toEqual(["add", "demote", "promote", "remove", "update-address"]);
  });

  it("takes snapshots, drops what they stand for, and brings them to who lacks that", () => {
    const counts = { snapshotsTaken: 0, snapshotsInstalled: 0, logsReplaced: 0, compactions: 0 };
    const faults = { snapshotsLost: 0, snapshotsDoubled: 0 };
    const kinds = new Set<string>();
    for (let seed = 1; seed <= 60; seed++) {
      const run = runCores(seed, { snapshots: "always" });
      if (run.failure !== null) {
        expect.fail(`seed ${seed}: ${run.failure.message}\n${run.failure.trace}`);
      }
      for (const name of ["snapshotsTaken", "snapshotsInstalled", "logsReplaced"] as const) {
        counts[name] += run.operations[name];
      }
      counts.compactions += run.operations.compactions;
      faults.snapshotsLost += run.faults.snapshotsLost;
      faults.snapshotsDoubled += run.faults.snapshotsDoubled;
      for (const { kind } of run.actions) kinds.add(kind);
    }
    expect(counts.snapshotsTaken).toBeGreaterThan(500);
    expect(counts.compactions).toBeGreaterThan(300);
    expect(counts.snapshotsInstalled).toBeGreaterThan(10);
    expect(counts.logsReplaced).toBeGreaterThan(10);
    expect(Math.min(faults.snapshotsLost, faults.snapshotsDoubled)).toBeGreaterThan(0);
    const all = ["compact", "drop", "offer", "restore", "save", "saved", "snapshot", "transfer"];
    expect([...all, "transfer-report"].filter((kind) => !kinds.has(kind))).toEqual([]);
  });

  it("never changes its members where that is asked for", () => {
    const { options, actions } = runCores(1, { membership: "never", snapshots: "never" });
    expect(options.membership).toBeUndefined();
    expect(options.snapshots).toBeUndefined();
    expect(actions.filter(({ kind }) => kind === "change" || kind === "snapshot")).toEqual([]);
  });

  it("hands over, sees leaders go, and reads by leases", () => {
    const counts = { transfers: 0, handovers: 0, leaseReads: 0, failovers: 0 };
    const kinds = new Set<string>();
    for (let seed = 1; seed <= 40; seed++) {
      const { failure, operations, actions } = runCores(seed, { leadership: "always" });
      if (failure !== null) expect.fail(`seed ${seed}: ${failure.message}\n${failure.trace}`);
      counts.transfers += operations.transfers;
      counts.handovers += operations.handovers;
      counts.leaseReads += operations.leaseReads;
      counts.failovers += operations.failovers;
      for (const { kind } of actions) kinds.add(kind);
    }
    expect(counts.transfers).toBeGreaterThan(counts.handovers);
    expect(counts.handovers).toBeGreaterThan(20);
    expect(counts.leaseReads).toBeGreaterThan(500);
    expect(counts.failovers).toBeGreaterThan(20);
    for (const kind of ["hand-over", "disk-health", "leader-gone", "wake", "lease-read"]) {
      expect(kinds).toContain(kind);
    }
  });

  it("does none of that where that is asked for, and clocks are equal", () => {
    const { options, operations } = runCores(3, { leadership: "never" });
    expect(options.leadership).toBeUndefined();
    expect(operations).toMatchObject({ transfers: 0, leaseReads: 0, failovers: 0 });
  });

  it("is the same world when the seed is the same", () => {
    const hashes = new Set<number>();
    for (let seed = 1; seed <= 30; seed++) {
      const { hash, steps } = runCores(seed);
      const again = runCores(seed);
      expect({ hash: again.hash, steps: again.steps }).toEqual({ hash, steps });
      hashes.add(hash);
    }
    expect(hashes.size).toBe(30);
  });

  it("is the same world from its list of actions, also after a way through JSON", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const run = runCores(seed, {
        actions: 800,
        ...(seed % 2 === 0 ? changing : {}),
        ...(seed % 3 === 0 ? leading : {}),
      });
      const { options, actions } = JSON.parse(JSON.stringify(run)) as CoresRun; // of this type
      const again = replayCores(seed, options, actions);
      expect({ seed, hash: again.hash }).toEqual({ seed, hash: run.hash });
    }
  });

  it("shortens what fails to a list without anything that it does not take", () => {
    const settings = { observers: [complainer] };
    const failed = Array.from({ length: 50 }, (_, at) => runCores(at + 1, settings)).find(
      ({ failure, actions }) => failure !== null && actions.length > 500,
    );
    if (failed === undefined) expect.fail("no seed fails");
    const short = shrinkCores(failed, settings);
    expect(short.failure?.message).toBe("complaint");
    expect(short.actions.length).toBeLessThan(120);
    const kinds = short.actions.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === "crash").length).toBeGreaterThanOrEqual(2);
    for (let at = 0; at < short.actions.length; at++) {
      const less = short.actions.filter((_, other) => other !== at);
      const again = replayCores(short.seed, short.options, less, settings);
      expect(again.failure?.message).not.toBe("complaint");
    }
  });
});
