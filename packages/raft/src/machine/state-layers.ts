/**
 * Keeps the state of a typed machine as it is while a snapshot of it is written, and lets commands
 * go on: what they change is put into layers above the containers that they change. Whoever reads
 * looks through the layers. Once the snapshot is done with, the layers are merged into the state,
 * a few entries with each command. Costs what is changed meanwhile, however large the state is.
 * Called by `draft.ts` and `reducer-snapshots.ts`.
 */
import { type Container, containerOf, type ListContainer, PlainList } from "./draft-container.ts";
import { absent } from "./draft-keyed.ts";
import type { Layer } from "./draft-scope.ts";

/** Entries that one command merges, at least: a fraction of a millisecond. */
export const mergedEntriesMin = 256;

export class StateLayers {
  /** By the container below; those that were written to. */
  readonly #layers = new Map<object, KeyedLayer | ListLayer>();
  #isFrozen = true;
  /** Entries written since the last merge. */
  #written = 0;

  /** How many containers have something that is not merged. */
  get size(): number {
    return this.#layers.size;
  }

  /** What a plain object, Map or Set of the state shows, to read and to write. */
  keyed(base: object): Container {
    const layer = this.#layers.get(base);
    if (layer instanceof KeyedLayer) return layer;
    const container = containerOf(base);
    return this.#isFrozen ? new KeyedLayer(container, (written) => this.#note(written)) : container;
  }

  list(base: unknown[]): ListContainer {
    const layer = this.#layers.get(base);
    if (layer instanceof ListLayer) return layer;
    return this.#isFrozen
      ? new ListLayer(base, (written) => this.#note(written))
      : new PlainList(base);
  }

  find(base: object): Layer | undefined {
    const layer = this.#layers.get(base);
    if (layer === undefined) return undefined;
    return layer instanceof KeyedLayer
      ? { kind: "keyed", container: layer }
      : { kind: "list", container: layer };
  }

  /** From here on the containers themselves may change. */
  thaw(): void {
    this.#isFrozen = false;
  }

  /**
   * Between two commands: merges up to `entriesMax` entries once the state is thawed; left out,
   * more than commands write meanwhile. True when nothing is left, so that this object is of no use
   * any more.
   */
  merge(entriesMax: number = mergedEntriesMin + 2 * this.#written): boolean {
    this.#written = 0;
    return !this.#isFrozen && this.#merge(entriesMax);
  }

  /** Merges all of it, however long it takes. Thawed. */
  mergeAll(): void {
    this.#merge(Number.POSITIVE_INFINITY);
  }

  #merge(entriesMax: number): boolean {
    let left = entriesMax;
    for (const [base, layer] of this.#layers) {
      left -= layer.merge(left);
      if (left <= 0) return false;
      this.#layers.delete(base);
    }
    return true;
  }

  #note(layer: KeyedLayer | ListLayer): void {
    this.#written++;
    this.#layers.set(layer.object, layer);
  }
}

/** Changes above a plain object, a Map or a Set. Keeps the order of keys as they would. */
class KeyedLayer implements Container {
  readonly isLayered = true;
  readonly #base: Container;
  readonly #onWrite: (layer: KeyedLayer) => void;
  /** Keys of the base with a new value, or `absent`. They keep their place in the order. */
  readonly #replaced = new Map<unknown, unknown>();
  /** Keys behind those of the base: new ones, and those removed and added again. */
  readonly #added = new Map<unknown, unknown>();
  #removedCount = 0;
  /** Nothing of the base is shown any more. @invariant `#replaced` is empty then */
  #isCleared = false;

  constructor(base: Container, onWrite: (layer: KeyedLayer) => void) {
    this.#base = base;
    this.#onWrite = onWrite;
  }

  get object(): object {
    return this.#base.object;
  }

  get size(): number {
    const shown = this.#isCleared ? 0 : this.#base.size - this.#removedCount;
    return shown + this.#added.size;
  }

  has(key: unknown): boolean {
    return this.#added.has(key) || this.#showsBase(key);
  }

  get(key: unknown): unknown {
    if (this.#added.has(key)) return this.#added.get(key);
    if (!this.#showsBase(key)) return undefined;
    return this.#replaced.has(key) ? this.#replaced.get(key) : this.#base.get(key);
  }

  set(key: unknown, value: unknown): void {
    this.#onWrite(this);
    if (!this.#added.has(key) && this.#showsBase(key)) this.#replaced.set(key, value);
    else this.#added.set(key, value);
  }

  delete(key: unknown): void {
    this.#onWrite(this);
    if (this.#added.delete(key) || !this.#showsBase(key)) return;
    this.#replaced.set(key, absent);
    this.#removedCount++;
  }

  clear(): void {
    this.#onWrite(this);
    this.#isCleared = true;
    this.#removedCount = 0;
    this.#replaced.clear();
    this.#added.clear();
  }

  *keys(): Generator<unknown, undefined, undefined> {
    if (!this.#isCleared) {
      for (const key of this.#base.keys()) if (this.#replaced.get(key) !== absent) yield key;
    }
    yield* this.#added.keys();
  }

  createEmpty(): Container {
    return this.#base.createEmpty();
  }

  /** Moves up to `entriesMax` changes into the base; answers how many. What it shows stays. */
  merge(entriesMax: number): number {
    if (this.#isCleared) this.#base.clear();
    this.#isCleared = false;
    let count = 0;
    for (const [key, value] of this.#replaced) {
      if (count === entriesMax) return count;
      count++;
      this.#replaced.delete(key);
      if (value !== absent) {
        this.#base.set(key, value);
        continue;
      }
      this.#removedCount--;
      this.#base.delete(key);
    }
    for (const [key, value] of this.#added) {
      if (count === entriesMax) return count;
      count++;
      this.#added.delete(key);
      this.#base.set(key, value);
    }
    return count;
  }

  /** Whether `key` is one of the base's and not removed. */
  #showsBase(key: unknown): boolean {
    if (this.#isCleared || !this.#base.has(key)) return false;
    return this.#replaced.get(key) !== absent;
  }
}

/** Changes above an array. */
class ListLayer implements ListContainer {
  readonly object: unknown[];
  readonly #onWrite: (layer: ListLayer) => void;
  #length: number;
  /** Below this the base is shown where nothing was written. */
  #shownBelow: number;
  /** Written indexes below `#length`; `absent` for a hole. */
  readonly #written = new Map<number, unknown>();

  constructor(object: unknown[], onWrite: (layer: ListLayer) => void) {
    this.object = object;
    this.#onWrite = onWrite;
    this.#length = object.length;
    this.#shownBelow = object.length;
  }

  get length(): number {
    return this.#length;
  }

  has(index: number): boolean {
    if (this.#written.has(index)) return this.#written.get(index) !== absent;
    return index < this.#shownBelow && index in this.object;
  }

  get(index: number): unknown {
    if (!this.#written.has(index)) {
      return index < this.#shownBelow ? this.object[index] : undefined;
    }
    const value = this.#written.get(index);
    return value === absent ? undefined : value;
  }

  set(index: number, value: unknown): void {
    this.#onWrite(this);
    this.#length = Math.max(this.#length, index + 1);
    this.#written.set(index, value);
  }

  delete(index: number): void {
    this.#onWrite(this);
    if (index < this.#length) this.#written.set(index, absent);
  }

  setLength(length: number): void {
    if (length === this.#length) return;
    this.#onWrite(this);
    if (length < this.#length) {
      for (const index of this.#written.keys()) if (index >= length) this.#written.delete(index);
      this.#shownBelow = Math.min(this.#shownBelow, length);
    }
    this.#length = length;
  }

  /** As that of `KeyedLayer`. */
  merge(entriesMax: number): number {
    // What the base hides from here on turns into holes, so that all of the base can be shown.
    this.object.length = this.#shownBelow;
    this.object.length = this.#length;
    this.#shownBelow = this.#length;
    let count = 0;
    for (const [index, value] of this.#written) {
      if (count === entriesMax) return count;
      count++;
      this.#written.delete(index);
      if (value === absent) delete this.object[index];
      else this.object[index] = value;
    }
    return count;
  }
}
