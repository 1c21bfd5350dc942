import { describe, expect, it } from "vitest";
import { explore } from "../explore.ts";
import { findViolation } from "./ongaro-invariants.ts";
import { appendToLog, createEntry } from "./ongaro-log.ts";
import { createOngaroRaftModel } from "./ongaro-raft.ts";
import { State, StateCodec, server } from "./ongaro-state.ts";

const bounds = { servers: 3, values: 1, termMax: 2, requestsMax: 0, leaderCountMax: 2 };
const leader = 2;

/** Every state of a model, the plain way: texts in a Set, a list as queue. */
function visitAll(isSymmetric: boolean): Set<string> {
  const model = createOngaroRaftModel("all", { ...bounds, isSymmetric });
  const toText = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
  const seen = new Set(model.initial().map(toText));
  for (const state of seen) {
    model.expand(Buffer.from(state, "latin1"), (_action, next) => seen.add(toText(next)));
  }
  return seen;
}

describe("the model of Ongaro's specification", () => {
  it("has as many states up to symmetry as there are classes of its states", () => {
    const all = visitAll(false);
    const classes = visitAll(true);
    const codec = new StateCodec(3, true);
    const state = new State();
    const found = new Set<string>();
    for (const text of all) {
      codec.read(Buffer.from(text, "latin1"), state);
      found.add(Buffer.from(codec.write(state)).toString("latin1"));
    }
    expect(found).toEqual(classes);
    expect(classes.size).toBe(5_667);
    expect(explore(createOngaroRaftModel("x", { ...bounds, isSymmetric: false }))).toMatchObject({
      kind: "complete",
      statistics: { distinct: all.size, depth: 31 },
    });
  });

  it("describes each of its actions", () => {
    const model = createOngaroRaftModel("small", { ...bounds, isSymmetric: true });
    const described = new Set<string>();
    for (const text of visitAll(true)) {
      const state = Buffer.from(text, "latin1");
      const actions: number[] = [];
      model.expand(state, (action) => actions.push(action));
      expect(new Set(actions).size).toBe(actions.length);
      for (const action of actions)
        described.add(model.describe(state, action).replace(/\d/g, "N"));
    }
    expect([...described].sort()).toEqual([
      "N asks for the vote of N",
      "N becomes leader",
      "N looks what to commit",
      "N receives AppendEntries request of N",
      "N receives AppendEntries response of N",
      "N receives RequestVote request of N",
      "N receives RequestVote response of N",
      "N sends entries to N",
      "N times out",
    ]);
  });
});

describe("its invariants", () => {
  const entries = (...terms: number[]): number => {
    return terms.reduce((log, term) => appendToLog(log, createEntry(term, 0)), 0);
  };

  /** Two servers as given, the third untouched. */
  function judge(first: Partial<Server>, second: Partial<Server>): string | null {
    const state = new State();
    state.servers.count = 9;
    for (const [index, given] of [first, second].entries()) {
      state.set(index, server.term, given.term ?? 1);
      state.set(index, server.role, given.isLeader === true ? leader : 0);
      state.set(index, server.log, given.log ?? 0);
      state.set(index, server.commitIndex, given.commitIndex ?? 0);
    }
    return findViolation(state, 3, leader);
  }

  interface Server {
    term: number;
    isLeader: boolean;
    log: number;
    commitIndex: number;
  }

  it("allow leaders of different terms, and logs that differ where terms do", () => {
    expect(judge({ term: 1, isLeader: true }, { term: 2, isLeader: true })).toBeNull();
    expect(judge({ log: entries(1, 1) }, { log: entries(1, 2) })).toBeNull();
    expect(judge({ log: entries(1), commitIndex: 1 }, { log: entries(1, 2) })).toBeNull();
  });

  it("find two leaders of one term", () => {
    expect(judge({ isLeader: true }, { isLeader: true })).toBe("two leaders of term 1");
  });

  it("find logs that agree in a term and not before it", () => {
    expect(judge({ log: entries(1, 2) }, { log: entries(2, 2) })).toBe(
      "logs of 0 and 1 do not match",
    );
  });

  it("find different committed entries", () => {
    const first = { log: entries(1), commitIndex: 1 };
    expect(judge(first, { log: entries(2), commitIndex: 1 })).toContain("committed different");
  });

  it("find a leader without a committed entry of an older term", () => {
    const follower = { log: entries(1), commitIndex: 1 };
    expect(judge({ term: 2, isLeader: true }, follower)).toContain("leader 0 lacks an entry");
    expect(judge(follower, { term: 2, isLeader: true })).toContain("leader 1 lacks an entry");
    const newer = { log: entries(3), commitIndex: 1 };
    expect(judge({ term: 2, isLeader: true }, newer)).toBeNull();
  });
});
