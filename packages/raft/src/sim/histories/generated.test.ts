import { describe, expect, it } from "vitest";
import { createRandom } from "../random.ts";
import { checkLinearizable } from "./check-linearizable.ts";
import {
  type GenerateOptions,
  generateHistory,
  type PlantedFault,
  plantedFaults,
  type Workload,
} from "./testing/generate-history.ts";
import { claimOrder, judgeByRevision, partOf } from "./testing/judge.ts";
import {
  appendListWorkload,
  counterWorkload,
  keyValueWorkload,
  registerWorkload,
} from "./testing/workloads.ts";

const size = { clients: 4, operations: 40, unknown: 0.08, failed: 0.04 };

/** How many of the planted faults each checker found, of how many. */
interface Catches {
  planted: number;
  byRevision: number;
  bySearch: number;
}

/**
 * Checks one history with both and that they agree: what the search refuses the other one does,
 * too; and an order that the search found, claimed by an honest service, passes the other one.
 */
function checkOne<State, Input, Result>(
  workload: Workload<State, Input, Result>,
  seed: number,
  options: GenerateOptions,
  catches: Catches,
): void {
  const generated = generateHistory(createRandom(seed, 1), workload, options);
  if (options.fault !== null && !generated.planted) return;
  const { history, committed } = generated;
  const { model } = workload;
  const byRevision = judgeByRevision(history, committed, model);
  const bySearch = checkLinearizable(history, model);
  catches.planted++;
  if (byRevision.kind === "violation") catches.byRevision++;
  if (bySearch.kind === "not-linearizable") catches.bySearch++;
  const name = `${model.name} ${options.fault} seed ${seed}`;
  if (bySearch.kind === "unknown") expect(bySearch, name).toBe("a verdict");
  if (bySearch.kind === "not-linearizable") {
    if (byRevision.kind === "ok") expect(bySearch, name).toBe("linearizable");
    return;
  }
  for (const order of bySearch.kind === "linearizable" ? bySearch.orders : []) {
    const { part, order: places } = partOf(history, order);
    const claim = claimOrder(part, places);
    const verdict = judgeByRevision(claim.history, claim.committed, model);
    if (verdict.kind !== "ok") expect(verdict, name).toBe("ok");
  }
}

function checkMany<State, Input, Result>(
  workload: Workload<State, Input, Result>,
  seeds: number,
  fault: PlantedFault | null,
): Catches {
  const catches: Catches = { planted: 0, byRevision: 0, bySearch: 0 };
  for (let seed = 1; seed <= seeds; seed++) {
    checkOne(workload, seed, { ...size, fault }, catches);
  }
  return catches;
}

/** Both checkers on 2,500 right histories, and a line for each fault on 150 wrong ones. */
function table<State, Input, Result>(workload: Workload<State, Input, Result>): string[] {
  const right = checkMany(workload, 2_500, null);
  expect(right).toEqual({ planted: 2_500, byRevision: 0, bySearch: 0 });
  return plantedFaults.map((fault) => {
    const { planted, byRevision, bySearch } = checkMany(workload, 150, fault);
    return `${fault}: ${byRevision} ${bySearch} of ${planted}`;
  });
}

// By revision every fault is found, since the log tells. The search sees only what clients saw:
// where it finds less, the history has an order after all, and checkOne shows it to the other
// checker.
describe("generated histories: right ones pass, faults are found by (revision, search)", () => {
  it("of a counter, whose results tell everything", () => {
    expect(table(counterWorkload)).toEqual([
      "stale-read: 150 150 of 150",
      "future-read: 150 150 of 150",
      "lost-update: 150 150 of 150",
      "duplicated-apply: 150 150 of 150",
      "reordered: 150 150 of 150",
      "dirty-failed-write: 84 82 of 84",
      "split-brain: 150 150 of 150",
      "swapped-claims: 145 0 of 145",
    ]);
  });

  it("of lists", () => {
    expect(table(appendListWorkload)).toEqual([
      "stale-read: 150 138 of 150",
      "future-read: 148 148 of 148",
      "lost-update: 150 150 of 150",
      "duplicated-apply: 150 150 of 150",
      "reordered: 150 115 of 150",
      "dirty-failed-write: 84 80 of 84",
      "split-brain: 150 149 of 150",
      "swapped-claims: 145 0 of 145",
    ]);
  });

  it("of keys and values, where a write tells what it replaced", () => {
    expect(table(keyValueWorkload)).toEqual([
      "stale-read: 150 135 of 150",
      "future-read: 143 140 of 143",
      "lost-update: 150 137 of 150",
      "duplicated-apply: 150 21 of 150",
      "reordered: 150 89 of 150",
      "dirty-failed-write: 72 65 of 72",
      "split-brain: 150 144 of 150",
      "swapped-claims: 135 0 of 135",
    ]);
  });

  it("of one register, where a write tells nothing", () => {
    expect(table(registerWorkload)).toEqual([
      "stale-read: 150 92 of 150",
      "future-read: 150 150 of 150",
      "lost-update: 150 18 of 150",
      "duplicated-apply: 150 1 of 150",
      "reordered: 150 41 of 150",
      "dirty-failed-write: 77 30 of 77",
      "split-brain: 150 66 of 150",
      "swapped-claims: 137 0 of 137",
    ]);
  });
});

describe("speed", () => {
  const long = { clients: 8, operations: 2_000, unknown: 0.02, failed: 0.02, fault: null };

  it("2,000 operations of 8 clients take the search some thousand steps", () => {
    const steps = <State, Input, Result>(workload: Workload<State, Input, Result>): number => {
      const { history } = generateHistory(createRandom(1, 1), workload, long);
      const verdict = checkLinearizable(history, workload.model);
      expect(verdict.kind).toBe("linearizable");
      return verdict.steps;
    };
    // A step takes less than a microsecond; counted, not timed, so that a busy machine cannot fail
    // it.
    expect(steps(counterWorkload)).toBeLessThan(10_000);
    expect(steps(appendListWorkload)).toBeLessThan(10_000);
    expect(steps(keyValueWorkload)).toBeLessThan(10_000);
    expect(steps(registerWorkload)).toBeLessThan(200_000);
  });
});
