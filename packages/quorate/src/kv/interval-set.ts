/**
 * A set of names given as half-open intervals, kept disjoint and sorted. The checks of transactions
 * ask it thousands of times for one large request, so a question costs a binary search.
 */
import { type KeySpan, nameAfter } from "./key-name.ts";

export class IntervalSet {
  /** @invariant starts[i] < ends[i] < starts[i + 1]; an end of null is above all names. */
  readonly #starts: string[] = [];
  readonly #ends: (string | null)[] = [];

  /** How many separate intervals. */
  get size(): number {
    return this.#starts.length;
  }

  /** Adds all names of the span; one that ends before it starts has none. */
  addSpan(span: KeySpan): void {
    this.add(span.from, span.single ? nameAfter(span.from) : span.to);
  }

  add(start: string, end: string | null): void {
    if (end !== null && end <= start) return;
    // All intervals that touch [start, end) become one with it.
    const first = this.#firstEndingFrom(start);
    let after = first;
    while (after < this.#starts.length && isAtMost(this.#starts[after], end)) after += 1;
    const from = after > first ? lower(this.#starts[first], start) : start;
    const to = after > first ? higher(this.#ends[after - 1], end) : end;
    this.#starts.splice(first, after - first, from);
    this.#ends.splice(first, after - first, to);
  }

  /** Adds all names of another set. */
  addAll(other: IntervalSet): void {
    other.#starts.forEach((start, at) => {
      this.add(start, other.#ends[at] ?? null);
    });
  }

  /** Takes one name out. */
  delete(name: string): void {
    const at = this.#holding(name);
    const start = this.#starts[at];
    if (start === undefined) return;
    const end = this.#ends[at] ?? null;
    this.#starts.splice(at, 1);
    this.#ends.splice(at, 1);
    this.add(start, name);
    this.add(nameAfter(name), end);
  }

  has(name: string): boolean {
    return this.#holding(name) >= 0;
  }

  /** The position of the interval that holds `name`, or -1. */
  #holding(name: string): number {
    const at = this.#firstEndingFrom(nameAfter(name));
    const start = this.#starts[at];
    return start !== undefined && start <= name ? at : -1;
  }

  /** The first interval whose end is at or above `name`. */
  #firstEndingFrom(name: string): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const end = this.#ends[middle] ?? null;
      if (end !== null && end < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isAtMost(start: string | undefined, end: string | null): boolean {
  return start !== undefined && (end === null || start <= end);
}

function lower(a: string | undefined, b: string): string {
  return a !== undefined && a < b ? a : b;
}

function higher(a: string | null | undefined, b: string | null): string | null {
  if (a === undefined || a === null || b === null) return null;
  return a > b ? a : b;
}
