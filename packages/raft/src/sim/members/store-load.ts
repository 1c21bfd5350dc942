/** The world's own load: the store on every member, and what its clients ask and expect. */
import { logIndex, term } from "../../base/index.ts";
import { createMachineSet, rawMachine } from "../../machine/index.ts";
import {
  checkByRevision,
  checkLinearizable,
  createStoreModel,
  type Replica,
} from "../histories/index.ts";
import type { Random } from "../random.ts";
import { Violation } from "../violation.ts";
import type { Ask, Load, LoadHistory, LoadMachines, LoadVerdict } from "./load.ts";
import {
  accountStart,
  decodeStoreInput,
  digest,
  drawStoreRead,
  drawStoreWrite,
  encodeStoreInput,
  Store,
  type StoreInput,
  storeKeys,
} from "./store.ts";

const machineName = "store";
/** Version, length of the name, name. */
const envelopeBytes = 2 + machineName.length;

export type StoreLoad = Load<StoreInput, number>;

export interface StoreLoadOptions {
  /** The share of reads among what clients ask. */
  readonly reads: number;
  /** Bytes at the end of a command that mean nothing, at most. */
  readonly paddingBytesMax: number;
  /** Left out: no. */
  readonly takesSnapshots?: boolean;
}

export function createStoreLoad(options: StoreLoadOptions): StoreLoad {
  const { reads } = options;
  return {
    createMachines: () => createStoreMachines(new Store(), options),
    next: (random, id) => nextAsk(random, id, reads),
    decode: (data) => decodeStoreInput(data.subarray(envelopeBytes)),
    describeInput: ({ verb, id, key, value }) => `${verb} ${key} ${value} (${id})`,
    describeResult: String,
    judge,
  };
}

function nextAsk(random: Random, id: number, reads: number): Ask<StoreInput> {
  if (!random.chance(reads)) return { kind: "write", input: drawStoreWrite(random, id) };
  const kind = random.chance(0.1) ? "stale-read" : "read";
  return { kind, input: drawStoreRead(random) };
}

function createStoreMachines(
  store: Store,
  { paddingBytesMax, takesSnapshots = false }: StoreLoadOptions,
): LoadMachines<StoreInput, number> {
  const set = createMachineSet({ [machineName]: rawMachine(() => store) });
  return {
    knows: (data) => set.knows(data),
    describe: (data) => set.describe(data),
    stamp: (data, timeMs) => set.stamp(data, timeMs),
    get sessionTimeMs() {
      return set.sessionTimeMs;
    },
    apply: (data, index, entryTerm, wanted) =>
      set.apply(data, logIndex(index), term(entryTerm), wanted),
    ...(takesSnapshots
      ? {
          capture: (index, entryTerm) => set.capture(index, entryTerm),
          restore: (index, entryTerm) => set.restore(index, entryTerm),
        }
      : {}),
    encode: (input) => {
      const paddingBytes = (digest(0, input.id) >>> 1) % (paddingBytesMax + 1);
      return set.encode(machineName, encodeStoreInput(input, paddingBytes));
    },
    result: (raw) => Number(raw),
    answer: (input) => store.answer(input),
    hash: () => store.hash(),
    check: () => {
      const { total } = store;
      if (total === storeKeys * accountStart) return;
      throw new Violation("X2", `the accounts hold ${total}: money was made or lost`);
    },
  };
}

const model = createStoreModel({ accountStart, digest });

/** What clients saw, in two ways. */
function judge(all: LoadHistory<StoreInput, number>): LoadVerdict | null {
  return judgeByLog(all) ?? judgeByClients(all);
}

/** Histories that a search for an order is done with in a moment: to give up is to fail. */
const searchedMax = { operations: 400, unknownWrites: 12, atOnce: 10 };

/** By what clients saw alone: the log may be wrong, too. */
function judgeByClients({ history, count }: LoadHistory<StoreInput, number>): LoadVerdict | null {
  const unknown = history.filter(
    ({ kind, outcome }) => kind === "write" && outcome.kind === "info",
  );
  const isShort = history.length <= searchedMax.operations;
  if (!isShort || unknown.length > searchedMax.unknownWrites) return null;
  if (countAtOnce(history) > searchedMax.atOnce) return null;
  count("L3");
  const verdict = checkLinearizable(history, model);
  if (verdict.kind === "linearizable") return null;
  return { invariant: "L3", message: `${verdict.kind}: ${verdict.message}` };
}

/** How many operations were under way at the same time, the unknown ones for ever. */
function countAtOnce(history: LoadHistory<StoreInput, number>["history"]): number {
  const events = history.flatMap(({ calledAt, returnedAt, outcome }) => {
    const call = { at: calledAt, change: 1 };
    if (returnedAt === null || outcome.kind !== "ok") return outcome.kind === "fail" ? [] : [call];
    return [call, { at: returnedAt, change: -1 }];
  });
  events.sort((a, b) => a.at - b.at);
  let now = 0;
  let most = 0;
  for (const { change } of events) {
    now += change;
    most = Math.max(most, now);
  }
  return most;
}

/** Against the committed log and a second, plainer store. */
function judgeByLog(all: LoadHistory<StoreInput, number>): LoadVerdict | null {
  const { history, committed, count } = all;
  count("H");
  const verdict = checkByRevision<StoreInput, number>({
    history,
    committed,
    replica: createPlainStore(),
    sameResult: (a, b) => a === b,
    describeInput: ({ verb, id, key, value }) => `${verb} ${key} ${value} (${id})`,
    describeResult: String,
  });
  if (verdict.kind === "ok") return null;
  return { invariant: verdict.invariant, message: `${verdict.rule}: ${verdict.message}` };
}

/** What the store should do, once more and as plainly as can be. */
function createPlainStore(): Replica<StoreInput, number> {
  const registers = new Map<number, number>();
  const lists = new Map<number, number[]>();
  const balances = new Map<number, number>();
  let counter = 0;
  const balanceOf = (key: number): number => balances.get(key) ?? accountStart;
  const listOf = (key: number): number[] => lists.get(key) ?? [];
  return {
    apply: ({ verb, key, value }) => {
      switch (verb) {
        case "put": {
          const before = registers.get(key) ?? 0;
          registers.set(key, value);
          return before;
        }
        case "append":
          lists.set(key, [...listOf(key), value]);
          return listOf(key).length;
        case "add":
          counter = counter + value;
          return counter;
        case "transfer": {
          const to = Math.floor(value / 256);
          const amount = value % 256;
          if (balanceOf(key) < amount) return 0;
          balances.set(key, balanceOf(key) - amount);
          balances.set(to, balanceOf(to) + amount);
          return 1;
        }
        case "get":
          return registers.get(key) ?? 0;
        case "list":
          return listOf(key).reduce(digest, 0);
        case "counter":
          return counter;
        case "balance":
          return balanceOf(key);
        default:
          return verb satisfies never;
      }
    },
  };
}
