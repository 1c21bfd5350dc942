/**
 * How the argument of a typed command becomes bytes: JSON unless replaced. Called by `reducer.ts`,
 * to encode on the member that is asked and to decode on all.
 */

/**
 * Turns a command's argument into bytes and back. `decode` must give equal values for equal bytes
 * on every member and in every later version of the program: what it throws while applying stops
 * the member (proposing therefore decodes once what it encoded, unless the codec is `jsonCodec`).
 */
export interface Codec {
  /** @throws anything when `value` cannot be carried without loss; the proposal is refused. */
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

/** A value that the codec cannot carry. */
export class UnencodableError extends Error {
  override readonly name = "UnencodableError";
  /** The place in the argument, such as `argument.items[3].price`. */
  readonly path: string;

  constructor(path: string, problem: string) {
    super(`${path} ${problem}`);
    this.path = path;
  }
}

/** Levels of nesting of an argument; more are refused, so that no stack overflows on any member. */
export const argumentDepthMax = 200;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * JSON. Refuses what JSON would lose or change without a word: functions, symbols, bigints, NaN,
 * infinities, `undefined` in arrays, class instances (Date, Map, Set, Uint8Array among them),
 * symbol keys and cycles. A property that is `undefined` counts as left out, and -0 arrives as 0.
 */
export const jsonCodec: Codec = {
  encode(value) {
    const fault = findFault(value, 0);
    if (fault !== null) throw new UnencodableError(`argument${fault.path}`, fault.problem);
    return encoder.encode(JSON.stringify(value));
  },
  decode(bytes) {
    return JSON.parse(decoder.decode(bytes));
  },
};

interface Fault {
  /** From the value that was looked at: `.items[3]`, empty for itself. */
  readonly path: string;
  readonly problem: string;
}

function findFault(value: unknown, depth: number): Fault | null {
  switch (typeof value) {
    case "string":
    case "boolean":
      return null;
    case "number":
      return Number.isFinite(value) ? null : fault(`is ${value}, which JSON has no number for`);
    case "object":
      return value === null ? null : findFaultInside(value, depth);
    case "bigint":
      return fault("is a bigint, which JSON has none of: pass it as a string");
    case "undefined":
      return fault("is undefined, which JSON has none of: pass null");
    default:
      return fault(`is a ${typeof value}, which JSON would drop`);
  }
}

function findFaultInside(value: object, depth: number): Fault | null {
  if (depth === argumentDepthMax) {
    return fault(`is more than ${argumentDepthMax} levels deep, or contains itself`);
  }
  if (Array.isArray(value)) return findFaultInArray(value, depth);
  if (!isPlainObject(value)) {
    return fault(`is a ${describeClass(value)}, which JSON would change: pass plain data`);
  }
  if (Object.getOwnPropertySymbols(value).length > 0) {
    return fault("has a symbol as key, which JSON would drop");
  }
  for (const key of Object.keys(value)) {
    const inner = value[key];
    const found = inner === undefined ? null : findFault(inner, depth + 1);
    if (found !== null) return { path: describeKey(key) + found.path, problem: found.problem };
  }
  return null;
}

function findFaultInArray(list: readonly unknown[], depth: number): Fault | null {
  for (let i = 0; i < list.length; i++) {
    const found = findFault(list[i], depth + 1);
    if (found !== null) return { path: `[${i}]${found.path}`, problem: found.problem };
  }
  return null;
}

function fault(problem: string): Fault {
  return { path: "", problem };
}

/** How a key is written behind a path: `.name`, or `["odd name"]`. */
export function describeKey(key: unknown): string {
  if (typeof key === "string" && /^[A-Za-z_$][\w$]*$/.test(key)) return `.${key}`;
  return typeof key === "string" ? `[${JSON.stringify(key)}]` : `[${String(key)}]`;
}

/**
 * Whether `value` is made by `{}`, `JSON.parse` or `Object.create(null)`: no class instance, no
 * array.
 */
export function isPlainObject(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return true;
  // the Object.prototype of another realm, which has no prototype either
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(Object(prototype), "toString");
}

/** The name of the class of `value`, for messages. */
export function describeClass(value: object): string {
  const made: unknown = Reflect.get(value, "constructor");
  return typeof made === "function" && made.name !== "" ? made.name : "object of no known class";
}
