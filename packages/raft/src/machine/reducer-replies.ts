/**
 * How a session keeps the outcome of a typed command. Texts of exceptions are left out: engines
 * word them differently, and members must agree on every byte. Called by `reducer.ts`.
 */
import { concatBytes, FormatError } from "../base/index.ts";
import type { CommandOutcome } from "./command-outcome.ts";
import { type ReplyCodec, valueReplies } from "./raw-machine.ts";

const kinds = { value: 0, failed: 1, "result-lost": 2 } as const;

export const outcomeReplies: ReplyCodec = {
  encode(result) {
    // what `apply` of a typed machine returns
    const outcome = result as CommandOutcome;
    if (outcome.kind !== "value") return Uint8Array.of(kinds[outcome.kind]);
    const value = valueReplies.encode(outcome.value);
    return value === null ? null : concatBytes([Uint8Array.of(kinds.value), value]);
  },
  decode(bytes): CommandOutcome {
    switch (bytes[0]) {
      case kinds.value:
        return { kind: "value", value: valueReplies.decode(bytes.subarray(1)) };
      case kinds.failed:
        return { kind: "failed", error: new Error(`the reducer threw, ${untold}`) };
      case kinds["result-lost"]:
        return { kind: "result-lost", error: new Error(`it is no plain data, ${untold}`) };
      default:
        throw new FormatError(`unknown kind of reply ${bytes[0]}`);
    }
  },
};

const untold = "at an earlier attempt whose answer was lost; sessions keep no texts of exceptions";
