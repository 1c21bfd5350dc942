import { describe, expect, it } from "vitest";
import { logIndex, nodeId, persistUnit, term } from "../base/index.ts";
import { describeEffect, describeEntries, describeMessage, type Entry } from "./index.ts";

const ends = { from: nodeId("n1"), to: nodeId("n2"), term: term(3) };

function entriesOf(...terms: readonly number[]): Entry[] {
  return terms.map((value, i) => ({
    index: logIndex(i + 4),
    term: term(value),
    kind: "command",
    data: new Uint8Array(0),
  }));
}

describe("describe", () => {
  it("prints runs of entries", () => {
    expect(describeEntries([])).toBe("-");
    expect(describeEntries(entriesOf(2))).toBe("2/4");
    expect(describeEntries(entriesOf(2, 2, 2, 5))).toBe("2/4..2/6,5/7");
  });

  it("prints messages", () => {
    const position = { term: term(2), index: logIndex(3) };
    expect(describeMessage({ kind: "request-vote", ...ends, pre: true, last: position })).toBe(
      "n1 -> n2 request-vote term=3 pre last=2/3",
    );
    expect(
      describeMessage({
        kind: "append-entries",
        ...ends,
        prev: position,
        entries: entriesOf(3, 3),
        commit: logIndex(3),
        round: 7,
        sequence: 9,
      }),
    ).toBe("n1 -> n2 append-entries term=3 prev=2/3 entries=3/4..3/5 commit=3 round=7");
    expect(
      describeMessage({ kind: "read-index-response", ...ends, batch: 2, boot: 5, index: null }),
    ).toBe("n1 -> n2 read-index-response term=3 batch=2 boot=5 index=unknown");
  });

  it("prints effects", () => {
    expect(
      describeEffect({
        kind: "persist",
        unit: persistUnit(4),
        hardState: { term: term(3), votedFor: nodeId("n1"), mustCatchUp: false },
        truncateFrom: logIndex(4),
        entries: entriesOf(3),
        commit: logIndex(1),
      }),
    ).toBe("persist unit=4 term=3 voted=n1 truncate-from=4 entries=3/4");
    expect(describeEffect({ kind: "apply", entries: entriesOf(3, 3) })).toBe("apply 3/4..3/5");
    expect(describeEffect({ kind: "read-answered", ids: [1, 2], failed: "no-leader" })).toBe(
      "read 1,2 failed (no-leader)",
    );
    expect(
      describeEffect({ kind: "role-changed", role: "leader", term: term(3), leader: ends.from }),
    ).toBe("role-changed leader term=3 leader=n1");
  });
});
