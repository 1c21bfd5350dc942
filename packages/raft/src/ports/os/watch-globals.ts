/**
 * Watches what a synchronous function asks of the world besides its arguments: time, chance, timers
 * and the network. For the guard of reducers in development; the functions are put back when it
 * returns. Called by `node.ts`.
 */

/** A place where something is found by its name, and the names that are watched there. */
interface Watched {
  readonly at: object;
  readonly prefix: string;
  readonly names: readonly string[];
}

const watched: readonly Watched[] = [
  { at: Math, prefix: "Math.", names: ["random"] },
  { at: performance, prefix: "performance.", names: ["now"] },
  { at: globalThis.crypto, prefix: "crypto.", names: ["getRandomValues", "randomUUID"] },
  { at: process, prefix: "process.", names: ["hrtime", "nextTick", "cwd", "uptime"] },
  {
    at: globalThis,
    prefix: "",
    names: ["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "fetch"],
  },
];

/**
 * Runs `run`; `onUse` hears the name of each thing that is used in it, before it is. What `onUse`
 * throws reaches the user of the thing.
 */
export function watchGlobals<Value>(run: () => Value, onUse: (name: string) => void): Value {
  const restores: (() => void)[] = [];
  try {
    for (const { at, prefix, names } of watched) {
      for (const name of names) restores.push(replace(at, name, prefix + name, onUse));
    }
    restores.push(replaceDate(onUse));
    return run();
  } finally {
    for (const restore of restores.reverse()) restore();
  }
}

function replace(at: object, name: string, told: string, onUse: (name: string) => void) {
  const found: unknown = Reflect.get(at, name);
  if (typeof found !== "function") return () => {};
  const watching = function watching(this: unknown, ...given: unknown[]): unknown {
    onUse(told);
    return Reflect.apply(found, this, given);
  };
  return define(at, name, watching);
}

/** A date that is made from numbers or texts is the same everywhere; one of now is not. */
function replaceDate(onUse: (name: string) => void): () => void {
  const watching = new Proxy(Date, {
    construct(target, given, made) {
      if (given.length === 0) onUse("new Date()");
      return Reflect.construct(target, given, made) as object; // a constructor makes objects
    },
    apply(target, self, given) {
      onUse("Date()");
      return Reflect.apply(target, self, given);
    },
    get(target, name) {
      if (name === "now") onUse("Date.now");
      return Reflect.get(target, name) as unknown; // whatever it is
    },
  });
  return define(globalThis, "Date", watching);
}

/** Returns what puts the old one back. */
function define(at: object, name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(at, name);
  Object.defineProperty(at, name, { value, configurable: true, writable: true, enumerable: true });
  return () => {
    if (before === undefined) Reflect.deleteProperty(at, name);
    else Object.defineProperty(at, name, before);
  };
}
