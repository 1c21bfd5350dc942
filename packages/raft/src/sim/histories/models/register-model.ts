/** One value that is read, written, and compared and set. The smallest machine worth checking. */
import { hashText, mixHash } from "../hash-text.ts";
import type { SequentialModel } from "../sequential-model.ts";

export type RegisterValue = number | string | null;

export type RegisterInput =
  | { readonly kind: "read" }
  | { readonly kind: "write"; readonly value: RegisterValue }
  /** Sets the value if it is as expected. */
  | {
      readonly kind: "compare-and-set";
      readonly expected: RegisterValue;
      readonly value: RegisterValue;
    };

/** `read`: the value; `write`: true; `compare-and-set`: whether it did. */
export type RegisterResult = RegisterValue | boolean;

export function createRegisterModel(
  initial: RegisterValue,
): SequentialModel<RegisterValue, RegisterInput, RegisterResult> {
  return {
    name: "register",
    initial,
    answer: (state, input) => {
      switch (input.kind) {
        case "read":
          return state;
        case "write":
          return true;
        case "compare-and-set":
          return state === input.expected;
      }
      return input satisfies never;
    },
    next: (state, input) => {
      if (input.kind === "read") return state;
      if (input.kind === "write") return input.value;
      return state === input.expected ? input.value : state;
    },
    sameResult: (a, b) => a === b,
    hash: (state) => (typeof state === "number" ? mixHash(1, state) : hashText(state ?? "")),
    sameState: (a, b) => a === b,
    describeInput: (input) => {
      if (input.kind === "read") return "read";
      if (input.kind === "write") return `write ${JSON.stringify(input.value)}`;
      return `compare-and-set ${JSON.stringify(input.expected)} ${JSON.stringify(input.value)}`;
    },
    describeResult: (result) => JSON.stringify(result),
  };
}
