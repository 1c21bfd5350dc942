/**
 * The data under the linearizability search, in flat arrays: the list of calls and returns that are
 * left, and the situations that were seen before. Knows nothing of models.
 */

/**
 * Calls and returns that are left, in the order of time, as a doubly linked list that gives back
 * what it lost in reverse order. The call of operation `i` is node `i + 1`, its return node
 * `i + 1 + count`; node 0 is the end on both sides.
 */
export class EventList {
  readonly next: Int32Array;
  readonly #before: Int32Array;
  readonly #count: number;

  /** `events`: nodes in the order of time. */
  constructor(count: number, events: readonly number[]) {
    this.#count = count;
    this.next = new Int32Array(2 * count + 1);
    this.#before = new Int32Array(2 * count + 1);
    let last = 0;
    for (const node of events) {
      this.next[last] = node;
      this.#before[node] = last;
      last = node;
    }
    this.next[last] = 0;
    this.#before[0] = last;
  }

  /** Takes the call and the return of operation `at` out. */
  lift(at: number): void {
    this.#unlink(at + 1);
    this.#unlink(at + 1 + this.#count);
  }

  /** Undoes the last `lift` that is not undone. */
  unlift(at: number): void {
    this.#relink(at + 1 + this.#count);
    this.#relink(at + 1);
  }

  isReturn(node: number): boolean {
    return node > this.#count;
  }

  /** The operation of a return. */
  operationOf(returnNode: number): number {
    return returnNode - 1 - this.#count;
  }

  /** The first return that is left, or 0. */
  firstReturn(): number {
    let node = this.next[0] ?? 0;
    while (node !== 0 && !this.isReturn(node)) node = this.next[node] ?? 0;
    return node;
  }

  #unlink(node: number): void {
    const before = this.#before[node] ?? 0;
    const after = this.next[node] ?? 0;
    this.next[before] = after;
    this.#before[after] = before;
  }

  #relink(node: number): void {
    this.next[this.#before[node] ?? 0] = node;
    this.#before[this.next[node] ?? 0] = node;
  }
}

/** A set of small numbers with a hash that changes as the set does. */
export class BitSet {
  readonly words: Int32Array;
  hash = 0;

  constructor(size: number) {
    this.words = new Int32Array((size + 31) >>> 5);
  }

  has(bit: number): boolean {
    return ((this.words[bit >>> 5] ?? 0) & (1 << (bit & 31))) !== 0;
  }

  /** Puts `bit` in, or takes it out. */
  flip(bit: number): void {
    const word = bit >>> 5;
    this.words[word] = (this.words[word] ?? 0) ^ (1 << (bit & 31));
    this.hash ^= scatter(bit);
  }
}

/** Two rounds of a 32-bit hash, so that sums of neighbours do not meet. */
function scatter(value: number): number {
  let hash = Math.imul(value + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

const emptySlot = 0;

/**
 * Situations (known operations done, unknown ones done, state) that need no second look. One is
 * covered by another with the same known operations and state if that had done no unknown operation
 * besides: it could do all that this one can.
 *
 * Of each bitset only the words between the first that is not full and the last that is not empty
 * are kept: done operations lie close together unless one was under way for long.
 */
export class SeenSituations<State> {
  readonly #sameState: (a: State, b: State) => boolean;
  /** Entry number + 1 by hash; linear probing. */
  #slots: Int32Array = new Int32Array(16);
  #count = 0;
  readonly #states: State[] = [];
  #hashes: Int32Array = new Int32Array(8);
  /** Where each entry's words begin: known words, then unknown words, each led by start, count. */
  #starts: Int32Array = new Int32Array(8);
  #words: Int32Array = new Int32Array(16);
  #wordCount = 0;

  constructor(sameState: (a: State, b: State) => boolean) {
    this.#sameState = sameState;
  }

  /** Memory in use, in words of 4 bytes; states apart. */
  get wordCount(): number {
    return this.#wordCount + 2 * this.#hashes.length + this.#slots.length;
  }

  /** False if the situation is covered by one that was added before; otherwise it is added. */
  add(known: BitSet, unknown: BitSet, state: State, stateHash: number): boolean {
    const hash = known.hash ^ scatter(stateHash);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let held = this.#slots[slot]; held !== emptySlot; held = this.#slots[slot]) {
      if (held === undefined || this.#covers(held - 1, hash, known, unknown, state)) return false;
      slot = (slot + 1) & mask;
    }
    this.#slots[slot] = this.#append(hash, known, unknown, state) + 1;
    if (2 * this.#count > mask) this.#rehash();
    return true;
  }

  #covers(entry: number, hash: number, known: BitSet, unknown: BitSet, state: State): boolean {
    if (this.#hashes[entry] !== hash) return false;
    const held = this.#states[entry];
    if (held === undefined || !this.#sameState(held, state)) return false;
    const start = this.#starts[entry] ?? 0;
    const unknownStart = start + 2 + (this.#words[start + 1] ?? 0);
    return this.#holds(start, known) && this.#isWithin(unknownStart, unknown);
  }

  /** Whether the kept words are exactly `set`. */
  #holds(start: number, set: BitSet): boolean {
    const first = this.#words[start] ?? 0;
    const end = first + (this.#words[start + 1] ?? 0);
    for (let word = 0; word < set.words.length; word++) {
      const held = word < first ? -1 : word < end ? this.#words[start + 2 + word - first] : 0;
      if (set.words[word] !== held) return false;
    }
    return true;
  }

  /** Whether the kept words are all in `set`. */
  #isWithin(start: number, set: BitSet): boolean {
    const first = this.#words[start] ?? 0;
    const end = first + (this.#words[start + 1] ?? 0);
    for (let word = 0; word < end; word++) {
      const held = word < first ? -1 : (this.#words[start + 2 + word - first] ?? 0);
      if ((held & ~(set.words[word] ?? 0)) !== 0) return false;
    }
    return true;
  }

  #append(hash: number, known: BitSet, unknown: BitSet, state: State): number {
    const entry = this.#count++;
    if (entry === this.#hashes.length) {
      this.#hashes = grown(this.#hashes, 2 * entry);
      this.#starts = grown(this.#starts, 2 * entry);
    }
    this.#hashes[entry] = hash;
    this.#starts[entry] = this.#wordCount;
    this.#states.push(state);
    this.#keep(known);
    this.#keep(unknown);
    return entry;
  }

  #keep({ words }: BitSet): void {
    let first = 0;
    while (first < words.length && words[first] === -1) first++;
    let end = words.length;
    while (end > first && words[end - 1] === 0) end--;
    const needed = this.#wordCount + 2 + end - first;
    if (needed > this.#words.length) {
      this.#words = grown(this.#words, Math.max(needed, 2 * this.#words.length));
    }
    this.#words[this.#wordCount++] = first;
    this.#words[this.#wordCount++] = end - first;
    for (let word = first; word < end; word++) this.#words[this.#wordCount++] = words[word] ?? 0;
  }

  #rehash(): void {
    const slots = new Int32Array(2 * this.#slots.length);
    const mask = slots.length - 1;
    for (let entry = 0; entry < this.#count; entry++) {
      let slot = (this.#hashes[entry] ?? 0) & mask;
      while (slots[slot] !== emptySlot) slot = (slot + 1) & mask;
      slots[slot] = entry + 1;
    }
    this.#slots = slots;
  }
}

function grown(array: Int32Array, length: number): Int32Array {
  const larger = new Int32Array(length);
  larger.set(array);
  return larger;
}
