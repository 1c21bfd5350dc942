import { describe, expect, it } from "vitest";
import { assertHistory, createHistoryRecorder } from "./history.ts";

describe("createHistoryRecorder", () => {
  it("numbers calls and returns in the order in which they are told", () => {
    const recorder = createHistoryRecorder<string, number>();
    const first = recorder.call(1, "write", "a", 10);
    const second = recorder.call(2, "read", "b", 11);
    const third = recorder.call(1, "write", "c", 12);
    recorder.ok(second, 7, 3, 20);
    recorder.fail(first, "refused", 21);
    expect(recorder.underWayCount).toBe(1);
    expect(recorder.history.map(({ calledAt, returnedAt }) => [calledAt, returnedAt])).toEqual([
      [0, 4],
      [1, 3],
      [2, null],
    ]);
    expect(recorder.history[second]).toEqual({
      id: 1,
      client: 2,
      kind: "read",
      input: "b",
      calledAt: 1,
      returnedAt: 3,
      calledMs: 11,
      returnedMs: 20,
      outcome: { kind: "ok", result: 7, revision: 3 },
    });
    expect(recorder.history[third]?.outcome.kind).toBe("info");
    assertHistory(recorder.history);
  });

  it("lets an operation return once", () => {
    const recorder = createHistoryRecorder<string, number>();
    const id = recorder.call(1, "write", "a", 0);
    recorder.info(id, "time ran out", 5);
    expect(() => recorder.ok(id, 1, 1, 6)).toThrow("an operation returns once");
    expect(() => recorder.ok(9, 1, 1, 6)).toThrow("an operation returns after its call");
  });
});

describe("assertHistory", () => {
  const outcome = { kind: "ok", result: 1, revision: 1 } as const;
  const times = { calledMs: 0, returnedMs: 0 };
  const one = { id: 0, client: 1, kind: "read", input: "", ...times, outcome } as const;

  it.each([
    ["its place", [{ ...one, id: 1, calledAt: 0, returnedAt: 1 }]],
    ["after its call", [{ ...one, calledAt: 1, returnedAt: 0 }]],
    ["has returned", [{ ...one, calledAt: 1, returnedAt: null }]],
    [
      "in order",
      [
        { ...one, calledAt: 2, returnedAt: 3 },
        { ...one, id: 1, calledAt: 1, returnedAt: 4 },
      ],
    ],
    [
      "returns are apart",
      [
        { ...one, calledAt: 0, returnedAt: 3 },
        { ...one, id: 1, calledAt: 1, returnedAt: 3 },
      ],
    ],
    [
      "calls and returns are apart",
      [
        { ...one, calledAt: 0, returnedAt: 1 },
        { ...one, id: 1, calledAt: 1, returnedAt: 3 },
      ],
    ],
  ])("refuses what no recorder makes: %s", (message, history) => {
    expect(() => assertHistory(history)).toThrow(message);
  });
});
