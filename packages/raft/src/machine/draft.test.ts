import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { copyState, Transaction } from "./draft.ts";
import { StateLayers } from "./state-layers.ts";

/** Runs `change` as a command; the state is changed only if it returns. */
function run<State extends object, Result>(
  state: State,
  change: (draft: State) => Result,
  layers: StateLayers | null = null,
): Result | unknown {
  const transaction = new Transaction(state, "write", "a result", layers);
  try {
    const result = change(transaction.root);
    transaction.prepare();
    const copy = transaction.copyResult(result);
    transaction.commit();
    return copy;
  } catch (error) {
    transaction.close();
    throw error;
  }
}

/** Everything that can be seen of plain data, the order of keys included; a cycle is an error. */
function print(value: unknown, above: readonly object[] = []): string {
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? String(value);
  if (above.includes(value)) throw new Error("a cycle");
  const path = [...above, value];
  const inner = (one: unknown) => print(one, path);
  if (Array.isArray(value)) {
    const all = Array.from(value.keys(), (i) => (i in value ? inner(value[i]) : "hole"));
    return `[${all}]`;
  }
  if (value instanceof Map) return `Map(${[...value].map(([k, v]) => `${inner(k)}=>${inner(v)}`)})`;
  if (value instanceof Set) return `Set(${[...value].map(inner)})`;
  return `{${Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}:${inner(v)}`)}}`;
}

function sample() {
  return {
    balance: { ann: 1, bob: 2 } as Record<string, number>,
    list: [{ id: 1 }, { id: 2 }, { id: 3 }] as { id: number; note?: string }[],
    map: new Map<string, { n: number; tags: Set<string> }>([
      ["x", { n: 1, tags: new Set(["red"]) }],
      ["y", { n: 2, tags: new Set() }],
    ]),
    other: null as unknown,
  };
}

describe("a command on a draft", () => {
  it("changes nested objects, arrays, Maps and Sets in place", () => {
    const state = sample();
    const { balance, list, map } = state;
    run(state, (s) => {
      s.balance["bob"] = 5;
      delete s.balance["ann"];
      s.list.push({ id: 4 });
      const first = s.list[0];
      if (first !== undefined) first.note = "seen";
      s.map.get("x")?.tags.add("blue").delete("red");
      s.map.delete("y");
    });
    expect(print(state)).toBe(
      '{"balance":{"bob":5},"list":[{"id":1,"note":"seen"},{"id":2},{"id":3},{"id":4}],' +
        '"map":Map("x"=>{"n":1,"tags":Set("blue")}),"other":null}',
    );
    expect([state.balance, state.list, state.map]).toStrictEqual([balance, list, map]);
    expect(state.balance).toBe(balance);
    expect(state.list).toBe(list);
  });

  it("leaves nothing behind when it throws", () => {
    const state = sample();
    const before = print(state);
    expect(() =>
      run(state, (s) => {
        s.balance["ann"] = 100;
        delete s.balance["bob"];
        s.list.splice(0, 2, { id: 9 });
        s.list.reverse();
        s.map.clear();
        s.map.set("z", { n: 1, tags: new Set() });
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(print(state)).toBe(before);
  });

  it("sees its own changes, also through objects it put in", () => {
    const state = sample();
    const account = { n: 1, tags: new Set<string>() };
    const seen = run(state, (s) => {
      s.map.set("new", account);
      account.n += 1;
      const again = s.map.get("new");
      if (again !== undefined) again.n += 1;
      return [account.n, s.map.size, [...s.map.keys()]];
    });
    expect(seen).toEqual([3, 3, ["x", "y", "new"]]);
    expect(state.map.get("new")).toEqual({ n: 3, tags: new Set() });
  });

  it("keeps no reference to what was put in", () => {
    const state = sample();
    const defaults = { id: 7 };
    run(state, (s) => s.list.push(defaults, defaults));
    defaults.id = 8;
    expect(state.list.slice(3)).toEqual([{ id: 7 }, { id: 7 }]);
    expect(state.list[3]).not.toBe(state.list[4]);
  });

  it("moves an object without copying it, and copies the second place", () => {
    const state = sample();
    const moved = state.list[0];
    run(state, (s) => {
      s.other = [s.list[0], s.list[0]];
      s.list.shift();
    });
    expect(state.other).toEqual([{ id: 1 }, { id: 1 }]);
    expect((state.other as unknown[])[0]).toBe(moved);
    expect((state.other as unknown[])[1]).not.toBe(moved);
    expect(print(state.list)).toBe('[{"id":2},{"id":3}]');
  });

  it("keeps a sorted array's elements", () => {
    const state = sample();
    const elements = [...state.list];
    run(state, (s) => s.list.sort((a, b) => b.id - a.id));
    expect(state.list.map((one) => elements.indexOf(one))).toEqual([2, 1, 0]);
  });

  it("returns plain copies: neither drafts nor parts of the state", () => {
    const state = sample();
    const result = run(state, (s) => ({ all: s, x: s.map.get("x"), list: s.list })) as {
      all: ReturnType<typeof sample>;
      x: object;
      list: { id: number }[];
    };
    expect(print(result.all)).toBe(print(state));
    result.list.push({ id: 0 });
    result.all.balance["ann"] = 0;
    expect(result.x).not.toBe(state.map.get("x"));
    expect(print(state)).toBe(print(sample()));
  });

  it("passes on results that are no plain data, and cycles that hold no state", () => {
    const state = sample();
    const date = new Date(0);
    const ring: unknown[] = [];
    ring.push(ring);
    const result = run(state, () => ({ date, ring })) as { date: Date; ring: unknown[] };
    expect(result.date).toBe(date);
    expect(result.ring[0]).toBe(result.ring);
  });

  it("refuses drafts that were kept after the end", () => {
    const state = sample();
    let kept: Partial<ReturnType<typeof sample>> = {};
    let list: unknown[] = [];
    let map: Map<string, unknown> = new Map();
    run(state, (s) => {
      kept = s;
      list = s.list;
      map = s.map;
    });
    const ended = /after its command has ended/;
    expect(() => kept.balance).toThrow(ended);
    expect(() => list.length).toThrow(ended);
    expect(() => map.get("x")).toThrow(ended);
    expect(() => map.set("x", 1)).toThrow(ended);
    expect(() => Object.keys(kept)).toThrow(ended);
    expect(() => run(state, (s) => (s.other = { kept }))).toThrow(ended);
  });

  it("refuses what is no data, where it is put in or when the command ends", () => {
    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    const refusals: readonly (readonly [unknown, RegExp])[] = [
      [() => 0, /Cannot keep a function in the state \(at key "other"\)/],
      [Symbol("s"), /Cannot keep a symbol/],
      [new Date(0), /Cannot keep a Date/],
      [new Uint8Array(2), /Cannot keep a Uint8Array/],
      [{ deep: [new Date(0)] }, /Cannot keep a Date in the state \(at key 0\)/],
      [{ deep: { call: () => 0 } }, /Cannot keep a function in the state \(at key "call"\)/],
      [new Map([[{}, 1]]), /an object as a Map's key/],
      [new Set([[]]), /an object as a Map's key or a Set's member/],
      [{ [Symbol("s")]: 1 }, /a symbol as key/],
      [cyclic, /contains itself/],
    ];
    for (const [value, message] of refusals) {
      const state = sample();
      expect(() =>
        run(state, (s) => {
          s.balance["ann"] = 0;
          s.other = value;
        }),
      ).toThrow(message);
      expect(print(state)).toBe(print(sample()));
    }
  });

  it("refuses a state that would contain itself", () => {
    const state = sample();
    expect(() => run(state, (s) => (s.other = s))).toThrow(/contains itself/);
    expect(() => run(state, (s) => (s.other = { inner: { state: s } }))).toThrow(/contains itself/);
    expect(print(state)).toBe(print(sample()));
  });

  it("refuses attributes, prototypes and freezing", () => {
    const state = sample();
    expect(() => run(state, (s) => Object.freeze(s))).toThrow(/Cannot freeze/);
    expect(() => run(state, (s) => Object.freeze(s.list))).toThrow(/Cannot freeze/);
    expect(() => run(state, (s) => Object.setPrototypeOf(s, null))).toThrow(/prototype/);
    expect(() => run(state, (s) => Object.defineProperty(s, "x", { value: 1 }))).toThrow(
      /attributes/,
    );
    expect(() => run(state, (s) => Object.assign(s.list, { extra: 1 }))).toThrow(/property extra/);
    expect(() => run(state, (s) => (s.list.length = 4_000_000))).toThrow(/gap is over 1000000/);
  });

  it("takes __proto__ as a key like any other", () => {
    const state = { balance: {} as Record<string, number> };
    const key = "__proto__";
    run(state, (s) => {
      s.balance[key] = (s.balance[key] ?? 0) + 5;
    });
    expect(Object.keys(state.balance)).toEqual([key]);
    expect(run(state, (s) => s.balance[key])).toBe(5);
    expect(Object.getPrototypeOf(state.balance)).toBe(Object.prototype);
  });

  it("iterates Maps and Sets as plain ones, changes while iterating included", () => {
    const visit = (map: Map<number, number>, set: Set<number>) => {
      const seen: unknown[] = [];
      for (const [key, value] of map) {
        seen.push(key);
        if (key < 4) map.set(key + 3, value);
        if (key === 2) map.delete(3);
      }
      for (const member of set) {
        seen.push(member);
        if (member === 1) set.clear();
        if (member < 3) set.add(member + 5).add(2);
      }
      map.forEach((value, key) => {
        seen.push(value, key);
      });
      seen.push([...map.values()], [...set.entries()], map.size, set.size, set.has(6));
      return seen;
    };
    const make = () => ({
      map: new Map([1, 2, 3].map((n) => [n, n * 10])),
      set: new Set([1, 2, 3]),
    });
    const [twin, state] = [make(), make()];
    expect(run(state, (s) => visit(s.map, s.set))).toEqual(visit(twin.map, twin.set));
    expect(print(state)).toBe(print(twin));
  });

  it("gives the Set methods of later editions a real Set", () => {
    const union: unknown = Reflect.get(Set.prototype, "union");
    const state = { set: new Set([1]) };
    const result = run(state, (s) => {
      s.set.add(2);
      const method: unknown = Reflect.get(s.set, "union");
      return typeof method === "function" ? Reflect.apply(method, s.set, [new Set([3])]) : null;
    });
    expect(result).toEqual(typeof union === "function" ? new Set([1, 2, 3]) : null);
  });

  it("costs what it touches: a large state is not walked", () => {
    const state = new Map(Array.from({ length: 200_000 }, (_, i) => [i, { n: i }]));
    let reads = 0;
    const base = { watched: state };
    Object.defineProperty(state, "keys", { value: () => void reads++ });
    Object.defineProperty(state, Symbol.iterator, { value: () => void reads++ });
    run(base, (s) => {
      const one = s.watched.get(7);
      if (one !== undefined) one.n = 70;
      s.watched.set(8, { n: 80 });
      s.watched.delete(9);
    });
    expect([state.get(7)?.n, state.get(8)?.n, state.has(9), reads]).toEqual([70, 80, false, 0]);
  });
});

describe("a read", () => {
  it("cannot write anywhere", () => {
    const state = sample();
    const transaction = new Transaction(state, "read", "read()");
    const root = transaction.root;
    const attempts: (() => unknown)[] = [
      () => (root.other = 1),
      () => delete root.balance["ann"],
      () => root.list.push({ id: 1 }),
      () => root.list.sort(() => -1),
      () => (root.list.length = 0),
      () => root.map.set("x", { n: 1, tags: new Set() }),
      () => root.map.delete("nobody"),
      () => root.map.clear(),
      () => root.map.get("x")?.tags.add("red"),
    ];
    for (const attempt of attempts) expect(attempt).toThrow("Cannot change the state in read()");
    expect(print(state)).toBe(print(sample()));
  });
});

/** One random step: finds a container by walking from the root, then does something to it. */
interface Step {
  readonly walk: readonly number[];
  readonly action: number;
  readonly key: number;
  readonly source: Source;
}

/**
 * What is put in: new data, or an object of the state found by walking, left there or taken away.
 */
type Source =
  | { readonly kind: "new"; readonly make: () => unknown }
  | { readonly kind: "found"; readonly walk: readonly number[] }
  | { readonly kind: "wrapped"; readonly walk: readonly number[] };

type Place = Record<string, unknown> | unknown[] | Map<unknown, unknown> | Set<unknown>;
const keyNames = ["a", "b", "c", "1", "0", "__proto__"];

function childrenOf(place: Place): Place[] {
  const values = place instanceof Map ? [...place.values()] : Object.values(place);
  return values.filter((one) => typeof one === "object" && one !== null) as Place[];
}

function follow(root: Place, walk: readonly number[]): Place {
  let place = root;
  for (const turn of walk) {
    const children = childrenOf(place);
    const next = children[turn % Math.max(1, children.length)];
    if (next === undefined) break;
    place = next;
  }
  return place;
}

function sourceValue(source: Source, root: Place): unknown {
  if (source.kind === "new") return source.make();
  const found = follow(root, source.walk);
  return source.kind === "found" ? found : { wrapped: [found] };
}

/** Answers what a caller could see of the step. */
function doStep(root: Place, step: Step): unknown {
  const place = follow(root, step.walk);
  const value = sourceValue(step.source, root);
  const key = keyNames[step.key % keyNames.length] ?? "a";
  if (Array.isArray(place)) return stepInArray(place, step, value);
  if (place instanceof Map) return stepInMap(place, step, key, value);
  if (place instanceof Set) return stepInSet(place, step, key);
  if (step.action % 4 === 0) return Reflect.deleteProperty(place, key);
  if (step.action % 4 === 1) return Object.keys(place).join();
  if (step.action % 4 === 2) return Object.hasOwn(place, key);
  Object.assign(place, key === "__proto__" ? { b: value } : { [key]: value });
  return null;
}

function stepInArray(place: unknown[], { action, key }: Step, value: unknown): unknown {
  const actions: (() => unknown)[] = [
    () => place.push(value, value),
    () => place.pop() === undefined,
    () => place.shift() === undefined,
    () => place.unshift(value),
    () => place.splice(key % 3, key % 2, value).length,
    () => place.reverse().length,
    () => Reflect.set(place, "length", key),
    () => Reflect.set(place, key, value),
    () => Reflect.deleteProperty(place, key),
    () => place.sort((a, b) => String(typeof a).localeCompare(typeof b)).length,
    () => place.fill(1, key).length,
    () => place.copyWithin(0, key % 4).length,
    () => place.concat([1]).length + place.filter((one) => one === 1).length,
    () => Object.keys(place).join(),
  ];
  return actions[action % actions.length]?.();
}

function stepInMap(place: Map<unknown, unknown>, step: Step, key: string, value: unknown): unknown {
  if (step.action % 5 === 0) return place.delete(key);
  if (step.action % 7 === 6) return place.clear();
  if (step.action % 5 === 1) return place.size;
  return place.set(step.action % 2 === 0 ? key : step.key, value).size;
}

function stepInSet(place: Set<unknown>, step: Step, key: string): unknown {
  if (step.action % 5 === 0) return place.delete(key);
  if (step.action % 7 === 6) return place.clear();
  return place.add(step.action % 2 === 0 ? key : step.key).size;
}

/** A copy in which no object is shared, as a state is between commands. */
function asTree<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Map) return new Map([...value].map(([k, v]) => [k, asTree(v)])) as Value;
  if (value instanceof Set) return new Set(value) as Value;
  if (Array.isArray(value)) {
    const copy: unknown[] = [];
    copy.length = value.length;
    value.forEach((one, i) => {
      copy[i] = asTree(one);
    });
    return copy as Value;
  }
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, asTree(v)])) as Value;
}

const walks = fc.array(fc.nat(5), { maxLength: 3 });
const sources: fc.Arbitrary<Source> = fc.oneof(
  fc
    .constantFrom<() => unknown>(
      () => 1,
      () => "text",
      () => undefined,
      () => 5n,
      () => -0,
      () => ({ a: { b: 1 }, "2": [] }),
      () => [1, { c: 2 }, []],
      () => new Map<unknown, unknown>([["a", { b: 1 }]]),
      () => new Set(["a", 1]),
    )
    .map((make) => ({ kind: "new" as const, make })),
  walks.map((walk) => ({ kind: "found" as const, walk })),
  walks.map((walk) => ({ kind: "wrapped" as const, walk })),
);
const steps: fc.Arbitrary<Step> = fc.record({
  walk: walks,
  action: fc.nat(200),
  key: fc.nat(6),
  source: sources,
});
const commands = fc.array(fc.array(steps, { maxLength: 8 }), { maxLength: 8 });

function startState(): Place {
  return {
    a: { b: { c: 1 }, list: [1, { x: 1 }, [{ y: 2 }]] },
    map: new Map<unknown, unknown>([
      ["a", { n: 1 }],
      [2, [1, 2, { z: 3 }]],
    ]),
    set: new Set(["a", "b", 1]),
  };
}

/** What the plain twin becomes, or null where the command makes a cycle. */
function plainly(state: Place, all: readonly Step[]): { state: Place; seen: unknown[] } | null {
  try {
    const next = asTree(state);
    const seen = all.map((step) => doStep(next, step));
    print(next);
    return { state: asTree(next), seen };
  } catch {
    return null;
  }
}

describe("properties of drafts", () => {
  it("a command that succeeds does what plain mutation does, order of keys included", () => {
    let succeeded = 0;
    const property = fc.property(commands, (all) => {
      const state = startState();
      for (const command of all) {
        const before = print(state);
        const twin = plainly(state, command);
        if (twin === null) {
          expect(() => run(state, (s) => command.map((step) => doStep(s, step)))).toThrow();
          expect(print(state)).toBe(before);
          continue;
        }
        succeeded++;
        expect(run(state, (s) => command.map((step) => doStep(s, step)))).toEqual(twin.seen);
        expect(print(state)).toBe(print(twin.state));
        expect(print(copyState(state))).toBe(print(state));
      }
    });
    fc.assert(property, { numRuns: 1_500 });
    expect(succeeded).toBeGreaterThan(2_000);
  });

  it("a command that throws changes nothing, and its state can be used afterwards", () => {
    const property = fc.property(fc.array(steps, { maxLength: 20 }), (command) => {
      const state = startState();
      expect(() =>
        run(state, (s) => {
          for (const step of command) doStep(s, step);
          throw new Error("refused");
        }),
      ).toThrow();
      expect(print(state)).toBe(print(startState()));
    });
    fc.assert(property, { numRuns: 500 });
  });

  it("between commands the state is a tree", () => {
    const property = fc.property(commands, (all) => {
      const state = startState();
      for (const command of all) {
        try {
          run(state, (s) => command.forEach((step) => void doStep(s, step)));
        } catch {
          continue; // a cycle: the other property looks at it
        }
        const seen = new Set<object>();
        const visit = (place: Place): void => {
          expect(seen.has(place)).toBe(false);
          seen.add(place);
          childrenOf(place).forEach(visit);
        };
        visit(state);
      }
    });
    fc.assert(property, { numRuns: 300 });
  });
});

/** What a read sees. */
function look(state: Place, layers: StateLayers): string {
  const transaction = new Transaction(state, "read", "read()", layers);
  const copy = transaction.copyResult(transaction.root);
  transaction.close();
  return print(copy);
}

describe("commands while a snapshot of the state is written", () => {
  it("do what they always do, leave the state alone until it ends, and are merged then", () => {
    let succeeded = 0;
    const property = fc.property(commands, fc.nat(8), (all, end) => {
      const state = startState();
      const frozen = print(state);
      const layers = new StateLayers();
      let expected = startState();
      for (const [at, command] of all.entries()) {
        if (at === end) layers.thaw();
        if (at < end) expect(print(state)).toBe(frozen);
        layers.merge(1 + (at % 3));
        const twin = plainly(expected, command);
        if (twin === null) continue;
        succeeded++;
        expected = twin.state;
        const change = (s: Place) => command.map((step) => doStep(s, step));
        expect(run(state, change, layers)).toEqual(twin.seen);
        expect(look(state, layers)).toBe(print(expected));
      }
      layers.thaw();
      layers.mergeAll();
      expect(layers.size).toBe(0);
      expect(print(state)).toBe(print(expected));
    });
    fc.assert(property, { numRuns: 1_500 });
    expect(succeeded).toBeGreaterThan(2_000);
  });

  it("are merged one entry after the other, and nobody sees how far it is", () => {
    const state = { map: new Map([1, 2, 3].map((n) => [n, n])), list: [1, 2, 3, 4, 5] };
    const layers = new StateLayers();
    const change = (s: typeof state) => {
      s.map.delete(1);
      s.map.set(1, 10).set(4, 40).set(2, 20);
      s.list.splice(1, 3);
      s.list[4] = 9;
    };
    run(state, change, layers);
    const expected = look(state, layers);
    expect(print(state.list)).toBe("[1,2,3,4,5]");
    layers.thaw();
    let merges = 1;
    for (; !layers.merge(1); merges++) expect(look(state, layers)).toBe(expected);
    expect(merges).toBeGreaterThan(6);
    expect(print(state)).toBe(expected);
    expect([...state.map.keys()]).toEqual([2, 3, 1, 4]);
  });
});
