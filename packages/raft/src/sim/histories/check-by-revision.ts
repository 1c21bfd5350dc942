/**
 * Tier 1 of the history checks: trusts the places that the system under test claims (log indexes,
 * revisions), checks that the claims fit the log that was committed, the order in which clients saw
 * things, and the results that a naive machine gives in that order. Sorting is the dearest part, so
 * millions of operations are fine. A history that passes is linearizable: the claimed order shows
 * it. The reverse does not hold: a system that lies about places is refused though clients may not
 * have noticed.
 */
import { assert } from "../../base/index.ts";
import { assertHistory, type History, type Operation } from "./history.ts";
import type { Replica } from "./sequential-model.ts";

/** A command of the committed log, which is the truth about what happened. */
export interface CommittedCommand<Input> {
  /** Its log index or revision; each at most once, any order, gaps allowed. */
  readonly index: number;
  readonly command: Input;
}

export interface RevisionCheck<Input, Result> {
  readonly history: History<Input, Result>;
  /** All commands that were ever committed until the end of the history, and nothing else. */
  readonly committed: readonly CommittedCommand<Input>[];
  /** In its initial state; applies all commands by index. */
  readonly replica: Replica<Input, Result>;
  readonly sameResult: (a: Result, b: Result) => boolean;
  /** Equal texts: the same command. For people, too. */
  readonly describeInput: (input: Input) => string;
  readonly describeResult: (result: Result) => string;
}

/** What can be wrong. X2: no phantom, no loss; L3: results in an order that fits real time. */
export type RevisionRule =
  /** X2: an ok write stands at its revision. */
  | "lost"
  /** X2: no command stands in the log more often than clients may have put it there. */
  | "duplicate"
  /** X2: each command in the log was called by a client. */
  | "phantom"
  /** X2: what certainly failed is not in the log. */
  | "failed-applied"
  /** L3: what was called after a return comes after it. */
  | "real-time"
  /** L3: the result is that of the naive machine at that revision. */
  | "result";

export const revisionRules: readonly RevisionRule[] = [
  "lost",
  "duplicate",
  "phantom",
  "failed-applied",
  "real-time",
  "result",
];

export type RevisionVerdict =
  | {
      readonly kind: "ok";
      /**
       * How often each rule was evaluated; a rule that stays at 0 over many runs proves nothing.
       */
      readonly evaluations: Readonly<Record<RevisionRule, number>>;
      /** Writes of unknown outcome that are in the log, and those that are not. */
      readonly unknownApplied: number;
      readonly unknownAbsent: number;
    }
  | {
      readonly kind: "violation";
      readonly rule: RevisionRule;
      readonly invariant: "X2" | "L3";
      readonly message: string;
      /** Ids of those concerned. */
      readonly operations: readonly number[];
    };

type Violation = Extract<RevisionVerdict, { kind: "violation" }>;

/** An operation and its place in the one order. */
interface Placed<Input, Result> {
  readonly operation: Operation<Input, Result>;
  readonly revision: number;
}

/** The highest revision that had returned before each call, by operation id; -1: none. */
interface Floors {
  /** Of what promised to be fresh. */
  readonly fresh: Float64Array;
  /** Of everything, stale reads included: even those saw the future if a later write is below. */
  readonly seen: Float64Array;
  /** Which operation set the floor; -1: none. */
  readonly freshBy: Int32Array;
  readonly seenBy: Int32Array;
}

/** Breaks off the check; never leaves this file. */
class Broken extends Error {
  readonly violation: Violation;

  constructor(violation: Violation) {
    super(violation.message);
    this.violation = violation;
  }
}

/**
 * Judges a history by the places that its operations claim: n log n.
 *
 * Reads that failed or whose outcome is unknown say nothing and are skipped. Every ok operation
 * must claim a revision.
 *
 * @invariant the history is well-formed (`assertHistory`), committed indexes differ, each ok
 * operation has a revision (InvariantError)
 */
export function checkByRevision<Input, Result>(
  given: RevisionCheck<Input, Result>,
): RevisionVerdict {
  assertHistory(given.history);
  const check = new Check(given);
  try {
    return check.run();
  } catch (error) {
    if (error instanceof Broken) return error.violation;
    throw error;
  }
}

class Check<Input, Result> {
  readonly #given: RevisionCheck<Input, Result>;
  readonly #committed: readonly CommittedCommand<Input>[];
  readonly #evaluations: Record<RevisionRule, number>;
  readonly #floors: Floors;
  readonly #reads: Placed<Input, Result>[] = [];
  readonly #okWrites: Map<number, Operation<Input, Result>> = new Map();
  /** By the text of the command, those called first come first. */
  readonly #unknownWrites: Map<string, Operation<Input, Result>[]> = new Map();
  readonly #usedUnknown: Map<string, number> = new Map();
  #unknownCount = 0;
  #unknownApplied = 0;

  constructor(given: RevisionCheck<Input, Result>) {
    this.#given = given;
    this.#committed = [...given.committed].sort((a, b) => a.index - b.index);
    this.#evaluations = noEvaluations();
    this.#floors = floorsOf(given.history);
  }

  run(): RevisionVerdict {
    for (const operation of this.#given.history) this.#sort(operation);
    this.#reads.sort((a, b) => a.revision - b.revision);
    let read = 0;
    let before = Number.NEGATIVE_INFINITY;
    for (const { index, command } of this.#committed) {
      assert(index > before, "a command has an index of its own", () => `${index}`);
      before = index;
      this.#evaluations.phantom++;
      this.#evaluations.duplicate++;
      read = this.#answerReads(read, index);
      this.#apply(index, command);
    }
    this.#answerReads(read, Number.POSITIVE_INFINITY);
    this.#expectNothingLost();
    return {
      kind: "ok",
      evaluations: this.#evaluations,
      unknownApplied: this.#unknownApplied,
      unknownAbsent: this.#unknownCount - this.#unknownApplied,
    };
  }

  #sort(operation: Operation<Input, Result>): void {
    const { kind, outcome, input } = operation;
    if (outcome.kind === "ok") {
      const revision = revisionOf(operation);
      if (kind !== "write") this.#reads.push({ operation, revision });
      else this.#placeOkWrite(operation, revision);
    } else if (outcome.kind === "info" && kind === "write") {
      const key = this.#given.describeInput(input);
      const others = this.#unknownWrites.get(key);
      if (others === undefined) this.#unknownWrites.set(key, [operation]);
      else others.push(operation);
      this.#unknownCount++;
    }
  }

  #placeOkWrite(operation: Operation<Input, Result>, revision: number): void {
    const other = this.#okWrites.get(revision);
    this.#expect("lost", other === undefined, [other?.id ?? -1, operation.id], () => {
      return `two writes were told that they are at ${revision}`;
    });
    this.#okWrites.set(revision, operation);
  }

  /** Answers the reads from `read` on that were served before `index`; the next one after them. */
  #answerReads(read: number, index: number): number {
    let at = read;
    for (let next = this.#reads[at]; next !== undefined; next = this.#reads[++at]) {
      if (next.revision >= index) break;
      this.#expectRealTime(next.operation, next.revision);
      this.#expectResult(next.operation, this.#given.replica.apply(next.operation.input));
    }
    return at;
  }

  #apply(index: number, command: Input): void {
    const text = this.#given.describeInput(command);
    const known = this.#okWrites.get(index);
    if (known === undefined) {
      this.#placeUnknown(index, text);
      this.#given.replica.apply(command);
      return;
    }
    const isSame = this.#given.describeInput(known.input) === text;
    this.#expect("lost", isSame, [known.id], () => `at ${index} stands ${text} instead`);
    this.#okWrites.delete(index);
    this.#expectRealTime(known, index);
    this.#expectResult(known, this.#given.replica.apply(command));
  }

  /**
   * A command that no client knows to be applied: the first unknown write of this text that is left
   * is as good as any other that could be meant, since its floor is the lowest.
   */
  #placeUnknown(index: number, text: string): void {
    const used = this.#usedUnknown.get(text) ?? 0;
    const operation = this.#unknownWrites.get(text)?.[used];
    if (operation === undefined) this.#explainStranger(index, text);
    this.#usedUnknown.set(text, used + 1);
    this.#unknownApplied++;
    this.#expectRealTime(operation, index);
  }

  /** Nobody is left who may have put this command at `index`: why is it there? */
  #explainStranger(index: number, text: string): never {
    const callers = this.#given.history.filter(({ kind, input }) => {
      return kind === "write" && this.#given.describeInput(input) === text;
    });
    const ids = callers.map(({ id }) => id);
    if (ids.length === 0) this.#fail("phantom", ids, `${text} at ${index} was called by no client`);
    if (callers.every(({ outcome }) => outcome.kind === "fail")) {
      this.#fail("failed-applied", ids, `${text} failed for its client and stands at ${index}`);
    }
    this.#fail("duplicate", ids, `${text} stands at ${index} once more than it can`);
  }

  #expectNothingLost(): void {
    for (const [revision, { id }] of this.#okWrites) {
      this.#fail("lost", [id], `nothing was committed at ${revision}`);
    }
    // Had one of them been in the log, explainStranger would have found it.
    for (const { kind, outcome } of this.#given.history) {
      if (kind === "write" && outcome.kind === "fail") this.#evaluations["failed-applied"]++;
    }
  }

  #expectRealTime({ id, kind }: Operation<Input, Result>, revision: number): void {
    const { fresh, freshBy, seen, seenBy } = this.#floors;
    if (kind === "stale-read") return;
    const isWrite = kind === "write";
    const floor = (isWrite ? seen[id] : fresh[id]) ?? -1;
    const by = (isWrite ? seenBy[id] : freshBy[id]) ?? -1;
    this.#expect("real-time", isWrite ? revision > floor : revision >= floor, [by, id], () => {
      return `it is at ${revision}, though operation ${by} had returned ${floor} before its call`;
    });
  }

  #expectResult(operation: Operation<Input, Result>, expected: Result): void {
    const { outcome, id } = operation;
    assert(outcome.kind === "ok", "only ok operations have results to compare");
    const isSame = this.#given.sameResult(outcome.result, expected);
    this.#expect("result", isSame, [id], () => {
      const { describeResult } = this.#given;
      const got = describeResult(outcome.result);
      return `it was answered ${got} at ${outcome.revision}, not ${describeResult(expected)}`;
    });
  }

  #expect(rule: RevisionRule, holds: boolean, ids: readonly number[], why: () => string): void {
    this.#evaluations[rule]++;
    if (!holds) this.#fail(rule, ids, why());
  }

  #fail(rule: RevisionRule, ids: readonly number[], why: string): never {
    const operations = ids.filter((id) => id >= 0);
    const last = this.#given.history[operations.at(-1) ?? -1];
    const who =
      last === undefined
        ? "the log"
        : `operation ${last.id} (client ${last.client}, ${this.#given.describeInput(last.input)})`;
    const invariant = rule === "real-time" || rule === "result" ? "L3" : "X2";
    const message = `${invariant} ${rule}: ${who}: ${why}`;
    throw new Broken({ kind: "violation", rule, invariant, message, operations });
  }
}

function noEvaluations(): Record<RevisionRule, number> {
  return {
    lost: 0,
    duplicate: 0,
    phantom: 0,
    "failed-applied": 0,
    "real-time": 0,
    result: 0,
  };
}

function revisionOf({ id, outcome }: Operation<unknown, unknown>): number {
  const revision = outcome.kind === "ok" ? outcome.revision : null;
  assert(revision !== null, "an ok operation of this check has a revision", () => `${id}`);
  return revision;
}

/** Sweeps over the calls and returns in the order in which they happened. */
function floorsOf<Input, Result>(history: History<Input, Result>): Floors {
  const count = history.length;
  const floors: Floors = {
    fresh: new Float64Array(count),
    seen: new Float64Array(count),
    freshBy: new Int32Array(count),
    seenBy: new Int32Array(count),
  };
  const returns = history
    .filter(({ outcome }) => outcome.kind === "ok")
    .sort((a, b) => (a.returnedAt ?? 0) - (b.returnedAt ?? 0));
  let [fresh, seen, freshBy, seenBy, next] = [-1, -1, -1, -1, 0];
  for (const { id, calledAt } of history) {
    for (; next < returns.length; next++) {
      const back = returns[next];
      if (back === undefined || (back.returnedAt ?? 0) > calledAt) break;
      const revision = revisionOf(back);
      if (revision > seen) [seen, seenBy] = [revision, back.id];
      if (back.kind !== "stale-read" && revision > fresh) [fresh, freshBy] = [revision, back.id];
    }
    floors.fresh[id] = fresh;
    floors.seen[id] = seen;
    floors.freshBy[id] = freshBy;
    floors.seenBy[id] = seenBy;
  }
  return floors;
}
