/**
 * Every key ever written and not yet compacted away: a map for one key, and sorted chunks for
 * ranges in byte order. Two levels are enough: at ten million keys there are some 60,000 chunks,
 * and a split (one in a hundred inserts) moves their list once. V8's maps end at 16.7 million
 * entries, some 10 GB of keys with small values. Called by the store only.
 */
import { assert } from "./assert.ts";
import type { KeyHistory } from "./key-history.ts";
import type { KeySpan } from "./key-name.ts";

/** Keys in a chunk, at most: an insert moves half of it on average, twice 1 KiB of pointers. */
export const chunkKeysMax = 256;

/** `names[i]` is `histories[i].name`: a search reads names only. */
interface Chunk {
  readonly names: string[];
  readonly histories: KeyHistory[];
}

/** Ordered by `name`, byte-wise. */
export class KeyIndex {
  readonly #byName = new Map<string, KeyHistory>();
  /** @invariant none is empty; each ascends; all of one are below all of the next. */
  readonly #chunks: Chunk[] = [];
  /** The name of each chunk's first key. */
  readonly #firstNames: string[] = [];

  /** How many keys, deleted ones included. */
  get size(): number {
    return this.#byName.size;
  }

  find(name: string): KeyHistory | undefined {
    return this.#byName.get(name);
  }

  /** Adds a key that is not there yet. */
  insert(history: KeyHistory): void {
    const before = this.#byName.size;
    this.#byName.set(history.name, history);
    assert(this.#byName.size === before + 1, "key index: an inserted key is new");
    const at = this.#chunkOf(history.name);
    const chunk = this.#chunks[at];
    if (chunk === undefined) this.#addChunk(at, chunkOfOne(history));
    else this.#insertInto(chunk, at, history);
  }

  /** Calls `visit` for the keys of the span in ascending order, until it returns false. */
  scan(span: KeySpan, visit: (history: KeyHistory) => boolean): void {
    if (span.single) {
      const history = this.find(span.from);
      if (history !== undefined) visit(history);
      return;
    }
    let chunkAt = this.#chunkOf(span.from);
    let keyAt = lowerBound(this.#chunks[chunkAt]?.names ?? [], span.from);
    for (; chunkAt < this.#chunks.length; chunkAt++, keyAt = 0) {
      const chunk = this.#chunks[chunkAt];
      if (chunk === undefined || !scanChunk(chunk, keyAt, span.to, visit)) return;
    }
  }

  #insertInto(chunk: Chunk, at: number, history: KeyHistory): void {
    const { names, histories } = chunk;
    const position = lowerBound(names, history.name);
    if (position === chunkKeysMax) {
      // Keys that come in ascending order fill their chunks; halving would leave them half empty.
      this.#addChunk(at + 1, chunkOfOne(history));
      return;
    }
    names.splice(position, 0, history.name);
    histories.splice(position, 0, history);
    if (position === 0) this.#firstNames[at] = history.name;
    if (names.length <= chunkKeysMax) return;
    const middle = chunkKeysMax >>> 1;
    this.#addChunk(at + 1, { names: names.splice(middle), histories: histories.splice(middle) });
  }

  #addChunk(at: number, chunk: Chunk): void {
    const first = chunk.names[0];
    assert(first !== undefined, "key index: a chunk is never empty");
    this.#chunks.splice(at, 0, chunk);
    this.#firstNames.splice(at, 0, first);
  }

  /** The last chunk whose first name is not above `name`, or the first chunk. */
  #chunkOf(name: string): number {
    let low = 0;
    let high = this.#firstNames.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const first = this.#firstNames[middle];
      if (first !== undefined && first <= name) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : low - 1;
  }
}

function chunkOfOne(history: KeyHistory): Chunk {
  return { names: [history.name], histories: [history] };
}

/** False if the scan is over: the end was reached or `visit` said so. */
function scanChunk(
  chunk: Chunk,
  from: number,
  to: string | null,
  visit: (history: KeyHistory) => boolean,
): boolean {
  const { names, histories } = chunk;
  const last = names[names.length - 1];
  const isInside = to === null || (last !== undefined && last < to);
  const end = isInside || to === null ? names.length : lowerBound(names, to);
  for (let at = from; at < end; at++) {
    const history = histories[at];
    if (history !== undefined && !visit(history)) return false;
  }
  return isInside;
}

/** The position of the first name not below `name`. */
function lowerBound(names: readonly string[], name: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = names[middle];
    if (other !== undefined && other < name) low = middle + 1;
    else high = middle;
  }
  return low;
}
