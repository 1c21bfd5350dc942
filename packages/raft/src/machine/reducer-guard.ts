/**
 * The guard of reducers in development: before a command gets into the log, it runs twice on copies
 * of this member's state, with time, chance, timers and network watched and its argument frozen.
 * What would make members differ is refused there, where nothing has happened yet; a guard at apply
 * could only stop members, each at its own time. Called by `reducer.ts`.
 */
import { QuorateError } from "../base/index.ts";
import { copyState, Transaction } from "./draft.ts";
import type { Watch } from "./machine-host.ts";
import { findDifference } from "./plain-difference.ts";

/** A command as it would be applied. */
export interface GuardedCommand {
  readonly machine: string;
  readonly command: string;
  readonly state: object;
  /** Decodes the argument anew: each run has its own. */
  decode(): unknown;
  run(state: object, argument: unknown): unknown;
}

/** What one run came to; `thrown` null: it did not throw. */
interface Run {
  readonly state: object;
  readonly result: unknown;
  readonly thrown: string | null;
}

/** @throws QuorateError `NONDETERMINISTIC`, not applied */
export function checkDeterministic(guarded: GuardedCommand, watch: Watch): void {
  const first = runOnce(guarded, watch);
  const second = runOnce(guarded, watch);
  const thrown = findDifference(first.thrown, second.thrown, "exception");
  const found =
    thrown ??
    findDifference(first.result, second.result, "result") ??
    findDifference(first.state, second.state, "state");
  if (found !== null) throw refusal(guarded, `two runs from the same state differ at ${found}`);
}

function runOnce(guarded: GuardedCommand, watch: Watch): Run {
  const state = copyState(guarded.state);
  const argument = freezeDeep(guarded.decode());
  const transaction = new Transaction(state, "write", "a result");
  let used: QuorateError | null = null;
  try {
    const result = watch(
      () => guarded.run(transaction.root, argument),
      (name) => {
        used ??= refusal(guarded, `it uses ${name}`);
        throw used; // with the stack of the reducer
      },
    );
    if (used !== null) throw used; // the reducer caught it
    transaction.prepare();
    const copy = transaction.copyResult(result);
    transaction.commit();
    return { state, result: copy, thrown: null };
  } catch (error) {
    transaction.close();
    if (used !== null) throw used;
    if (isFrozenWrite(error)) throw refusal(guarded, "it changes its argument", error);
    return { state, result: undefined, thrown: String(error) };
  }
}

/** What writing to frozen data throws. */
function isFrozenWrite(error: unknown): boolean {
  return (
    error instanceof TypeError && /read only|not extensible|delete property/.test(error.message)
  );
}

function freezeDeep(value: unknown): unknown {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  for (const inner of Object.values(value)) freezeDeep(inner);
  return Object.freeze(value);
}

function refusal(
  { machine, command }: GuardedCommand,
  reason: string,
  cause?: unknown,
): QuorateError<"NONDETERMINISTIC"> {
  const text = `Cannot propose "${command}" of "${machine}": ${reason}, so members would differ`;
  return new QuorateError("NONDETERMINISTIC", text, {
    outcome: "not-applied",
    retry: "never",
    hint: "Use context.now and context.random(), or pass what is needed in the argument.",
    details: { machine, command, reason },
    cause,
  });
}
