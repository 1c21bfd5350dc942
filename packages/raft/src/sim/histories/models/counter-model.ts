/** A number that clients add to and read. Finds lost and doubled commands at once. */
import { mixHash } from "../hash-text.ts";
import type { SequentialModel } from "../sequential-model.ts";

export type CounterInput =
  | { readonly kind: "read" }
  | { readonly kind: "add"; readonly amount: number };

/** Results are the total after the operation. */
export const counterModel: SequentialModel<number, CounterInput, number> = {
  name: "counter",
  initial: 0,
  answer: total,
  next: total,
  sameResult: (a, b) => a === b,
  hash: (state) => mixHash(1, state),
  sameState: (a, b) => a === b,
  describeInput: (input) => (input.kind === "read" ? "read" : `add ${input.amount}`),
  describeResult: (result) => `${result}`,
};

function total(state: number, input: CounterInput): number {
  return input.kind === "add" ? state + input.amount : state;
}
