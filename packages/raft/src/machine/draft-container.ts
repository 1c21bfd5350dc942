/**
 * Plain objects, Maps and Sets seen as one thing: keys in order, each with a value. And arrays,
 * seen alike. Used by the drafts; `state-layers.ts` has the same over something that must not
 * change.
 */
import { containerKind } from "./draft-scope.ts";

/** A Set's members are both key and value. */
export interface Container {
  readonly object: object;
  /** Whether `object` is only a part of what this shows: `state-layers.ts`. */
  readonly isLayered: boolean;
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
  readonly isLayered = false;

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
  readonly isLayered = false;

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
  readonly isLayered = false;

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

/** An array. */
export interface ListContainer {
  readonly object: unknown[];
  readonly length: number;
  /** False for a hole and past the end. */
  has(index: number): boolean;
  get(index: number): unknown;
  set(index: number, value: unknown): void;
  /** Leaves a hole. */
  delete(index: number): void;
  setLength(length: number): void;
}

export class PlainList implements ListContainer {
  readonly object: unknown[];

  constructor(object: unknown[]) {
    this.object = object;
  }

  get length(): number {
    return this.object.length;
  }

  has(index: number): boolean {
    return index in this.object;
  }

  get(index: number): unknown {
    return this.object[index];
  }

  set(index: number, value: unknown): void {
    this.object[index] = value;
  }

  delete(index: number): void {
    delete this.object[index];
  }

  setLength(length: number): void {
    this.object.length = length;
  }
}

/** A plain object, a Map or a Set of a state. */
export function containerOf(base: object): Container {
  // `containerKind` looks at the prototype; whatever is in a state was let in by it
  switch (containerKind(base)) {
    case "map":
      return new MapContainer(base as Map<unknown, unknown>);
    case "set":
      return new SetContainer(base as Set<unknown>);
    default:
      return new ObjectContainer(base as Record<string, unknown>);
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
