/**
 * Many registers, each under a key: reads, writes, deletes and compare-and-set. One key never
 * touches another, so a state is the value of one key.
 */
import { hashText } from "../hash-text.ts";
import type { SequentialModel } from "../sequential-model.ts";

/** null: no value. */
export type KeyValue = string | null;

export type KeyValueInput =
  | { readonly kind: "get"; readonly key: string }
  | { readonly kind: "put"; readonly key: string; readonly value: string }
  | { readonly kind: "delete"; readonly key: string }
  /** Sets the value if it is as expected. */
  | {
      readonly kind: "compare-and-set";
      readonly key: string;
      readonly expected: KeyValue;
      readonly value: KeyValue;
    };

/**
 * `get`, `put`, `delete`: the value before it; `compare-and-set`: whether it did. So a client that
 * puts need not learn the value before: answer `unseen` where the machine under test does not tell.
 */
export type KeyValueResult = KeyValue | boolean | typeof unseen;

/** A result that the client was not told: any result fits. */
export const unseen: unique symbol = Symbol("unseen");

export const keyValueModel: SequentialModel<KeyValue, KeyValueInput, KeyValueResult> = {
  name: "key-value",
  initial: null,
  answer: (state, input) => {
    return input.kind === "compare-and-set" ? state === input.expected : state;
  },
  next: (state, input) => {
    switch (input.kind) {
      case "get":
        return state;
      case "put":
        return input.value;
      case "delete":
        return null;
      case "compare-and-set":
        return state === input.expected ? input.value : state;
    }
    return input satisfies never;
  },
  sameResult: (a, b) => a === b || a === unseen || b === unseen,
  hash: (state) => (state === null ? 0 : hashText(state)),
  sameState: (a, b) => a === b,
  describeInput: (input) => {
    switch (input.kind) {
      case "get":
      case "delete":
        return `${input.kind} ${input.key}`;
      case "put":
        return `put ${input.key} ${JSON.stringify(input.value)}`;
      case "compare-and-set": {
        const { key, expected, value } = input;
        return `compare-and-set ${key} ${JSON.stringify(expected)} ${JSON.stringify(value)}`;
      }
    }
    return input satisfies never;
  },
  describeResult: (result) => (result === unseen ? "(unseen)" : JSON.stringify(result)),
  partition: ({ key }) => key,
};
