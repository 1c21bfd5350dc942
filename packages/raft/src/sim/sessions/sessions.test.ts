/** Sessions do what is specified, whatever clients, clocks and snapshots do. */
import { describe, expect, it } from "vitest";
import { runSessions } from "./index.ts";
import { SessionsSpecification } from "./specification.ts";

describe("sessions", () => {
  it("are the same everywhere, and as specified", () => {
    const sums: Record<string, number> = {};
    for (let seed = 1; seed <= 150; seed++) {
      const { failure, faults, operations } = runSessions(seed);
      expect(failure, `seed ${seed}`).toBeNull();
      for (const [name, count] of Object.entries({ ...faults, ...operations })) {
        sums[name] = (sums[name] ?? 0) + count;
      }
    }
    for (const [name, count] of Object.entries(sums)) expect(count, name).toBeGreaterThan(50);
    expect(Object.keys(sums).sort()).toEqual([
      ...["add", "close", "duplicates", "installs", "keep-alive"],
      ...["olderClocks", "open", "restarts"],
    ]);
  });

  it("come to the same for the same seed", () => {
    expect(runSessions(7)).toEqual(runSessions(7));
  });
});

describe("the specification of sessions", () => {
  it("answers what comes twice as the first time, until the client has the answer", () => {
    const all = new SessionsSpecification();
    all.apply({ kind: "open", stampMs: 0, ttlMs: 10 }, 1);
    const add = (sequence: number, floor: number, stampMs = 0) =>
      all.apply({ kind: "add", session: 1, sequence, floor, stampMs }, 2);
    expect(add(1, 1)).toEqual({ outcome: "applied 1", total: 1 });
    expect(add(2, 1)).toEqual({ outcome: "applied 2", total: 2 });
    expect(add(1, 1)).toEqual({ outcome: "applied 1", total: 2 });
    expect(add(3, 3)).toEqual({ outcome: "applied 3", total: 3 });
    expect(add(2, 1)).toEqual({ outcome: "forgotten", total: 3 });
    expect(add(4, 4, 10)).toEqual({ outcome: "expired", total: 3 });
  });
});
