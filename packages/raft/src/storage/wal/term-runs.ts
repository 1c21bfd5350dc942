/**
 * The terms of a log as runs of equal ones: enough to know the term at its end after any
 * truncation.
 */
import { assert, type LogIndex, noIndex, noTerm, type Term } from "../../base/index.ts";
import type { LogPosition } from "../../core/index.ts";

export class TermRuns {
  /** First index and term of each run, both ascending. */
  readonly #runs: { readonly from: LogIndex; readonly term: Term }[] = [];
  #last: LogIndex = noIndex;

  get last(): LogPosition {
    return { index: this.#last, term: this.#runs.at(-1)?.term ?? noTerm };
  }

  /** @invariant indexes follow one another, terms never fall */
  append(index: LogIndex, term: Term): void {
    const run = this.#runs.at(-1);
    assert(index === this.#last + 1, "an entry follows the last one", () => {
      return `${index} after ${this.#last}`;
    });
    assert(run === undefined || term >= run.term, "terms never fall along the log");
    if (run === undefined || term > run.term) this.#runs.push({ from: index, term });
    this.#last = index;
  }

  /** Forgets the entries from `from` on. */
  truncate(from: LogIndex): void {
    assert(from >= 1, "the log starts at 1");
    assert(from <= this.#last + 1, "only what is there can be truncated");
    while ((this.#runs.at(-1)?.from ?? noIndex) >= from) this.#runs.pop();
    this.#last = (from - 1) as LogIndex; // one less than an index from 1 on
  }
}
