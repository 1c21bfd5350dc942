/**
 * Plain objects, Maps and Sets seen as one thing: keys in order, each with a value. Used by
 * `draft-keyed.ts`.
 */

/** A Set's members are both key and value. */
export interface Container {
  readonly object: object;
  has(key: unknown): boolean;
  get(key: unknown): unknown;
  set(key: unknown, value: unknown): void;
  delete(key: unknown): void;
  clear(): void;
  keys(): Iterable<unknown>;
  readonly size: number;
  /** An empty container of the same kind. */
  createEmpty(): Container;
}

/** The own enumerable string keys of a plain object. `__proto__` is a key like any other. */
export class ObjectContainer implements Container {
  readonly object: Record<string, unknown>;

  constructor(object: Record<string, unknown>) {
    this.object = object;
  }

  get size(): number {
    return Object.keys(this.object).length;
  }

  has(key: unknown): boolean {
    return Object.hasOwn(this.object, key as string); // only strings reach the keys of an object
  }

  get(key: unknown): unknown {
    return this.object[key as string]; // as above
  }

  set(key: unknown, value: unknown): void {
    setOwn(this.object, key as string, value); // as above
  }

  delete(key: unknown): void {
    delete this.object[key as string]; // as above
  }

  clear(): void {
    for (const key of Object.keys(this.object)) delete this.object[key];
  }

  keys(): Iterable<string> {
    return Object.keys(this.object);
  }

  createEmpty(): ObjectContainer {
    return new ObjectContainer(createLike(this.object));
  }
}

export class MapContainer implements Container {
  readonly object: Map<unknown, unknown>;

  constructor(object: Map<unknown, unknown>) {
    this.object = object;
  }

  get size(): number {
    return this.object.size;
  }

  has(key: unknown): boolean {
    return this.object.has(key);
  }

  get(key: unknown): unknown {
    return this.object.get(key);
  }

  set(key: unknown, value: unknown): void {
    this.object.set(key, value);
  }

  delete(key: unknown): void {
    this.object.delete(key);
  }

  clear(): void {
    this.object.clear();
  }

  keys(): Iterable<unknown> {
    return this.object.keys();
  }

  createEmpty(): MapContainer {
    return new MapContainer(new Map());
  }
}

export class SetContainer implements Container {
  readonly object: Set<unknown>;

  constructor(object: Set<unknown>) {
    this.object = object;
  }

  get size(): number {
    return this.object.size;
  }

  has(key: unknown): boolean {
    return this.object.has(key);
  }

  get(key: unknown): unknown {
    return key;
  }

  set(key: unknown): void {
    this.object.add(key);
  }

  delete(key: unknown): void {
    this.object.delete(key);
  }

  clear(): void {
    this.object.clear();
  }

  keys(): Iterable<unknown> {
    return this.object.keys();
  }

  createEmpty(): SetContainer {
    return new SetContainer(new Set());
  }
}

/** Sets an own property, also where plain assignment would set the prototype. */
export function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") {
    Object.defineProperty(object, key, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  } else {
    object[key] = value;
  }
}

/** An empty object, without a prototype if `object` has none. */
export function createLike(object: object): Record<string, unknown> {
  return Object.getPrototypeOf(object) === null ? Object.create(null) : {};
}
