import { describe, expect, it } from "vitest";
import { checkLinearizable } from "./check-linearizable.ts";
import type { History, Operation } from "./history.ts";
import { type AppendListResult, appendListModel } from "./models/append-list-model.ts";
import {
  createRegisterModel,
  type RegisterInput,
  type RegisterResult,
} from "./models/register-model.ts";
import type { SequentialModel } from "./sequential-model.ts";
import { isLinearizableByBruteForce } from "./testing/brute-force.ts";
import { judgeByRevision } from "./testing/judge.ts";
import { forEachSmallHistory, type OperationShape } from "./testing/small-histories.ts";

type RegisterShape = OperationShape<RegisterInput, RegisterResult>;

const info = { kind: "info", why: "" } as const;
const register = createRegisterModel(0);
const readRegister: RegisterInput = { kind: "read" };

function ok<Input, Result>(
  kind: "read" | "write",
  input: Input,
  result: Result,
): OperationShape<Input, Result> {
  return { kind, input, outcome: { kind: "ok", result, revision: null } };
}

function unknown<Input>(input: Input): OperationShape<Input, never> {
  return { kind: "write", input, outcome: info };
}

function write(value: number): RegisterInput {
  return { kind: "write", value };
}

function set(expected: number, value: number): RegisterInput {
  return { kind: "compare-and-set", expected, value };
}

const readsAndWrites: readonly RegisterShape[] = [
  ok("read", readRegister, 0),
  ok("read", readRegister, 1),
  ok("write", write(0), true),
  ok("write", write(1), true),
  unknown(write(0)),
  unknown(write(1)),
];

const comparingWrites: readonly RegisterShape[] = [set(0, 1), set(1, 0)].flatMap((input) => [
  ok("write", input, true),
  ok("write", input, false),
  unknown(input),
]);

const everything: readonly RegisterShape[] = [
  ...readsAndWrites,
  ...comparingWrites,
  { kind: "read", input: readRegister, outcome: info },
  { kind: "write", input: write(1), outcome: { kind: "fail", why: "" } },
];

interface Counts {
  readonly histories: number;
  readonly linearizable: number;
}

/** Compares the search with brute force on all histories. */
function compare<State, Input, Result>(
  model: SequentialModel<State, Input, Result>,
  shapes: readonly OperationShape<Input, Result>[],
  count: number,
  clientsMax: number,
): Counts {
  let linearizable = 0;
  const histories = forEachSmallHistory(shapes, count, clientsMax, (history) => {
    const expected = isLinearizableByBruteForce(history, model);
    if (expected) linearizable++;
    const verdict = checkLinearizable(history, model);
    const isRight = verdict.kind === (expected ? "linearizable" : "not-linearizable");
    if (!isRight) expect(verdict, JSON.stringify(history)).toBe(expected);
  });
  return { histories, linearizable };
}

describe("the search agrees with brute force on every history", () => {
  it("of a register of two values, 1 to 3 operations of all kinds, all at once", () => {
    expect(compare(register, everything, 1, 1)).toEqual({ histories: 14, linearizable: 11 });
    expect(compare(register, everything, 2, 2)).toEqual({ histories: 403, linearizable: 257 });
    const three = { histories: 18_485, linearizable: 10_417 };
    expect(compare(register, everything, 3, 3)).toEqual(three);
  });

  it("of a register of two values, 4 operations: read, write, compare and set", () => {
    const shapes = [...readsAndWrites, ...comparingWrites];
    const four = { histories: 585_984, linearizable: 292_535 };
    expect(compare(register, shapes, 4, 3)).toEqual(four);
  }, 120_000); // 3 seconds of a processor, but others may want it, too

  it("of a register of three values, where unknown operations build on each other", () => {
    const shapes = [
      ok("read", readRegister, 0),
      ok("read", readRegister, 2),
      unknown(set(0, 1)),
      unknown(set(1, 2)),
      unknown(set(1, 0)),
      ok("write", write(1), true),
      ok("write", set(2, 0), true),
    ];
    const four = { histories: 47_385, linearizable: 7_187 };
    expect(compare(register, shapes, 4, 3)).toEqual(four);
  });

  it("of a list, where states tell their past", () => {
    const append = (value: string) => ({ kind: "append", key: "l", value }) as const;
    const read = { kind: "read", key: "l" } as const;
    const results: readonly AppendListResult[] = [["a"], ["b"], ["b", "a"], ["b", "c", "a"]];
    const shapes = [
      ...results.map((result) => ok("read" as const, read, result)),
      ok<typeof read | ReturnType<typeof append>, AppendListResult>("write", append("a"), 1),
      ok("write" as const, append("a"), 3),
      unknown(append("b")),
      unknown(append("c")),
    ];
    const four = { histories: 154_720, linearizable: 2_181 };
    expect(compare(appendListModel, shapes, 4, 3)).toEqual(four);
  });
});

type RegisterHistory = History<RegisterInput, RegisterResult>;
type RegisterLog = readonly Operation<RegisterInput, RegisterResult>[];

/**
 * Every way in which a service could claim to have done what is in `history`: any writes in any
 * order in the log, reads anywhere. A write that is in no log claims the place after the last.
 */
function forEachClaim(
  history: RegisterHistory,
  visit: (claimed: RegisterHistory, log: RegisterLog) => void,
): void {
  const writes = history.filter(({ kind }) => kind === "write");
  const reads = history.filter(({ kind, outcome }) => kind === "read" && outcome.kind === "ok");
  const revisions = history.map(() => 0);
  const placeReads = (log: RegisterLog, from: number): void => {
    const read = reads[from];
    if (read === undefined) {
      visit(withRevisions(history, revisions), log);
      return;
    }
    for (let revision = 0; revision <= log.length; revision++) {
      revisions[read.id] = revision;
      placeReads(log, from + 1);
    }
  };
  const extend = (log: RegisterLog): void => {
    for (const { id } of writes) revisions[id] = log.length + 1;
    for (const [place, { id }] of log.entries()) revisions[id] = place + 1;
    placeReads(log, 0);
    for (const next of writes) if (!log.includes(next)) extend([...log, next]);
  };
  extend([]);
}

function withRevisions(history: RegisterHistory, revisions: readonly number[]): RegisterHistory {
  return history.map((operation) => {
    const { outcome, id } = operation;
    if (outcome.kind !== "ok") return operation;
    return { ...operation, outcome: { ...outcome, revision: revisions[id] ?? 0 } };
  });
}

/** Whether a claim holds, said as plainly as can be. */
function isTrueClaim(claimed: RegisterHistory, log: RegisterLog): boolean {
  const inLog = new Set(log.map(({ id }) => id));
  const places = new Map(log.map(({ id }, place) => [id, place + 1]));
  const states: RegisterResult[] = [0];
  for (const { input } of log) {
    const before = states.at(-1) ?? 0;
    const isSet = input.kind === "compare-and-set" && before !== input.expected;
    states.push(isSet || input.kind === "read" ? before : input.value);
  }
  for (const { id, kind, input, outcome } of claimed) {
    if (kind === "write" && outcome.kind === "fail" && inLog.has(id)) return false;
    if (kind === "write" && outcome.kind === "ok" && !inLog.has(id)) return false;
    if (outcome.kind !== "ok") continue;
    places.set(id, outcome.revision ?? 0);
    const before = states[(outcome.revision ?? 0) - (kind === "write" ? 1 : 0)] ?? 0;
    const result =
      input.kind === "read" ? before : input.kind === "write" || before === input.expected;
    if (result !== outcome.result) return false;
  }
  const isBefore = (a: (typeof claimed)[number], b: (typeof claimed)[number]): boolean =>
    a.outcome.kind === "ok" && a.returnedAt !== null && a.returnedAt < b.calledAt;
  for (const a of claimed) {
    for (const b of claimed) {
      const [first, second] = [places.get(a.id), places.get(b.id)];
      if (first === undefined || second === undefined || !isBefore(a, b)) continue;
      if (b.kind === "write" ? second <= first : second < first) return false;
    }
  }
  return true;
}

interface Claim {
  readonly claimed: RegisterHistory;
  readonly log: RegisterLog;
  /**
   * Clients cannot tell equal commands apart: true if it holds for any of those that it may mean.
   */
  isTrue: boolean;
}

function claimsOf(history: RegisterHistory): Claim[] {
  const claims = new Map<string, Claim>();
  forEachClaim(history, (claimed, log) => {
    const revisions = claimed.map(({ outcome }) =>
      outcome.kind === "ok" ? outcome.revision : "-",
    );
    const texts = log.map(({ input }) => register.describeInput(input));
    const key = `${revisions.join()};${texts.join()}`;
    const claim = claims.get(key) ?? { claimed, log, isTrue: false };
    claims.set(key, claim);
    if (isTrueClaim(claimed, log)) claim.isTrue = true;
  });
  return [...claims.values()];
}

describe("the check by revision", () => {
  it("accepts just the true claims, and there is one just if the history is linearizable", () => {
    const counts = { claims: 0, accepted: 0 };
    const shapes = [...readsAndWrites, ...comparingWrites.slice(0, 3), ...everything.slice(-1)];
    const histories = forEachSmallHistory(shapes, 3, 3, (history) => {
      const claims = claimsOf(history);
      for (const { claimed, log, isTrue } of claims) {
        const committed = log.map(({ input }, place) => ({ index: place + 1, command: input }));
        const verdict = judgeByRevision(claimed, committed, register);
        counts.claims++;
        if (isTrue) counts.accepted++;
        if ((verdict.kind === "ok") !== isTrue) {
          expect(verdict, JSON.stringify({ claimed, committed })).toBe(isTrue);
        }
      }
      const isExplained = claims.some(({ isTrue }) => isTrue);
      if (isExplained !== isLinearizableByBruteForce(history, register)) {
        expect(isExplained, JSON.stringify(history)).toBe(!isExplained);
      }
    });
    expect({ histories, ...counts }).toEqual({
      histories: 7_755,
      claims: 89_520,
      accepted: 11_859,
    });
  });
});
