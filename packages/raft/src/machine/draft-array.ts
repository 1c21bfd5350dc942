/**
 * The draft of an array: an overlay of the indexes that the command wrote, over a base that is left
 * alone until the command succeeds. The array methods of the language work on the proxy over it.
 */
import { assert } from "../base/index.ts";
import type { ListContainer } from "./draft-container.ts";
import { absent } from "./draft-keyed.ts";
import {
  type Copier,
  checkStorable,
  type Draft,
  type DraftScope,
  draftKey,
  draftOf,
  isObject,
} from "./draft-scope.ts";
import { refused } from "./draft-stand-ins.ts";

type List = unknown[];

/** Arrays of a state are not made longer than this at once by setting a length or a far index. */
export const arrayGapMax = 1_000_000;

export class ArrayDraft implements Draft, ProxyHandler<List> {
  readonly scope: DraftScope;
  readonly parent: Draft | null;
  readonly base: List;
  readonly standIn: object;
  readonly #container: ListContainer;
  isChanged = false;
  #length: number;
  /**
   * Below this the base is shown where nothing was written; a shorter length lowers it for good.
   */
  #shownBelow: number;
  /** Written indexes below `#length`; `absent` for a hole. */
  #written: Map<number, unknown> | null = null;
  /** What to store for the objects in the overlay; known after `settle`. */
  #settled: Map<number, unknown> | null = null;

  constructor(scope: DraftScope, parent: Draft | null, container: ListContainer) {
    this.scope = scope;
    this.parent = parent;
    this.#container = container;
    this.base = container.object;
    this.#length = container.length;
    this.#shownBelow = container.length;
    this.standIn = new Proxy(this.base, this);
  }

  get(target: List, key: string | symbol): unknown {
    if (typeof key === "symbol") return key === draftKey ? this : Reflect.get(target, key);
    this.scope.checkReadable();
    const index = indexOf(key);
    if (index === null) return key === "length" ? this.#length : Reflect.get(Array.prototype, key);
    const value = this.#lookup(index);
    return value === absent ? undefined : value;
  }

  has(target: List, key: string | symbol): boolean {
    if (typeof key === "symbol") return Reflect.has(target, key);
    this.scope.checkReadable();
    const index = indexOf(key);
    return index === null
      ? key === "length" || key in Array.prototype
      : this.#lookup(index) !== absent;
  }

  set(_target: List, key: string | symbol, value: unknown): boolean {
    const index = typeof key === "string" ? indexOf(key) : null;
    if (index !== null) this.#put(index, value);
    else if (key === "length") this.#setLength(value);
    else throw refused(`give an array the property ${String(key)}`);
    return true;
  }

  deleteProperty(_target: List, key: string | symbol): boolean {
    const index = typeof key === "string" ? indexOf(key) : null;
    if (index === null) return key !== "length";
    this.scope.checkWritable(this);
    if (this.#lookup(index) !== absent) this.#write(index, absent);
    return true;
  }

  ownKeys(): ArrayLike<string | symbol> {
    this.scope.checkReadable();
    const keys: string[] = [];
    for (let i = 0; i < this.#length; i++) if (this.#peek(i) !== absent) keys.push(String(i));
    keys.push("length");
    return keys;
  }

  getOwnPropertyDescriptor(_target: List, key: string | symbol): PropertyDescriptor | undefined {
    if (typeof key === "symbol") return undefined;
    this.scope.checkReadable();
    if (key === "length") {
      return { value: this.#length, writable: true, enumerable: false, configurable: false };
    }
    const index = indexOf(key);
    const value = index === null ? absent : this.#lookup(index);
    if (value === absent) return undefined;
    return { value, writable: true, enumerable: true, configurable: true };
  }

  defineProperty(): boolean {
    throw refused("define a property with attributes");
  }

  setPrototypeOf(): boolean {
    throw refused("set a prototype");
  }

  preventExtensions(): boolean {
    throw refused("freeze, seal or close an array");
  }

  listDetached(into: Set<object>): void {
    for (const index of this.#written?.keys() ?? []) {
      const before = index < this.#shownBelow ? this.#container.get(index) : undefined;
      if (isObject(before) && !this.#showsAtPlace(index, before)) into.add(before);
    }
    for (let i = this.#shownBelow; i < this.#container.length; i++) {
      const before = this.#container.get(i);
      if (isObject(before) && !this.#showsAtPlace(i, before)) into.add(before);
    }
  }

  settle(place: (value: object, key: unknown) => unknown): void {
    const settled = new Map<number, unknown>();
    for (const [index, value] of this.#written ?? []) {
      if (!isObject(value)) continue;
      const before = this.#container.get(index);
      const isAtPlace = isObject(before) && draftOf(value)?.base === before;
      settled.set(index, isAtPlace ? before : place(value, index));
    }
    this.#settled = settled;
  }

  commit(): void {
    const settled = this.#settled;
    assert(settled !== null, "a draft is settled before it is committed");
    const container = this.#container;
    container.setLength(this.#shownBelow);
    for (const [index, value] of this.#written ?? []) {
      if (value === absent) container.delete(index);
      else container.set(index, isObject(value) ? settled.get(index) : value);
    }
    container.setLength(this.#length);
  }

  copy(copier: Copier, register: (copy: object) => void): object {
    const result: List = [];
    register(result);
    for (let i = 0; i < this.#length; i++) {
      const isWritten = this.#written?.has(i) === true;
      const value = this.#peek(i);
      if (value === absent) result.length = i + 1;
      else result.push(isWritten ? copier.value(value, i) : copier.stored(value, i));
    }
    return result;
  }

  /**
   * What is at `index`, with drafts for objects of the state; `absent` for a hole or past the end.
   */
  #lookup(index: number): unknown {
    const value = this.#peek(index);
    if (!isObject(value) || this.#written?.has(index)) return value;
    return this.scope.wrap(value, this);
  }

  /** As `#lookup`, but objects of the state as they are. */
  #peek(index: number): unknown {
    const written = this.#written?.get(index);
    if (written !== undefined || this.#written?.has(index)) return written;
    if (index >= this.#shownBelow || !this.#container.has(index)) return absent;
    return this.#container.get(index);
  }

  #put(index: number, value: unknown): void {
    this.scope.checkWritable(this);
    checkStorable(value, index);
    if (index >= this.#length) this.#grow(index + 1);
    this.#write(index, value);
  }

  #write(index: number, value: unknown): void {
    this.#written ??= new Map();
    this.#written.set(index, value);
  }

  #setLength(value: unknown): void {
    this.scope.checkWritable(this);
    if (typeof value !== "number" || value >>> 0 !== value) {
      throw new RangeError(`Cannot set an array's length to ${String(value)}`);
    }
    if (value >= this.#length) this.#grow(value);
    else this.#shrink(value);
  }

  #grow(length: number): void {
    if (length - this.#length > arrayGapMax) {
      throw new RangeError(
        `Cannot make an array of ${this.#length} elements ${length} long: ` +
          `the gap is over ${arrayGapMax}`,
      );
    }
    this.#length = length;
  }

  #shrink(length: number): void {
    const written = this.#written;
    if (written !== null && this.#length - length < written.size) {
      for (let i = length; i < this.#length; i++) written.delete(i);
    } else if (written !== null) {
      for (const index of written.keys()) if (index >= length) written.delete(index);
    }
    this.#length = length;
    this.#shownBelow = Math.min(this.#shownBelow, length);
  }

  /** Whether `before`, which the base has at `index`, was put back at its very place. */
  #showsAtPlace(index: number, before: object): boolean {
    const now = this.#written?.get(index);
    return isObject(now) && draftOf(now)?.base === before;
  }
}

/** The array index that `key` spells, or null. */
function indexOf(key: string): number | null {
  const first = key.charCodeAt(0);
  if (!(first >= 0x30 && first <= 0x39)) return null;
  const index = Number(key);
  return index >>> 0 === index && index !== 0xffff_ffff && String(index) === key ? index : null;
}
