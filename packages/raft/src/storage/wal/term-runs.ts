/**
 * The terms of a log as runs of equal ones: enough to know the term at its end after any
 * truncation.
 */
import { assert, type LogIndex, noIndex, noTerm, type Term } from "../../base/index.ts";
import type { LogPosition } from "../../core/index.ts";

export class TermRuns {
  /** First index and term of each run, both ascending. */
  readonly #runs: { readonly from: LogIndex; readonly term: Term }[] = [];
  #base: LogPosition;
  #last: LogIndex;

  /** A log without entries that begins after `base`. */
  constructor(base: LogPosition = { index: noIndex, term: noTerm }) {
    this.#base = base;
    this.#last = base.index;
  }

  /** What the first entry follows. */
  get base(): LogPosition {
    return this.#base;
  }

  get last(): LogPosition {
    return { index: this.#last, term: this.#lastTerm };
  }

  get #lastTerm(): Term {
    return this.#runs.at(-1)?.term ?? this.#base.term;
  }

  /** Of the entry at `index`, or of the base; undefined where neither is. */
  termAt(index: LogIndex): Term | undefined {
    if (index === this.#base.index) return this.#base.term;
    if (index < this.#base.index || index > this.#last) return undefined;
    let low = 0;
    let high = this.#runs.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#runs[middle]?.from ?? noIndex) <= index) low = middle;
      else high = middle - 1;
    }
    return this.#runs[low]?.term;
  }

  /** @invariant indexes follow one another, terms never fall */
  append(index: LogIndex, term: Term): void {
    const lastTerm = this.#lastTerm;
    assert(index === this.#last + 1, "an entry follows the last one", () => {
      return `${index} after ${this.#last}`;
    });
    assert(term >= lastTerm, "terms never fall along the log");
    if (this.#runs.length === 0 || term > lastTerm) this.#runs.push({ from: index, term });
    this.#last = index;
  }

  /** Forgets the entries from `from` on. */
  truncate(from: LogIndex): void {
    assert(from > this.#base.index, "the log starts behind its base");
    assert(from <= this.#last + 1, "only what is there can be truncated");
    while ((this.#runs.at(-1)?.from ?? noIndex) >= from) this.#runs.pop();
    this.#last = (from - 1) as LogIndex; // one less than an index from 1 on
  }

  /** Forgets the entries up to `position`, which is one of them or the base. */
  dropThrough(position: LogPosition): void {
    assert(this.termAt(position.index) === position.term, "only what is there is dropped");
    while ((this.#runs[1]?.from ?? Number.POSITIVE_INFINITY) <= position.index + 1) {
      this.#runs.shift();
    }
    const [first] = this.#runs;
    if (position.index === this.#last) this.#runs.length = 0;
    else if (first !== undefined && first.from <= position.index) {
      const from = (position.index + 1) as LogIndex; // one more than an index
      this.#runs[0] = { from, term: first.term };
    }
    this.#base = position;
  }

  /** Forgets everything: an empty log that begins after `base`. */
  reset(base: LogPosition): void {
    this.#runs.length = 0;
    this.#base = base;
    this.#last = base.index;
  }
}
