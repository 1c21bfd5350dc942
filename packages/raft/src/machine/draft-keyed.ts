/**
 * The draft of a plain object, a Map or a Set: an overlay of what the command changed, over a base
 * that is left alone until the command succeeds. Costs what the command touches, however large the
 * base is, and keeps the order of keys exactly as plain JavaScript would. The stand-ins over it are
 * in `draft-stand-ins.ts`.
 */
import { assert } from "../base/index.ts";
import type { Container } from "./draft-container.ts";
import {
  type Copier,
  checkStorable,
  type Draft,
  type DraftScope,
  draftOf,
  isObject,
} from "./draft-scope.ts";

/** The answer for a key that is not there; in the overlay: a key of the base that was removed. */
export const absent: unique symbol = Symbol("absent");

export class KeyedDraft implements Draft {
  readonly scope: DraftScope;
  readonly parent: Draft | null;
  readonly #container: Container;
  #standIn: object | null = null;
  isChanged = false;
  /** Keys of the base with a new value, or `absent`. They keep their place in the order. */
  #replaced: Map<unknown, unknown> | null = null;
  /** Keys behind those of the base: new ones, and those removed and added again. */
  #added: Map<unknown, unknown> | null = null;
  #removedCount = 0;
  /** Nothing of the base is shown any more. */
  #isCleared = false;
  /** What to store for the objects in the overlay; known after `settle`. */
  #settled: Map<unknown, unknown> | null = null;

  constructor(scope: DraftScope, parent: Draft | null, container: Container) {
    this.scope = scope;
    this.parent = parent;
    this.#container = container;
  }

  get base(): object {
    return this.#container.object;
  }

  /** Whether the base itself shows something else than the state. */
  get isLayered(): boolean {
    return this.#container.isLayered;
  }

  get standIn(): object {
    assert(this.#standIn !== null, "a draft has its stand-in before it is used");
    return this.#standIn;
  }

  /** Completes the draft; called once, by whoever made the stand-in over it. */
  setStandIn(standIn: object): void {
    this.#standIn = standIn;
  }

  get size(): number {
    this.scope.checkReadable();
    const shown = this.#isCleared ? 0 : this.#container.size - this.#removedCount;
    return shown + (this.#added?.size ?? 0);
  }

  /** The value at `key`, with drafts for objects of the state; `absent` if there is none. */
  lookup(key: unknown): unknown {
    this.scope.checkReadable();
    if (this.#added?.has(key)) return this.#added.get(key);
    if (this.#isCleared) return absent;
    const replaced = this.#replaced?.get(key);
    if (replaced !== undefined || this.#replaced?.has(key)) return replaced;
    if (!this.#container.has(key)) return absent;
    const value = this.#container.get(key);
    return isObject(value) ? this.scope.wrap(value, this) : value;
  }

  has(key: unknown): boolean {
    this.scope.checkReadable();
    return this.#added?.has(key) === true || this.#showsBase(key);
  }

  put(key: unknown, value: unknown): void {
    this.scope.checkWritable(this);
    checkStorable(value, key);
    if (!this.#added?.has(key) && this.#showsBase(key)) {
      this.#replaced ??= new Map();
      this.#replaced.set(key, value);
    } else {
      this.#added ??= new Map();
      this.#added.set(key, value);
    }
  }

  /** Whether there was something to remove. */
  remove(key: unknown): boolean {
    this.scope.checkWritable(this);
    if (this.#added?.delete(key)) return true;
    if (!this.#showsBase(key)) return false;
    this.#replaced ??= new Map();
    this.#replaced.set(key, absent);
    this.#removedCount++;
    return true;
  }

  clear(): void {
    this.scope.checkWritable(this);
    this.#isCleared = true;
    this.#replaced?.clear();
    this.#added?.clear(); // not replaced by a new one: an iteration may be going on
  }

  /** The keys in order; as in a Map, keys added while iterating are still visited. */
  *keys(): Generator<unknown, undefined, undefined> {
    for (const key of this.#container.keys()) {
      this.scope.checkReadable();
      if (this.#isCleared) break;
      if (this.#replaced?.get(key) !== absent) yield key;
    }
    this.#added ??= new Map();
    for (const key of this.#added.keys()) {
      this.scope.checkReadable();
      yield key;
    }
  }

  listDetached(into: Set<object>): void {
    const keys = this.#isCleared ? this.#container.keys() : (this.#replaced?.keys() ?? []);
    for (const key of keys) {
      const before = this.#container.get(key);
      if (isObject(before) && !this.#showsAtPlace(key, before)) into.add(before);
    }
  }

  settle(place: (value: object, key: unknown) => unknown): void {
    const settled = new Map<unknown, unknown>();
    for (const [key, value] of this.#replaced ?? []) {
      if (!isObject(value)) continue;
      const before = this.#container.get(key);
      const isAtPlace = isObject(before) && draftOf(value)?.base === before;
      settled.set(key, isAtPlace ? before : place(value, key));
    }
    for (const [key, value] of this.#added ?? []) {
      if (isObject(value)) settled.set(key, place(value, key));
    }
    this.#settled = settled;
  }

  commit(): void {
    const settled = this.#settled;
    assert(settled !== null, "a draft is settled before it is committed");
    const container = this.#container;
    if (this.#isCleared) container.clear();
    for (const [key, value] of this.#replaced ?? []) {
      if (value === absent) container.delete(key);
      else container.set(key, isObject(value) ? settled.get(key) : value);
    }
    for (const [key, value] of this.#added ?? []) {
      container.set(key, isObject(value) ? settled.get(key) : value);
    }
  }

  copy(copier: Copier, register: (copy: object) => void): object {
    const result = this.#container.createEmpty();
    register(result.object);
    if (!this.#isCleared) this.#copyBase(copier, result);
    for (const [key, value] of this.#added ?? []) result.set(key, copier.value(value, key));
    return result.object;
  }

  #copyBase(copier: Copier, result: Container): void {
    for (const key of this.#container.keys()) {
      const replaced = this.#replaced?.get(key);
      if (replaced === absent) continue;
      const isReplaced = replaced !== undefined || this.#replaced?.has(key) === true;
      const value = isReplaced
        ? copier.value(replaced, key)
        : copier.stored(this.#container.get(key), key);
      result.set(key, value);
    }
  }

  /** Whether `key` is one of the base's and not removed. */
  #showsBase(key: unknown): boolean {
    if (this.#isCleared || !this.#container.has(key)) return false;
    return this.#replaced?.get(key) !== absent;
  }

  /** Whether `before`, which the base has at `key`, was put back at its very place. */
  #showsAtPlace(key: unknown, before: object): boolean {
    const now = this.#isCleared ? undefined : this.#replaced?.get(key);
    return isObject(now) && draftOf(now)?.base === before;
  }
}
