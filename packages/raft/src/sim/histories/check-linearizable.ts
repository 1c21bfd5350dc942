/**
 * Tier 2 of the history checks: trusts nothing but what clients saw. Looks for one order of all
 * operations that a sequential machine explains and that keeps real time: what was called after a
 * return comes after it. Operations of unknown outcome may come anywhere after their call, or
 * never.
 *
 * The search is that of Wing and Gong (1993) with Lowe's memory of situations seen (2017), one
 * partition at a time (Horn and Kroening 2015). Three things are added, none of which changes a
 * verdict: a read that fits is taken at once and for good; an unknown operation is taken only where
 * it matters; and a situation is covered by one that used up fewer unknown ones.
 *
 * **Limits.** The question is NP-complete, and bad cases take time exponential in the number of
 * operations under way at once and in that of unknown writes: some ten concurrent clients and some
 * dozens of unknown writes a partition are usually fine if values are unique, and far less if
 * results tell little about the state (blind writes of equal values). What takes more than
 * `stepsMax` steps or `memoryWordsMax` words gets the verdict `unknown`, which is a failure: make
 * the history shorter, partition it, or use fewer clients. Stale reads are not judged.
 */
import { assertHistory, type History, type Operation } from "./history.ts";
import { LinearizationSearch } from "./linearization-search.ts";
import type { SequentialModel } from "./sequential-model.ts";

/** Steps of a search before it gives up: up to some ten seconds. One step applies one operation. */
export const stepsMaxDefault = 10_000_000;

/** Memory for situations seen before a search gives up: 256 MiB, states apart. */
export const memoryWordsMaxDefault: number = 2 ** 26;

export interface LinearizabilityLimits {
  /** Of all partitions together. */
  readonly stepsMax: number;
  /** Of each partition. */
  readonly memoryWordsMax: number;
}

export type LinearizabilityVerdict =
  | {
      readonly kind: "linearizable";
      readonly steps: number;
      /** Of each partition: its operations in an order that explains everything. */
      readonly orders: readonly (readonly number[])[];
    }
  | {
      readonly kind: "not-linearizable";
      readonly steps: number;
      readonly message: string;
      /** How far one can get: the longest order found, and what is under way after it. */
      readonly order: readonly number[];
      readonly stuck: readonly number[];
    }
  /** A failure: neither shown nor refuted within the limits. */
  | { readonly kind: "unknown"; readonly steps: number; readonly message: string };

/**
 * Judges a history by what clients saw.
 *
 * @invariant the history is well-formed (`assertHistory`; InvariantError)
 */
export function checkLinearizable<State, Input, Result>(
  history: History<Input, Result>,
  model: SequentialModel<State, Input, Result>,
  limits: Partial<LinearizabilityLimits> = {},
): LinearizabilityVerdict {
  assertHistory(history);
  const stepsMax = limits.stepsMax ?? stepsMaxDefault;
  const memoryWordsMax = limits.memoryWordsMax ?? memoryWordsMaxDefault;
  const orders: (readonly number[])[] = [];
  let steps = 0;
  for (const [partition, operations] of partitionsOf(history, model)) {
    const search = new LinearizationSearch(operations, model, stepsMax - steps, memoryWordsMax);
    const found = search.run();
    steps += search.steps;
    if (found.kind === "found") {
      orders.push(found.order);
      continue;
    }
    const { order, stuck } = found;
    const place = `${partition === "" ? "" : `partition ${partition}: `}after ${order.length} of ${
      operations.length
    } operations`;
    if (found.kind === "gave-up") {
      return { kind: "unknown", steps, message: `${place}: gave up: ${found.why}` };
    }
    const message = `${place} nothing under way fits ${found.state}: ${found.misfits.join("; ")}`;
    return { kind: "not-linearizable", steps, message, order, stuck };
  }
  return { kind: "linearizable", steps, orders };
}

/** What can have had an effect or was seen, by partition, in the order of calls. */
function partitionsOf<State, Input, Result>(
  history: History<Input, Result>,
  model: SequentialModel<State, Input, Result>,
): Map<string, Operation<Input, Result>[]> {
  const partitions = new Map<string, Operation<Input, Result>[]>();
  for (const operation of history) {
    const { kind, outcome, input } = operation;
    const matters = outcome.kind === "ok" || (outcome.kind === "info" && kind === "write");
    if (!matters || kind === "stale-read") continue;
    const partition = model.partition?.(input) ?? "";
    const others = partitions.get(partition);
    if (others === undefined) partitions.set(partition, [operation]);
    else others.push(operation);
  }
  return partitions;
}
