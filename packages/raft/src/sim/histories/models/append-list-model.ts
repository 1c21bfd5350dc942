/**
 * Lists under keys that clients append to and read. A read tells the whole past of its key, so
 * nothing stays hidden; make appended values differ. A state is the list of one key.
 */
import { hashText, mixHash } from "../hash-text.ts";
import type { SequentialModel } from "../sequential-model.ts";

export type AppendListInput =
  | { readonly kind: "read"; readonly key: string }
  | { readonly kind: "append"; readonly key: string; readonly value: string };

/** `read`: the values, oldest first; `append`: the length after it. */
export type AppendListResult = readonly string[] | number;

/** The last value with all before it: states that grew from one share it. null: empty. */
export interface AppendListState {
  readonly value: string;
  readonly before: AppendListState | null;
  readonly length: number;
  readonly hash: number;
}

export const appendListModel: SequentialModel<
  AppendListState | null,
  AppendListInput,
  AppendListResult
> = {
  name: "append-list",
  initial: null,
  answer: (state, input) => {
    return input.kind === "append" ? (state?.length ?? 0) + 1 : valuesOf(state);
  },
  next: (state, input) => {
    if (input.kind === "read") return state;
    const hash = mixHash(state?.hash ?? 0, hashText(input.value));
    return { value: input.value, before: state, length: (state?.length ?? 0) + 1, hash };
  },
  sameResult,
  hash: (state) => state?.hash ?? 0,
  sameState,
  describeInput: (input) => {
    return input.kind === "read"
      ? `read ${input.key}`
      : `append ${input.key} ${JSON.stringify(input.value)}`;
  },
  describeResult: (result) => (typeof result === "number" ? `${result}` : result.join(" ") || "[]"),
  partition: ({ key }) => key,
  isBeyond: (state, _input, result) => {
    if (typeof result === "number") return (state?.length ?? 0) >= result;
    return !isPrefix(state, result);
  },
};

function valuesOf(state: AppendListState | null): string[] {
  const values: string[] = [];
  for (let at = state; at !== null; at = at.before) values.push(at.value);
  return values.reverse();
}

function sameResult(a: AppendListResult, b: AppendListResult): boolean {
  if (typeof a === "number" || typeof b === "number") return a === b;
  return a.length === b.length && a.every((value, at) => value === b[at]);
}

function sameState(a: AppendListState | null, b: AppendListState | null): boolean {
  let [left, right] = [a, b];
  if (left?.hash !== right?.hash || left?.length !== right?.length) return false;
  while (left !== right && left !== null && right !== null) {
    if (left.value !== right.value) return false;
    [left, right] = [left.before, right.before];
  }
  return left === right;
}

function isPrefix(state: AppendListState | null, values: readonly string[]): boolean {
  if ((state?.length ?? 0) > values.length) return false;
  for (let at = state; at !== null; at = at.before) {
    if (at.value !== values[at.length - 1]) return false;
  }
  return true;
}
