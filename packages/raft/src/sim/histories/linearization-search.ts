/**
 * The search behind `checkLinearizable`, for one partition: depth first over the situations that
 * can be reached by putting one operation after the other.
 */
import type { Operation } from "./history.ts";
import { BitSet, EventList, SeenSituations } from "./search-state.ts";
import type { SequentialModel } from "./sequential-model.ts";

export type SearchOutcome =
  | { readonly kind: "found"; readonly order: readonly number[] }
  | (Deepest & { readonly kind: "none" })
  | (Deepest & { readonly kind: "gave-up"; readonly why: string });

/** The longest order that was found, by operation ids. */
interface Deepest {
  readonly order: readonly number[];
  /** Operations that could come next by time, and why each does not fit. */
  readonly stuck: readonly number[];
  readonly misfits: readonly string[];
  /** What the last result-changing operation left, as far as reads of the model tell. */
  readonly state: string;
}

/** A step of the current order. */
interface Move<State> {
  /** A place in `known`, or `-1 - place` in `unknown`. */
  readonly code: number;
  readonly before: State;
  /**
   * A read that fits: wherever else it may stand it changes nothing either, so if no order goes on
   * from here, none avoids it.
   */
  readonly isFree: boolean;
}

/** Where to go on with trying moves in a situation. */
const fresh = 0;

/** One search; `run` once. */
export class LinearizationSearch<State, Input, Result> {
  readonly #model: SequentialModel<State, Input, Result>;
  readonly #stepsMax: number;
  readonly #memoryWordsMax: number;
  readonly #known: Operation<Input, Result>[] = [];
  readonly #unknown: Operation<Input, Result>[] = [];
  /** Of each unknown one: the last one before it with an equal command; -1: none. */
  readonly #twins: Int32Array;
  /**
   * Places in `known` of the reads, by return, and of each known one the first of them from it on.
   */
  readonly #reads: readonly number[];
  readonly #nextReads: Int32Array;
  readonly #events: EventList;
  readonly #knownDone: BitSet;
  readonly #unknownDone: BitSet;
  #seen: SeenSituations<State>;
  #state: State;
  #moves: Move<State>[] = [];
  #left: number;
  /** Unknown operations since the last known one, and how many are allowed in this pass. */
  #chain = 0;
  #chainMax = 1;
  #wasCut = false;
  #deepest: Deepest;
  #deepestDone = -1;
  steps = 0;

  constructor(
    operations: readonly Operation<Input, Result>[],
    model: SequentialModel<State, Input, Result>,
    stepsMax: number,
    memoryWordsMax: number,
  ) {
    this.#model = model;
    this.#stepsMax = stepsMax;
    this.#memoryWordsMax = memoryWordsMax;
    for (const operation of operations) {
      (operation.outcome.kind === "ok" ? this.#known : this.#unknown).push(operation);
    }
    const byReturn = this.#placesByReturn();
    this.#twins = twinsOf(this.#unknown, model);
    this.#reads = byReturn.filter((place) => this.#known[place]?.kind === "read");
    this.#nextReads = this.#nextReadsOf(byReturn);
    this.#events = new EventList(this.#known.length, eventsOf(this.#known, byReturn));
    this.#knownDone = new BitSet(this.#known.length);
    this.#unknownDone = new BitSet(this.#unknown.length);
    this.#seen = this.#nothingSeen();
    this.#state = model.initial;
    this.#left = this.#known.length;
    this.#deepest = { order: [], stuck: [], misfits: [], state: "" };
  }

  /**
   * Two passes: the first takes at most one unknown operation before each known one, which is
   * mostly enough and quick; the second, if the first found nothing and had to cut, takes any
   * number.
   */
  run(): SearchOutcome {
    const first = this.#pass();
    if (first.kind !== "none" || !this.#wasCut) return first;
    this.#chainMax = Number.POSITIVE_INFINITY;
    this.#seen = this.#nothingSeen();
    return this.#pass();
  }

  #pass(): SearchOutcome {
    let cursor = fresh;
    while (this.#left > 0) {
      if (this.steps > this.#stepsMax) return this.#giveUp(`${this.#stepsMax} steps`);
      if (this.#seen.wordCount > this.#memoryWordsMax) return this.#giveUp("memory is full");
      if (this.#advance(cursor)) {
        cursor = fresh;
        continue;
      }
      this.#noteDeepest();
      const next = this.#undo();
      if (next === null) return { kind: "none", ...this.#deepest };
      cursor = next;
    }
    return { kind: "found", order: this.#order() };
  }

  /**
   * Makes the first move from `cursor` on that leads somewhere new; false: there is none.
   *
   * The order of trying: reads that fit (no choice: they are free), known writes by call, unknown
   * ones by call. A cursor above 0 is the node of a known call, below 0 it is `-1 - place` of an
   * unknown one.
   */
  #advance(cursor: number): boolean {
    if (cursor === fresh && this.#isHopeless()) return false;
    const { next } = this.#events;
    let node = cursor;
    if (cursor === fresh) {
      const read = this.#fittingRead();
      if (read >= 0) return this.#enter(read, this.#state, true);
      node = next[0] ?? 0;
    }
    if (node > 0) {
      for (; !this.#events.isReturn(node); node = next[node] ?? 0) {
        if (this.#tryKnown(node - 1)) return true;
      }
      return this.#advanceUnknown(0);
    }
    return this.#advanceUnknown(-1 - node);
  }

  /** As `advance`, for unknown operations from `place` on. */
  #advanceUnknown(place: number): boolean {
    const firstReturn = this.#events.firstReturn();
    const limit = this.#known[this.#events.operationOf(firstReturn)]?.returnedAt ?? 0;
    for (let at = place; at < this.#unknown.length; at++) {
      const operation = this.#unknown[at];
      if (operation === undefined || operation.calledAt > limit) return false;
      if (this.#chain >= this.#chainMax) {
        this.#wasCut = true;
        return false;
      }
      if (this.#tryUnknown(at, operation.input)) return true;
    }
    return false;
  }

  /** The place of a read under way that fits, or -1. */
  #fittingRead(): number {
    const { next } = this.#events;
    for (let node = next[0] ?? 0; !this.#events.isReturn(node); node = next[node] ?? 0) {
      const operation = this.#known[node - 1];
      if (operation?.kind === "read" && this.#fits(operation, this.#state)) return node - 1;
    }
    return -1;
  }

  /** Tries a write; reads had their turn. */
  #tryKnown(place: number): boolean {
    const operation = this.#known[place];
    if (operation === undefined || operation.kind === "read") return false;
    if (!this.#fits(operation, this.#state)) return false;
    const after = this.#model.next(this.#state, operation.input);
    if (this.#isAbsorbing(operation.input, after, operation)) return false;
    return this.#enter(place, after, false);
  }

  #tryUnknown(place: number, input: Input): boolean {
    const twin = this.#twins[place] ?? -1;
    if (this.#unknownDone.has(place)) return false;
    if (twin >= 0 && !this.#unknownDone.has(twin)) return false; // the twin stands for it
    this.steps++;
    const after = this.#model.next(this.#state, input);
    if (this.#isSame(after, this.#state)) return false; // never is as good
    if (this.#isAbsorbing(input, after, null)) return false;
    return this.#enter(-1 - place, after, false);
  }

  #fits({ input, outcome }: Operation<Input, Result>, state: State): boolean {
    this.steps++;
    if (outcome.kind !== "ok") return true;
    return this.#model.sameResult(this.#model.answer(state, input), outcome.result);
  }

  /** Whether this move would do the same without the unknown operation that came right before. */
  #isAbsorbing(input: Input, after: State, known: Operation<Input, Result> | null): boolean {
    const last = this.#moves.at(-1);
    if (last === undefined || last.code >= 0) return false;
    this.steps++;
    if (known !== null && !this.#fits(known, last.before)) return false;
    return this.#isSame(this.#model.next(last.before, input), after);
  }

  #nothingSeen(): SeenSituations<State> {
    return new SeenSituations((a, b) => this.#isSame(a, b));
  }

  #isSame(a: State, b: State): boolean {
    return a === b || this.#model.sameState(a, b);
  }

  /** Whether some operation that must still come can no longer fit. */
  #isHopeless(): boolean {
    if (this.#model.isBeyond === undefined) return false;
    const first = this.#events.operationOf(this.#events.firstReturn());
    if (this.#isBeyond(first)) return true;
    for (let at = this.#nextReads[first] ?? 0; at < this.#reads.length; at++) {
      const read = this.#reads[at] ?? 0;
      if (!this.#knownDone.has(read)) return this.#isBeyond(read);
    }
    return false;
  }

  #isBeyond(place: number): boolean {
    const operation = this.#known[place];
    if (operation?.outcome.kind !== "ok") return false;
    const { input, outcome } = operation;
    return this.#model.isBeyond?.(this.#state, input, outcome.result) === true;
  }

  /** Makes a move unless the situation after it was seen. */
  #enter(code: number, after: State, isFree: boolean): boolean {
    this.#flip(code);
    const hash = this.#model.hash(after);
    if (!this.#seen.add(this.#knownDone, this.#unknownDone, after, hash)) {
      this.#flip(code);
      return false;
    }
    this.#moves.push({ code, before: this.#state, isFree });
    this.#state = after;
    this.#chain = code < 0 ? this.#chain + 1 : 0;
    if (code >= 0) {
      this.#events.lift(code);
      this.#left--;
    }
    return true;
  }

  /** Takes back the last move that had alternatives; where to go on, or null: there is none. */
  #undo(): number | null {
    for (let move = this.#moves.pop(); move !== undefined; move = this.#moves.pop()) {
      const { code, before, isFree } = move;
      this.#state = before;
      this.#flip(code);
      if (code >= 0) {
        this.#events.unlift(code);
        this.#left++;
      }
      if (isFree) continue;
      this.#chain = this.#chainOf();
      return code < 0 ? code - 1 : (this.#events.next[code + 1] ?? 0);
    }
    this.#chain = 0;
    return null;
  }

  #chainOf(): number {
    let chain = 0;
    while ((this.#moves.at(-1 - chain)?.code ?? 0) < 0) chain++;
    return chain;
  }

  #flip(code: number): void {
    if (code >= 0) this.#knownDone.flip(code);
    else this.#unknownDone.flip(-1 - code);
  }

  #order(): number[] {
    return this.#moves.map(({ code }) => {
      const operation = code >= 0 ? this.#known[code] : this.#unknown[-1 - code];
      return operation?.id ?? -1;
    });
  }

  #giveUp(why: string): SearchOutcome {
    return { kind: "gave-up", why, ...this.#deepest };
  }

  #noteDeepest(): void {
    const done = this.#known.length - this.#left;
    if (done <= this.#deepestDone) return;
    this.#deepestDone = done;
    const stuck: Operation<Input, Result>[] = [];
    const { next } = this.#events;
    for (let node = next[0] ?? 0; !this.#events.isReturn(node); node = next[node] ?? 0) {
      const operation = this.#known[node - 1];
      if (operation !== undefined) stuck.push(operation);
    }
    const order = this.#order();
    const misfits = stuck.map((operation) => this.#describeMisfit(operation));
    const last = order.at(-1);
    const state = last === undefined ? "the initial state" : `the state after operation ${last}`;
    this.#deepest = { order, stuck: stuck.map(({ id }) => id), misfits, state };
  }

  #describeMisfit({ id, client, input, outcome }: Operation<Input, Result>): string {
    const model = this.#model;
    const got = outcome.kind === "ok" ? model.describeResult(outcome.result) : "nothing";
    const expected = model.describeResult(model.answer(this.#state, input));
    const fits = got === expected ? "which fits, but leads nowhere" : `not ${expected}`;
    return `${id} (client ${client}, ${model.describeInput(input)}) was answered ${got}, ${fits}`;
  }

  #placesByReturn(): number[] {
    const returnOf = (place: number): number => this.#known[place]?.returnedAt ?? 0;
    return [...this.#known.keys()].sort((a, b) => returnOf(a) - returnOf(b));
  }

  #nextReadsOf(byReturn: readonly number[]): Int32Array {
    const nextReads = new Int32Array(this.#known.length);
    let next = this.#reads.length;
    for (let at = byReturn.length - 1; at >= 0; at--) {
      const place = byReturn[at] ?? 0;
      if (this.#reads[next - 1] === place) next--;
      nextReads[place] = next;
    }
    return nextReads;
  }
}

/** Calls and returns as nodes of an `EventList`, in the order of time. */
function eventsOf(
  known: readonly Operation<unknown, unknown>[],
  byReturn: readonly number[],
): number[] {
  const events: number[] = [];
  let call = 0;
  for (const place of byReturn) {
    const returnedAt = known[place]?.returnedAt ?? 0;
    while (call < known.length && (known[call]?.calledAt ?? 0) < returnedAt) events.push(++call);
    events.push(place + 1 + known.length);
  }
  return events;
}

function twinsOf<State, Input, Result>(
  unknown: readonly Operation<Input, Result>[],
  model: SequentialModel<State, Input, Result>,
): Int32Array {
  const twins = new Int32Array(unknown.length).fill(-1);
  const lastByText = new Map<string, number>();
  for (const [place, { input }] of unknown.entries()) {
    const text = model.describeInput(input);
    twins[place] = lastByText.get(text) ?? -1;
    lastByText.set(text, place);
  }
  return twins;
}
