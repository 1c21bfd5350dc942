/**
 * What a reducer holds in its hands instead of a plain object, a Map or a Set of the state: a
 * proxy, and subclasses of Map and Set, that read and write a `KeyedDraft`.
 */
import type { Container } from "./draft-container.ts";
import { absent, KeyedDraft } from "./draft-keyed.ts";
import { checkKey, type Draft, type DraftScope, draftKey } from "./draft-scope.ts";

/** A draft of a plain object, a Map or a Set. */
export function draftKeyed(scope: DraftScope, parent: Draft | null, container: Container): Draft {
  const draft = new KeyedDraft(scope, parent, container);
  const { object } = container;
  if (object instanceof Map) draft.setStandIn(new MapStandIn(draft));
  else if (object instanceof Set) draft.setStandIn(new SetStandIn(draft));
  // what is no array, Map or Set in a state is a plain object
  else draft.setStandIn(new Proxy(object as Plain, new ObjectTraps(draft)));
  return draft;
}

type Plain = Record<string, unknown>;

/** The target is the base itself, so what no trap answers (its prototype) comes from there. */
class ObjectTraps implements ProxyHandler<Plain> {
  readonly #draft: KeyedDraft;

  constructor(draft: KeyedDraft) {
    this.#draft = draft;
  }

  get(target: Plain, key: string | symbol): unknown {
    if (typeof key === "symbol") return key === draftKey ? this.#draft : Reflect.get(target, key);
    const value = this.#draft.lookup(key);
    return value === absent ? inherited(target, key) : value;
  }

  has(target: Plain, key: string | symbol): boolean {
    if (typeof key === "symbol") return Reflect.has(target, key);
    return this.#draft.has(key) || key in prototypeOf(target);
  }

  set(_target: Plain, key: string | symbol, value: unknown): boolean {
    if (typeof key === "symbol") throw refused("use a symbol as key");
    this.#draft.put(key, value);
    return true;
  }

  deleteProperty(_target: Plain, key: string | symbol): boolean {
    if (typeof key === "string") this.#draft.remove(key);
    return true;
  }

  ownKeys(target: Plain): ArrayLike<string | symbol> {
    if (this.#draft.isChanged || this.#draft.isLayered) return inObjectOrder(this.#draft.keys());
    this.#draft.scope.checkReadable();
    return Reflect.ownKeys(target);
  }

  getOwnPropertyDescriptor(_target: Plain, key: string | symbol): PropertyDescriptor | undefined {
    const value = typeof key === "symbol" ? absent : this.#draft.lookup(key);
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
    throw refused("freeze, seal or close an object");
  }
}

/** Why a reducer may not do `what` to the state. */
export function refused(what: string): TypeError {
  return new TypeError(`Cannot ${what} in the state: assign to its properties instead`);
}

const nothing: object = Object.freeze(Object.create(null));

function prototypeOf(target: object): object {
  const prototype: unknown = Object.getPrototypeOf(target);
  return typeof prototype === "object" && prototype !== null ? prototype : nothing;
}

/** What a property that the object does not have reads as: `toString` and the like. */
function inherited(target: object, key: string): unknown {
  return key === "__proto__" ? undefined : Reflect.get(prototypeOf(target), key);
}

/** Keys in the order a plain object would list them: array indexes first, ascending. */
function inObjectOrder(keys: Iterable<unknown>): string[] {
  const order: Record<string, true> = Object.create(null);
  for (const key of keys) order[String(key)] = true;
  return Object.keys(order);
}

class MapStandIn extends Map<unknown, unknown> {
  readonly #draft: KeyedDraft;

  constructor(draft: KeyedDraft) {
    super();
    this.#draft = draft;
  }

  get [draftKey](): KeyedDraft {
    return this.#draft;
  }

  override get size(): number {
    return this.#draft.size;
  }

  override has(key: unknown): boolean {
    return this.#draft.has(key);
  }

  override get(key: unknown): unknown {
    const value = this.#draft.lookup(key);
    return value === absent ? undefined : value;
  }

  override set(key: unknown, value: unknown): this {
    checkKey(key);
    this.#draft.put(normalized(key), value);
    return this;
  }

  override delete(key: unknown): boolean {
    return this.#draft.remove(key);
  }

  override clear(): void {
    this.#draft.clear();
  }

  override keys(): MapIterator<unknown> {
    return this.#draft.keys();
  }

  override *values(): MapIterator<unknown> {
    for (const key of this.#draft.keys()) yield this.get(key);
  }

  override *entries(): MapIterator<[unknown, unknown]> {
    for (const key of this.#draft.keys()) yield [key, this.get(key)];
  }

  override [Symbol.iterator](): MapIterator<[unknown, unknown]> {
    return this.entries();
  }

  override forEach(
    visit: (value: unknown, key: unknown, map: Map<unknown, unknown>) => void,
    self?: unknown,
  ): void {
    for (const [key, value] of this.entries()) visit.call(self, value, key, this);
  }
}

class SetStandIn extends Set<unknown> {
  readonly #draft: KeyedDraft;

  constructor(draft: KeyedDraft) {
    super();
    this.#draft = draft;
  }

  get [draftKey](): KeyedDraft {
    return this.#draft;
  }

  override get size(): number {
    return this.#draft.size;
  }

  override has(member: unknown): boolean {
    return this.#draft.has(member);
  }

  override add(member: unknown): this {
    checkKey(member);
    if (!this.#draft.has(member)) this.#draft.put(normalized(member), normalized(member));
    else this.#draft.scope.checkWritable(this.#draft);
    return this;
  }

  override delete(member: unknown): boolean {
    return this.#draft.remove(member);
  }

  override clear(): void {
    this.#draft.clear();
  }

  override keys(): SetIterator<unknown> {
    return this.#draft.keys();
  }

  override values(): SetIterator<unknown> {
    return this.#draft.keys();
  }

  override *entries(): SetIterator<[unknown, unknown]> {
    for (const member of this.#draft.keys()) yield [member, member];
  }

  override [Symbol.iterator](): SetIterator<unknown> {
    return this.#draft.keys();
  }

  override forEach(
    visit: (member: unknown, key: unknown, set: Set<unknown>) => void,
    self?: unknown,
  ): void {
    for (const member of this.#draft.keys()) visit.call(self, member, member, this);
  }
}

/** As Map and Set do with their keys: -0 is 0. */
function normalized(key: unknown): unknown {
  return key === 0 ? 0 : key;
}

/**
 * Methods that later editions of the language add (`union`, `getOrInsert` …) would work on the
 * empty Map or Set below the stand-in. A Set's only read, so they get a real Set; others are
 * refused.
 */
function coverNewMethods(standIn: object, original: object, readers: ReadonlySet<string>): void {
  for (const name of Object.getOwnPropertyNames(original)) {
    const method: unknown = Object.getOwnPropertyDescriptor(original, name)?.value;
    if (typeof method !== "function" || Object.hasOwn(standIn, name)) continue;
    Object.defineProperty(standIn, name, {
      value(this: Set<unknown>, ...values: unknown[]): unknown {
        if (!readers.has(name)) throw refused(`use ${name}()`);
        return Reflect.apply(method, new Set(this), values);
      },
    });
  }
}

const setReaders: ReadonlySet<string> = new Set([
  "union",
  "intersection",
  "difference",
  "symmetricDifference",
  "isSubsetOf",
  "isSupersetOf",
  "isDisjointFrom",
]);
coverNewMethods(MapStandIn.prototype, Map.prototype, new Set());
coverNewMethods(SetStandIn.prototype, Set.prototype, setReaders);
