import { describe, expect, it } from "vitest";
import type { LogIndex } from "../../base/index.ts";
import { lastIndex } from "../../core/index.ts";
import type { CoreObserver } from "../observer.ts";
import { type CoresRun, replayCores, runCores } from "./index.ts";

/** Situations that chance alone leads to in one seed of hundreds, or never. */
function createCounts() {
  return {
    /** A snapshot takes the place of a log that is longer than what it stands for, on disk. */
    durableTails: 0,
    /** The same while units with some of that log are on their way to the disk. */
    tailsUnderWay: 0,
    /** A candidate that was told to stand, more than a term ahead of who follows a leader. */
    leaps: 0,
  };
}

function counter(counts: ReturnType<typeof createCounts>): CoreObserver {
  const durable: LogIndex[] = [];
  const last: LogIndex[] = [];
  const terms: number[] = [];
  const nothing = (): void => {};
  const observer: CoreObserver = {
    onStart: nothing,
    onStep(at, raft, input) {
      const install = raft.outbox.units.at(-1);
      if (input.kind === "snapshot-received" && install?.kind === "install-snapshot") {
        const { replacesLog, position } = install;
        if (replacesLog && (durable[at] ?? 0) > position.index) counts.durableTails++;
        const isUnderWay = raft.outstanding.length > 1 && (last[at] ?? 0) > position.index;
        if (replacesLog && isUnderWay) counts.tailsUnderWay++;
      }
      if (input.kind === "receive") {
        const { message } = input;
        const isLeap = message.kind === "request-vote" && message.transfer === true;
        if (isLeap && message.term > (terms[at] ?? 0) + 1 && raft.leader !== null) counts.leaps++;
      }
      durable[at] = raft.durableIndex;
      last[at] = lastIndex(raft.log);
      terms[at] = raft.hardState.term;
    },
    onPropose: nothing,
    onChange: nothing,
    onTransfer: nothing,
    onTake: nothing,
    onDurable: nothing,
    onLeave: nothing,
    onCrash: nothing,
  };
  return observer;
}

const all = { snapshots: "always", leadership: "always", membership: "always" } as const;

describe("plans of a world of bare cores", () => {
  it("lead to what chance alone seldom does", () => {
    const counts = createCounts();
    for (let seed = 1; seed <= 120; seed++) {
      const settings = { ...all, plans: "always", observers: [() => counter(counts)] } as const;
      const { failure } = runCores(seed, settings);
      if (failure !== null) expect.fail(`seed ${seed}: ${failure.message}\n${failure.trace}`);
    }
    const never = Object.entries(counts).filter(([, count]) => count === 0);
    expect(never).toEqual([]);
  });

  it("are of some seeds, where there are snapshots or transfers and three members", () => {
    let planned = 0;
    for (let seed = 1; seed <= 60; seed++) {
      const { options } = runCores(seed, { actions: 1 });
      if (options.plans === undefined) continue;
      planned++;
      expect(options.memberCount).toBeGreaterThanOrEqual(3);
      const hasTransfers = (options.leadership?.transfer ?? 0) > 0;
      expect(options.snapshots !== undefined || hasTransfers).toBe(true);
    }
    expect(planned).toBeGreaterThan(5);
    expect(planned).toBeLessThan(30);
  });

  it("change nothing in other seeds, and nothing where they are not wanted", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const drawn = runCores(seed, { actions: 300 });
      const without = runCores(seed, { actions: 300, plans: "never" });
      expect(without.options.plans).toBeUndefined();
      if (drawn.options.plans === undefined) expect(drawn.hash).toBe(without.hash);
    }
  });

  it("are replayed from their actions alone", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const run = runCores(seed, { ...all, plans: "always", actions: 1_000 });
      const { options, actions } = JSON.parse(JSON.stringify(run)) as CoresRun; // of this type
      expect({ seed, hash: replayCores(seed, options, actions).hash }).toEqual({
        seed,
        hash: run.hash,
      });
    }
  });
});
