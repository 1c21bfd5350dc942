/**
 * What the kinds of drafts (`draft-keyed.ts`, `draft-array.ts`) share: the command they belong to,
 * how a draft is recognised, and what may be stored in a state. Nothing here is public.
 */
import { describeClass, isPlainObject } from "./codec.ts";
import type { Container, ListContainer } from "./draft-container.ts";

/** Read through a stand-in, gives its draft; no other object has it. */
export const draftKey: unique symbol = Symbol("draft");

/** Makes plain data out of what a draft shows. Implemented by `draft-copy.ts`. */
export interface Copier {
  /** A value from a reducer's hands: plain data, or a stand-in of a draft, or both mixed. */
  value(value: unknown, key: unknown): unknown;
  /** A value that lies in the state, of which there may be a draft with changes. */
  stored(value: unknown, key: unknown): unknown;
}

/**
 * One object of the state while a command runs: what it shows, and how it changes when the command
 * ends.
 */
export interface Draft {
  readonly scope: DraftScope;
  /** The draft of the object that holds `base` in the state; null at the top. */
  readonly parent: Draft | null;
  /** The object in the state. Not changed before `commit`. */
  readonly base: object;
  /** What the reducer holds in its hands instead of `base`. */
  readonly standIn: object;
  /** Set by the scope at the first change. */
  isChanged: boolean;
  /** Adds the objects of `base` that this draft shows no longer, or at another key. */
  listDetached(into: Set<object>): void;
  /** Asks `place` what to store for each object that was put in; changes nothing in the state. */
  settle(place: (value: object, key: unknown) => unknown): void;
  /** Changes `base` into what was shown. Does not fail. */
  commit(): void;
  /** A plain copy of what is shown; `register` gets it while it is still empty. */
  copy(copier: Copier, register: (copy: object) => void): object;
}

/** The run of one command (or one read) as its drafts see it. */
export interface DraftScope {
  /** @throws TypeError once the command has ended */
  checkReadable(): void;
  /** Notes that `draft` changes. @throws TypeError in a read, and once the command has ended */
  checkWritable(draft: Draft): void;
  /** The stand-in for an object of the state, which the base of `parent` holds. */
  wrap(base: object, parent: Draft): object;
  /** The draft of an object of the state, if it has been touched. */
  find(base: object): Draft | undefined;
  /** What an object of the state shows if it must not change itself: `state-layers.ts`. */
  findLayer(base: object): Layer | undefined;
}

/** A container of either kind, of which only `state-layers.ts` and the drafts know more. */
export type Layer =
  | { readonly kind: "keyed"; readonly container: Container }
  | { readonly kind: "list"; readonly container: ListContainer };

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** The draft behind `value`, or `undefined` for any other object. */
export function draftOf(value: object): Draft | undefined {
  return (value as { readonly [draftKey]?: Draft })[draftKey]; // only stand-ins answer to the key
}

/** What kind of container `value` is, or null for what a state cannot hold. */
export function containerKind(value: object): "array" | "map" | "set" | "object" | null {
  if (Array.isArray(value)) return "array";
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Map.prototype) return "map";
  if (prototype === Set.prototype) return "set";
  return isPlainObject(value) ? "object" : null;
}

/**
 * Refuses at once what cannot be part of a state; what is inside of an object is looked at when the
 * command ends.
 */
export function checkStorable(value: unknown, key: unknown): void {
  if (typeof value === "function" || typeof value === "symbol") {
    throw unstorable(key, `a ${typeof value}`);
  }
  if (!isObject(value) || draftOf(value) !== undefined) return;
  if (containerKind(value) === null) throw unstorable(key, `a ${describeClass(value)}`);
}

export function unstorable(key: unknown, what: string): TypeError {
  return new TypeError(
    `Cannot keep ${what} in the state (at key ${describeKeyInState(key)}): a state is made ` +
      "of plain objects, arrays, Maps, Sets, strings, numbers, bigints, booleans, null, undefined",
  );
}

/**
 * Keys of Maps and members of Sets: an object's identity is no data and does not survive a restart.
 */
export function checkKey(key: unknown): void {
  if (isObject(key) || typeof key === "function" || typeof key === "symbol") {
    const what = isObject(key) ? "an object" : `a ${typeof key}`;
    throw new TypeError(
      `Cannot use ${what} as a Map's key or a Set's member in the state: ` +
        "only strings, numbers, bigints, booleans, null and undefined stay what they are",
    );
  }
}

export function describeKeyInState(key: unknown): string {
  return typeof key === "string" ? JSON.stringify(key) : String(key);
}
