/**
 * What clients saw: each operation from call to return, in one exact order. Worlds record it; the
 * checkers beside this file judge it. It knows nothing of logs, members or machines: inputs and
 * results are whatever the workload makes of them.
 */
import { assert } from "../../base/index.ts";

/**
 * `write`: went through the log, whether or not it changed something. `read`: promised to be
 * linearizable, not in the log. `stale-read`: promised some past state only.
 */
export type OperationKind = "write" | "read" | "stale-read";

/** What the client knows in the end. */
export type OperationOutcome<Result> =
  | {
      readonly kind: "ok";
      readonly result: Result;
      /**
       * Where it took effect in the one order of all writes: the log index of a write; for a read
       * the applied index at which it was answered. null: the client was not told.
       */
      readonly revision: number | null;
    }
  /** Certainly not applied: not now, not later. */
  | { readonly kind: "fail"; readonly why: string }
  /** Applied or not, now or at any time later, but at most once. */
  | { readonly kind: "info"; readonly why: string };

/** One operation of one client. */
export interface Operation<Input, Result> {
  /** Its place in the history: 0, 1, 2 … in the order of the calls. */
  readonly id: number;
  readonly client: number;
  readonly kind: OperationKind;
  readonly input: Input;
  /** In events of the history: no two calls or returns have the same number. */
  readonly calledAt: number;
  /** As `calledAt`; null: still under way when the history ended. */
  readonly returnedAt: number | null;
  /** Simulated time, for people only. */
  readonly calledMs: number;
  readonly returnedMs: number | null;
  /** `info` while under way. */
  readonly outcome: OperationOutcome<Result>;
}

/** Operations by `id`: those called first come first. */
export type History<Input, Result> = readonly Operation<Input, Result>[];

/** Takes a history down. A client may have several operations under way. */
export interface HistoryRecorder<Input, Result> {
  /** A client calls; the answer names the operation. */
  call(client: number, kind: OperationKind, input: Input, nowMs: number): number;
  /** The operation was answered. `revision`: see `OperationOutcome`. */
  ok(id: number, result: Result, revision: number | null, nowMs: number): void;
  /** The operation was refused and is certainly not applied. */
  fail(id: number, why: string, nowMs: number): void;
  /** The client gives up without knowing: time ran out, the member it asked is gone. */
  info(id: number, why: string, nowMs: number): void;
  /** Operations without a return. */
  readonly underWayCount: number;
  /** As it is now; what is under way has outcome `info`. Grows with later calls. */
  readonly history: History<Input, Result>;
}

const underWay = { kind: "info", why: "under way when the history ended" } as const;

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };

/**
 * An empty history. Each call and return is the next event, so record them in the order in which
 * they happen.
 *
 * @invariant an operation returns once (InvariantError)
 */
export function createHistoryRecorder<Input, Result>(): HistoryRecorder<Input, Result> {
  const operations: Mutable<Operation<Input, Result>>[] = [];
  let event = 0;
  let underWayCount = 0;
  const settle = (id: number, outcome: OperationOutcome<Result>, nowMs: number): void => {
    const operation = operations[id];
    assert(operation !== undefined, "an operation returns after its call", () => `${id}`);
    assert(operation.returnedAt === null, "an operation returns once", () => `${id}`);
    operation.outcome = outcome;
    operation.returnedAt = event++;
    operation.returnedMs = nowMs;
    underWayCount--;
  };
  return {
    call: (client, kind, input, nowMs) => {
      const id = operations.length;
      const call = { calledAt: event++, returnedAt: null, calledMs: nowMs, returnedMs: null };
      operations.push({ id, client, kind, input, ...call, outcome: underWay });
      underWayCount++;
      return id;
    },
    ok: (id, result, revision, nowMs) => settle(id, { kind: "ok", result, revision }, nowMs),
    fail: (id, why, nowMs) => settle(id, { kind: "fail", why }, nowMs),
    info: (id, why, nowMs) => settle(id, { kind: "info", why }, nowMs),
    get underWayCount() {
      return underWayCount;
    },
    history: operations,
  };
}

/**
 * Refuses what no recorder makes, such as a history read from a damaged file.
 *
 * @invariant ids are places, calls come in order, an operation returns after its call (all but
 * `info` must return), no two events have one number (InvariantError)
 */
export function assertHistory(history: History<unknown, unknown>): void {
  const returns = new Set<number>();
  let before = Number.NEGATIVE_INFINITY;
  for (const [place, { id, calledAt, returnedAt, outcome }] of history.entries()) {
    assert(id === place, "an operation's id is its place", () => `${id} at ${place}`);
    assert(calledAt > before, "calls are in order", () => `operation ${id}`);
    before = calledAt;
    if (returnedAt === null) {
      assert(
        outcome.kind === "info",
        "who knows the outcome has returned",
        () => `operation ${id}`,
      );
      continue;
    }
    assert(returnedAt > calledAt, "a return comes after its call", () => `operation ${id}`);
    assert(!returns.has(returnedAt), "returns are apart", () => `operation ${id}`);
    returns.add(returnedAt);
  }
  for (const { id, calledAt } of history) {
    assert(!returns.has(calledAt), "calls and returns are apart", () => `operation ${id}`);
  }
}
