/**
 * The store that a simulated world runs as its own load: registers, lists, a counter and accounts,
 * all numbers. Registers and lists stand alone; the counter does, too; money moves between
 * accounts, so these are one partition.
 */
import { mixHash } from "../hash-text.ts";
import type { SequentialModel } from "../sequential-model.ts";

/** One of the store's commands or reads; `id` makes writes differ. */
export interface StoreModelInput {
  readonly verb: "put" | "append" | "add" | "transfer" | "get" | "list" | "counter" | "balance";
  readonly id: number;
  readonly key: number;
  /** What is put, appended or added; of a transfer: 256 times the account it goes to, plus it. */
  readonly value: number;
}

export interface StoreModelOptions {
  /** What each account holds at first. */
  readonly accountStart: number;
  /** What reading a list answers, from what it answered one value before; 0 at first. */
  digest(before: number, value: number): number;
}

/**
 * A register: its value. A list: its digest and length. The counter: its total. Accounts: what each
 * holds. What is missing was never touched.
 */
type StoreModelState = readonly number[];

/**
 * Results: `put`: the value before; `append`: the length after; `add`: the total after; `transfer`:
 * 1 or, with too little money, 0; reads: the value, the digest, the total, what the account holds.
 */
export function createStoreModel(
  options: StoreModelOptions,
): SequentialModel<StoreModelState, StoreModelInput, number> {
  const { accountStart } = options;
  return {
    name: "store",
    initial: [],
    answer: (state, { verb, key, value }) => {
      switch (verb) {
        case "put":
        case "get":
        case "list":
        case "counter":
          return state[0] ?? 0;
        case "append":
          return (state[1] ?? 0) + 1;
        case "add":
          return (state[0] ?? 0) + value;
        case "transfer":
          return (state[key] ?? accountStart) < value % 256 ? 0 : 1;
        case "balance":
          return state[key] ?? accountStart;
      }
      return verb satisfies never;
    },
    next: (state, input) => nextState(state, input, options),
    sameResult: (a, b) => a === b,
    hash: (state) => state.reduce(mixHash, state.length),
    sameState: (a, b) => a.length === b.length && a.every((value, at) => value === b[at]),
    describeInput: ({ verb, id, key, value }) => `${verb} ${key} ${value} (${id})`,
    describeResult: (result) => `${result}`,
    partition: partitionOf,
  };
}

function nextState(
  state: StoreModelState,
  { verb, key, value }: StoreModelInput,
  { accountStart, digest }: StoreModelOptions,
): StoreModelState {
  switch (verb) {
    case "put":
      return [value];
    case "append":
      return [digest(state[0] ?? 0, value), (state[1] ?? 0) + 1];
    case "add":
      return [(state[0] ?? 0) + value];
    case "transfer": {
      const to = Math.floor(value / 256);
      const amount = value % 256;
      if ((state[key] ?? accountStart) < amount) return state;
      const accounts = [...state];
      while (accounts.length <= Math.max(key, to)) accounts.push(accountStart);
      accounts[key] = (accounts[key] ?? accountStart) - amount;
      accounts[to] = (accounts[to] ?? accountStart) + amount;
      return accounts;
    }
    default:
      return state;
  }
}

function partitionOf({ verb, key }: StoreModelInput): string {
  switch (verb) {
    case "put":
    case "get":
      return `register ${key}`;
    case "append":
    case "list":
      return `list ${key}`;
    case "add":
    case "counter":
      return "counter";
    case "transfer":
    case "balance":
      return "accounts";
  }
  return verb satisfies never;
}
