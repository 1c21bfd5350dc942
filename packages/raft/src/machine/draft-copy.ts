/** Makes plain data out of drafts and of what reducers store and return. Called by `draft.ts`. */
import { describeClass } from "./codec.ts";
import { createLike, setOwn } from "./draft-container.ts";
import {
  type Copier,
  checkKey,
  containerKind,
  type Draft,
  type DraftScope,
  describeKeyInState,
  draftOf,
  isObject,
  type Layer,
  unstorable,
} from "./draft-scope.ts";

/**
 * Levels of nesting of what one command stores or returns; more fail, so that no stack overflows.
 */
export const copyDepthMax = 500;

/**
 * `store` refuses what cannot be part of a state and what contains itself, and makes a tree. `show`
 * makes a result for the caller: it keeps shared and cyclic references, and passes on objects that
 * are no plain data as they are.
 */
export type CopyPurpose = "store" | "show";

export class DataCopier implements Copier {
  readonly #scope: DraftScope | null;
  readonly #purpose: CopyPurpose;
  /** Copies by their originals: of the objects being copied now (`store`), or of all (`show`). */
  readonly #copies: Map<object, object> = new Map();
  /** Whether an object of the state may be stored as it is, because it has left its place. */
  readonly #claim: ((base: object) => boolean) | null;
  #depth = 0;

  /** Without a scope there are no drafts: the data comes from outside. */
  constructor(
    scope: DraftScope | null,
    purpose: CopyPurpose,
    claim: ((base: object) => boolean) | null = null,
  ) {
    this.#scope = scope;
    this.#purpose = purpose;
    this.#claim = claim;
  }

  value(value: unknown, key: unknown): unknown {
    if (isObject(value)) {
      const draft = draftOf(value);
      return draft === undefined ? this.#fresh(value, key) : this.#draft(draft, key);
    }
    if (this.#purpose === "store" && (typeof value === "function" || typeof value === "symbol")) {
      throw unstorable(key, `a ${typeof value}`);
    }
    return value;
  }

  stored(value: unknown, key: unknown): unknown {
    if (!isObject(value)) return value;
    const draft = this.#scope?.find(value);
    // What has no draft is data of the state with no draft anywhere below it.
    return draft === undefined ? this.#fresh(value, key) : this.#draft(draft, key);
  }

  #draft(draft: Draft, key: unknown): object {
    if (draft.scope !== this.#scope) {
      throw new TypeError(
        "Cannot use a part of the state after its command has ended " +
          `(at key ${describeKeyInState(key)})`,
      );
    }
    if (this.#claim?.(draft.base)) return draft.base;
    const known = this.#enter(draft.base, key);
    if (known !== undefined) return known;
    const copy = draft.copy(this, (empty) => this.#copies.set(draft.base, empty));
    this.#leave(draft.base);
    return copy;
  }

  #fresh(value: object, key: unknown): object {
    const kind = containerKind(value);
    if (kind === null) {
      if (this.#purpose === "show") return value;
      throw unstorable(key, `a ${describeClass(value)}`);
    }
    const known = this.#enter(value, key);
    if (known !== undefined) return known;
    const layer = this.#scope?.findLayer(value);
    const copy =
      layer === undefined ? this.#copyContainer(value, kind) : this.#copyLayer(value, layer);
    this.#leave(value);
    return copy;
  }

  #copyContainer(value: object, kind: "array" | "map" | "set" | "object"): object {
    // `containerKind` has looked at the prototype
    if (kind === "array") return this.#array(value as readonly unknown[]);
    if (kind === "map") return this.#map(value as ReadonlyMap<unknown, unknown>);
    if (kind === "set") return this.#set(value as ReadonlySet<unknown>);
    return this.#object(value as Readonly<Record<string, unknown>>);
  }

  /** An object of the state that does not show what it is. */
  #copyLayer(value: object, layer: Layer): object {
    if (layer.kind === "keyed") {
      const copy = layer.container.createEmpty();
      this.#copies.set(value, copy.object);
      for (const key of layer.container.keys()) {
        copy.set(key, this.value(layer.container.get(key), key));
      }
      return copy.object;
    }
    const copy: unknown[] = [];
    this.#copies.set(value, copy);
    for (let i = 0; i < layer.container.length; i++) {
      if (layer.container.has(i)) copy.push(this.value(layer.container.get(i), i));
      else copy.length = i + 1;
    }
    return copy;
  }

  #object(value: Readonly<Record<string, unknown>>): object {
    const copy = createLike(value);
    this.#copies.set(value, copy);
    if (this.#purpose === "store" && Object.getOwnPropertySymbols(value).length > 0) {
      throw unstorable(Object.getOwnPropertySymbols(value)[0], "a symbol as key");
    }
    for (const key of Object.keys(value)) setOwn(copy, key, this.value(value[key], key));
    return copy;
  }

  #array(value: readonly unknown[]): object {
    const copy: unknown[] = [];
    this.#copies.set(value, copy);
    for (let i = 0; i < value.length; i++) {
      if (i in value) copy.push(this.value(value[i], i));
      else copy.length = i + 1;
    }
    return copy;
  }

  #map(value: ReadonlyMap<unknown, unknown>): object {
    const copy = new Map<unknown, unknown>();
    this.#copies.set(value, copy);
    for (const [key, inner] of value) {
      if (this.#purpose === "store") checkKey(key);
      copy.set(this.value(key, key), this.value(inner, key));
    }
    return copy;
  }

  #set(value: ReadonlySet<unknown>): object {
    const copy = new Set<unknown>();
    this.#copies.set(value, copy);
    for (const member of value) {
      if (this.#purpose === "store") checkKey(member);
      copy.add(this.value(member, member));
    }
    return copy;
  }

  #enter(original: object, key: unknown): object | undefined {
    const known = this.#copies.get(original);
    if (known !== undefined && this.#purpose === "store") {
      throw new TypeError(
        "Cannot keep an object that contains itself in the state " +
          `(at key ${describeKeyInState(key)})`,
      );
    }
    if (known === undefined && ++this.#depth > copyDepthMax) {
      throw new RangeError(`Cannot copy data of more than ${copyDepthMax} levels of nesting`);
    }
    return known;
  }

  #leave(original: object): void {
    this.#depth--;
    if (this.#purpose === "store") this.#copies.delete(original);
  }
}
